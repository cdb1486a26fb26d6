/* SPDX-License-Identifier: MIT */
/* k_linear_test.c - linear maps, self-interaction and ReLU in double.
 *
 * Maps are linear in everything, so differences are exact up to rounding, of
 * losses up to 1e3: 1e-8.
 */
#include "base/mem.h"
#include "cpu/registry.h"
#include "unit/views.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NODES = 5, EDGES = 6 };

static const int begin[NODES + 1] = {0, 0, 1, 4, 6, 6};
static const int edge[EDGES] = {4, 0, 2, 5, 1, 3};
static const struct csr in = {.n = NODES, .begin = begin, .edge = edge};

static const struct shape {
    int l, c, out;
} shapes[] = {{0, 1, 1}, {0, 70, 17}, {1, 17, 33}, {3, 4, 5}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const struct shape *shape; /* of the tests that run */

struct bench {
    struct kernels k;
    struct tensor x, w, b, y, dy, dx, dw, db;
};

static double weighted(const struct bench *b, int n, int m, int o)
{
    double sum = 0;

    for (int i = 0; i < shape->c; i++)
        sum += *views_at(&b->w, o * shape->c + i) *
               *views_at(&b->x, (n * (2 * shape->l + 1) + m) * shape->c + i);
    return sum;
}

/* y = times[n] W x + bias + before, to the rounding of 70 products. */
static void assert_map(const struct bench *b, const int *times, int bias,
                       double before)
{
    int width = 2 * shape->l + 1;

    for (int n = 0; n < NODES; n++)
        for (int m = 0; m < width; m++)
            for (int o = 0; o < shape->out; o++) {
                double e = (times ? times[n] : 1) * weighted(b, n, m, o) +
                           (bias ? *views_at(&b->b, o) : 0) + before;
                int at = (n * width + m) * shape->out + o;

                assert_true(fabs(*views_at(&b->y, at) - e) < 1e-13);
            }
}

static void forward_is_the_sum(void **state)
{
    struct bench *b = *state;
    const int times[NODES] = {0, 1, 3, 2, 0};

    views_set(&b->y, (double)NAN);
    b->k.node.linear_fwd(&b->x, &b->w, NULL, &b->y);
    assert_map(b, NULL, 0, 0);
    b->k.node.linear_fwd(&b->x, &b->w, &b->b, &b->y);
    assert_map(b, NULL, 1, 0);
    views_set(&b->y, 0.5);
    b->k.node.linear_add(&b->x, &b->w, &b->y);
    assert_map(b, NULL, 0, 0.5);
    views_set(&b->y, 0.5);
    b->k.node.self_add(&b->x, &b->w, &in, &b->y);
    assert_map(b, times, 0, 0.5);
}

static double linear_loss(void *self)
{
    struct bench *b = self;

    b->k.node.linear_fwd(&b->x, &b->w, shape->l ? NULL : &b->b, &b->y);
    return views_dot(&b->y, &b->dy);
}

static double self_loss(void *self)
{
    struct bench *b = self;

    views_set(&b->y, 0);
    b->k.node.self_add(&b->x, &b->w, &in, &b->y);
    return views_dot(&b->y, &b->dy);
}

static void linear_gradient(void **state)
{
    struct bench *b = *state;

    b->k.node.linear_bwd(&b->x, &b->w, &b->dy, &b->dx, &b->dw,
                         shape->l ? NULL : &b->db);
    views_assert_gradient(linear_loss, b, &b->x, &b->dx, 1e-8);
    views_assert_gradient(linear_loss, b, &b->w, &b->dw, 1e-8);
    if (shape->l == 0)
        views_assert_gradient(linear_loss, b, &b->b, &b->db, 1e-8);
}

static void self_gradient(void **state)
{
    struct bench *b = *state;

    b->k.node.self_bwd(&b->x, &b->w, &in, &b->dy, &b->dx, &b->dw);
    views_assert_gradient(self_loss, b, &b->x, &b->dx, 1e-8);
    views_assert_gradient(self_loss, b, &b->w, &b->dw, 1e-8);
}

/* Backward adds to what is there, and dx may be left out. */
static void gradients_add_up(void **state)
{
    struct bench *b = *state;
    struct tensor dx = views_feature(NODES, shape->l, shape->c);
    struct tensor dw = views_weights(shape->out, shape->c);

    b->k.node.linear_bwd(&b->x, &b->w, &b->dy, &b->dx, &b->dw, NULL);
    views_set(&dx, 1);
    views_set(&dw, 2);
    b->k.node.linear_bwd(&b->x, &b->w, &b->dy, &dx, &dw, NULL);
    for (int i = 0; i < views_count(&dx); i++)
        *views_at(&b->dx, i) += 1;
    for (int i = 0; i < views_count(&dw); i++)
        *views_at(&b->dw, i) += 2;
    views_assert_close(&dx, &b->dx, 1e-13);
    views_assert_close(&dw, &b->dw, 1e-13);
    views_set(&dw, 2);
    b->k.node.linear_bwd(&b->x, &b->w, &b->dy, NULL, &dw, NULL);
    views_assert_close(&dw, &b->dw, 1e-13);
}

static void relu_lets_nan_through(void **state)
{
    struct bench *b = *state;
    double *x = views_at(&b->x, 0), *dy = views_at(&b->dx, 0);

    views_noise(&b->dx, 9);
    *x = (double)NAN;
    b->k.node.relu_fwd(&b->x, &b->x);
    assert_true(isnan(*x));
    for (int i = 1; i < views_count(&b->x); i++)
        assert_true(*views_at(&b->x, i) >= 0);
    *x = 1;
    *dy = (double)NAN;
    b->k.node.relu_bwd(&b->x, &b->dx, &b->dx);
    assert_true(isnan(*dy));
    for (int i = 1; i < views_count(&b->x); i++)
        assert_true(*views_at(&b->x, i) > 0 || *views_at(&b->dx, i) == 0);
}

/* At 0 the gradient is 0. */
static void relu_gates(void **state)
{
    struct bench *b = *state;
    struct tensor y = views_feature(NODES, shape->l, shape->c);

    *views_at(&b->x, 0) = 0;
    views_set(&b->dx, 3);
    b->k.node.relu_fwd(&b->x, &y);
    for (int i = 0; i < views_count(&y); i++)
        assert_true(*views_at(&y, i) == fmax(*views_at(&b->x, i), 0));
    b->k.node.relu_bwd(&y, &b->dx, &b->dx);
    for (int i = 0; i < views_count(&y); i++)
        assert_true(*views_at(&b->dx, i) == (*views_at(&b->x, i) > 0 ? 3 : 0));
}

static int setup(void **state)
{
    static struct bench b;
    int l = shape->l;

    b.x = views_feature(NODES, l, shape->c);
    b.dx = views_feature(NODES, l, shape->c);
    b.y = views_feature(NODES, l, shape->out);
    b.dy = views_feature(NODES, l, shape->out);
    b.w = views_weights(shape->out, shape->c);
    b.dw = views_weights(shape->out, shape->c);
    b.b = views_weights(1, shape->out);
    b.db = views_weights(1, shape->out);
    views_noise(&b.x, 1);
    views_noise(&b.dy, 2);
    views_noise(&b.w, 3);
    views_noise(&b.b, 4);
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
        cmocka_unit_test(forward_is_the_sum),
        cmocka_unit_test(linear_gradient),
        cmocka_unit_test(self_gradient),
        cmocka_unit_test(gradients_add_up),
        cmocka_unit_test(relu_lets_nan_through),
        cmocka_unit_test(relu_gates),
    };
    int failed = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    for (shape = shapes; shape < shapes + SHAPES; shape++)
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    return failed != 0;
}
