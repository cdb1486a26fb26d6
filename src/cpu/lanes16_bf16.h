/* SPDX-License-Identifier: MIT */
/* lanes16_bf16.h - AVX-512 BF16: 16 lanes of pairs (low, high) of bf16, the
 * upper halves of floats. A pair's numbers are multiplied by those of another
 * and added to a float.
 */
#ifndef LANES16_BF16_H
#define LANES16_BF16_H

#include "cpu/lanes.h"

typedef int pairs __attribute__((vector_size(64)));
typedef int pairs_anywhere
    __attribute__((vector_size(64), aligned(4), may_alias));

typedef int pair_anywhere __attribute__((may_alias));

INLINE pairs load_pairs(const float *x)
{
    return *(const pairs_anywhere *)x;
}

INLINE void store_pairs(float *x, pairs v)
{
    *(pairs_anywhere *)x = v;
}

/* (a, b) with the lower halves cut off: two instructions, none of which
 * competes with products. Numbers shrink by CUT on average. */
INLINE pairs cut(lanes a, lanes b)
{
    const __m512i high = _mm512_set1_epi32((int)0xffff0000);

    return (pairs)_mm512_ternarylogic_epi32(
        _mm512_castps_si512(b), _mm512_srli_epi32(_mm512_castps_si512(a), 16),
        high, 0xe4); /* high ? b : a */
}

/* 1 + 2^-8 E(1/m), m in 1..2, whose logarithm is even: 2^-8 / (2 ln 2). */
static const float CUT = 1.002818F;

/* Lane i, rounded: (a[2i], a[2i+1]), behind those of b. */
INLINE pairs round_rows(lanes a, lanes b)
{
    return (pairs)_mm512_cvtne2ps_pbh(b, a);
}

/* Lane i, rounded: (a[i], b[i]). */
INLINE pairs round_pairs(lanes a, lanes b)
{
    const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11,
                                         26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);

    return (pairs)_mm512_permutexvar_epi16(zip, (__m512i)round_rows(a, b));
}

/* Of two blocks of 8: lane i: (a[i], a[i + 8]); lane 8 + i: (b[i], b[i + 8]).
 */
INLINE pairs round_eights(lanes a, lanes b)
{
    const __m512i zip = _mm512_set_epi16(
        31, 23, 30, 22, 29, 21, 28, 20, 27, 19, 26, 18, 25, 17, 24, 16, 15, 7,
        14, 6, 13, 5, 12, 4, 11, 3, 10, 2, 9, 1, 8, 0);

    return (pairs)_mm512_permutexvar_epi16(zip, (__m512i)round_rows(a, b));
}

/* The even lanes of a and then of b; the odd ones. */
INLINE pairs even_pairs(pairs a, pairs b)
{
    const __m512i at = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12,
                                        10, 8, 6, 4, 2, 0);

    return (pairs)_mm512_permutex2var_epi32((__m512i)a, at, (__m512i)b);
}

INLINE pairs odd_pairs(pairs a, pairs b)
{
    const __m512i at = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13,
                                        11, 9, 7, 5, 3, 1);

    return (pairs)_mm512_permutex2var_epi32((__m512i)a, at, (__m512i)b);
}

/* Half of the 32 numbers, the first or the second 16, as they stand. */
INLINE void store_half(char *to, pairs v, const int second)
{
    _mm256_storeu_si256((__m256i_u *)to,
                        second ? _mm512_extracti64x4_epi64((__m512i)v, 1)
                               : _mm512_castsi512_si256((__m512i)v));
}

/* (-a, -b) */
INLINE pairs minus_both(pairs v)
{
    return v ^ (int)0x80008000;
}

/* (b, a) */
INLINE pairs swapped(pairs v)
{
    return (pairs)_mm512_rol_epi32((__m512i)v, 16);
}

/* (a, -b) */
INLINE pairs minus_high(pairs v)
{
    return v ^ (int)0x80000000;
}

/* (low of b, high of a) */
INLINE pairs high_of(pairs a, pairs b)
{
    return (a & (int)0xffff0000) | (b & 0xffff);
}

/* sum + the product of the low ones + that of the high ones. */
INLINE lanes dot(lanes sum, pairs a, pairs b)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

/* The pair at x in all lanes. */
INLINE pairs splat_pair(const float *x)
{
    return (pairs)_mm512_set1_epi32(*(const pair_anywhere *)x);
}

/* 8 rounded pairs (a[i], b[i]). */
INLINE void store_eight(float *x, const float *a, const float *b)
{
    const __m256i zip =
        _mm256_set_epi16(15, 7, 14, 6, 13, 5, 12, 4, 11, 3, 10, 2, 9, 1, 8, 0);
    __m256i v =
        (__m256i)_mm256_cvtne2ps_pbh(_mm256_loadu_ps(b), _mm256_loadu_ps(a));

    _mm256_storeu_si256((__m256i_u *)x, _mm256_permutexvar_epi16(zip, v));
}

/* 4 rounded pairs (a[2i], a[2i+1]). */
INLINE void store_four(float *x, const float *a)
{
    _mm_storeu_si128((__m128i_u *)x,
                     (__m128i)_mm256_cvtneps_pbh(_mm256_loadu_ps(a)));
}

/* Lane i: v[i - 1]; lane 0: 0. */
INLINE lanes one_up(lanes v)
{
    return _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(v),
                                                   _mm512_setzero_si512(), 15));
}

#endif
