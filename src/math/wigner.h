/* SPDX-License-Identifier: MIT */
/* wigner.h - representations of rotations on real spherical harmonics
 * (theory.md section 2), in double precision, at set-up time.
 *
 * Components m = -l..l in ascending order; the polar axis is y, so that degree
 * 1 is (x, y, z). D(R) acts on columns: f' = D f, and Y(R u) = D(R) Y(u).
 * Degrees up to WIGNER_MAX, results good to 1e-13 up to degree 8. Matrices in C
 * order; nothing is allocated, outputs do not overlap inputs.
 */
#ifndef WIGNER_H
#define WIGNER_H

enum { WIGNER_MAX = 16 };

/* Y_lm(u), l = 0..top, normalised to 1 over the sphere:
 * out [(top+1)^2], degree after degree. u [3] need not have length 1; the zero
 * vector gives NaN for l > 0. */
void wigner_harmonics(int top, const double u[3], double *out);

/* Real 3j symbol w(J, li, lo), Frobenius norm 1, signs of e3nn 0.3.3:
 * out [2J+1, 2li+1, 2lo+1]. |li - lo| <= J <= li + lo. */
void wigner_3j(int j, int li, int lo, double *out);

/* D^l(R), R [3, 3] a rotation: out [2l+1, 2l+1]. */
void wigner_d(int l, const double r[9], double *out);

/* L_x, L_y, L_z with D(exp(w x)) = exp(w . L): out [3, 2l+1, 2l+1]. */
void wigner_generators(int l, double *out);

/* The map from the n = 2 min(li, lo) + 1 radial weights R_f of a path to its
 * numbers in the edge frame (theory.md section 8.2), row by row
 * a_0, a_1, b_1, a_2, b_2, ..: out [n, n], column f = J - |lo - li|.
 * There out[+m] = a_m in[+m] + b_m in[-m], out[-m] = a_m in[-m] - b_m in[+m].
 */
void wigner_fold(int li, int lo, double *out);

#endif
