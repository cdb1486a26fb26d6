/* SPDX-License-Identifier: MIT */
/* conv_kernels_test.c - the reference kernels on bonds and edges, in double,
 * against model.md as it is written: global frame, basis matrices, one edge at
 * a time; and gradients against differences.
 *
 * Rounding: sums of up to a few hundred terms of order 1, and math to 1e-13:
 * CLOSE, 1e-11, is for numbers relative to the largest of their kind.
 */
#include "conv_world.h"

#include "base/mem.h"
#include "math/frame.h"
#include "math/wigner.h"
#include "noise.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CLOSE 1e-11

static const struct scenario scenarios[] = {
    {"full",
     FULL,
     20,
     0,
     1,
     2,
     {3, {4, 4, 4}},
     {0, {0}},
     {3, {2, 2, 2}},
     {3, {2, 2, 2}}},
    {"per_output",
     PER_OUTPUT,
     9,
     1,
     0,
     1,
     {5, {2, 0, 3, 0, 1}},
     {4, {0, 0, 1, 2}},
     {4, {2, 1, 0, 2}},
     {3, {1, 0, 2}}},
    {"per_input",
     PER_INPUT,
     37,
     3,
     1,
     3,
     {2, {1, 3}},
     {3, {0, 1, 2}},
     {2, {3, 3}},
     {2, {3, 6}}},
    {"none",
     NONE,
     70,
     4,
     1,
     2,
     {5, {2, 0, 1, 0, 2}},
     {0, {0}},
     {5, {2, 0, 2, 0, 4}},
     {3, {2, 0, 2}}},
    {"high",
     NONE,
     5,
     2,
     1,
     1,
     {9, {1, [8] = 1}},
     {0, {0}},
     {9, {1, [5] = 1, [8] = 1}},
     {9, {[8] = 1}}},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* 1/sqrt(4 pi) */
static const double y00 = 0.28209479177387814;

static void assert_close(const char *what, const struct tensor *a,
                         const struct tensor *b)
{
    double most = 0, off = 0;

    for (int i = 0; a->data && i < used(a) * (2 * a->l + 1); i++)
        for (int c = 0; c < a->c; c++) {
            double x = at(a, 0, i)[c], y = at(b, 0, i)[c];

            assert_true(isfinite(x) && isfinite(y));
            most = fmax(most, fabs(y));
            off = fmax(off, fabs(x - y));
        }
    if (off > CLOSE * most)
        print_error("%s of degree %d: %g off, of %g\n", what, a->l, off, most);
    assert_true(off <= CLOSE * most);
}

static void matrix_times(int l, const double *d, int transposed,
                         const struct tensor *x, int n, struct tensor *y,
                         int to)
{
}
