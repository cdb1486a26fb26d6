/* SPDX-License-Identifier: MIT */
/* device_sum_test.c - sums over ranks on both CPU devices: alone, and by
 * comm_ranks.t as several ranks. Two sums are under way at once. */
#include "base/mem.h"
#include "comm/comm.h"
#include "cpu/device_cpu.h"
#include "cpu/device_paranoid.h"
#include "device/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { N = 1000 };

static struct comm *comm;

static enum err take(struct memory *m, size_t real, void **reals,
                     int64_t **whole)
{
    void *data;

    TRY(arena_take(&m->work, N * real, reals));
    TRY(arena_take(&m->work, N * sizeof(int64_t), &data));
    *whole = data;
    return OK;
}

/* Rank r has r + i: small whole numbers, exact in every precision. */
static void add(struct device *d)
{
    struct memory m = memory_measure();
    int ranks = comm_size(comm), rank = comm_rank(comm);
    int64_t *whole = NULL, from[N], to[N];
    float single[N], got[N];
    void *reals = NULL;

    assert_int_equal(take(&m, d->k.real, &reals, &whole), OK);
    assert_int_equal(memory_open(&m, &d->memory), OK);
    assert_int_equal(take(&m, d->k.real, &reals, &whole), OK);
    for (int i = 0; i < N; i++) {
        from[i] = rank + i;
        single[i] = (float)(rank - i);
    }
    d->put(d, whole, from, sizeof from);
    d->put(d, reals, single, sizeof single);
    assert_int_equal(d->reduce_room(d, 0, N, DEVICE_INT64), OK);
    assert_int_equal(d->reduce_room(d, 7, N, DEVICE_REAL), OK);
    d->reduce_begin(d, 0, whole, N, DEVICE_INT64);
    d->reduce_begin(d, 7, reals, N, DEVICE_REAL);
    d->reduce_finish(d, 0);
    d->reduce_finish(d, 7);
    d->get(d, to, whole, sizeof to);
    d->get(d, got, reals, sizeof got);
    d->sync(d);
    for (int i = 0; i < N; i++) {
        assert_int_equal(to[i], ranks * (ranks - 1) / 2 + ranks * i);
        assert_true(got[i] == (float)(ranks * (ranks - 1) / 2 - ranks * i));
    }
    memory_close(&m);
}

static void cpu_adds(void **state)
{
    struct device *d;

    assert_int_equal(device_cpu_open(comm, ISA_REF, sizeof(float), &d), OK);
    add(d);
    device_close(&d);
    assert_int_equal(mem_live(), *(int *)*state);
}

static void paranoid_adds(void **state)
{
    struct device *d;

    assert_int_equal(device_paranoid_open(comm, ISA_REF, sizeof(float), &d),
                     OK);
    add(d);
    device_close(&d);
    assert_int_equal(mem_live(), *(int *)*state);
}

int main(int argc, char **argv)
{
    static int live;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(cpu_adds, &live),
        cmocka_unit_test_prestate(paranoid_adds, &live),
    };
    int failed;

    if (comm_open(&argc, &argv, &comm) != OK) {
        err_print(stderr);
        return 1;
    }
    failed = comm_add_room(comm, 0, N, COMM_INT64) != OK ||
             comm_add_room(comm, 7, N, COMM_FLOAT) != OK; /* comm keeps it */
    live = mem_live();
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    comm_close(&comm, failed ? ERR_OTHER : OK);
    return failed != 0;
}
