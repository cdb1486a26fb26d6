/* SPDX-License-Identifier: MIT */
/* cuda_fp16.h - fp16 as in the toolkit's header, what is in use of it: rounded
 * to nearest, ties to even; NaN is 0x7fff.
 */
#ifndef SIMT_CUDA_FP16_H
#define SIMT_CUDA_FP16_H

#include "cuda_runtime.h"

struct __half {
    uint16_t bits;
};
struct alignas(4) __half2 {
    __half x, y;
};

inline float __half2float(__half x)
{
    uint32_t sign = (uint32_t)(x.bits & 0x8000) << 16;
    uint32_t exponent = x.bits >> 10 & 31, digits = x.bits & 0x3ff;

    if (exponent == 0)
        return simt_bits<float>(sign | simt_bits<uint32_t>(0x1p-24f * digits));
    if (exponent == 31)
        return simt_bits<float>(sign | 0x7f800000 | digits << 13);
    return simt_bits<float>(sign | (exponent + 112) << 23 | digits << 13);
}

inline __half __float2half_rn(float x)
{
    uint32_t b = simt_bits<uint32_t>(x), sign = b >> 16 & 0x8000;
    float size = std::fabs(x);

    if (x != x)
        return {0x7fff};
    if (size >= 65520)
        return {(uint16_t)(sign | 0x7c00)};
    if (size < 0x1p-14f)
        return {(uint16_t)(sign | (uint32_t)std::nearbyint(0x1p24f * size))};
    b = (b & 0x7fffffff) + 0xfff + (b >> 13 & 1);
    return {(uint16_t)(sign | ((b >> 13) - (112u << 10)))};
}

inline __half __float2half(float x)
{
    return __float2half_rn(x);
}

inline __half2 __floats2half2_rn(float x, float y)
{
    return {__float2half_rn(x), __float2half_rn(y)};
}

inline float2 __half22float2(__half2 x)
{
    return {__half2float(x.x), __half2float(x.y)};
}

#endif
