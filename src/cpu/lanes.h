/* SPDX-License-Identifier: MIT */
/* lanes.h - vectors of floats as wide as the archive's registers: arithmetic is
 * the compiler's (vector extensions), what moves lanes is intrinsics.
 * load_part and store_part: the first n lanes, zeros behind; n may be larger.
 */
#ifndef LANES_H
#define LANES_H

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

#endif
