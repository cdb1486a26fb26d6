/* SPDX-License-Identifier: MIT */
/* product_simt_test.cpp - mma.sync, ldmatrix and cp.async of the harness, and
 * the conversions of 16 bits, against sums in double precision.
 */
#include "noise.h"
#include "simt/include/cuda_bf16.h"
#include "simt/include/cuda_fp16.h"
#include "simt/product.h"
#include "simt/simt.h"

#include <stdio.h>
#include <vector>

cudaStream_t dev_stream;
static int failures;

static void expect(bool good, const char *name, int detail)
{
    if (good)
        return;
    printf("%s %d\n", name, detail);
    failures++;
}

static uint16_t to_bf16(float x)
{
    return __float2bfloat16(x).bits;
}

static uint16_t to_fp16(float x)
{
    return __float2half(x).bits;
}

static float of_bf16(uint16_t x)
{
    return __bfloat162float({x});
}

static float of_fp16(uint16_t x)
{
    return __half2float({x});
}

/* All numbers of 16 bits there and back, and halves between two of them. */
static void conversions(const char *name, uint16_t (*to)(float),
                        float (*of)(uint16_t))
{
    int wrong = 0;

    for (unsigned i = 0; i < 0x10000; i++) {
        float x = of((uint16_t)i), next = of((uint16_t)(i + 1));
        bool same = to(x) == i || x != x;

        wrong += !same;
        if (isfinite(x) && isfinite(next) && (i & 0x7fff) != 0x7fff)
            wrong += to(x / 2 + next / 2) != i + (i & 1); /* to even */
    }
    wrong += to(NAN) != 0x7fff;
    expect(wrong == 0, name, wrong);
}

template <class T> static T *put(const std::vector<T> &v)
{
    T *p;

    cudaMalloc(&p, v.size() * sizeof(T));
    cudaMemcpyAsync(p, v.data(), v.size() * sizeof(T), cudaMemcpyHostToDevice,
                    dev_stream);
    return p;
}

template <class T> struct way {
    const char *name;
    void (*run)(const struct product_shape *s, const T *a, const T *b,
                float *c);
    T (*to)(float);
    float (*of)(T);
};

/* In double, the same numbers; each of k roundings is at most half a unit of a
 * sum below k (numbers are below 1). */
template <class T>
static void compare(const way<T> &w, const product_shape &s,
                    const std::vector<T> &a, const std::vector<T> &b,
                    const std::vector<float> &c)
{
    double tolerance = 0x1p-24 * s.k * s.k + 1e-30;
    int wrong = 0;

    for (int i = 0; i < s.m; i++)
        for (int j = 0; j < s.n; j++) {
            double sum = 0;

            for (int k = 0; k < s.k; k++)
                sum += (double)w.of(a[(size_t)(i * s.k + k)]) *
                       w.of(b[(size_t)(k * s.n + j)]);
            wrong += !(fabs(sum - c[(size_t)(i * s.n + j)]) <= tolerance);
        }
    expect(wrong == 0, w.name, s.m);
}

template <class T> static void multiply(const way<T> &w, product_shape s)
{
    std::vector<T> a((size_t)(s.m * s.k)), b((size_t)(s.k * s.n));
    std::vector<float> c((size_t)(s.m * s.n));
    T *x, *y;
    float *z;

    for (size_t i = 0; i < a.size(); i++)
        a[i] = w.to((float)noise(i));
    for (size_t i = 0; i < b.size(); i++)
        b[i] = w.to((float)noise(9000 + i));
    x = put(a);
    y = put(b);
    cudaMalloc(&z, c.size() * sizeof(float));
    w.run(&s, x, y, z);
    cudaMemcpyAsync(c.data(), z, c.size() * sizeof(float),
                    cudaMemcpyDeviceToHost, dev_stream);
    cudaStreamSynchronize(dev_stream);
    compare(w, s, a, b, c);
    cudaFree(x);
    cudaFree(y);
    cudaFree(z);
}

static void run_bf16(const struct product_shape *s, const uint16_t *a,
                     const uint16_t *b, float *c)
{
    product_bf16(s, a, b, c);
}

static void run_fp16(const struct product_shape *s, const uint16_t *a,
                     const uint16_t *b, float *c)
{
    product_fp16(s, a, b, c);
}

/* As dev_tf32 does: 10 bits behind the point. */
static float to_tf32(float x)
{
    return simt_bits<float>((simt_bits<uint32_t>(x) + 0x1000) & 0xffffe000u);
}

static float as_it_is(float x)
{
    return x;
}

static float rounded(float x)
{
    return to_tf32(x);
}

int main(void)
{
    static const product_shape shapes[] = {
        {64, 64, 32}, {1, 8, 8}, {72, 40, 104}, {0, 8, 8}, {70, 136, 40}};
    static const enum simt_order orders[] = {SIMT_FORWARD, SIMT_BACKWARD,
                                             SIMT_RANDOM, SIMT_PREEMPT};
    static const way<uint16_t> pairs[] = {{"bf16", run_bf16, to_bf16, of_bf16},
                                          {"fp16", run_fp16, to_fp16, of_fp16}};
    static const way<float> single = {"tf32", product_tf32, as_it_is, rounded};

    conversions("conversions of bf16", to_bf16, of_bf16);
    conversions("conversions of fp16", to_fp16, of_fp16);
    cudaStreamCreate(&dev_stream);
    for (enum simt_order order : orders)
        for (const product_shape &s : shapes) {
            simt_schedule(order, 1);
            for (const auto &w : pairs)
                multiply(w, s);
            multiply(single, s);
        }
    cudaStreamDestroy(dev_stream);
    expect(simt_reports(SIMT_KINDS) == 0, "reports", simt_reports(SIMT_KINDS));
    printf("products, 4 orders: %d failures\n", failures);
    return failures > 0;
}
