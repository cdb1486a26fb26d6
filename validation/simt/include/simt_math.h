/* SPDX-License-Identifier: MIT */
/* simt_math.h - intrinsics. The fast ones round as the exact ones do. */
#ifndef SIMT_MATH_H
#define SIMT_MATH_H

#include <cmath>
#include <string.h>

using std::isfinite;
using std::isinf;
using std::isnan;

template <class To, class From> To simt_bits(From from)
{
    To to;

    static_assert(sizeof to == sizeof from, "the same bits");
    memcpy(&to, &from, sizeof to);
    return to;
}

inline int __float_as_int(float x)
{
    return simt_bits<int>(x);
}
inline unsigned __float_as_uint(float x)
{
    return simt_bits<unsigned>(x);
}
inline float __int_as_float(int x)
{
    return simt_bits<float>(x);
}
inline float __uint_as_float(unsigned x)
{
    return simt_bits<float>(x);
}
inline long long __double_as_longlong(double x)
{
    return simt_bits<long long>(x);
}
inline double __longlong_as_double(long long x)
{
    return simt_bits<double>(x);
}

template <class T> T __ldg(const T *p)
{
    return *p;
}
template <class T> T __ldcs(const T *p)
{
    return *p;
}
template <class T> T __ldcg(const T *p)
{
    return *p;
}
template <class T> void __stcs(T *p, T x)
{
    *p = x;
}
template <class T> void __stcg(T *p, T x)
{
    *p = x;
}

inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
inline int __clz(int x)
{
    return x ? __builtin_clz((unsigned)x) : 32;
}

inline float rsqrtf(float x)
{
    return 1 / std::sqrt(x);
}
inline double rsqrt(double x)
{
    return 1 / std::sqrt(x);
}
inline float rsqrt(float x)
{
    return rsqrtf(x);
}
inline float __expf(float x)
{
    return std::exp(x);
}
inline float __logf(float x)
{
    return std::log(x);
}
inline float __sinf(float x)
{
    return std::sin(x);
}
inline float __cosf(float x)
{
    return std::cos(x);
}
inline float __fdividef(float x, float y)
{
    return x / y;
}
inline float __frcp_rn(float x)
{
    return 1 / x;
}
inline float __fsqrt_rn(float x)
{
    return std::sqrt(x);
}
inline float __fmaf_rn(float x, float y, float z)
{
    return std::fma(x, y, z);
}
inline float __fadd_rn(float x, float y)
{
    return x + y;
}
inline float __fmul_rn(float x, float y)
{
    return x * y;
}
inline float __saturatef(float x)
{
    return x > 0 ? x < 1 ? x : 1 : 0;
}

#define SIMT_MIN_MAX(type)                                                     \
    inline type min(type a, type b)                                            \
    {                                                                          \
        return a < b ? a : b;                                                  \
    }                                                                          \
    inline type max(type a, type b)                                            \
    {                                                                          \
        return a > b ? a : b;                                                  \
    }
SIMT_MIN_MAX(int)
SIMT_MIN_MAX(unsigned)
SIMT_MIN_MAX(long)
SIMT_MIN_MAX(unsigned long)
SIMT_MIN_MAX(long long)
#undef SIMT_MIN_MAX
inline float min(float a, float b)
{
    return std::fmin(a, b);
}
inline float max(float a, float b)
{
    return std::fmax(a, b);
}
inline double min(double a, double b)
{
    return std::fmin(a, b);
}
inline double max(double a, double b)
{
    return std::fmax(a, b);
}

#endif
