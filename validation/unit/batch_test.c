/* SPDX-License-Identifier: MIT */
/* batch_test.c - batches: bonds sorted, edges numbered, rows indexed, positions
 * centred, nothing allocated after creation.
 */
#include "data/batch.h"

#include "base/mem.h"
#include "noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOLECULES = 3, ATOMS = 9, BONDS = 40, SCALARS = 3 };

static const struct batch_limits limits = {MOLECULES, MOLECULES *ATOMS, BONDS,
                                           2 * BONDS};
static const struct fiber node = {2, {2, 1}}, edge = {3, {4, 0, 2}};

static void open_batch(struct batch **b)
{
    assert_int_equal(batch_create(&limits, SCALARS, 1, &node, &edge, b), OK);
}

/* Every third bond has one direction; types repeat, distances do not. */
static int add(struct batch *b, int molecule, int place[])
{
    double x[3 * ATOMS], s[SCALARS];
    int first = b->nodes, n = 0;

    for (int i = 0; i < 3 * ATOMS; i++)
        x[i] = 100 + noise((uint64_t)(molecule * 100 + i));
    assert_int_equal(batch_add_molecule(b, 7 + molecule, ATOMS, x), molecule);
    for (int i = 1; i < ATOMS; i++, n++) {
        for (int c = 0; c < SCALARS; c++)
            s[c] = c == i % SCALARS;
        place[b->bonds] = i;
        batch_add_bond(b, first + i / 2, first + i, i % 3 != 0, s);
    }
    return n;
}

static double length(const struct batch *b, int bond)
{
    int e = b->bond_edge[bond];
    double sum = 0;

    for (int k = 0; k < 3; k++) {
        double r = b->x[3 * b->dst[e] + k] - b->x[3 * b->src[e] + k];

        sum += r * r;
    }
    return sqrt(sum);
}

static int type(const struct batch *b, int bond)
{
    const double *s = b->scalar + bond * b->scalars;
    int best = 0;

    for (int c = 1; c < b->scalars; c++)
        best = s[c] > s[best] ? c : best;
    return best;
}

static void bonds_are_sorted(void **state)
{
    int place[BONDS];
    struct batch *b;

    (void)state;
    open_batch(&b);
    for (int k = 0; k < MOLECULES; k++)
        add(b, k, place);
    batch_finish(b, NULL);
    for (int k = 1; k < b->bonds; k++)
        assert_true(
            type(b, k - 1) < type(b, k) ||
            (type(b, k - 1) == type(b, k) && length(b, k - 1) <= length(b, k)));
    batch_destroy(&b);
    assert_int_equal(mem_live(), 0);
}

/* place says where a bond went: same atoms, same scalars, reverse second. */
static void edges_are_those_added(void **state)
{
    int added[BONDS], place[BONDS], edges = 0;
    struct batch *b;

    (void)state;
    open_batch(&b);
    for (int k = 0; k < MOLECULES; k++)
        add(b, k, added);
    batch_finish(b, place);
    for (int k = 0; k < b->bonds; k++) {
        int i = added[k], first = k / (ATOMS - 1) * ATOMS;
        int e = b->bond_edge[place[k]], end = b->bond_edge[place[k] + 1];

        assert_int_equal(end - e, i % 3 ? 2 : 1);
        assert_int_equal(b->src[e], first + i / 2);
        assert_int_equal(b->dst[e], first + i);
        assert_int_equal(type(b, place[k]), i % SCALARS);
        for (int j = e; j < end; j++)
            assert_int_equal(b->bond[j], place[k]);
        if (end - e == 2) {
            assert_int_equal(b->src[e + 1], b->dst[e]);
            assert_int_equal(b->dst[e + 1], b->src[e]);
        }
        edges += end - e;
    }
    assert_int_equal(edges, b->edges);
    batch_destroy(&b);
}

static void assert_index(const int end[], int edges, int nodes,
                         const int begin[], const int list[])
{
    assert_int_equal(begin[0], 0);
    assert_int_equal(begin[nodes], edges);
    for (int n = 0; n < nodes; n++)
        for (int i = begin[n]; i < begin[n + 1]; i++) {
            assert_int_equal(end[list[i]], n);
            assert_true(i == begin[n] || list[i - 1] < list[i]);
        }
}

static void rows_list_their_edges(void **state)
{
    int place[BONDS];
    struct batch *b;

    (void)state;
    open_batch(&b);
    for (int k = 0; k < MOLECULES; k++)
        add(b, k, place);
    batch_finish(b, NULL);
    assert_index(b->dst, b->edges, b->nodes, b->in_begin, b->in_edge);
    assert_index(b->src, b->edges, b->nodes, b->out_begin, b->out_edge);
    batch_destroy(&b);
}

/* Distances of the shifted input lose 100 / 2^53: 1e-14. */
static void positions_are_centred(void **state)
{
    int place[BONDS];
    struct batch *b;

    (void)state;
    open_batch(&b);
    for (int k = 0; k < MOLECULES; k++)
        add(b, k, place);
    for (int k = 0; k < MOLECULES; k++)
        for (int i = 0; i < 3; i++) {
            double sum = 0;

            for (int n = b->node_begin[k]; n < b->node_begin[k + 1]; n++)
                sum += b->x[3 * n + i];
            assert_true(fabs(sum) < ATOMS * 1e-13);
        }
    for (int n = 0; n < ATOMS; n++) {
        double was = noise((uint64_t)(3 * n)) - noise(0);

        assert_true(fabs(b->x[3 * n] - b->x[0] - was) < 1e-13);
    }
    assert_int_equal(b->id[1], 8);
    batch_destroy(&b);
}

/* The second filling is the first, and nothing is allocated for it. */
static void filling_again_gives_the_same(void **state)
{
    int place[BONDS], first[2 * BONDS], edges;
    struct batch *b;
    long count;

    (void)state;
    open_batch(&b);
    count = mem_count();
    add(b, 0, place);
    batch_finish(b, NULL);
    edges = b->edges;
    for (int e = 0; e < edges; e++)
        first[e] = b->dst[e];
    batch_clear(b);
    batch_finish(b, NULL);
    assert_int_equal(b->edges, 0);
    assert_int_equal(b->in_begin[b->nodes], 0);
    add(b, 0, place);
    batch_finish(b, NULL);
    assert_int_equal(b->edges, edges);
    assert_memory_equal(b->dst, first, (size_t)edges * sizeof *first);
    assert_int_equal(mem_count(), count);
    batch_destroy(&b);
}

/* Equal bonds stay in the order in which they were added. */
static void ties_keep_their_order(void **state)
{
    const double x[] = {0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 5, 0, 0};
    const double s[SCALARS] = {1, 0, 0};
    int place[5];
    struct batch *b;

    (void)state;
    open_batch(&b);
    batch_add_molecule(b, 1, 6, x);
    for (int i = 0; i < 5; i++)
        batch_add_bond(b, i, i + 1, 1, s);
    batch_finish(b, place);
    for (int i = 0; i < 5; i++)
        assert_int_equal(place[i], i);
    batch_destroy(&b);
    batch_destroy(&b); /* NULL is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bonds_are_sorted),
        cmocka_unit_test(edges_are_those_added),
        cmocka_unit_test(rows_list_their_edges),
        cmocka_unit_test(positions_are_centred),
        cmocka_unit_test(filling_again_gives_the_same),
        cmocka_unit_test(ties_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
