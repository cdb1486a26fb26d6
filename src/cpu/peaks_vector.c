/* SPDX-License-Identifier: MIT */
/* peaks_vector.c - multiply-adds in 32 bits, reading and writing, on vectors
 * of the archive's width (VECTOR_BYTES). The reference multiplies, then adds.
 *
 * 12 sums: more than the latency of a multiply-add times the two that may
 * begin in a cycle, and with two operands they fit 16 registers. Each is its
 * own factor, or the compiler would take the product out of the loop. Sweeps
 * take 8 vectors a turn: with 32 the prefetchers lose the thread. */
#include "cpu/peaks.h"
#include "cpu/peaks_look.h"
#include "cpu/real.h"

typedef float vector __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int64_t words __attribute__((vector_size(VECTOR_BYTES), may_alias));

enum { FLOATS = VECTOR_BYTES / sizeof(float), SUMS = 12, UNROLL = 8 };

static double fma_registers(void *data, size_t bytes, int64_t passes)
{
    const vector *x = data;
    vector a = x[0], b = x[1], sum[SUMS], out[SUMS];

    (void)bytes;
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        sum[i] = x[i];
    for (int64_t p = 0; p < passes; p++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sum[i] = sum[i] * a + b;
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        out[i] = sum[i];
    look(out);
    return 2.0 * FLOATS * SUMS * (double)passes;
}

static double fma_broadcast(void *data, size_t bytes, int64_t passes)
{
    const vector *x = data;
    const float *number = data;
    vector b = x[1], sum[SUMS], out[SUMS];

    (void)bytes;
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        sum[i] = x[i];
    for (int64_t p = 0; p < passes; p++) {
        look(data);
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sum[i] = sum[i] * number[i] + b;
    }
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        out[i] = sum[i];
    look(out);
    return 2.0 * FLOATS * SUMS * (double)passes;
}

static double read_all(void *data, size_t bytes, int64_t passes)
{
    const words *x = data;
    size_t n = bytes / sizeof *x;
    words sum[UNROLL], out[UNROLL];

#pragma GCC unroll 8
    for (int k = 0; k < UNROLL; k++)
        sum[k] = x[k];
    for (int64_t p = 0; p < passes; p++) {
        look(data);
        for (size_t i = 0; i < n; i += UNROLL)
#pragma GCC unroll 8
            for (int k = 0; k < UNROLL; k++)
                sum[k] ^= x[i + (size_t)k];
    }
#pragma GCC unroll 8
    for (int k = 0; k < UNROLL; k++)
        out[k] = sum[k];
    look(out);
    return (double)bytes * (double)passes;
}

static double write_all(void *data, size_t bytes, int64_t passes)
{
    words *x = data, value = x[0];
    size_t n = bytes / sizeof *x;

    for (int64_t p = 0; p < passes; p++) {
        for (size_t i = 0; i < n; i += UNROLL)
#pragma GCC unroll 8
            for (int k = 0; k < UNROLL; k++)
                x[i + (size_t)k] = value;
        look(data);
    }
    return (double)bytes * (double)passes;
}

const struct peak ENTER(peaks_vector)[] = {
    {"fp32_fma", "GFLOP/s", fma_registers, 0},
    {"fp32_fma_broadcast", "GFLOP/s", fma_broadcast, 0},
    {"read", "GB/s", read_all, 1},
    {"write", "GB/s", write_all, 1},
    {NULL, NULL, NULL, 0},
};
