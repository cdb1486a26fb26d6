/* SPDX-License-Identifier: MIT */
/* buckets_test.c - buckets are a partition, in the order of the backward pass;
 * their sums over ranks are the sum of the whole, bit for bit: alone, and by
 * comm_ranks.t as several ranks. */
#include "base/mem.h"
#include "comm/comm.h"
#include "cpu/device_cpu.h"
#include "cpu/device_paranoid.h"
#include "run/buckets.h"
#include "validation/noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 12, M = 1 << 20 };

/* Sizes of what each step completes. */
static const struct arena_shape {
    int steps;
    int64_t size[STEPS];
} shapes[] = {
    {1, {17}},
    {1, {10 * M}},
    {2, {100000, 100000}},
    {8, {M, M, M, M, M, M, M, M / 4}}, /* as the default model */
    {4, {16, 16, 16, 10 * M}},
    {4, {10 * M, 16, 16, 16}},
    {12, {16, 16, M, 16, 16, M, 16, 16, M, 16, 16, M}},
    {10, {M, 1, M, 1, M, 1, M, 1, M, 1}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static struct comm *comm;

static int64_t steps_of(const struct arena_shape *a, int64_t from[])
{
    int64_t numbers = 0, at;

    for (int i = 0; i < a->steps; i++)
        numbers += a->size[i];
    at = numbers;
    for (int i = 0; i < a->steps; i++)
        from[i] = at -= a->size[i];
    return numbers;
}

static void every_number_is_in_one_bucket(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES; k++) {
        int64_t from[STEPS], end = steps_of(&shapes[k], from);
        struct buckets b = buckets_of(end, shapes[k].steps, from);
        int step = 0;

        assert_true(b.n >= 1 && b.n <= BUCKETS);
        assert_int_equal(b.begun, 0);
        for (int i = 0; i < b.n; i++) {
            assert_int_equal(b.end[i], end);
            end = b.first[i];
            assert_true(end < b.end[i]);
            while (step < shapes[k].steps && from[step] != end)
                step++; /* between steps, never within one */
            assert_true(step < shapes[k].steps);
        }
        assert_int_equal(end, 0);
    }
}

/* Without layers that are too large or too small nobody has over two shares. */
static void shares_are_equal(void **state)
{
    int64_t from[STEPS], n = steps_of(&shapes[3], from);
    struct buckets b = buckets_of(n, shapes[3].steps, from);

    (void)state;
    assert_int_equal(b.n, BUCKETS);
    for (int i = 0; i < b.n; i++)
        assert_true(b.end[i] - b.first[i] <= 2 * (n / BUCKETS + 1));
}

/* --- their sums ----------------------------------------------------------- */

enum { LAYER = 70000, LAYERS = 4, N = LAYER * LAYERS };

struct bench {
    struct device *d;
    struct memory m;
    float *parts, *whole; /* device [N] */
    float *from, *a, *b;  /* host [N] */
};

static enum err build(struct bench *o)
{
    void *data;

    TRY(arena_take(&o->m.work, N * sizeof(float), &data));
    o->parts = data;
    TRY(arena_take(&o->m.work, N * sizeof(float), &data));
    o->whole = data;
    return OK;
}

static void open_bench(struct bench *o, struct device *d)
{
    void *data;

    *o = (struct bench){.d = d, .m = memory_measure()};
    assert_int_equal(mem_alloc(3 * N, sizeof(float), "numbers", &data), OK);
    o->from = data;
    o->a = o->from + N;
    o->b = o->a + N;
    assert_int_equal(build(o), OK);
    assert_int_equal(memory_open(&o->m, &d->memory), OK);
    assert_int_equal(build(o), OK);
}

static void close_bench(struct bench *o)
{
    memory_close(&o->m);
    device_close(&o->d);
    mem_free(o->from);
}

/* The last rank has no part: it begins all at once. */
static void assert_sums_are_equal(struct bench *o, int turn)
{
    struct device *d = o->d;
    int64_t steps[LAYERS] = {3 * LAYER, 2 * LAYER, LAYER, 0};
    struct buckets b = buckets_of(N, LAYERS, steps);
    int rank = comm_rank(comm), late = rank > 0 && rank == comm_size(comm) - 1;

    for (int i = 0; i < N; i++)
        o->from[i] = (float)(noise((uint64_t)((rank + 3 * turn) * N + i)) /
                             (1 + 1000 * (i % 3)));
    d->put(d, o->parts, o->from, N * sizeof(float));
    d->put(d, o->whole, o->from, N * sizeof(float));
    assert_int_equal(buckets_room(&b, d, DEVICE_REAL), OK);
    assert_int_equal(d->reduce_room(d, BUCKETS, N, DEVICE_REAL), OK);
    for (int i = 0; i < LAYERS && !late; i++)
        buckets_begin(&b, d, o->parts, sizeof(float), DEVICE_REAL, steps[i]);
    buckets_begin(&b, d, o->parts, sizeof(float), DEVICE_REAL, 0);
    assert_int_equal(b.begun, b.n);
    d->reduce_begin(d, BUCKETS, o->whole, N, DEVICE_REAL);
    buckets_finish(&b, d);
    assert_int_equal(b.begun, 0);
    d->reduce_finish(d, BUCKETS);
    d->get(d, o->a, o->parts, N * sizeof(float));
    d->get(d, o->b, o->whole, N * sizeof(float));
    d->sync(d);
    assert_memory_equal(o->a, o->b, N * sizeof(float));
    comm_broadcast(comm, o->b, N * sizeof(float), 0);
    assert_memory_equal(o->a, o->b, N * sizeof(float));
    assert_int_equal(memcmp(o->a, o->from, N * sizeof(float)) == 0,
                     comm_size(comm) == 1);
}

static void sums_of_buckets_are_those_of_the_whole(void **state)
{
    struct device *d;
    struct bench o;

    (void)state;
    assert_int_equal(device_cpu_open(comm, ISA_REF, sizeof(float), &d), OK);
    open_bench(&o, d);
    for (int turn = 0; turn < 3; turn++)
        assert_sums_are_equal(&o, turn);
    close_bench(&o);
}

static void on_the_paranoid_device_too(void **state)
{
    struct device *d;
    struct bench o;

    (void)state;
    assert_int_equal(device_paranoid_open(comm, ISA_REF, sizeof(float), &d),
                     OK);
    open_bench(&o, d);
    assert_sums_are_equal(&o, 0);
    close_bench(&o);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_in_one_bucket),
        cmocka_unit_test(shares_are_equal),
        cmocka_unit_test(sums_of_buckets_are_those_of_the_whole),
        cmocka_unit_test(on_the_paranoid_device_too),
    };
    int failed;

    if (comm_open(&argc, &argv, &comm) != OK) {
        err_print(stderr);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    comm_close(&comm, failed ? ERR_OTHER : OK);
    return failed || mem_live() != 0;
}
