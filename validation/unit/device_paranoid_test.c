/* SPDX-License-Identifier: MIT */
/* device_paranoid_test.c - what is right works as on the CPU; what would be
 * wrong on a GPU ends the process: such calls run in a child. */
#include "cpu/device_paranoid.h"

#include "base/mem.h"
#include "cpu/device_cpu.h"
#include "device/device.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 100 };

struct bench {
    struct device *d;
    struct memory m;
    float *a, *b; /* device [N] */
};

static enum err build(struct bench *b)
{
    void *data;

    TRY(arena_take(&b->m.work, N * sizeof(float), &data));
    b->a = data;
    TRY(arena_take(&b->m.work, N * sizeof(float), &data));
    b->b = data;
    return OK;
}

static void numbers(float *x, float first)
{
    for (int i = 0; i < N; i++)
        x[i] = first + (float)i;
}

static struct tensor view(float *x)
{
    return (struct tensor){.data = x, .n = 1, .c = N, .ld = N};
}

/* How a child ends that does what it must not: the signal, or 0. */
static int ends(void (*act)(struct bench *b), struct bench *b)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        fclose(stderr);
        signal(SIGSEGV, SIG_DFL); /* not cmocka's */
        signal(SIGABRT, SIG_DFL);
        act(b);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void transfers_arrive(void **state)
{
    struct bench *b = *state;
    float from[N], to[N];

    numbers(from, -50);
    b->d->put(b->d, b->a, from, sizeof from);
    b->d->copy(b->d, b->b, b->a, sizeof from);
    b->d->zero(b->d, b->a, sizeof from);
    b->d->get(b->d, to, b->b, sizeof to);
    b->d->copy(b->d, b->b, b->a, sizeof from); /* after what get saw */
    assert_true(isnan(to[0]) && isnan(to[N - 1]));
    b->d->sync(b->d);
    assert_memory_equal(from, to, sizeof to);
    from[0] = 1; /* after sync it may change */
    b->d->sync(b->d);
    b->d->get(b->d, to, b->b, sizeof to);
    b->d->sync(b->d);
    for (int i = 0; i < N; i++)
        assert_true(to[i] == 0);
}

static void kernels_reach_their_memory(void **state)
{
    struct bench *b = *state;
    struct tensor x = view(b->a), y = view(b->b);
    float from[N], to[N];

    numbers(from, -50);
    b->d->put(b->d, b->a, from, sizeof from);
    b->d->k.node.relu_fwd(&x, &y);
    b->d->get(b->d, to, b->b, sizeof to);
    b->d->sync(b->d);
    for (int i = 0; i < N; i++)
        assert_true(to[i] == fmaxf(from[i], 0));
}

static void sums_are_poison_until_finish(void **state)
{
    struct bench *b = *state;
    float from[N], during[N], after[N];

    numbers(from, 3);
    assert_int_equal(b->d->reduce_room(b->d, 1, N, DEVICE_REAL), OK);
    b->d->put(b->d, b->a, from, sizeof from);
    b->d->reduce_begin(b->d, 1, b->a, N, DEVICE_REAL);
    b->d->get(b->d, during, b->a, sizeof during);
    b->d->reduce_finish(b->d, 1);
    b->d->get(b->d, after, b->a, sizeof after);
    b->d->sync(b->d);
    assert_true(isnan(during[0]) && isnan(during[N - 1]));
    assert_memory_equal(after, from, sizeof from);
}

static void poison_is_nan(void **state)
{
    struct bench *b = *state;
    float to[N];

    device_paranoid_poison(b->d, b->a, sizeof to);
    b->d->get(b->d, to, b->a, sizeof to);
    b->d->sync(b->d);
    for (int i = 0; i < N; i++)
        assert_true(isnan(to[i]));
}

static void memory_starts_as_zeros(void **state)
{
    struct bench *b = *state;
    float to[N], zeros[N] = {0};

    b->d->get(b->d, to, b->a, sizeof to);
    b->d->sync(b->d);
    assert_memory_equal(to, zeros, sizeof to);
}

static void host_reads(struct bench *b)
{
    volatile float x = b->a[0];

    (void)x;
}

static void host_writes(struct bench *b)
{
    b->a[0] = 1;
}

/* In a kernel: the arena ends behind b. */
static void kernel_overruns(struct bench *b)
{
    struct tensor x = view(b->a), y = view(b->b);

    x.n = y.n = 2;
    b->d->k.node.relu_fwd(&x, &y);
}

static void host_changes_what_it_put(struct bench *b)
{
    float from[N] = {0};

    b->d->put(b->d, b->a, from, sizeof from);
    from[N - 1] = 1;
    b->d->sync(b->d);
}

static void kernel_takes_host_memory(struct bench *b)
{
    float on_host[N] = {0};
    struct tensor x = view(on_host), y = view(b->a);

    b->d->k.node.relu_fwd(&x, &y);
}

static void kernel_takes_a_host_scalar(struct bench *b)
{
    struct tensor y = view(b->a);
    double scale = 1;

    b->d->k.node.loss(LOSS_KIND_L1, &y, &y, &scale, &y, (double *)b->b);
}

static void kernel_takes_a_host_count(struct bench *b)
{
    struct tensor x = view(b->a), y = view(b->b);
    int one = 1;

    x.used = &one;
    b->d->k.node.relu_fwd(&x, &y);
}

static void put_to_the_host(struct bench *b)
{
    float x = 1, y;

    b->d->put(b->d, &y, &x, sizeof x);
}

static void get_too_much(struct bench *b)
{
    float to[3 * N];

    b->d->get(b->d, to, b->a, sizeof to);
}

static void sum_twice_in_a_slot(struct bench *b)
{
    if (b->d->reduce_room(b->d, 0, N, DEVICE_REAL) != OK)
        _exit(1);
    b->d->reduce_begin(b->d, 0, b->a, N, DEVICE_REAL);
    b->d->reduce_begin(b->d, 0, b->b, N, DEVICE_REAL);
}

static void sum_without_room(struct bench *b)
{
    b->d->reduce_begin(b->d, 0, b->a, N, DEVICE_REAL);
}

static void misuse_ends_the_process(void **state)
{
    static const struct {
        void (*act)(struct bench *b);
        int signal;
    } acts[] = {
        {host_reads, SIGSEGV},
        {host_writes, SIGSEGV},
        {kernel_overruns, SIGSEGV},
        {host_changes_what_it_put, SIGABRT},
        {kernel_takes_host_memory, SIGABRT},
        {kernel_takes_a_host_scalar, SIGABRT},
        {kernel_takes_a_host_count, SIGABRT},
        {put_to_the_host, SIGABRT},
        {get_too_much, SIGABRT},
        {sum_twice_in_a_slot, SIGABRT},
        {sum_without_room, SIGABRT},
    };

    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (ends(acts[i].act, *state) != acts[i].signal)
            fail_msg("misuse %zu went through", i);
}

/* The CPU device by the same calls, where sync is not needed. */
static void cpu_does_the_same(void **state)
{
    float from[N], to[N];
    struct bench b = {.m = memory_measure()};

    (void)state;
    assert_int_equal(device_cpu_open(NULL, ISA_REF, sizeof(float), &b.d), OK);
    assert_string_equal(b.d->name, "cpu");
    assert_int_equal(build(&b), OK);
    assert_int_equal(memory_open(&b.m, &b.d->memory), OK);
    assert_int_equal(build(&b), OK);
    numbers(from, 1);
    assert_int_equal(b.d->reduce_room(b.d, 0, N, DEVICE_REAL), OK);
    b.d->put(b.d, b.a, from, sizeof from);
    b.d->reduce_begin(b.d, 0, b.a, N, DEVICE_REAL);
    b.d->reduce_finish(b.d, 0);
    b.d->copy(b.d, b.b, b.a, sizeof from);
    b.d->zero(b.d, b.a, sizeof(float));
    b.d->get(b.d, to, b.b, sizeof to);
    b.d->sync(b.d);
    assert_memory_equal(to, from, sizeof to);
    assert_true(b.a[0] == 0 && b.a[1] == from[1]);
    memory_close(&b.m);
    device_close(&b.d);
    assert_null(b.d);
}

static void failures_say_why(void **state)
{
    struct device *d = NULL;
    const char *why;

    (void)state;
    if (cpuid_runs(ISA_AMX, &why)) /* this machine lacks nothing */
        return;
    assert_int_equal(device_cpu_open(NULL, ISA_AMX, sizeof(float), &d),
                     ERR_ENVIRONMENT);
    assert_non_null(strstr(err_message(), why));
    assert_non_null(strstr(err_message(), "found amx"));
    assert_null(d);
}

static int setup(void **state)
{
    static struct bench b;

    b = (struct bench){.m = memory_measure()};
    *state = &b;
    return device_paranoid_open(NULL, ISA_REF, sizeof(float), &b.d) ||
                   build(&b) || memory_open(&b.m, &b.d->memory) || build(&b)
               ? -1
               : 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    memory_close(&b->m);
    device_close(&b->d);
    return mem_live();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transfers_arrive, setup, teardown),
        cmocka_unit_test_setup_teardown(kernels_reach_their_memory, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sums_are_poison_until_finish, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(poison_is_nan, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_starts_as_zeros, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(misuse_ends_the_process, setup,
                                        teardown),
        cmocka_unit_test(cpu_does_the_same),
        cmocka_unit_test(failures_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
