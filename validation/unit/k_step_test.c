/* SPDX-License-Identifier: MIT */
/* k_step_test.c - optimisers against the formulas of theory.md section 7
 * written out number by number, the grid, and the norm. */
#include "base/mem.h"
#include "cpu/registry.h"
#include "device/kernels.h"
#include "noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { N = 50, TENSORS = 3, STEPS = 4 };

static const int64_t begin[TENSORS + 1] = {0, 0, 20, N};

struct bench {
    struct kernels k;
    struct optim o;
    struct optim_scalars scalars;
    double p[N], g[N], m[N], v[N], average[N], work[2 * TENSORS];
    double q[N], qm[N], qv[N], qa[N]; /* the same, by formula */
};

static double norm_of(const double *x, int64_t first, int64_t last)
{
    double sum = 0;

    for (int64_t i = first; i < last; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static void adam_formula(struct bench *b, const double *g, int t, double *u)
{
    const struct optim *o = &b->o;

    for (int i = 0; i < N; i++) {
        b->qm[i] = o->beta1 * b->qm[i] + (1 - o->beta1) * g[i];
        b->qv[i] = o->beta2 * b->qv[i] + (1 - o->beta2) * g[i] * g[i];
        u[i] = b->qm[i] / (1 - pow(o->beta1, t)) /
                   (sqrt(b->qv[i] / (1 - pow(o->beta2, t))) + o->eps) +
               o->weight_decay * b->q[i];
    }
}

static void adamw_formula(struct bench *b, const double *g, int t)
{
    double u[N];

    adam_formula(b, g, t, u);
    for (int i = 0; i < N; i++)
        b->q[i] -= b->scalars.lr * u[i];
}

static void lamb_formula(struct bench *b, const double *g, int t)
{
    double u[N], unit[N], norm = fmax(1, norm_of(g, 0, N));

    for (int i = 0; i < N; i++)
        unit[i] = g[i] / norm;
    adam_formula(b, unit, t, u);
    for (int k = 0; k < TENSORS; k++) {
        double pp = norm_of(b->q, begin[k], begin[k + 1]);
        double uu = norm_of(u, begin[k], begin[k + 1]);
        double ratio =
            pp == 0 || uu == 0 || b->o.weight_decay == 0 ? 1 : pp / uu;

        for (int64_t i = begin[k]; i < begin[k + 1]; i++)
            b->q[i] -= b->scalars.lr * ratio * u[i];
    }
}

static void sgd_formula(struct bench *b, const double *g, int t)
{
    for (int i = 0; i < N; i++) {
        double d = g[i] + b->o.weight_decay * b->q[i];

        b->qm[i] = t == 1 ? d : b->o.momentum * b->qm[i] + d;
        b->q[i] -= b->scalars.lr * b->qm[i];
    }
}

static void (*const formulas[])(struct bench *b, const double *g, int t) = {
    [OPTIM_ADAMW] = adamw_formula,
    [OPTIM_LAMB] = lamb_formula,
    [OPTIM_SGD] = sgd_formula,
};

static void step(struct bench *b, int t)
{
    double g[N], clip = 1, norm;

    for (int i = 0; i < N; i++)
        b->g[i] = noise((uint64_t)(1000 * t + i));
    norm = norm_of(b->g, 0, N);
    if (b->o.clip_norm > 0)
        clip = fmin(1, b->o.clip_norm / (norm + 1e-6));
    for (int i = 0; i < N; i++)
        g[i] = clip * b->g[i];
    formulas[b->o.kind](b, g, t);
    for (int i = 0; i < N; i++)
        b->qa[i] = b->o.ema * b->qa[i] + (1 - b->o.ema) * b->q[i];
    b->scalars.bias1 = 1 - pow(b->o.beta1, t);
    b->scalars.bias2 = 1 - pow(b->o.beta2, t);
    b->scalars.grad_norm = norm;
    b->k.step.optim_step(&b->o);
}

/* Some ten operations a step; numbers of order one. */
static void assert_same(const double *x, const double *y)
{
    for (int i = 0; i < N; i++)
        assert_true(fabs(x[i] - y[i]) < 1e-13);
}

static void start(struct bench *b, enum optim_kind kind, double clip,
                  double decay)
{
    b->o.kind = kind;
    b->o.clip_norm = clip;
    b->o.weight_decay = decay;
    for (int i = 0; i < N; i++) {
        b->p[i] = b->q[i] = noise((uint64_t)i);
        b->average[i] = b->qa[i] = b->p[i];
        b->m[i] = b->v[i] = b->qm[i] = b->qv[i] = 0;
    }
}

/* norm(g) is about 4: clipped at 2 or 0.5 (LAMB: no division then), or not. */
static void steps_follow_the_formula(void **state)
{
    static const double clips[] = {0, 0.5, 2, 100};
    struct bench *b = *state;

    for (enum optim_kind kind = OPTIM_ADAMW; kind <= OPTIM_SGD; kind++)
        for (int i = 0; i < 8; i++) {
            start(b, kind, clips[i % 4], i < 4 ? 0.1 : 0);
            for (int t = 1; t <= STEPS; t++)
                step(b, t);
            assert_same(b->p, b->q);
            assert_same(b->m, b->qm);
            assert_same(b->average, b->qa);
        }
}

/* A tensor of zeros moves at the plain rate. */
static void lamb_starts_from_zero(void **state)
{
    struct bench *b = *state;

    start(b, OPTIM_LAMB, 0, 0.1);
    for (int64_t i = begin[1]; i < begin[2]; i++)
        b->p[i] = b->q[i] = 0;
    step(b, 1);
    assert_same(b->p, b->q);
    assert_true(b->p[0] != 0);
}

static void nothing_moves_without_a_norm(void **state)
{
    static const double bad[] = {(double)NAN, (double)INFINITY};
    struct bench *b = *state;

    for (enum optim_kind kind = OPTIM_ADAMW; kind <= OPTIM_SGD; kind++)
        for (int i = 0; i < 2; i++) {
            start(b, kind, 1, 0.1);
            b->g[3] = bad[i];
            b->scalars.grad_norm = bad[i];
            b->k.step.optim_step(&b->o);
            assert_memory_equal(b->p, b->q, sizeof b->p);
            assert_memory_equal(b->m, b->qm, sizeof b->m);
            assert_memory_equal(b->v, b->qv, sizeof b->v);
            assert_memory_equal(b->average, b->qa, sizeof b->p);
        }
}

/* The same integers in any order; each part is rounded to the grid. */
static void order_of_parts_is_nothing(void **state)
{
    struct bench *b = *state;
    int64_t grid[N + 1] = {0}, other[N + 1] = {0};

    memset(b->p, 0, sizeof b->p);
    for (int part = 0; part < 3; part++) {
        for (int i = 0; i < N; i++) {
            b->g[i] = noise((uint64_t)(100 * part + i)) * 0x1p-30;
            b->p[i] += b->g[i];
        }
        b->k.step.grid_add(b->g, N, 3, grid);
    }
    for (int part = 2; part >= 0; part--) {
        for (int i = 0; i < N; i++)
            b->g[i] = noise((uint64_t)(100 * part + i)) * 0x1p-30;
        b->k.step.grid_add(b->g, N, 3, other);
    }
    assert_memory_equal(grid, other, sizeof grid);
    b->k.step.grid_get(grid, N, b->g);
    for (int i = 0; i < N; i++)
        assert_true(fabs(b->g[i] - b->p[i]) <= 1.5 * 0x1p-50);
}

static void grid_counts_what_is_beyond(void **state)
{
    static const double beyond[] = {(double)NAN, (double)INFINITY, -0x1p10,
                                    0x1p10};
    struct bench *b = *state;

    for (int i = 0; i < 4; i++) {
        int64_t grid[N + 1] = {0};

        memset(b->g, 0, sizeof b->g);
        b->g[7] = beyond[i];
        b->k.step.grid_add(b->g, N, 4, grid);
        assert_int_equal(grid[N], 1);
        assert_int_equal(grid[7], 0);
        b->k.step.grid_get(grid, N, b->g);
        assert_true(isnan(b->g[0]));
    }
}

static void largest_parts_fit(void **state)
{
    struct bench *b = *state;
    int64_t grid[N + 1] = {0};
    double below = nextafter(0x1p12 / 12, 0);

    memset(b->g, 0, sizeof b->g);
    b->g[0] = -below;
    b->g[1] = below;
    for (int part = 0; part < 12; part++)
        b->k.step.grid_add(b->g, N, 12, grid);
    b->k.step.grid_get(grid, N, b->g);
    assert_int_equal(grid[N], 0);
    assert_true(fabs(b->g[0] + 0x1p12) < 1e-9);
    assert_true(fabs(b->g[1] - 0x1p12) < 1e-9);
}

/* Lengths around the block's; the sum of 12,289 squares in double. */
static void norm_is_the_root(void **state)
{
    static double g[3 * 4096 + 1], work[4];
    static const int64_t lengths[] = {0, 1, 7, 4095, 4096, 4097, 12289};
    struct bench *b = *state;

    for (int i = 0; i < 12289; i++)
        g[i] = noise((uint64_t)i);
    for (int i = 0; i < 7; i++) {
        double norm = -1, e = norm_of(g, 0, lengths[i]);

        assert_true(b->k.step.norm_blocks(lengths[i]) <= 4);
        b->k.step.grad_norm(g, lengths[i], work, &norm);
        assert_true(fabs(norm - e) <= 1e-12 * e);
    }
    g[5000] = (double)NAN;
    b->k.step.grad_norm(g, 12289, work, &work[0]);
    assert_true(isnan(work[0]));
}

static int setup(void **state)
{
    static struct bench b;

    b.scalars = (struct optim_scalars){.lr = 0.02};
    b.o = (struct optim){.beta1 = 0.9,
                         .beta2 = 0.999,
                         .eps = 1e-6,
                         .momentum = 0.9,
                         .ema = 0.99,
                         .n = N,
                         .p = b.p,
                         .g = b.g,
                         .m = b.m,
                         .v = b.v,
                         .average = b.average,
                         .tensors = TENSORS,
                         .begin = begin,
                         .work = b.work,
                         .scalars = &b.scalars};
    *state = &b;
    return registry_fill(sizeof(double), ISA_REF, &b.k) == OK ? 0 : -1;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_formula),
        cmocka_unit_test(lamb_starts_from_zero),
        cmocka_unit_test(nothing_moves_without_a_norm),
        cmocka_unit_test(order_of_parts_is_nothing),
        cmocka_unit_test(grid_counts_what_is_beyond),
        cmocka_unit_test(largest_parts_fit),
        cmocka_unit_test(norm_is_the_root),
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tests[i].setup_func = setup;
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
