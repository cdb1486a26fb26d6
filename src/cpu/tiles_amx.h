/* SPDX-License-Identifier: MIT */
/* tiles_amx.h - AMX. The system must have granted it (cpuid_runs). A thread
 * that does not end keeps 8 KB of state, which the system then saves with each
 * switch, and some CPUs stay out of their deepest sleep.
 */
#ifndef TILES_AMX_H
#define TILES_AMX_H

#include "cpu/tiles.h" /* which includes this one */

#include <immintrin.h>
#include <stdint.h>

/* As the CPU wants it (palette 1). */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* What was stored before is in memory: gcc's intrinsics do not say that they
 * read it. */
INLINE void tiles_see_memory(void)
{
    __asm__ volatile("" ::: "memory");
}

INLINE void tiles_begin(void)
{
    struct tile_config c = {.palette = 1};

    for (int i = 0; i < 8; i++) {
        c.row_bytes[i] = TILE_ROW;
        c.rows[i] = TILE_ROWS;
    }
    __asm__ volatile("" ::"r"(&c) : "memory");
    _tile_loadconfig(&c);
}

INLINE void tiles_end(void)
{
    _tile_release();
}

#define tile_zero(t) _tile_zero(t)
#define tile_load(t, from, stride)                                             \
    do {                                                                       \
        tiles_see_memory();                                                    \
        _tile_loadd(t, from, stride);                                          \
    } while (0)
#define tile_store(t, to, stride) _tile_stored(t, to, stride)
#define tile_dp(c, a, b) _tile_dpbf16ps(c, a, b)

#endif
