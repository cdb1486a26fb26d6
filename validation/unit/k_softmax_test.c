/* SPDX-License-Identifier: MIT */
/* k_softmax_test.c - properties of the edge softmax, in double.
 *
 * Six edges into five nodes, of which two have none; three heads.
 */
#include "cpu/registry.h"
#include "device/kernels.h"
#include "noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NODES = 5, EDGES = 6, HEADS = 3, LD = 8 };

static const int begin[NODES + 1] = {0, 0, 1, 4, 6, 6};
static const int edge[EDGES] = {4, 0, 2, 5, 1, 3};
static const struct csr in = {.n = NODES, .begin = begin, .edge = edge};

static double score[EDGES][LD], a[EDGES][LD], da[EDGES][LD], ds[EDGES][LD];

static struct tensor view(double (*data)[LD])
{
    return (struct tensor){.data = data, .n = EDGES, .c = HEADS, .ld = LD};
}

static void forward(const struct kernels *k)
{
    struct tensor s = view(score), p = view(a);

    k->node.softmax_fwd(&s, &in, &p);
}

static void weights_sum_to_one(void **state)
{
    forward(*state);
    for (int n = 0; n < NODES; n++)
        for (int h = 0; h < HEADS; h++) {
            double sum = 0;

            for (int i = begin[n]; i < begin[n + 1]; i++)
                sum += a[edge[i]][h];
            assert_true(begin[n] == begin[n + 1] || fabs(sum - 1) < 1e-15);
        }
}

/* Adding a constant to a node's scores changes nothing, not even where exp of
 * the score itself is infinite. 1e4 + score rounds at 1e-12. */
static void shift_changes_nothing(void **state)
{
    double before[EDGES][LD];

    forward(*state);
    for (int e = 0; e < EDGES; e++)
        for (int h = 0; h < HEADS; h++) {
            before[e][h] = a[e][h];
            score[e][h] += 1e4;
        }
    forward(*state);
    for (int e = 0; e < EDGES; e++)
        for (int h = 0; h < HEADS; h++)
            assert_true(fabs(a[e][h] - before[e][h]) < 4e-12);
}

static double loss(const struct kernels *k)
{
    double sum = 0;

    forward(k);
    for (int e = 0; e < EDGES; e++)
        for (int h = 0; h < HEADS; h++)
            sum += a[e][h] * da[e][h];
    return sum;
}

/* Central differences: a step of 2^-17 leaves 1e-11 times the third derivative,
 * which is below 1, and 2e-11 of rounding. */
static void gradient_is_the_difference(void **state)
{
    const struct kernels *k = *state;
    const double step = 0x1p-17;
    struct tensor p = view(a), dp = view(da), d = view(ds);

    forward(k);
    k->node.softmax_bwd(&p, &dp, &in, &d);
    for (int e = 0; e < EDGES; e++)
        for (int h = 0; h < HEADS; h++) {
            double was = score[e][h], up, down;

            score[e][h] = was + step;
            up = loss(k);
            score[e][h] = was - step;
            down = loss(k);
            score[e][h] = was;
            assert_true(fabs((up - down) / (2 * step) - ds[e][h]) < 1e-10);
        }
}

static void no_edges_no_write(void **state)
{
    const struct kernels *k = *state;
    const int none[NODES + 1] = {0};
    const struct csr empty = {.n = NODES, .begin = none};
    struct tensor s = view(score), p = view(a);

    a[0][0] = 7;
    k->node.softmax_fwd(&s, &empty, &p);
    k->node.softmax_bwd(&s, &s, &empty, &p);
    assert_true(a[0][0] == 7);
}

static int setup(void **state)
{
    static struct kernels k;

    for (int e = 0; e < EDGES; e++)
        for (int h = 0; h < HEADS; h++) {
            score[e][h] = 4 * noise((uint64_t)(LD * e + h));
            da[e][h] = noise((uint64_t)(1000 + LD * e + h));
        }
    *state = &k;
    return registry_fill(sizeof(double), ISA_REF, &k) == OK ? 0 : -1;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_sum_to_one),
        cmocka_unit_test(shift_changes_nothing),
        cmocka_unit_test(gradient_is_the_difference),
        cmocka_unit_test(no_edges_no_write),
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tests[i].setup_func = setup;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
