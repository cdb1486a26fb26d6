/* SPDX-License-Identifier: MIT */
/* window_test.c - one copy a node, seen by all; one a rank when refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/window.h"

static struct comm *comm;

static void all_see_what_one_writes(void **state)
{
    enum { N = 100000 };
    struct window *w;
    void *data;
    int32_t *x;

    (void)state;
    assert_int_equal(window_open(comm, N * sizeof *x, &w, &data), OK);
    assert_true(window_is_shared(w));
    assert_int_equal(window_is_mine(w), comm_node_rank(comm) == 0);
    assert_int_equal((uintptr_t)data % sizeof(double), 0);
    x = data;
    for (int i = 0; i < N; i++)
        assert_int_equal(x[i], 0);
    window_fence(comm, w);
    if (window_is_mine(w))
        for (int i = 0; i < N; i++)
            x[i] = i + 1;
    window_fence(comm, w);
    for (int i = 0; i < N; i++)
        assert_int_equal(x[i], i + 1);
    window_close(comm, &w);
    assert_null(w);
    window_close(comm, &w);
}

static void seats_are_seen_by_all(void **state)
{
    enum { N = 1024 };
    int seats = comm_node_size(comm), own = comm_node_rank(comm);
    struct window *w;
    void *data;
    int64_t *x;

    (void)state;
    assert_int_equal(window_open_seats(comm, N * sizeof *x, &w, &data), OK);
    assert_true(window_is_shared(w));
    x = data;
    for (int i = 0; i < N; i++)
        assert_int_equal(x[own * N + i], 0);
    for (int i = 0; i < N; i++)
        x[own * N + i] = own * N + i + 1;
    window_fence(comm, w);
    for (int i = 0; i < seats * N; i++)
        assert_int_equal(x[i], i + 1);
    window_close(comm, &w);
}

/* The end goes back; what is before it stays as it is. */
static void the_end_is_released(void **state)
{
    enum { N = 1 << 21, KEPT = 1000 };
    struct window *w;
    void *data;
    int32_t *x;

    (void)state;
    assert_int_equal(window_open(comm, N * sizeof *x, &w, &data), OK);
    x = data;
    if (window_is_mine(w))
        for (int i = 0; i < N; i++)
            x[i] = i + 1;
    window_release(comm, w, x + KEPT, (N - KEPT) * sizeof *x);
    for (int i = 0; i < KEPT; i++)
        assert_int_equal(x[i], i + 1);
    window_release(comm, w, x + KEPT, 0);
    window_close(comm, &w);
}

static void nothing_is_a_window_too(void **state)
{
    struct window *w;
    void *data;

    (void)state;
    assert_int_equal(window_open(comm, 0, &w, &data), OK);
    window_fence(comm, w);
    window_close(comm, &w);
}

/* No /dev/shm has as many bytes, and no memory. */
static void too_much_is_refused_by_all(void **state)
{
    struct window *w = NULL;
    void *data = NULL;
    int64_t said;

    (void)state;
    assert_int_equal(window_open(comm, PTRDIFF_MAX, &w, &data),
                     ERR_ENVIRONMENT);
    assert_null(w);
    assert_null(data);
    said = err_message()[0] != 0;
    comm_add(comm, &said, 1, COMM_INT64);
    assert_int_equal(said, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_see_what_one_writes),
        cmocka_unit_test(seats_are_seen_by_all),
        cmocka_unit_test(the_end_is_released),
        cmocka_unit_test(nothing_is_a_window_too),
        cmocka_unit_test(too_much_is_refused_by_all),
    };
    int failed = comm_open(&argc, &argv, &comm);

    if (failed) {
        err_print(stderr);
        return failed;
    }
    log_init(comm_rank(comm), 1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    comm_close(&comm, failed ? ERR_OTHER : OK);
    return failed || mem_live() != 0;
}
