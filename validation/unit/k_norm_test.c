/* SPDX-License-Identifier: MIT */
/* k_norm_test.c - the equivariant norm in double: properties on every shape.
 *
 * The loss is y . dy with dy fixed: backward must return its gradient.
 */
#include "base/mem.h"
#include "cpu/registry.h"
#include "unit/views.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NODES = 9 };

static const struct shape {
    int l, c;
} shapes[] = {{0, 1}, {0, 17}, {1, 4}, {2, 1}, {3, 33}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const struct shape *shape; /* of the tests that run */

struct bench {
    struct kernels k;
    struct tensor x, w, y, dy, dx, dw, stat;
};

static void forward(struct bench *b)
{
    b->k.node.norm_fwd(&b->x, &b->w, &b->y, &b->stat);
}

static void backward(struct bench *b)
{
    b->k.node.norm_bwd(&b->x, &b->w, &b->stat, &b->dy, &b->dx, &b->dw);
}

static double loss(void *self)
{
    struct bench *b = self;

    forward(b);
    return views_dot(&b->y, &b->dy);
}

static double largest(const struct tensor *t)
{
    double out = 0;

    for (int i = 0; i < views_count(t); i++)
        out = fmax(out, fabs(*views_at(t, i)));
    return out;
}

/* norm(R x) = R norm(x), and dx turns with x and dy; up to the rounding of 33
 * channels. */
static void rotation_commutes(void **state)
{
    struct bench *b = *state;
    struct tensor y = b->y, dx = b->dx;

    b->y = views_feature(NODES, shape->l, shape->c);
    b->dx = views_feature(NODES, shape->l, shape->c);
    forward(b);
    backward(b);
    views_reflect(&b->x);
    views_reflect(&b->dy);
    b->k.node.norm_fwd(&b->x, &b->w, &y, &b->stat);
    b->k.node.norm_bwd(&b->x, &b->w, &b->stat, &b->dy, &dx, &b->dw);
    views_reflect(&y);
    views_reflect(&dx);
    views_assert_close(&y, &b->y, 100 * DBL_EPSILON * largest(&y));
    views_assert_close(&dx, &b->dx, 100 * DBL_EPSILON * largest(&dx));
}

/* Third derivatives reach a thousand where a norm is small. */
static void gradient_is_the_difference(void **state)
{
    struct bench *b = *state;

    forward(b);
    backward(b);
    views_assert_gradient(loss, b, &b->x, &b->dx, 3e-8);
    views_assert_gradient(loss, b, &b->w, &b->dw, 3e-8);
}

/* Once more: dx is overwritten, dw adds up. */
static void weights_add_up(void **state)
{
    struct bench *b = *state;
    struct tensor once = views_weights(2, shape->c), dx = b->dx;

    forward(b);
    backward(b);
    for (int i = 0; i < views_count(&once); i++)
        *views_at(&once, i) = 2 * *views_at(&b->dw, i);
    b->dx = views_feature(NODES, shape->l, shape->c);
    backward(b);
    views_assert_close(&b->dx, &dx, 0);
    views_assert_close(&b->dw, &once, 1e-13 * largest(&once));
}

/* Where every |f| is below 2^-24, h is 0 and g the bias: y and dx are x and dy
 * times 2^24 max(bias, 0), to the bit. */
static void clamp_has_no_gradient(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < views_count(&b->x); i++)
        *views_at(&b->x, i) *= 0x1p-30;
    forward(b);
    backward(b);
    for (int i = 0; i < views_count(&b->x); i++) {
        double bias = *views_at(&b->w, shape->c + i % shape->c);
        double scale = 0x1p24 * fmax(bias, 0);

        assert_true(*views_at(&b->y, i) == scale * *views_at(&b->x, i));
        assert_true(*views_at(&b->dx, i) == scale * *views_at(&b->dy, i));
    }
}

/* The same of every variant in float, on one node with 17 channels; where the
 * bias is negative both are 0. */
static void variant_clamps(enum isa isa)
{
    enum { C = 17, LD = 32 };
    _Alignas(MEM_ALIGN) float x[LD] = {0}, dy[LD] = {0}, y[LD], dx[LD];
    _Alignas(MEM_ALIGN) float stat[2 * LD];
    float w[2 * C], dw[2 * C] = {0};
    struct tensor feature = {.n = 1, .c = C, .ld = LD}, t[4];
    struct tensor stats = {.data = stat, .n = 2, .c = 1, .ld = LD};
    struct tensor weights = {.data = w, .n = 2, .c = C, .ld = C};
    struct tensor gradient = {.data = dw, .n = 2, .c = C, .ld = C};
    float *const data[] = {x, dy, y, dx};
    struct kernels k;

    for (int c = 0; c < C; c++) {
        x[c] = 0x1p-30f * (float)(c + 1);
        dy[c] = (float)(c - 5);
        w[c] = 1;
        w[C + c] = c % 3 ? 0.5f : -0.5f;
    }
    for (int i = 0; i < 4; i++) {
        t[i] = feature;
        t[i].data = data[i];
    }
    assert_int_equal(registry_fill(sizeof(float), isa, &k), OK);
    k.node.norm_fwd(&t[0], &weights, &t[2], &stats);
    k.node.norm_bwd(&t[0], &weights, &stats, &t[1], &t[3], &gradient);
    for (int c = 0; c < C; c++) {
        float scale = c % 3 ? 0x1p23f : 0;

        assert_true(y[c] == scale * x[c]);
        assert_true(dx[c] == scale * dy[c]);
    }
}

static void variants_clamp(void **state)
{
    (void)state;
    for (enum isa isa = ISA_REF; isa <= cpuid_best(); isa++)
        variant_clamps(isa);
}

static void no_nodes_no_gradient(void **state)
{
    struct bench *b = *state;
    int none = 0;

    b->x.used = &none;
    forward(b);
    backward(b);
    assert_true(largest(&b->dw) == 0);
    assert_true(largest(&b->y) == 0 && largest(&b->dx) == 0);
}

static int setup(void **state)
{
    static struct bench b;
    int l = shape->l, c = shape->c;

    b.x = views_feature(NODES, l, c);
    b.y = views_feature(NODES, l, c);
    b.dy = views_feature(NODES, l, c);
    b.dx = views_feature(NODES, l, c);
    b.w = views_weights(2, c);
    b.dw = views_weights(2, c);
    b.stat = views_feature(2, 0, NODES);
    views_noise(&b.x, 1);
    views_noise(&b.dy, 2);
    views_noise(&b.w, 3);
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
        cmocka_unit_test(rotation_commutes),
        cmocka_unit_test(gradient_is_the_difference),
        cmocka_unit_test(weights_add_up),
        cmocka_unit_test(clamp_has_no_gradient),
        cmocka_unit_test(variants_clamp),
        cmocka_unit_test(no_nodes_no_gradient),
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
