/* SPDX-License-Identifier: MIT */
/* conv_basis_test.c - bases of runs: what they promise, for a trunk on sorted
 * bonds, for h that has no small basis, and for h that is no number.
 *
 * The basis stands in float: its vectors and coefficients are rounded to 6e-8,
 * and up to 8 products are summed. CLOSE, 5e-7 of |h|, leaves room for that
 * beside the 1e-7 of the basis itself.
 */
#include "cpu/conv_basis.h"

#include "base/mem.h"
#include "noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLOSE 5e-7

enum { UNITS = RADIAL_HIDDEN, BONDS = 1000, TYPES = 4, LARGE = 1 << 20 };

struct world {
    struct graph g;
    struct geometry geo;
    struct radial r;
    struct conv c;
    float scalar[BONDS][TYPES], distance[BONDS], h[BONDS][UNITS];
    float w0[UNITS][TYPES + 1], w1[UNITS][UNITS], row[6][UNITS];
    void *plan;
};
static struct world w;

static struct tensor view(void *data, int n, int c)
{
    struct tensor t = tensor_weights(n, c);

    t.data = data;
    return t;
}

static void fill(float *x, int n, uint64_t seed)
{
    for (int i = 0; i < n; i++)
        x[i] = (float)noise(seed + (uint64_t)i);
}

/* Sorted bonds of TYPES types; a network with LayerNorm. */
static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    fill(w.w0[0], UNITS * (TYPES + 1), 1);
    fill(w.w1[0], UNITS * UNITS, 1000);
    fill(w.row[0], 6 * UNITS, 5000);
    fill(w.h[0], BONDS * UNITS, 10000);
    for (int i = 0; i < BONDS; i++) {
        int type = i * TYPES / BONDS;

        w.scalar[i][type] = 1;
        w.distance[i] = 1 + (float)(i - type * BONDS / TYPES) / BONDS;
        for (int q = 0; q < UNITS; q++)
            w.h[i][q] = fmaxf(w.h[i][q], 0);
    }
    w.g =
        (struct graph){.bonds = BONDS, .scalar = view(w.scalar, BONDS, TYPES)};
    w.geo.distance = view(w.distance, BONDS, 1);
    w.r.layer[0] = (struct radial_layer){
        view(w.w0, UNITS, TYPES + 1), view(w.row[0], 1, UNITS),
        view(w.row[1], 1, UNITS), view(w.row[2], 1, UNITS)};
    w.r.layer[1] = (struct radial_layer){
        view(w.w1, UNITS, UNITS), view(w.row[3], 1, UNITS),
        view(w.row[4], 1, UNITS), view(w.row[5], 1, UNITS)};
    w.r.h = view(w.h, BONDS, UNITS);
    assert_int_equal(mem_alloc(basis_bytes(1, BONDS), 1, "a plan", &w.plan),
                     OK);
    w.c = (struct conv){
        .graph = &w.g, .geo = &w.geo, .radial = &w.r, .plan = w.plan};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(w.plan);
    return mem_live() != 0;
}

/* The trunk of model.md, in double. */
static void layer(const struct radial_layer *l, const double *x, int n,
                  double y[UNITS])
{
    const float *gain = l->gain.data, *shift = l->shift.data;
    double mean = 0, var = 0;

    for (int o = 0; o < UNITS; o++) {
        y[o] = (double)((float *)l->b.data)[o];
        for (int i = 0; i < n; i++)
            y[o] += (double)((float *)l->w.data)[o * n + i] * x[i];
        mean += y[o] / UNITS;
    }
    for (int o = 0; o < UNITS; o++)
        var += (y[o] - mean) * (y[o] - mean) / UNITS;
    for (int o = 0; o < UNITS; o++)
        y[o] = fmax(0, (double)gain[o] * (y[o] - mean) / sqrt(var + 1e-5) +
                           (double)shift[o]);
}

static void trunk(int bond, double h[UNITS])
{
    double s[TYPES + 1], first[UNITS];

    for (int i = 0; i < TYPES; i++)
        s[i] = (double)w.scalar[bond][i];
    s[TYPES] = (double)w.distance[bond];
    layer(&w.r.layer[0], s, TYPES + 1, first);
    layer(&w.r.layer[1], first, UNITS, h);
}

/* h of a bond from its run. */
static void combine(const struct basis *b, int bond, double h[UNITS])
{
    const struct basis_run *r = &b->run[b->first[bond / GROUP]];
    float(*c)[GROUP] = b->coef[bond / GROUP];
    int lane = bond % GROUP;

    for (int q = 0; q < UNITS; q++) {
        h[q] = r->k ? 0 : (double)c[q][lane];
        for (int j = 0; j < r->k; j++)
            h[q] += (double)c[0][lane] * (j ? (double)c[j][lane] : 1) *
                    (double)r->g[j][q];
    }
}

static void assert_spans(const struct basis *b,
                         void (*expected)(int bond, double h[UNITS]))
{
    for (int i = 0; i < BONDS; i++) {
        double h[UNITS], want[UNITS], off = 0, size = 0;

        combine(b, i, h);
        expected(i, want);
        for (int q = 0; q < UNITS; q++) {
            off += (h[q] - want[q]) * (h[q] - want[q]);
            size += want[q] * want[q];
        }
        assert_true(sqrt(off) <= CLOSE * sqrt(size));
    }
}

/* Runs follow on one another; returns the matrices. */
static int assert_runs(const struct basis *b)
{
    int matrices = 0, groups = groups_of(BONDS), i = 0;

    while (i < groups) {
        const struct basis_run *r = &b->run[i];

        assert_in_range(r->groups, 1, WINDOW_GROUPS);
        assert_in_range(r->k, 0, BASIS_MAX);
        for (int g = i; g < i + r->groups; g++)
            assert_int_equal(b->first[g], i);
        if (r->k > 0)
            assert_int_equal(r->matrix, matrices);
        matrices += r->k;
        i += r->groups;
    }
    assert_int_equal(i, groups);
    assert_true(matrices <= basis_budget(groups));
    return matrices;
}

static void trunk_is_spanned(void **state)
{
    struct basis b = basis_of(w.plan, BONDS, 0);

    (void)state;
    basis_make(&w.c, 0, LARGE);
    assert_in_range(assert_runs(&b), 1, BONDS / UNITS);
    assert_spans(&b, trunk);
}

static void plain_h(int bond, double h[UNITS])
{
    for (int q = 0; q < UNITS; q++)
        h[q] = (double)w.h[bond][q];
}

static void noise_is_plain(void **state)
{
    struct basis b = basis_of(w.plan, BONDS, 0);

    (void)state;
    w.r.layer[0].w.data = NULL;
    basis_make(&w.c, 0, LARGE);
    assert_true(assert_runs(&b) <= BASIS_MAX); /* the last group is small */
    assert_spans(&b, plain_h);
}

static void small_trunk_is_plain(void **state)
{
    struct basis b = basis_of(w.plan, BONDS, 0);

    (void)state;
    w.r.layer[0].w.data = NULL;
    basis_make(&w.c, 0, BASIS_ROWS - 1);
    assert_int_equal(assert_runs(&b), 0);
    assert_spans(&b, plain_h);
}

static void nan_stays_with_its_bond(void **state)
{
    struct basis b = basis_of(w.plan, BONDS, 0);
    int found = 0;

    (void)state;
    w.distance[500] = (float)NAN;
    for (int q = 0; q < UNITS; q++)
        w.h[500][q] = (float)NAN;
    basis_make(&w.c, 0, LARGE);
    assert_runs(&b);
    for (int i = 0; i < BONDS; i++) {
        double h[UNITS];

        combine(&b, i, h);
        found += isnan(h[0]);
        assert_int_equal(isnan(h[0]), i == 500);
    }
    assert_int_equal(found, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trunk_is_spanned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(noise_is_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_trunk_is_plain, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nan_stays_with_its_bond, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
