/* SPDX-License-Identifier: MIT */
/* peaks_tile.c - the matrix unit: tiles of 16 x 32 and 32 x 16 numbers of 16
 * bits, summed in 32 bits. Four sums of two by two operands: as many as a
 * product in registers can have. */
#include "cpu/peaks.h"
#include "cpu/peaks_look.h"
#include "cpu/real.h"

#include <immintrin.h>

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64, FLOP = 2 * 16 * 16 * 32 };

/* As the CPU wants it (palette 1). */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void configure(void)
{
    struct tile_config c = {.palette = 1};

    for (int i = 0; i < TILES; i++) {
        c.row_bytes[i] = ROW_BYTES;
        c.rows[i] = ROWS;
    }
    look(&c); /* gcc 12 believes that 8 bytes are read */
    _tile_loadconfig(&c);
}

static double products(void *data, size_t bytes, int64_t passes)
{
    (void)bytes;
    configure();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, data, ROW_BYTES);
    _tile_loadd(5, data, ROW_BYTES);
    _tile_loadd(6, data, ROW_BYTES);
    _tile_loadd(7, data, ROW_BYTES);
    for (int64_t p = 0; p < passes; p++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
    return 4.0 * FLOP * (double)passes;
}

const struct peak ENTER(peaks_tile)[] = {
    {"amx_bf16", "GFLOP/s", products, 0},
    {NULL, NULL, NULL, 0},
};
