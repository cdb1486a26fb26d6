/* SPDX-License-Identifier: MIT */
/* peaks_dot.c - vdpbf16ps: products of pairs of 16-bit numbers, summed in 32
 * bits. Half or twice the rate of multiply-adds in 32 bits, as the CPU is. */
#include "cpu/peaks.h"
#include "cpu/peaks_look.h"
#include "cpu/real.h"

#include <immintrin.h>

enum { SUMS = 12, FLOP = 64 /* of an instruction */ };

static double dot_registers(void *data, size_t bytes, int64_t passes)
{
    __m512bh a = (__m512bh)_mm512_loadu_si512(data);
    __m512 sum[SUMS], out[SUMS];

    (void)bytes;
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        sum[i] = _mm512_loadu_ps((const float *)data + i);
    for (int64_t p = 0; p < passes; p++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm512_dpbf16_ps(sum[i], a, a);
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        out[i] = sum[i];
    look(out);
    return (double)FLOP * SUMS * (double)passes;
}

static double dot_broadcast(void *data, size_t bytes, int64_t passes)
{
    const int *pair = data;
    __m512bh a = (__m512bh)_mm512_loadu_si512(data);
    __m512 sum[SUMS], out[SUMS];

    (void)bytes;
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        sum[i] = _mm512_loadu_ps((const float *)data + i);
    for (int64_t p = 0; p < passes; p++) {
        look(data);
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm512_dpbf16_ps(sum[i], a,
                                      (__m512bh)_mm512_set1_epi32(pair[i]));
    }
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        out[i] = sum[i];
    look(out);
    return (double)FLOP * SUMS * (double)passes;
}

const struct peak ENTER(peaks_dot)[] = {
    {"vdpbf16ps", "GFLOP/s", dot_registers, 0},
    {"vdpbf16ps_broadcast", "GFLOP/s", dot_broadcast, 0},
    {NULL, NULL, NULL, 0},
};
