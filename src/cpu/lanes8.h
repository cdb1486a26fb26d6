/* SPDX-License-Identifier: MIT */
/* lanes8.h - AVX2: 16 registers of 8 floats. */
#ifndef LANES8_H
#define LANES8_H

#include <immintrin.h>

enum {
    LANES = 8,
    SUMS = 8 /* accumulators, beside what is added */
};

typedef float lanes __attribute__((vector_size(32)));
typedef int lanes_int __attribute__((vector_size(32)));

static const lanes_int lane_numbers = {0, 1, 2, 3, 4, 5, 6, 7};

static inline __m256i first_lanes(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline lanes load_part(const float *x, int n)
{
    return _mm256_maskload_ps(x, first_lanes(n));
}

static inline void store_part(float *x, lanes v, int n)
{
    _mm256_maskstore_ps(x, first_lanes(n), v);
}

/* The same: past the caches where a vector is a whole line, which it is not. */
static inline void store_past(float *x, lanes v, int n)
{
    store_part(x, v, n);
}

/* x in all lanes. */
static inline lanes splat(float x)
{
    return _mm256_set1_ps(x);
}

/* Eight floats at a; b is for wider vectors. */
static inline lanes load_parts(const float *a, const float *b)
{
    (void)b;
    return _mm256_loadu_ps(a);
}

static inline lanes splat_parts(float a, float b)
{
    (void)b;
    return splat(a);
}

static inline lanes square_root(lanes v)
{
    return _mm256_sqrt_ps(v);
}

/* Lane i: v[at[i]]. */
static inline lanes permute(lanes v, lanes_int at)
{
    return _mm256_permutevar8x32_ps(v, (__m256i)at);
}

/* The larger one; b where one is NaN. */
static inline lanes largest(lanes a, lanes b)
{
    return _mm256_max_ps(a, b);
}

/* v[i][j] -> v[j][i] */
static inline void transpose(lanes v[8])
{
    __m256 r[8], t[8];

#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        r[i] = v[i];

#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
#pragma GCC unroll 2
        for (int q = 0; q < 2; q++) {
            __m256d a = _mm256_castps_pd(t[4 * i + q]);
            __m256d b = _mm256_castps_pd(t[4 * i + 2 + q]);

            r[4 * i + 2 * q] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
            r[4 * i + 2 * q + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
        }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        v[i] = t[i];
}

/* Lane i: the sum over the lanes of r[i]. */
static inline lanes sums(const lanes r[8])
{
    __m256 t[4], q[2];

#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        t[i] = _mm256_add_ps(_mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]),
                             _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]));
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        __m256d a = _mm256_castps_pd(t[2 * i]);
        __m256d b = _mm256_castps_pd(t[2 * i + 1]);

        q[i] = _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)),
                             _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
    }
    return _mm256_add_ps(_mm256_permute2f128_ps(q[0], q[1], 0x20),
                         _mm256_permute2f128_ps(q[0], q[1], 0x31));
}

#endif
