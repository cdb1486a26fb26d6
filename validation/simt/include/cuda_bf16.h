/* SPDX-License-Identifier: MIT */
/* cuda_bf16.h - bf16 as in the toolkit's header, what is in use of it: rounded
 * to nearest, ties to even; NaN is 0x7fff.
 */
#ifndef SIMT_CUDA_BF16_H
#define SIMT_CUDA_BF16_H

#include "cuda_runtime.h"

struct __nv_bfloat16 {
    uint16_t bits;
};
struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
};

inline float __bfloat162float(__nv_bfloat16 x)
{
    return simt_bits<float>((uint32_t)x.bits << 16);
}

inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
    uint32_t b = simt_bits<uint32_t>(x);

    if (x != x)
        return {0x7fff};
    return {(uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16)};
}

inline __nv_bfloat16 __float2bfloat16(float x)
{
    return __float2bfloat16_rn(x);
}

inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y)
{
    return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}

inline float2 __bfloat1622float2(__nv_bfloat162 x)
{
    return {__bfloat162float(x.x), __bfloat162float(x.y)};
}

#endif
