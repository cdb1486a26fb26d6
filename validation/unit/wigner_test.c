/* SPDX-License-Identifier: MIT */
/* wigner_test.c - representations and edge frames: the published program's
 * numbers (validation/golden/wigner.h5), then properties up to degree 8.
 *
 * Numbers compared are of order 1 and below. LIMIT leaves room for the rounding
 * of eight steps from degree to degree and of sums over 17 x 17 components,
 * some hundred DBL_EPSILON; WIDE for degrees up to 16.
 */
#include "math/frame.h"
#include "math/wigner.h"
#include "noise.h"

#include <hdf5.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 1e-13
#define WIDE 1e-12

enum { TOP = 8, W = 2 * TOP + 1, WW = 2 * WIGNER_MAX + 1, BLOCK = WW * W * W };
enum { DIRECTIONS = 20, ROTATIONS = 8, GOLDEN_TOP = 4 };

static hid_t file;

static void assert_all(const double *found, const double *expected, int n,
                       double limit, const char *what)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(found[i] - expected[i]) <= limit))
            fail_msg("%s, number %d: %.17g, expected %.17g", what, i, found[i],
                     expected[i]);
}

static void identity(int n, double *out)
{
    for (int i = 0; i < n * n; i++)
        out[i] = i % (n + 1) == 0;
}

/* out = a b for square matrices; with _t, a b^T. */
static void multiply(int n, const double *a, const double *b, double *out)
{
    for (int i = 0; i < n * n; i++) {
        out[i] = 0;
        for (int k = 0; k < n; k++)
            out[i] += a[i / n * n + k] * b[k * n + i % n];
    }
}

static void multiply_t(int n, const double *a, const double *b, double *out)
{
    for (int i = 0; i < n * n; i++) {
        out[i] = 0;
        for (int k = 0; k < n; k++)
            out[i] += a[i / n * n + k] * b[i % n * n + k];
    }
}

static void apply(int n, const double *a, const double *x, double *out)
{
    for (int i = 0; i < n; i++) {
        out[i] = 0;
        for (int k = 0; k < n; k++)
            out[i] += a[i * n + k] * x[k];
    }
}

static void apply_t(int n, const double *a, const double *x, double *out)
{
    for (int i = 0; i < n; i++) {
        out[i] = 0;
        for (int k = 0; k < n; k++)
            out[i] += a[k * n + i] * x[k];
    }
}

/* exp(w x) by Rodrigues' formula. */
static void rotation_about(const double w[3], double out[9])
{
    double t = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
    double s = sin(t) / t, c = (1 - cos(t)) / (t * t);
    const double cross[9] = {0, -w[2], w[1], w[2], 0, -w[0], -w[1], w[0], 0};

    multiply(3, cross, cross, out);
    for (int i = 0; i < 9; i++)
        out[i] = c * out[i] + s * cross[i] + (i % 4 == 0);
}

static void numbers(uint64_t seed, int n, double *out)
{
    for (int i = 0; i < n; i++)
        out[i] = noise(seed << 32 | (uint64_t)i);
}

static void some_rotation(uint64_t seed, double out[9])
{
    double w[3];

    numbers(seed, 3, w);
    for (int i = 0; i < 3; i++)
        w[i] *= 3;
    rotation_about(w, out);
}

/* All numbers of a data set, which must be n. */
static void read_golden(const char *path, int n, double *out)
{
    hid_t set = H5Dopen2(file, path, H5P_DEFAULT), space;

    assert_true(set >= 0);
    space = H5Dget_space(set);
    assert_int_equal(H5Sget_simple_extent_npoints(space), n);
    assert_true(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                        out) >= 0);
    H5Sclose(space);
    H5Dclose(set);
}

static void golden_3j(void **state)
{
    static double expected[BLOCK], found[BLOCK];
    char path[64];
    int blocks = 0;

    (void)state;
    for (int li = 0; li <= GOLDEN_TOP; li++)
        for (int lo = 0; lo <= GOLDEN_TOP; lo++)
            for (int j = abs(li - lo); j <= li + lo; j++) {
                int n = (2 * j + 1) * (2 * li + 1) * (2 * lo + 1);

                snprintf(path, sizeof path, "wigner_3j/%d.%d.%d", j, li, lo);
                read_golden(path, n, expected);
                wigner_3j(j, li, lo, found);
                assert_all(found, expected, n, LIMIT, path);
                blocks++;
            }
    assert_int_equal(blocks, 85);
}

static void golden_harmonics(void **state)
{
    double u[DIRECTIONS * 3], expected[DIRECTIONS * W],
        y[(TOP + 1) * (TOP + 1)];
    char path[64];

    (void)state;
    read_golden("directions", DIRECTIONS * 3, u);
    for (int l = 0; l <= TOP; l++) {
        int n = 2 * l + 1;

        snprintf(path, sizeof path, "harmonics/%d", l);
        read_golden(path, DIRECTIONS * n, expected);
        for (int i = 0; i < DIRECTIONS; i++) {
            wigner_harmonics(l, u + 3 * i, y);
            assert_all(y + l * l, expected + i * n, n, LIMIT, path);
        }
    }
}

/* The published rotations, and its frames, which are rotations too (its free
 * angle is not ours). */
static void golden_rotations(const char *group, int count)
{
    enum { N = 2 * GOLDEN_TOP + 1 };
    double r[DIRECTIONS * 9], expected[DIRECTIONS * N * N], found[N * N];
    char path[64];

    snprintf(path, sizeof path, "%s/matrix", group);
    read_golden(path, count * 9, r);
    for (int l = 0; l <= GOLDEN_TOP; l++) {
        int n = (2 * l + 1) * (2 * l + 1);

        snprintf(path, sizeof path, "%s/D.%d", group, l);
        read_golden(path, count * n, expected);
        for (int i = 0; i < count; i++) {
            wigner_d(l, r + 9 * i, found);
            assert_all(found, expected + i * n, n, LIMIT, path);
        }
    }
}

static void golden_d(void **state)
{
    (void)state;
    golden_rotations("rotation", ROTATIONS);
    golden_rotations("frame", DIRECTIONS);
}

static void golden_generators(void **state)
{
    enum { N = 2 * GOLDEN_TOP + 1 };
    double expected[3 * N * N], found[3 * N * N];
    char path[64];

    (void)state;
    for (int l = 0; l <= GOLDEN_TOP; l++) {
        int n = 3 * (2 * l + 1) * (2 * l + 1);

        snprintf(path, sizeof path, "generators/%d", l);
        read_golden(path, n, expected);
        wigner_generators(l, found);
        assert_all(found, expected, n, LIMIT, path);
    }
}

static void golden_fold(void **state)
{
    enum { N = 2 * GOLDEN_TOP + 1, M = GOLDEN_TOP + 1 };
    double a[N * M], b[N * M], expected[N * N], fold[N * N];
    char path[64];

    (void)state;
    for (int i = 0; i < M * M; i++) {
        int li = i / M, lo = i % M, m = (li < lo ? li : lo) + 1, n = 2 * m - 1;

        snprintf(path, sizeof path, "edge_frame/%d.%d/a", li, lo);
        read_golden(path, n * m, a);
        path[strlen(path) - 1] = 'b';
        read_golden(path, n * m, b);
        for (int f = 0; f < n; f++) {
            expected[f] = a[f * m];
            for (int k = 1; k < m; k++) {
                expected[(2 * k - 1) * n + f] = a[f * m + k];
                expected[2 * k * n + f] = b[f * m + k];
            }
        }
        wigner_fold(li, lo, fold);
        assert_all(fold, expected, n * n, LIMIT, path);
    }
}

/* D D^T = 1, D(A) D(B) = D(AB), and Y(A u) = D(A) Y(u). */
static void rotations_are_a_group(void **state)
{
    static double da[W * W], db[W * W], dab[W * W], product[W * W], one[W * W];
    double a[9], b[9], ab[9], u[3], au[3], y[(TOP + 1) * (TOP + 1)];
    double y_a[(TOP + 1) * (TOP + 1)], dy[W];

    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        some_rotation(seed, a);
        some_rotation(seed + 100, b);
        multiply(3, a, b, ab);
        numbers(seed + 200, 3, u);
        apply(3, a, u, au);
        wigner_harmonics(TOP, u, y);
        wigner_harmonics(TOP, au, y_a);
        for (int l = 0; l <= TOP; l++) {
            int n = 2 * l + 1;

            wigner_d(l, a, da);
            wigner_d(l, b, db);
            wigner_d(l, ab, dab);
            identity(n, one);
            multiply_t(n, da, da, product);
            assert_all(product, one, n * n, LIMIT, "D D^T");
            multiply(n, da, db, product);
            assert_all(product, dab, n * n, LIMIT, "D(A) D(B)");
            apply(n, da, y + l * l, dy);
            assert_all(dy, y_a + l * l, n, LIMIT, "D Y");
        }
    }
}

/* exp(w . L) v by its series: |w . L| <= 8 |w| = 5, so terms stay below
 * 5^5/5! = 26 and from the 50th on below 1e-29. */
static void generators_generate(void **state)
{
    static double gen[3 * W * W], wl[W * W], d[W * W];
    const double w[3] = {0.3, -0.5, 0.2};
    double r[9], v[W], term[W], next[W], sum[W], dv[W];

    (void)state;
    rotation_about(w, r);
    numbers(1, W, v);
    for (int l = 0; l <= TOP; l++) {
        int n = 2 * l + 1;

        wigner_generators(l, gen);
        for (int i = 0; i < n * n; i++)
            wl[i] = w[0] * gen[i] + w[1] * gen[n * n + i] +
                    w[2] * gen[2 * n * n + i];
        memcpy(term, v, sizeof v);
        memcpy(sum, v, sizeof v);
        for (int k = 1; k <= 50; k++) {
            apply(n, wl, term, next);
            for (int i = 0; i < n; i++)
                sum[i] += term[i] = next[i] / k;
        }
        wigner_d(l, r, d);
        apply(n, d, v, dv);
        assert_all(sum, dv, n, LIMIT, "exp(w . L)");
    }
}

/* Sum over the middle index of block [p, n, q] with a [n, n]. */
static void turn_axis(int p, int n, int q, const double *a, const double *in,
                      double *out)
{
    for (int i = 0; i < p * n * q; i++) {
        int first = i / (n * q) * n * q + i % q, row = i / q % n;

        out[i] = 0;
        for (int k = 0; k < n; k++)
            out[i] += a[row * n + k] * in[first + k * q];
    }
}

/* w turned on all three axes is w, its norm 1: so it is the 3j symbol but for
 * the sign. */
static void symbols_are_invariant(void **state)
{
    static double d[WIGNER_MAX + 1][WW * WW], w[BLOCK], x[BLOCK], y[BLOCK];
    double r[9];

    (void)state;
    some_rotation(7, r);
    for (int l = 0; l <= WIGNER_MAX; l++)
        wigner_d(l, r, d[l]);
    for (int i = 0; i <= TOP; i++)
        for (int o = 0; o <= TOP; o++)
            for (int j = abs(i - o); j <= i + o; j++) {
                int nj = 2 * j + 1, ni = 2 * i + 1, no = 2 * o + 1;
                int n = nj * ni * no;
                double square = 0;

                wigner_3j(j, i, o, w);
                for (int k = 0; k < n; k++)
                    square += w[k] * w[k];
                assert_true(fabs(square - 1) <= LIMIT);
                turn_axis(1, nj, ni * no, d[j], w, x);
                turn_axis(nj, ni, no, d[i], x, y);
                turn_axis(nj * ni, no, 1, d[o], y, x);
                assert_all(x, w, n, WIDE, "turned 3j symbol");
            }
}

/* Order of the arguments: cyclic leaves w alone, an exchange gives
 * (-1)^(sum of degrees). */
static void symbols_transpose(void **state)
{
    static double w[BLOCK], cyclic[BLOCK], swapped[BLOCK];

    (void)state;
    for (int i = 0; i <= TOP; i++)
        for (int o = 0; o <= TOP; o++)
            for (int j = abs(i - o); j <= i + o && j <= TOP; j++) {
                int ni = 2 * i + 1, no = 2 * o + 1, nj = 2 * j + 1;
                double sign = (i + o + j) % 2 ? -1 : 1;

                wigner_3j(j, i, o, w);
                wigner_3j(i, o, j, cyclic);
                wigner_3j(j, o, i, swapped);
                for (int k = 0; k < nj * ni * no; k++) {
                    int mj = k / (ni * no), mi = k / no % ni, mo = k % no;

                    assert_true(cyclic[(mi * no + mo) * nj + mj] == w[k]);
                    assert_true(swapped[(mj * no + mo) * ni + mi] ==
                                sign * w[k]);
                }
            }
}

/* Axes, their neighbourhood down to where squares vanish, any length. */
static const double directions[][3] = {
    {0, 1, 0},      {0, -1, 0},        {1, 0, 0},       {-1, 0, 0},
    {0, 0, 1},      {0, 0, -1},        {0, 3, 0},       {1e-9, 1, 0},
    {0, -1, 1e-12}, {1e-200, 1, 0},    {0.3, -0.7, 2},  {-4, 0.1, -0.01},
    {-0.0, 1, 0},   {1e-8, -1, -1e-8}, {0.5, 0.5, -.5}, {1e150, 1e150, 0},
};
enum { COUNT = sizeof directions / sizeof *directions };

static double length(const double u[3])
{
    return hypot(hypot(u[0], u[1]), u[2]);
}

static void frame_takes_u_to_y(void **state)
{
    const double polar[3] = {0, 1, 0};
    double f[9], one[9], product[9], v[3], unit[3];

    (void)state;
    identity(3, one);
    for (int i = 0; i < COUNT; i++) {
        frame_matrix(directions[i], f);
        for (int k = 0; k < 3; k++)
            unit[k] = directions[i][k] / length(directions[i]);
        apply(3, f, unit, v);
        assert_all(v, polar, 3, LIMIT, "F u");
        multiply_t(3, f, f, product);
        assert_all(product, one, 9, LIMIT, "F F^T");
        assert_true(f[0] * (f[4] * f[8] - f[5] * f[7]) -
                        f[1] * (f[3] * f[8] - f[5] * f[6]) +
                        f[2] * (f[3] * f[7] - f[4] * f[6]) >
                    0.9);
    }
    frame_matrix(polar, f);
    assert_all(f, one, 9, 0, "F(y)");
}

/* D^l(F) is the representation of F, and turns Y(u) into Y(y). */
static void frame_d_is_d_of_frame(void **state)
{
    static double d[W * W], expected[W * W];
    const double polar[3] = {0, 1, 0};
    double f[9], y[(TOP + 1) * (TOP + 1)], pole[(TOP + 1) * (TOP + 1)], dy[W];

    (void)state;
    wigner_harmonics(TOP, polar, pole);
    for (int i = 0; i < COUNT; i++) {
        frame_matrix(directions[i], f);
        wigner_harmonics(TOP, directions[i], y);
        for (int l = 0; l <= TOP; l++) {
            int n = 2 * l + 1;

            frame_d(l, directions[i], d);
            wigner_d(l, f, expected);
            assert_all(d, expected, n * n, LIMIT, "D(F)");
            apply(n, d, y + l * l, dy);
            assert_all(dy, pole + l * l, n, LIMIT, "D(F) Y(u)");
        }
    }
    for (int l = 0; l <= TOP; l++) /* all of Y(y) is at m = 0 */
        for (int m = -l; m <= l; m++)
            assert_true(fabs(pole[l * l + l + m] -
                             (m == 0) * sqrt((2 * l + 1) / (16 * atan(1)))) <=
                        LIMIT);
}

static void turn_takes_y_to_x(void **state)
{
    static double k[W * W];
    const double polar[3] = {0, 1, 0}, x_axis[3] = {1, 0, 0};
    double y[(TOP + 1) * (TOP + 1)], x[(TOP + 1) * (TOP + 1)], ky[W];

    (void)state;
    wigner_harmonics(TOP, polar, y);
    wigner_harmonics(TOP, x_axis, x);
    for (int l = 0; l <= TOP; l++) {
        frame_turn(l, k);
        apply(2 * l + 1, k, y + l * l, ky);
        assert_all(ky, x + l * l, 2 * l + 1, LIMIT, "K Y(y)");
    }
}

/* out [mo] = sum_f R_f sum_mi in[mi] B_f[mi, mo], as theory.md section 2. */
static void path_by_basis(int li, int lo, const double u[3], const double *r,
                          const double *in, double *out)
{
    static double w[BLOCK];
    double y[(2 * TOP + 1) * (2 * TOP + 1)];
    int ni = 2 * li + 1, no = 2 * lo + 1, least = li < lo ? li : lo;

    wigner_harmonics(li + lo, u, y);
    memset(out, 0, (size_t)no * sizeof *out);
    for (int f = 0; f <= 2 * least; f++) {
        int j = abs(lo - li) + f;

        wigner_3j(j, li, lo, w);
        for (int k = 0; k < (2 * j + 1) * ni * no; k++)
            out[k % no] +=
                r[f] * w[k] * y[j * j + k / (ni * no)] * in[k / no % ni];
    }
}

/* The same in the edge frame, as section 8. */
static void path_by_fold(int li, int lo, const double u[3], const double *r,
                         const double *in, double *out)
{
    static double d[W * W], fold[W * W];
    int least = li < lo ? li : lo, n = 2 * least + 1;
    double ab[W], turned[W], y[W] = {0};

    wigner_fold(li, lo, fold);
    apply(n, fold, r, ab);
    frame_d(li, u, d);
    apply(2 * li + 1, d, in, turned);
    y[lo] = ab[0] * turned[li];
    for (int m = 1; m <= least; m++) {
        double a = ab[2 * m - 1], b = ab[2 * m];

        y[lo + m] = a * turned[li + m] + b * turned[li - m];
        y[lo - m] = a * turned[li - m] - b * turned[li + m];
    }
    frame_d(lo, u, d);
    apply_t(2 * lo + 1, d, y, out);
}

static void fold_is_the_basis(void **state)
{
    const double u[3] = {0.4, -1.1, 0.8};
    double r[W], in[W], expected[W], found[W];

    (void)state;
    numbers(11, W, r);
    numbers(12, W, in);
    for (int li = 0; li <= TOP; li++)
        for (int lo = 0; lo <= TOP; lo++) {
            path_by_basis(li, lo, u, r, in, expected);
            path_by_fold(li, lo, u, r, in, found);
            assert_all(found, expected, 2 * lo + 1, WIDE, "path");
        }
}

/* The matrices B_f are orthogonal, with square 1/(4 pi). In a and b that reads
 * M^T diag(1, 2, 2, ..) M = 1/(4 pi): M is an orthogonal matrix times a
 * diagonal one of 1, sqrt(1/2), .., of condition number sqrt 2. */
static void fold_is_well_conditioned(void **state)
{
    static double m[W * W], product[W * W], one[W * W];

    (void)state;
    for (int li = 0; li <= TOP; li++)
        for (int lo = 0; lo <= TOP; lo++) {
            int n = 2 * (li < lo ? li : lo) + 1;

            wigner_fold(li, lo, m);
            for (int i = 0; i < n * n; i++)
                m[i] *= sqrt(16 * atan(1)) * (i < n ? 1 : sqrt(2));
            multiply_t(n, m, m, product);
            identity(n, one);
            assert_all(product, one, n * n, LIMIT, "fold");
        }
}

/* No direction, no frame: NaN must be seen, not a plausible number. */
static void zero_vector_gives_nan(void **state)
{
    const double zero[3] = {0, 0, 0};
    double y[9], d[9];

    (void)state;
    wigner_harmonics(2, zero, y);
    assert_true(y[0] > 0.28);
    for (int i = 1; i < 9; i++)
        assert_true(isnan(y[i]));
    frame_matrix(zero, d);
    assert_true(isnan(d[4]));
}

static int open_golden(void **state)
{
    const char *srcdir = getenv("srcdir");
    char path[4096];

    (void)state;
    snprintf(path, sizeof path, "%s/validation/golden/wigner.h5",
             srcdir ? srcdir : ".");
    file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return file < 0;
}

static int close_golden(void **state)
{
    (void)state;
    return H5Fclose(file) < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_3j),
        cmocka_unit_test(golden_harmonics),
        cmocka_unit_test(golden_d),
        cmocka_unit_test(golden_generators),
        cmocka_unit_test(golden_fold),
        cmocka_unit_test(rotations_are_a_group),
        cmocka_unit_test(generators_generate),
        cmocka_unit_test(symbols_are_invariant),
        cmocka_unit_test(symbols_transpose),
        cmocka_unit_test(frame_takes_u_to_y),
        cmocka_unit_test(frame_d_is_d_of_frame),
        cmocka_unit_test(turn_takes_y_to_x),
        cmocka_unit_test(fold_is_the_basis),
        cmocka_unit_test(fold_is_well_conditioned),
        cmocka_unit_test(zero_vector_gives_nan),
    };

    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
