/* SPDX-License-Identifier: MIT */
/* peaks_tile.c - the matrix unit: tiles of 16 x 32 and 32 x 16 numbers of 16
 * bits, summed in 32 bits. Four sums of two by two operands: as many as a
 * product in registers can have. */
#include "cpu/peaks.h"
#include "cpu/real.h"
#include "cpu/tiles.h"

enum { FLOP = 2 * 16 * 16 * 32 };

static double products(void *data, size_t bytes, int64_t passes)
{
    (void)bytes;
    tiles_begin();
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    tile_load(4, data, TILE_ROW);
    tile_load(5, data, TILE_ROW);
    tile_load(6, data, TILE_ROW);
    tile_load(7, data, TILE_ROW);
    for (int64_t p = 0; p < passes; p++) {
        tile_dp(0, 4, 6);
        tile_dp(1, 4, 7);
        tile_dp(2, 5, 6);
        tile_dp(3, 5, 7);
    }
    tiles_end();
    return 4.0 * FLOP * (double)passes;
}

const struct peak ENTER(peaks_tile)[] = {
    {"amx_bf16", "GFLOP/s", products, 0},
    {NULL, NULL, NULL, 0},
};
