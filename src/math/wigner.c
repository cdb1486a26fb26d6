/* SPDX-License-Identifier: MIT */
/* wigner.c - harmonics by recurrence, 3j symbols from Racah's closed form,
 * rotations from degree to degree.
 *
 * With the factorials gathered into binomials, Racah's formula reads
 *
 *     <l1 m1 l2 m2 | l3 m1+m2>  ~  S / sqrt(C(2l1, l1+m1) C(2l2, l2+m2)
 *                                           C(2l3, l3+m1+m2)),
 *     S = sum_t (-1)^t C(l1+l2-l3, t) C(l1-l2+l3, l1-m1-t)
 *                      C(-l1+l2+l3, l2+m2-t)
 *
 * up to a factor of (l1, l2, l3), which the norm takes out. S is a whole number
 * below 2^(l1+l2+l3), so what cancels cancels exactly, and zeros are zeros.
 *
 * As w(l, l-1, 1) picks degree l out of a product, what acts on degrees l-1 and
 * 1 acts on degree l by (2l+1) w (A x B) w^T: D^l and the generators follow.
 */
#include "math/wigner.h"

#include "base/err.h"

#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 2 * WIGNER_MAX + 1,
    HALF = WIGNER_MAX + 1, /* li + lo = J = WIGNER_MAX, li = lo: most numbers */
};

static const double y00 = 0.28209479177387814; /* 1/sqrt(4 pi) */

/* Each m in turn: with P_lm the normalised Legendre function over sin^m, and
 * (z + i x)^m = sin^m (cos m phi + i sin m phi). */
void wigner_harmonics(int top, const double u[3], double *out)
{
    double r = hypot(hypot(u[0], u[1]), u[2]);
    double x = u[0] / r, y = u[1] / r, z = u[2] / r;
    double re = 1, im = 0, start = y00;

    for (int m = 0; m <= top; m++) {
        double p = start, before = 0, was = re;

        for (int l = m; l <= top; l++) {
            double l2 = l * l, n2 = (l + 1) * (l + 1), m2 = m * m, next;

            out[l * l + l - m] = p * im;
            out[l * l + l + m] = p * re;
            next = sqrt((4 * n2 - 1) / (n2 - m2)) *
                   (y * p - sqrt((l2 - m2) / fabs(4 * l2 - 1)) * before);
            before = p;
            p = next;
        }
        start *= sqrt((2 * m + 3) / (m == 0 ? 1.0 : 2 * m + 2));
        re = re * z - im * x;
        im = im * z + was * x;
    }
}

static int64_t binomial(int n, int k)
{
    int64_t b = 1;

    if (k < 0 || k > n)
        return 0;
    for (int i = 1; i <= k; i++)
        b = b * (n - k + i) / i;
    return b;
}

/* Proportional to <l1 m1 l2 m2 | l3 m1+m2>, which must be legal. */
static double clebsch_gordan(const int l[3], int m1, int m2)
{
    int a = l[0] + l[1] - l[2], b = l[0] - l[1] + l[2], c = l[1] + l[2] - l[0];
    int64_t sum = 0;

    for (int t = 0; t <= a; t++) {
        int64_t term = binomial(a, t) * binomial(b, l[0] - m1 - t) *
                       binomial(c, l[1] + m2 - t);

        sum += t % 2 ? -term : term;
    }
    return (double)sum / sqrt((double)binomial(2 * l[0], l[0] + m1) *
                              (double)binomial(2 * l[1], l[1] + m2) *
                              (double)binomial(2 * l[2], l[2] + m1 + m2));
}

/* q[i, m], without (-i)^l: complex component i, which is m or -m, in the real
 * component m. */
static double complex change(int i, int m)
{
    double sign = i > 0 && i % 2 ? -1 : 1;

    if (m == 0)
        return 1;
    if (m > 0)
        return sign * sqrt(0.5);
    return (i > 0 ? I : -I) * sign * sqrt(0.5);
}

/* Proportional to the real symbol of sorted degrees. */
static double symbol(const int l[3], int m1, int m2, int m3)
{
    const double complex phases[] = {1, -I, -1, I};
    double complex sum = 0;
    int a = abs(m1), b = abs(m2);

    if (abs(m3) != a + b && abs(m3) != abs(a - b))
        return 0;
    for (int i = -a; i <= a; i += a ? 2 * a : 1)
        for (int k = -b; k <= b; k += b ? 2 * b : 1)
            if (abs(i + k) == abs(m3))
                sum += change(i, m1) * change(k, m2) * conj(change(i + k, m3)) *
                       clebsch_gordan(l, i, k);
    return creal(phases[(l[0] + l[1] - l[2]) % 4] * sum);
}

/* The degrees in ascending order, axis[i] where each comes from; returns
 * whether that permutation is odd. */
static int sort(int l[3], int axis[3])
{
    static const int pair[] = {0, 1, 0};
    int odd = 0;

    for (int s = 0; s < 3; s++) {
        int i = pair[s], was = l[i], from = axis[i];

        if (l[i] <= l[i + 1])
            continue;
        l[i] = l[i + 1];
        l[i + 1] = was;
        axis[i] = axis[i + 1];
        axis[i + 1] = from;
        odd = !odd;
    }
    return odd;
}

void wigner_3j(int j, int li, int lo, double *out)
{
    int l[3] = {j, li, lo}, axis[3] = {0, 1, 2};
    int stride[3] = {(2 * li + 1) * (2 * lo + 1), 2 * lo + 1, 1};
    int count = (2 * j + 1) * stride[0], odd = sort(l, axis);
    double square = 0, first = 0, scale;

    ASSERT(l[0] >= 0 && l[2] <= WIGNER_MAX && l[2] <= l[0] + l[1]);
    for (int a = 0; a <= 2 * l[0]; a++)
        for (int b = 0; b <= 2 * l[1]; b++)
            for (int c = 0; c <= 2 * l[2]; c++) {
                double w = symbol(l, a - l[0], b - l[1], c - l[2]);

                out[a * stride[axis[0]] + b * stride[axis[1]] +
                    c * stride[axis[2]]] = w;
                square += w * w;
                if (first == 0)
                    first = w;
            }
    if (out[count / 2] != 0) /* m = 0, 0, 0 */
        first = out[count / 2];
    scale = copysign(1 / sqrt(square), first);
    if (odd && (j + li + lo) % 2)
        scale = -scale;
    for (int i = 0; i < count; i++)
        out[i] *= scale;
}

/* (2l+1) w (A x B) w^T for A [2l-1, 2l-1] and B [3, 3]: out [2l+1, 2l+1]. */
static void raise(int l, const double *a, const double b[9], double *out)
{
    double w[WIDTH * WIDTH * 3], wa[WIDTH * 3];
    int n = 2 * l + 1, k = 2 * l - 1;

    wigner_3j(l, l - 1, 1, w);
    for (int i = 0; i < n; i++) {
        memset(wa, 0, sizeof wa);
        for (int p = 0; p < k * 3; p++) { /* row i of w (A x B) */
            double x = w[i * k * 3 + p];

            if (x == 0) /* most are */
                continue;
            for (int q = 0; q < k * 3; q++)
                wa[q] += x * a[p / 3 * k + q / 3] * b[p % 3 * 3 + q % 3];
        }
        for (int j = 0; j < n; j++) {
            double sum = 0;

            for (int q = 0; q < k * 3; q++)
                sum += wa[q] * w[j * k * 3 + q];
            out[i * n + j] = n * sum;
        }
    }
}

void wigner_d(int l, const double r[9], double *out)
{
    double below[WIDTH * WIDTH];

    ASSERT(l >= 0 && l <= WIGNER_MAX);
    out[0] = 1;
    if (l > 0)
        memcpy(out, r, 9 * sizeof *r);
    for (int i = 2; i <= l; i++) {
        memcpy(below, out, (size_t)((2 * i - 1) * (2 * i - 1)) * sizeof *out);
        raise(i, below, r, out);
    }
}

/* L of degree 1 about one axis: v -> axis x v. */
static void cross(int axis, double out[9])
{
    int next = (axis + 1) % 3, last = (axis + 2) % 3;

    memset(out, 0, 9 * sizeof *out);
    out[next * 3 + last] = -1;
    out[last * 3 + next] = 1;
}

static void identity(int n, double *out)
{
    for (int i = 0; i < n * n; i++)
        out[i] = i % (n + 1) == 0;
}

/* By the product rule: L x 1 + 1 x L. */
static void generator(int l, int axis, double *out)
{
    double below[WIDTH * WIDTH], one[WIDTH * WIDTH], part[WIDTH * WIDTH];
    double l1[9], one1[9];

    cross(axis, l1);
    identity(3, one1);
    out[0] = 0;
    if (l > 0)
        memcpy(out, l1, sizeof l1);
    for (int i = 2; i <= l; i++) {
        int n = 2 * i + 1, k = 2 * i - 1;

        memcpy(below, out, (size_t)(k * k) * sizeof *out);
        identity(k, one);
        raise(i, below, one1, out);
        raise(i, one, l1, part);
        for (int j = 0; j < n * n; j++)
            out[j] += part[j];
    }
}

void wigner_generators(int l, double *out)
{
    int n = 2 * l + 1;

    ASSERT(l >= 0 && l <= WIGNER_MAX);
    for (int axis = 0; axis < 3; axis++)
        generator(l, axis, out + axis * n * n);
}

void wigner_fold(int li, int lo, double *out)
{
    double w[WIDTH * HALF * HALF];
    int least = li < lo ? li : lo, n = 2 * least + 1;

    ASSERT(li >= 0 && lo >= 0 && li + lo <= WIGNER_MAX);
    for (int f = 0; f < n; f++) {
        int j = abs(lo - li) + f, k = 2 * lo + 1;
        const double *centre; /* [mi, mo] of mJ = 0, at mi = mo = 0 */
        double y = y00 * sqrt(2 * j + 1);

        wigner_3j(j, li, lo, w);
        centre = w + (2 * j + 1) * (2 * li + 1) * k / 2;
        out[f] = y * centre[0];
        for (int m = 1; m <= least; m++) {
            out[(2 * m - 1) * n + f] = y * centre[m * k + m];
            out[2 * m * n + f] = y * centre[-m * k + m];
        }
    }
}
