/* SPDX-License-Identifier: MIT */
/* lanes16.h - AVX-512: 32 registers of 16 floats. */
#ifndef LANES16_H
#define LANES16_H

#include <immintrin.h>

enum {
    LANES = 16,
    SUMS = 16 /* accumulators, beside what is added */
};

typedef float lanes __attribute__((vector_size(64)));
typedef int lanes_int __attribute__((vector_size(64)));

static const lanes_int lane_numbers = {0, 1, 2,  3,  4,  5,  6,  7,
                                       8, 9, 10, 11, 12, 13, 14, 15};

static inline lanes load_part(const float *x, int n)
{
    return _mm512_maskz_loadu_ps((__mmask16)(n < 16 ? (1 << n) - 1 : 0xffff),
                                 x);
}

static inline void store_part(float *x, lanes v, int n)
{
    _mm512_mask_storeu_ps(x, (__mmask16)(n < 16 ? (1 << n) - 1 : 0xffff), v);
}

/* The same, past the caches where it is a whole line. A barrier between threads
 * makes it visible, as a locked instruction does. */
static inline void store_past(float *x, lanes v, int n)
{
    if (n >= 16 && (size_t)x % sizeof v == 0)
        _mm512_stream_ps(x, v);
    else
        store_part(x, v, n);
}

/* x in all lanes. */
static inline lanes splat(float x)
{
    return _mm512_set1_ps(x);
}

/* Eight floats at a, eight at b. */
static inline lanes load_parts(const float *a, const float *b)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(a)),
                              _mm256_loadu_ps(b), 1);
}

/* Eight times a, eight times b. */
static inline lanes splat_parts(float a, float b)
{
    return _mm512_mask_blend_ps(0xff00, _mm512_set1_ps(a), _mm512_set1_ps(b));
}

static inline lanes square_root(lanes v)
{
    return _mm512_sqrt_ps(v);
}

/* Lane i: v[at[i]]. */
static inline lanes permute(lanes v, lanes_int at)
{
    return _mm512_permutexvar_ps((__m512i)at, v);
}

/* The larger one; b where one is NaN. */
static inline lanes largest(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}

/* v[i][j] -> v[j][i] */
static inline void transpose(lanes v[16])
{
    __m512 r[16], t[16];

#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = v[i];

#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
        for (int q = 0; q < 2; q++) {
            __m512d a = _mm512_castps_pd(t[4 * i + q]);
            __m512d b = _mm512_castps_pd(t[4 * i + 2 + q]);

            r[4 * i + 2 * q] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[4 * i + 2 * q + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        v[i] = r[i];
}

/* Lane i: the sum over the lanes of r[i]. */
static inline lanes sums(const lanes r[16])
{
    __m512 t[8], q[4];

#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        t[i] = _mm512_add_ps(_mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]),
                             _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m512d a = _mm512_castps_pd(t[2 * i]);
        __m512d b = _mm512_castps_pd(t[2 * i + 1]);

        q[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                             _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
        t[i] =
            _mm512_add_ps(_mm512_shuffle_f32x4(q[2 * i], q[2 * i + 1], 0x88),
                          _mm512_shuffle_f32x4(q[2 * i], q[2 * i + 1], 0xdd));
    return _mm512_add_ps(_mm512_shuffle_f32x4(t[0], t[1], 0x88),
                         _mm512_shuffle_f32x4(t[0], t[1], 0xdd));
}

#endif
