/* SPDX-License-Identifier: MIT */
/* k_pool_test.c - pooling and losses in double: three molecules of 4, 0 and 1
 * atoms. */
#include "base/mem.h"
#include "cpu/registry.h"
#include "unit/views.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NODES = 5, MOLECULES = 3, CHANNELS = 3, TARGETS = 3 };

static const int begin[MOLECULES + 1] = {0, 4, 4, 5};
static const struct csr atoms = {.n = MOLECULES, .begin = begin};

struct bench {
    struct kernels k;
    struct tensor x, dx, y, dy;     /* degree 0 */
    struct tensor x1, dx1, y1, dy1; /* degree 1 */
    int arg[MOLECULES * CHANNELS];
    struct tensor value, target, dvalue;
    enum loss_kind kind;
    double scale, sums[1 + TARGETS];
};

static double max_loss(void *self)
{
    struct bench *b = self;

    b->k.node.pool_max_fwd(&b->x, &atoms, &b->y, b->arg);
    return views_dot(&b->y, &b->dy);
}

static double avg_loss(void *self)
{
    struct bench *b = self;

    b->k.node.pool_avg_fwd(&b->x1, &atoms, &b->y1);
    return views_dot(&b->y1, &b->dy1);
}

/* Both are piecewise linear: exact up to rounding. */
static void pool_gradients(void **state)
{
    struct bench *b = *state;

    max_loss(b);
    views_set(&b->dx, (double)NAN);
    b->k.node.pool_max_bwd(&b->dy, &atoms, b->arg, &b->dx);
    views_assert_gradient(max_loss, b, &b->x, &b->dx, 1e-10);
    views_set(&b->dx1, (double)NAN);
    b->k.node.pool_avg_bwd(&b->dy1, &atoms, &b->dx1);
    views_assert_gradient(avg_loss, b, &b->x1, &b->dx1, 1e-10);
}

/* Of equal atoms the first has the gradient; a NaN is the maximum. */
static void first_and_nan_win(void **state)
{
    struct bench *b = *state;

    views_set(&b->x, -2);
    *views_at(&b->x, 2 * CHANNELS + 1) = (double)NAN;
    *views_at(&b->x, 3 * CHANNELS + 1) = 7;
    b->k.node.pool_max_fwd(&b->x, &atoms, &b->y, b->arg);
    assert_int_equal(b->arg[0], 0);
    assert_int_equal(b->arg[1], 2);
    assert_int_equal(b->arg[2 * CHANNELS], 4);
    assert_true(*views_at(&b->y, 0) == -2);
    assert_true(isnan(*views_at(&b->y, 1)));
}

static void no_atoms_is_zero(void **state)
{
    struct bench *b = *state;

    views_set(&b->y, (double)NAN);
    views_set(&b->y1, (double)NAN);
    max_loss(b);
    avg_loss(b);
    for (int c = 0; c < CHANNELS; c++) {
        assert_true(*views_at(&b->y, CHANNELS + c) == 0);
        assert_true(*views_at(&b->y1, 3 * CHANNELS + c) == 0);
    }
}

static double loss_sum(void *self)
{
    struct bench *b = self;

    for (int i = 0; i <= TARGETS; i++)
        b->sums[i] = 0;
    b->k.node.loss(b->kind, &b->value, &b->target, &b->scale, &b->dvalue,
                   b->sums);
    return b->scale * b->sums[0];
}

/* Away from kinks each piece is at most quadratic: exact up to rounding. */
static void loss_gradients(void **state)
{
    struct bench *b = *state;
    struct tensor slope = views_feature(MOLECULES, 0, TARGETS);

    for (b->kind = LOSS_KIND_L1; b->kind <= LOSS_KIND_HUBER; b->kind++) {
        struct tensor own = b->dvalue;

        loss_sum(b);
        b->dvalue = slope;
        views_assert_gradient(loss_sum, b, &b->value, &own, 1e-9);
        b->dvalue = own;
    }
}

static double expected(enum loss_kind kind, double d)
{
    if (kind == LOSS_KIND_L1)
        return fabs(d);
    if (kind == LOSS_KIND_L2)
        return d * d;
    return fabs(d) < 1 ? 0.5 * d * d : fabs(d) - 0.5;
}

static void sums_add_what_is_known(void **state)
{
    struct bench *b = *state;

    for (b->kind = LOSS_KIND_L1; b->kind <= LOSS_KIND_HUBER; b->kind++) {
        double loss = 0, absolute[TARGETS] = {0};

        for (int i = 0; i < MOLECULES * TARGETS; i++) {
            double d = *views_at(&b->value, i) - *views_at(&b->target, i);

            loss += isnan(d) ? 0 : expected(b->kind, d);
            absolute[i % TARGETS] += isnan(d) ? 0 : fabs(d);
        }
        loss_sum(b);
        b->k.node.loss(b->kind, &b->value, &b->target, &b->scale, &b->dvalue,
                       b->sums);
        assert_true(fabs(b->sums[0] - 2 * loss) < 1e-13);
        for (int t = 0; t < TARGETS; t++)
            assert_true(fabs(b->sums[1 + t] - 2 * absolute[t]) < 1e-13);
        assert_true(*views_at(&b->dvalue, 4) == 0); /* unknown */
    }
}

/* A prediction that is NaN is not an unknown label. */
static void loss_lets_nan_through(void **state)
{
    struct bench *b = *state;

    *views_at(&b->value, 0) = (double)NAN;
    for (b->kind = LOSS_KIND_L1; b->kind <= LOSS_KIND_HUBER; b->kind++) {
        assert_true(isnan(loss_sum(b)));
        assert_true(isnan(*views_at(&b->dvalue, 0)));
        assert_true(isnan(b->sums[1]) && !isnan(b->sums[2]));
    }
}

static int setup(void **state)
{
    static struct bench b;

    b.x = views_feature(NODES, 0, CHANNELS);
    b.dx = views_feature(NODES, 0, CHANNELS);
    b.y = views_feature(MOLECULES, 0, CHANNELS);
    b.dy = views_feature(MOLECULES, 0, CHANNELS);
    b.x1 = views_feature(NODES, 1, CHANNELS);
    b.dx1 = views_feature(NODES, 1, CHANNELS);
    b.y1 = views_feature(MOLECULES, 1, CHANNELS);
    b.dy1 = views_feature(MOLECULES, 1, CHANNELS);
    b.value = views_feature(MOLECULES, 0, TARGETS);
    b.dvalue = views_feature(MOLECULES, 0, TARGETS);
    b.target = views_weights(MOLECULES, TARGETS);
    b.scale = 0.25;
    views_noise(&b.x, 1);
    views_noise(&b.dy, 2);
    views_noise(&b.x1, 3);
    views_noise(&b.dy1, 4);
    views_noise(&b.value, 5);
    views_noise(&b.target, 6);
    *views_at(&b.value, 1) = 9; /* beyond huber's delta */
    *views_at(&b.target, 4) = (double)NAN;
    *state = &b;
    return registry_fill(sizeof(double), ISA_REF, &b.k) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    views_free();
    return mem_live();
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_gradients),
        cmocka_unit_test(first_and_nan_win),
        cmocka_unit_test(no_atoms_is_zero),
        cmocka_unit_test(loss_gradients),
        cmocka_unit_test(sums_add_what_is_known),
        cmocka_unit_test(loss_lets_nan_through),
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
