/* SPDX-License-Identifier: MIT */
/* conv_points_test.c - runs and their polynomials: what they promise, for a
 * trunk on sorted bonds, and when bonds must be points; the same from a table,
 * which must not show what it was asked before.
 *
 * Polynomials stand in float, through h in float: both are rounded to 6e-8, and
 * up to 6 terms are summed. CLOSE, 5e-7 of |h|, leaves room for that beside the
 * 1e-7 to which h is met.
 */
#include "cpu/conv_table.h"

#include "base/mem.h"
#include "cpu/cpuid.h"
#include "cpu/registry.h"
#include "device/kernels.h"
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

enum { UNITS = RADIAL_HIDDEN, BONDS = 1000, TYPES = 4 };

struct world {
    struct kernels k;
    struct graph g;
    struct geometry geo;
    struct radial r;
    struct conv c;
    float scalar[BONDS][TYPES], distance[BONDS], h[BONDS][UNITS];
    float w0[UNITS][TYPES + 1], w1[UNITS][UNITS], row[6][UNITS];
    float at[BONDS][TYPES + 1];
    int points;
    double reached;
    void *plan, *work, *table;
};
static struct world w;
static enum isa isa;

static struct tensor view(void *data, int n, int c, const int *used)
{
    struct tensor t = tensor_weights(n, c);

    t.data = data;
    t.used = used;
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
    assert_int_equal(registry_fill(sizeof(float), isa, &w.k), OK);
    fill(w.w0[0], UNITS * (TYPES + 1), 1);
    fill(w.w1[0], UNITS * UNITS, 1000);
    fill(w.row[0], 6 * UNITS, 5000);
    for (int i = 0; i < BONDS; i++) {
        int type = i * TYPES / BONDS;

        w.scalar[i][type] = 1;
        w.distance[i] = 1 + (float)(i - type * BONDS / TYPES) / BONDS;
    }
    w.g = (struct graph){.bonds = BONDS,
                         .scalar = view(w.scalar, BONDS, TYPES, NULL)};
    w.geo.distance = view(w.distance, BONDS, 1, NULL);
    w.r.layer[0] = (struct radial_layer){
        view(w.w0, UNITS, TYPES + 1, NULL), view(w.row[0], 1, UNITS, NULL),
        view(w.row[1], 1, UNITS, NULL), view(w.row[2], 1, UNITS, NULL)};
    w.r.layer[1] = (struct radial_layer){
        view(w.w1, UNITS, UNITS, NULL), view(w.row[3], 1, UNITS, NULL),
        view(w.row[4], 1, UNITS, NULL), view(w.row[5], 1, UNITS, NULL)};
    w.r.h = view(w.h, BONDS, UNITS, &w.points);
    assert_int_equal(mem_alloc(points_bytes(1, BONDS), 1, "a plan", &w.plan),
                     OK);
    assert_int_equal(mem_alloc(choice_bytes(1, BONDS), 1, "work", &w.work), OK);
    assert_true(pieces_bytes(1) <= choice_bytes(1, BONDS));
    assert_int_equal(mem_alloc(table_matrices(1, BONDS), 1, "table", &w.table),
                     OK);
    w.c = (struct conv){.shape = {.trunks = 1},
                        .graph = &w.g,
                        .geo = &w.geo,
                        .radial = &w.r,
                        .plan = w.plan,
                        .work = w.work,
                        .at = view(w.at, BONDS, TYPES + 1, &w.points),
                        .points = &w.points,
                        .reached = &w.reached};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(w.plan);
    mem_free(w.work);
    mem_free(w.table);
    return mem_live() != 0;
}

static struct points choose(void)
{
    w.k.conv.conv_points(&w.c);
    w.k.conv.trunk_fwd(&w.c.at, &w.r);
    w.k.conv.conv_plan(&w.c);
    return points_of(w.plan, 1, BONDS);
}

/* The trunk of theory.md, in double. */
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

/* h of lane j of a group. */
static void combine(const struct points *p, int group, int j, double h[UNITS])
{
    const struct run *r = &p->run[p->group[group].run];
    const float *of = is_tabled(p) ? table_p(&w.c, 0) : p->p;

    for (int q = 0; q < UNITS; q++) {
        h[q] = 0;
        if (is_plain(p))
            h[q] = (double)p->p[(group * UNITS + q) * GROUP + j];
        for (int i = r->k - 1; i >= 0; i--)
            h[q] = h[q] * (double)p->t[group][j] +
                   (double)of[(r->point + i) * UNITS + q];
    }
}

/* All bonds, each once and in order, have h to the tolerance. */
static void assert_met(const struct points *p, double tolerance)
{
    int bond = 0;

    for (int g = 0; g < p->count[1]; g++)
        for (int j = 0; j < p->group[g].bonds; j++, bond++) {
            double h[UNITS], want[UNITS], off = 0, size = 0;

            assert_int_equal(p->group[g].bond + j, bond);
            combine(p, g, j, h);
            trunk(bond, want);
            for (int q = 0; q < UNITS; q++) {
                off += (h[q] - want[q]) * (h[q] - want[q]);
                size += want[q] * want[q];
            }
            assert_true(sqrt(off) <= tolerance * sqrt(size));
        }
    assert_int_equal(bond, BONDS);
}

/* Runs follow on one another, and so do their groups and points, of which
 * there are fewer than bonds. */
static void assert_runs(const struct points *p)
{
    int bonds = 0, groups = 0, points = 0;

    for (int i = 0; i < p->count[0]; i++) {
        const struct run *r = &p->run[i];

        assert_int_equal(r->bond, bonds);
        assert_int_equal(r->group, groups);
        assert_int_equal(r->point, points);
        assert_in_range(r->k, 1, TERMS);
        for (int g = groups; g < groups + groups_of(r->bonds); g++)
            assert_int_equal(p->group[g].run, i);
        bonds += r->bonds;
        groups += groups_of(r->bonds);
        points += r->k;
    }
    assert_int_equal(groups, p->count[1]);
    assert_int_equal(points, p->count[2]);
    assert_int_equal(points, w.points);
    assert_in_range(points, 1, points_room(BONDS));
}

static void polynomials_meet_h(void **state)
{
    const struct points p = choose();

    (void)state;
    assert_runs(&p);
    assert_met(&p, CLOSE);
}

/* And are fewer with a larger tolerance, which they keep. */
static void tolerance_is_kept(void **state)
{
    int exact = choose().count[2];
    struct points p;

    (void)state;
    w.c.tolerance = 1e-4;
    p = choose();
    assert_runs(&p);
    assert_met(&p, w.reached + CLOSE);
    assert_true(w.reached <= 1e-4 && w.reached > 1e-6);
    assert_true(p.count[2] < exact);
}

static void assert_plain(const struct points *p)
{
    assert_true(is_plain(p));
    assert_int_equal(w.points, BONDS);
    for (int i = 0; i < BONDS; i++) {
        assert_memory_equal(w.at[i], w.scalar[i], sizeof w.scalar[i]);
        assert_memory_equal(&w.at[i][TYPES], &w.distance[i], sizeof(float));
    }
}

/* Trained networks are steeper than fresh ones. A tolerance is kept however
 * steep they are, by points or, where these would be too many, by the bonds. */
static void steep_networks_keep_the_tolerance(void **state)
{
    static const double tolerance[] = {1e-5, 1e-4, 1e-3};
    static const float times[] = {4, 2.5F, 4}; /* 4, 10, 40 together */

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        for (int q = 0; q < UNITS; q++)
            w.w0[q][TYPES] *= times[i];
        for (size_t j = 0; j < sizeof tolerance / sizeof *tolerance; j++) {
            struct points p;

            w.c.tolerance = tolerance[j];
            p = choose();
            assert_true(w.reached <= tolerance[j]);
            if (is_plain(&p))
                assert_int_equal(w.points, BONDS);
            else
                assert_runs(&p);
            assert_met(&p, w.reached + CLOSE);
        }
    }
}

/* Distances so far apart that runs would have too many points: these are the
 * bonds, without an error. */
static void far_apart_is_plain(void **state)
{
    struct points p;

    (void)state;
    for (int i = 0; i < BONDS; i++)
        w.distance[i] = 0.2F + 40 * (w.distance[i] - 1);
    w.c.tolerance = 1e-5;
    p = choose();
    assert_plain(&p);
    assert_true(w.reached == 0);
    assert_met(&p, CLOSE);
}

static void points_are_of_their_run(void **state)
{
    const struct points p = choose();

    (void)state;
    for (int i = 0; i < p.count[0]; i++)
        for (int n = 0; n < p.run[i].k; n++) {
            const float *at = w.at[p.run[i].point + n];
            int first = p.run[i].bond, last = first + p.run[i].bonds - 1;

            assert_memory_equal(at, w.scalar[first], sizeof w.scalar[0]);
            assert_true(fabsf(at[TYPES] - w.distance[first]) < 1e-4f ||
                        at[TYPES] > w.distance[first]);
            assert_true(fabsf(at[TYPES] - w.distance[last]) < 1e-4f ||
                        at[TYPES] < w.distance[last]);
        }
}

static void order_within_a_type_is_free(void **state)
{
    struct points p;

    (void)state;
    for (int i = 0; i + 1 < BONDS / TYPES; i += 2) {
        float d = w.distance[i];

        w.distance[i] = w.distance[i + 1];
        w.distance[i + 1] = d;
    }
    p = choose();
    assert_met(&p, CLOSE);
}

static void equal_bonds_have_one_point(void **state)
{
    struct points p;

    (void)state;
    for (int i = 0; i < BONDS; i++)
        w.distance[i] = 1.25f;
    p = choose();
    assert_int_equal(p.count[2], TYPES);
    assert_met(&p, CLOSE);
}

static void other_scalars_are_plain(void **state)
{
    struct points p;

    (void)state;
    fill(w.scalar[0], BONDS * TYPES, 20000);
    p = choose();
    assert_plain(&p);
    assert_met(&p, CLOSE);
}

static void asked_for_bonds(void **state)
{
    struct points p;

    (void)state;
    w.c.by_bond = 1;
    p = choose();
    assert_plain(&p);
    assert_met(&p, CLOSE);
}

static void nan_stays_with_its_bond(void **state)
{
    struct points p;

    (void)state;
    w.distance[500] = (float)NAN;
    p = choose();
    assert_plain(&p);
    for (int i = 0; i < BONDS; i++) {
        double h[UNITS];

        combine(&p, i / GROUP, i % GROUP, h);
        assert_int_equal(isnan(h[0]), i == 500);
    }
}

/* --- table --------------------------------------------------------------- */

static struct points from_table(void)
{
    struct points p;

    w.c.table = w.table;
    w.c.shape.is_final = 1;
    p = choose();
    assert_true(is_tabled(&p));
    assert_int_equal(w.points, 0);
    return p;
}

static void table_meets_h(void **state)
{
    struct points p = from_table();

    (void)state;
    assert_met(&p, CLOSE);
    assert_true(w.reached <= 1e-7);
    table_empty(&w.c);
    w.c.tolerance = 1e-4;
    p = from_table();
    assert_met(&p, w.reached + CLOSE);
    assert_true(w.reached <= 1e-4 && w.reached > 1e-6);
}

/* All that the convolution is given, of every bond. */
static void take_bits(const struct points *p, float out[BONDS][TERMS + 1])
{
    for (int g = 0; g < p->count[1]; g++)
        for (int j = 0; j < p->group[g].bonds; j++) {
            const struct run *r = &p->run[p->group[g].run];
            float *to = out[p->group[g].bond + j];

            to[TERMS] = p->t[g][j];
            for (int i = 0; i < TERMS; i++)
                to[i] =
                    i < r->k ? table_p(&w.c, 0)[(r->point + i) * UNITS + 5] : 0;
        }
}

static void stretch(float first, float width)
{
    for (int i = 0; i < BONDS; i++)
        w.distance[i] =
            first + width * (float)(i % (BONDS / TYPES)) * TYPES / BONDS;
}

/* Neither what it was asked before, nor that it was full, is seen. */
static void table_has_no_memory(void **state)
{
    static float fresh[BONDS][TERMS + 1], later[BONDS][TERMS + 1];
    int begun = 0, terms = 0;
    struct points p;

    (void)state;
    stretch(1.2f, 0.3f);
    p = from_table();
    take_bits(&p, fresh);
    table_empty(&w.c);
    for (int i = 0; i < 20; i++) {
        stretch(4 - 0.2f * (float)i, 0.1f);
        from_table();
        begun += table_of(&w.c)->terms < terms;
        terms = table_of(&w.c)->terms;
    }
    assert_true(begun > 0);
    stretch(1.2f, 0.3f);
    p = from_table();
    take_bits(&p, later);
    assert_memory_equal(fresh, later, sizeof fresh);
}

static void assert_not_from_table(void)
{
    struct points p;

    w.c.table = w.table;
    p = choose();
    assert_false(is_tabled(&p));
    assert_met(&p, CLOSE);
}

static void table_is_not_for_all(void **state)
{
    (void)state;
    stretch(0.01f, 0.5f); /* too short */
    assert_not_from_table();
    stretch(1, 5); /* too many pieces */
    assert_not_from_table();
    stretch(1, 0.2f);
    fill(w.scalar[0], BONDS * TYPES, 20000); /* too many types */
    assert_not_from_table();
}

/* A polynomial that fits no weights: none is taken. */
static void nan_weights_have_no_table(void **state)
{
    struct points p;

    (void)state;
    w.w1[3][4] = (float)NAN;
    w.c.table = w.table;
    p = choose();
    assert_true(is_plain(&p) && !is_tabled(&p));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(polynomials_meet_h),
        TEST(tolerance_is_kept),
        TEST(steep_networks_keep_the_tolerance),
        TEST(far_apart_is_plain),
        TEST(points_are_of_their_run),
        TEST(order_within_a_type_is_free),
        TEST(equal_bonds_have_one_point),
        TEST(other_scalars_are_plain),
        TEST(asked_for_bonds),
        TEST(nan_stays_with_its_bond),
        TEST(table_meets_h),
        TEST(table_has_no_memory),
        TEST(table_is_not_for_all),
        TEST(nan_weights_have_no_table),
    };
    int failed = 0;

    if (cpuid_best() < ISA_AVX2)
        return 77; /* only the reference runs here: its points are the bonds */
    for (isa = ISA_AVX2; isa <= ISA_AVX512 && isa <= cpuid_best(); isa++)
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
