/* SPDX-License-Identifier: MIT */
/* tiles_c.h - the matrix unit in C, some 50 times slower: for tests. A thread
 * that uses a register without having begun ends the program.
 */
#ifndef TILES_C_H
#define TILES_C_H

#include "cpu/tiles.h" /* which includes this one */

#include <stdint.h>
#include <string.h>

static _Thread_local struct {
    int has_begun;
    char tile[8][TILE];
} matrix_unit;

static inline void tiles_begin(void)
{
    memset(&matrix_unit, 0, sizeof matrix_unit);
    matrix_unit.has_begun = 1;
}

static inline void tiles_end(void)
{
    memset(&matrix_unit, 0xff, sizeof matrix_unit); /* NaN */
    matrix_unit.has_begun = 0;
}

static inline char *tile_at_number(int t)
{
    if (!matrix_unit.has_begun)
        __builtin_trap();
    return matrix_unit.tile[t];
}

static inline void tile_zero(int t)
{
    memset(tile_at_number(t), 0, TILE);
}

static inline void tile_load(int t, const void *from, size_t stride)
{
    for (size_t i = 0; i < TILE_ROWS; i++)
        memcpy(tile_at_number(t) + i * TILE_ROW,
               (const char *)from + i * stride, TILE_ROW);
}

static inline void tile_store(int t, void *to, size_t stride)
{
    for (size_t i = 0; i < TILE_ROWS; i++)
        memcpy((char *)to + i * stride, tile_at_number(t) + i * TILE_ROW,
               TILE_ROW);
}

static inline float of_bf16(uint16_t v)
{
    uint32_t u = (uint32_t)v << 16;
    float x;

    memcpy(&x, &u, sizeof x);
    return x;
}

static inline void tile_dp(int to, int rows, int columns)
{
    float c[16][16];
    uint16_t a[16][32], b[16][16][2];

    memcpy(c, tile_at_number(to), TILE);
    memcpy(a, tile_at_number(rows), TILE);
    memcpy(b, tile_at_number(columns), TILE);
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 32; k++)
            for (int n = 0; n < 16; n++)
                c[i][n] += of_bf16(a[i][k]) * of_bf16(b[k / 2][n][k % 2]);
    memcpy(tile_at_number(to), c, TILE);
}

#endif
