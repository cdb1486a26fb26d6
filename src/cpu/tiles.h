/* SPDX-License-Identifier: MIT */
/* tiles.h - a matrix unit: eight registers 0..7 of 16 rows of 64 bytes. They
 * hold sums, [16][16] floats, or operands of bf16: rows [16][32], or columns as
 * pairs [16][16][2], whose [k][n] are numbers 2k and 2k + 1 of column n.
 *
 *     tile_zero(t)                sets all to 0
 *     tile_load(t, from, stride)  rows of 64 bytes, `stride` bytes apart
 *     tile_store(t, to, stride)
 *     tile_dp(c, a, b)            c[i][n] += sum over k of a[i][k] b[k][n]
 *
 * Register numbers are literals. A thread's registers are its own: it begins
 * before the first of these and ends behind the last, within one parallel
 * region. Forms: AMX; C for archives without it, which tests have, so that the
 * kernels can be run where there is no AMX.
 */
#ifndef TILES_H
#define TILES_H

#include "cpu/lanes.h"

enum { TILE_ROWS = 16, TILE_ROW = 64, TILE = TILE_ROWS * TILE_ROW };

#ifdef __AMX_TILE__
#include "cpu/tiles_amx.h"
#else
#include "cpu/tiles_c.h"
#endif

#endif
