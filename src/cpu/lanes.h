/* SPDX-License-Identifier: MIT */
/* lanes.h - vectors of floats as wide as the archive's registers: arithmetic is
 * the compiler's (vector extensions), two permutations are intrinsics. */
#ifndef LANES_H
#define LANES_H

#include <string.h>

#ifdef __AVX512F__
#include "cpu/lanes16.h"
#else
#include "cpu/lanes8.h"
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float lanes_anywhere __attribute__((vector_size(LANES * sizeof(float)),
                                            aligned(sizeof(float)), may_alias));

INLINE lanes load(const float *x)
{
    return *(const lanes_anywhere *)x;
}

INLINE void store(float *x, lanes v)
{
    *(lanes_anywhere *)x = v;
}

/* The first n, zeros behind. */
INLINE lanes load_part(const float *x, int n)
{
    lanes v = {0};

    if (n >= LANES)
        return load(x);
    memcpy(&v, x, (size_t)n * sizeof *x);
    return v;
}

INLINE void store_part(float *x, lanes v, int n)
{
    if (n >= LANES)
        store(x, v);
    else
        memcpy(x, &v, (size_t)n * sizeof *x);
}

#endif
