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

/* `call` with L the degree: a constant, with loops of its own, where it is one
 * of the usual. */
#define BY_DEGREE(degree, call)                                                \
    switch (degree) {                                                          \
    case 0: {                                                                  \
        enum { L = 0 };                                                        \
        call;                                                                  \
    } break;                                                                   \
    case 1: {                                                                  \
        enum { L = 1 };                                                        \
        call;                                                                  \
    } break;                                                                   \
    case 2: {                                                                  \
        enum { L = 2 };                                                        \
        call;                                                                  \
    } break;                                                                   \
    case 3: {                                                                  \
        enum { L = 3 };                                                        \
        call;                                                                  \
    } break;                                                                   \
    default: {                                                                 \
        const int L = degree;                                                  \
        call;                                                                  \
    }                                                                          \
    }

typedef float lanes_anywhere __attribute__((vector_size(LANES * sizeof(float)),
                                            aligned(sizeof(float)), may_alias));

typedef int lanes_int __attribute__((vector_size(LANES * sizeof(int))));

INLINE lanes load(const float *x)
{
    return *(const lanes_anywhere *)x;
}

INLINE void store(float *x, lanes v)
{
    *(lanes_anywhere *)x = v;
}

/* The same for the first n of a row, whole vectors but the last: the masked
 * instructions are slow on some machines. */
INLINE lanes load_some(const float *x, int n)
{
    return n < LANES ? load_part(x, n) : load(x);
}

INLINE void store_some(float *x, lanes v, int n)
{
    if (n < LANES)
        store_part(x, v, n);
    else
        store(x, v);
}

/* v where `where` is 0, else 0. where: what a comparison of lanes gives. */
INLINE lanes zero_where(lanes_int where, lanes v)
{
    return (lanes)(~where & (lanes_int)v);
}

#endif
