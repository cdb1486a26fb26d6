/* SPDX-License-Identifier: MIT */
/* loader_test.c - what a batch holds of each molecule; orders and parts cover
 * every row once.
 */
#include "data/loader.h"

#include "base/mem.h"
#include "hand_data.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const formulas[] = {"CHHHH", "F", "OCH", "NHHH", "CCCO"};
enum { ALL = sizeof formulas / sizeof *formulas };
static const int64_t rows[ALL] = {3, 0, 4, 1, 2};

static double reference[3] = {-1, -30, -7}; /* H C, of the first target */

/* Three targets: column 1, not there, column 0. */
static struct target_scale scale(void)
{
    return (struct target_scale){.n = 3,
                                 .mean = {2, 0, -5},
                                 .std = {4, 1, 0.5},
                                 .elements = 1,
                                 .element = {6},
                                 .reference = reference};
}

static struct dataset labelled(void)
{
    struct dataset d = hand_data(formulas, ALL, 2);

    for (int i = 0; i < 2 * ALL; i++)
        hand.label[i] = 10 * i;
    hand.label[2 * 4] = (double)NAN;
    return d;
}

static void elements_are_qm9s_or_the_parts(void **state)
{
    static const char *const sulphur[] = {"CS", "CHHHH", "NHHH"};
    static const uint8_t qm9[] = {1, 6, 7, 8, 9}, part[] = {1, 6};
    static const int64_t one = 0, methane = 1;
    struct dataset d = hand_data(formulas, ALL, 1);
    struct elements e;

    (void)state;
    elements_of(&d, &one, 1, &e);
    assert_int_equal(e.n, 5);
    assert_memory_equal(e.number, qm9, 5);
    assert_int_equal(e.seen, 2);
    assert_memory_equal(e.seen_number, part, 2);
    assert_int_equal(elements_index(&e, 9), 4);
    assert_int_equal(elements_index(&e, 16), -1);
    d = hand_data(sulphur, 3, 1);
    assert_int_equal(elements_unknown(&e, &d, 0), 16);
    assert_int_equal(elements_unknown(&e, &d, 1), 0);
    elements_of(&d, &methane, 1, &e);
    assert_int_equal(e.n, 2);
    assert_memory_equal(e.number, part, 2);
    assert_int_equal(elements_unknown(&e, &d, 2), 7);
}

/* Nodes of one molecule, in its order. */
static void assert_nodes(const struct batch *b, int m, const struct dataset *d,
                         int64_t row)
{
    static const uint8_t qm9[] = {1, 6, 7, 8, 9};
    int n = (int)(d->atom_begin[row + 1] - d->atom_begin[row]);

    assert_int_equal(b->id[m], d->id[row]);
    assert_int_equal(b->node_begin[m + 1] - b->node_begin[m], n);
    for (int i = 0; i < n; i++) {
        const double *x = b->node[0] + 6 * (b->node_begin[m] + i);
        int z = d->number[d->atom_begin[row] + i];

        for (int k = 0; k < 5; k++)
            assert_true(x[k] == (qm9[k] == z));
        assert_true(x[5] == z);
    }
}

/* Each bond of the data once, in both directions, with its order; 64: more
 * than the atoms of a molecule. */
static void assert_bonds(const struct batch *b, const struct dataset *d)
{
    int found = 0;

    for (int m = 0; m < b->molecules; m++)
        for (int64_t k = d->bond_begin[rows[m]]; k < d->bond_begin[rows[m] + 1];
             k++)
            for (int e = 0; e < b->edges; e++) {
                int i = b->node_begin[m] + d->bond[2 * k];
                int j = b->node_begin[m] + d->bond[2 * k + 1];
                const double *s = b->scalar + LOADER_SCALARS * b->bond[e];

                if (!(b->src[e] == i && b->dst[e] == j) &&
                    !(b->src[e] == j && b->dst[e] == i))
                    continue;
                found++;
                for (int o = 0; o < LOADER_SCALARS; o++)
                    assert_true(s[o] == (o + 1 == d->order[k]));
            }
    assert_int_equal(found, b->edges);
    assert_int_equal(b->edges, 2 * b->bonds);
}

static void assert_targets(const struct batch *b, const struct loader *l)
{
    for (int m = 0; m < b->molecules; m++)
        for (int t = 0; t < 3; t++) {
            double y = b->target[3 * m + t], label;

            if (t == 1) {
                assert_true(isnan(y));
                continue;
            }
            label = hand.label[2 * rows[m] + l->column[t]];
            assert_true(isnan(y) == isnan(label));
            y = l->scale->mean[t] + l->scale->std[t] * y +
                loader_reference(l, rows[m], t);
            if (!isnan(y)) /* small whole numbers: exact */
                assert_true(y == label);
        }
}

static void batch_holds_the_molecules(void **state)
{
    static const struct fiber node = {1, {6}}, edge = {0, {0}};
    struct dataset d = labelled();
    struct target_scale ts = scale();
    struct batch_limits limits = {0};
    struct elements e;
    struct loader l = {&d, &e, &ts, {1, -1, 0}};
    struct batch *b;

    (void)state;
    elements_of(&d, rows, ALL, &e);
    loader_measure(&d, rows, ALL, 1, &limits);
    assert_int_equal(batch_create(&limits, LOADER_SCALARS, 3, &node, &edge, &b),
                     OK);
    for (int again = 0; again < 2; again++) {
        loader_fill(&l, rows, ALL, b);
        assert_int_equal(b->molecules, ALL);
        assert_int_equal(b->nodes, limits.nodes); /* measured exactly */
        assert_int_equal(b->bonds, limits.bonds);
        assert_int_equal(b->edges, limits.edges);
        for (int m = 0; m < ALL; m++)
            assert_nodes(b, m, &d, rows[m]);
        assert_bonds(b, &d);
        assert_targets(b, &l);
    }
    /* a carbon's reference is taken off once for each carbon */
    assert_true(loader_reference(&l, 4, 0) == 3 * reference[0]);
    loader_fill(&l, rows, 0, b);
    assert_int_equal(b->nodes + b->molecules + b->bonds, 0);
    batch_destroy(&b);
}

static void known_labels_are_counted(void **state)
{
    struct dataset d = labelled();
    struct target_scale ts = scale();
    struct loader l = {&d, NULL, &ts, {1, -1, 0}};
    int64_t known[3];

    (void)state;
    assert_int_equal(loader_known(&l, rows, ALL, known), 2 * ALL - 1);
    assert_int_equal(known[0], ALL);
    assert_int_equal(known[1], 0);
    assert_int_equal(known[2], ALL - 1);
    assert_int_equal(loader_known(&l, rows, 0, known), 0);
}

static void limits_only_grow(void **state)
{
    struct dataset d = labelled();
    struct batch_limits limits = {2, 100, 1, 1};

    (void)state;
    loader_measure(&d, rows, 1, 3, &limits); /* NHHH */
    assert_int_equal(limits.molecules, 2);
    assert_int_equal(limits.nodes, 100);
    assert_int_equal(limits.bonds, 3);
    assert_int_equal(limits.edges, 6);
}

static void every_second_is_measured(void **state)
{
    struct dataset d = labelled();
    struct batch_limits both = {0}, limits = {0};
    int64_t picked[2] = {rows[0], rows[2]};

    (void)state;
    loader_measure(&d, picked, 2, 1, &both);
    loader_measure(&d, rows, 2, 2, &limits);
    assert_memory_equal(&limits, &both, sizeof both);
}

static void orders_are_permutations(void **state)
{
    enum { N = 1000 };
    static int64_t some[N], order[3][N];
    int moved = 0, other = 0, seed = 0;

    (void)state;
    for (int i = 0; i < N; i++)
        some[i] = 5 * i + 3;
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        static char seen[N];

        memset(seen, 0, sizeof seen);
        loader_order(7, epoch, some, N, order[epoch]);
        loader_order(7, epoch, some, N, order[2]);
        assert_memory_equal(order[2], order[epoch], sizeof order[2]);
        for (int i = 0; i < N; i++) {
            assert_int_equal(order[epoch][i] % 5, 3);
            assert_int_equal(seen[order[epoch][i] / 5]++, 0);
        }
    }
    loader_order(8, 0, some, N, order[2]);
    for (int i = 0; i < N; i++) {
        moved += order[0][i] != some[i];
        other += order[0][i] != order[1][i];
        seed += order[0][i] != order[2][i];
    }
    /* one place in N is kept by chance, 20 never */
    assert_true(moved > N - 20 && other > N - 20 && seed > N - 20);
}

/* Parts follow each other, and differ by one molecule at most. */
static void parts_cover_the_batch(void **state)
{
    static const int sizes[] = {0, 1, 5, 12, 240, 241, INT_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int parts = 1; parts < 30; parts++) {
            int next = 0, least = INT_MAX, most = 0;

            for (int k = 0; k < parts; k++) {
                int first, count;

                loader_part(sizes[i], parts, k, &first, &count);
                assert_int_equal(first, next);
                next = first + count;
                least = count < least ? count : least;
                most = count > most ? count : most;
            }
            assert_int_equal(next, sizes[i]);
            assert_in_range(most - least, 0, 1);
        }
}

static int teardown(void **state)
{
    (void)state;
    return mem_live();
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_qm9s_or_the_parts),
        cmocka_unit_test(batch_holds_the_molecules),
        cmocka_unit_test(known_labels_are_counted),
        cmocka_unit_test(limits_only_grow),
        cmocka_unit_test(every_second_is_measured),
        cmocka_unit_test(orders_are_permutations),
        cmocka_unit_test(parts_cover_the_batch),
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tests[i].teardown_func = teardown;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
