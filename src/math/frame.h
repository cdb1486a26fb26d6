/* SPDX-License-Identifier: MIT */
/* frame.h - the rotation that takes an edge's direction to the polar axis y.
 *
 * With u = (x, y, z), rho = sqrt(x^2 + z^2), alpha the angle of (z, x) and beta
 * that of (y, rho): F(u) = Rx(-beta) Ry(-alpha), and since a turn K about z
 * takes y to x,
 *
 *     D^l(F) = K_l Ry_l(-beta) K_l^T Ry_l(-alpha),
 *
 * where Ry_l mixes only m with -m, by cos and sin of m times the angle. K_l is
 * a constant; so frames cost a few products and no special functions. On the
 * axis itself (rho = 0) alpha is 0.
 */
#ifndef FRAME_H
#define FRAME_H

/* F(u): out [3, 3]. u need not have length 1. */
void frame_matrix(const double u[3], double out[9]);

/* D^l(F(u)): out [2l+1, 2l+1]. Makes K_l anew: who needs many keeps it. */
void frame_d(int l, const double u[3], double *out);

/* K_l: out [2l+1, 2l+1]. */
void frame_turn(int l, double *out);

#endif
