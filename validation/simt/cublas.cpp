/* SPDX-License-Identifier: MIT */
/* cublas.cpp - stands for cuBLAS (cuda/calls.h): products of matrices by
 * column, summed in the order of k in the type of compute, in stream order.
 */
#include "simt/simt_internal.h"
#include "simt/simt_work.h"

#include "include/cuda_bf16.h"
#include "include/cuda_fp16.h"

extern "C" {
#include "cuda/calls.h"
}

#include <cstring>

enum { FINE, INVALID = 7 };

struct cublasContext {
    cudaStream_t stream;
};

/* Element i is at[i], its column j begins at j ld. */
struct operand {
    const void *at;
    int type, ld, rows, columns;
    bool transposed, tf32;
};

struct product {
    operand a, b, c;
    int m, n, k;
    double alpha, beta;
    bool in_double;
};

static size_t bytes_of(int type)
{
    return type == CALLS_FP64 ? 8 : type == CALLS_FP32 ? 4 : 2;
}

static double get(const operand &o, int64_t i)
{
    float x;

    switch (o.type) {
    case CALLS_FP64:
        return static_cast<const double *>(o.at)[i];
    case CALLS_BF16:
        return __bfloat162float(static_cast<const __nv_bfloat16 *>(o.at)[i]);
    case CALLS_FP16:
        return __half2float(static_cast<const __half *>(o.at)[i]);
    }
    x = static_cast<const float *>(o.at)[i];
    if (!o.tf32 || !std::isfinite(x))
        return x;
    return simt_bits<float>((simt_bits<uint32_t>(x) + 0x1000) & 0xffffe000u);
}

static void put(const operand &o, int64_t i, double x)
{
    void *at = const_cast<void *>(o.at);

    switch (o.type) {
    case CALLS_FP64:
        static_cast<double *>(at)[i] = x;
        break;
    case CALLS_BF16:
        static_cast<__nv_bfloat16 *>(at)[i] = __float2bfloat16((float)x);
        break;
    case CALLS_FP16:
        static_cast<__half *>(at)[i] = __float2half((float)x);
        break;
    default:
        static_cast<float *>(at)[i] = (float)x;
    }
}

static bool check(const operand &o, int how)
{
    size_t one = bytes_of(o.type);
    const char *at = static_cast<const char *>(o.at);

    for (int j = 0; j < o.columns; j++)
        if (!simt_check_range(at + (size_t)j * (size_t)o.ld * one,
                              (size_t)o.rows * one, how, "a matrix of cuBLAS"))
            return false;
    return true;
}

/* op(o), rows after rows, so that the sums run along memory. */
template <class real>
static std::vector<real> rows_of(const operand &o, bool by_column)
{
    int rows = o.transposed ? o.columns : o.rows;
    int columns = o.transposed ? o.rows : o.columns;
    std::vector<real> v;

    v.reserve((size_t)rows * (size_t)columns);
    for (int p = 0; p < (by_column ? columns : rows); p++)
        for (int q = 0; q < (by_column ? rows : columns); q++) {
            int64_t i = by_column ? q : p, j = by_column ? p : q;

            v.push_back(
                (real)get(o, o.transposed ? j + i * o.ld : i + j * o.ld));
        }
    return v;
}

template <class real> static void multiply(const product &p)
{
    std::vector<real> a = rows_of<real>(p.a, false);
    std::vector<real> b = rows_of<real>(p.b, true);

    for (int j = 0; j < p.n; j++)
        for (int i = 0; i < p.m; i++) {
            const real *x = &a[(size_t)i * (size_t)p.k];
            const real *y = &b[(size_t)j * (size_t)p.k];
            int64_t at = i + (int64_t)j * p.c.ld;
            real sum = 0;

            for (int k = 0; k < p.k; k++)
                sum += x[k] * y[k];
            sum *= (real)p.alpha;
            if (p.beta != 0)
                sum += (real)p.beta * (real)get(p.c, at);
            put(p.c, at, (double)sum);
        }
}

static void run(const product &p)
{
    if (p.m == 0 || p.n == 0 || !check(p.a, SIMT_READ) ||
        !check(p.b, SIMT_READ) || (p.beta != 0 && !check(p.c, SIMT_READ)) ||
        !check(p.c, SIMT_WRITE))
        return;
    if (p.in_double)
        multiply<double>(p);
    else
        multiply<float>(p);
}

/* --- calls ---------------------------------------------------------------- */

static int create(calls_blas *h)
{
    *h = new cublasContext{nullptr};
    return FINE;
}

static int destroy(calls_blas h)
{
    delete h;
    return FINE;
}

static int set_stream(calls_blas h, cudaStream_t s)
{
    h->stream = s;
    return FINE;
}

static int set_workspace(calls_blas, void *, size_t)
{
    return FINE;
}

static operand make(const void *at, int type, int ld, int op, int rows,
                    int columns)
{
    bool t = op == CALLS_T;

    return {at, type, ld, t ? columns : rows, t ? rows : columns, t, false};
}

static const void *shifted(const void *p, long long numbers, int type)
{
    return static_cast<const char *>(p) + numbers * (long long)bytes_of(type);
}

static double scalar(const void *p, int compute)
{
    return compute == CALLS_COMPUTE_FP64 ? *static_cast<const double *>(p)
                                         : *static_cast<const float *>(p);
}

static int gemm(calls_blas h, int op_a, int op_b, int m, int n, int k,
                const void *alpha, const void *a, int type_a, int ld_a,
                long long stride_a, const void *b, int type_b, int ld_b,
                long long stride_b, const void *beta, void *c, int type_c,
                int ld_c, long long stride_c, int batch, int compute, int)
{
    product p = {make(a, type_a, ld_a, op_a, m, k),
                 make(b, type_b, ld_b, op_b, k, n),
                 make(c, type_c, ld_c, CALLS_N, m, n),
                 m,
                 n,
                 k,
                 scalar(alpha, compute),
                 scalar(beta, compute),
                 compute == CALLS_COMPUTE_FP64};

    if (m < 0 || n < 0 || k < 0 || ld_a < p.a.rows || ld_b < p.b.rows ||
        ld_c < m)
        return INVALID;
    p.a.tf32 = p.b.tf32 = compute == CALLS_COMPUTE_TF32;
    for (int i = 0; i < batch; i++) {
        product one = p;

        one.a.at = shifted(a, i * stride_a, type_a);
        one.b.at = shifted(b, i * stride_b, type_b);
        one.c.at = shifted(c, i * stride_c, type_c);
        simt_enqueue_work(h->stream, [one] {
            if (!simt_has_failed())
                run(one);
        });
    }
    return FINE;
}

extern "C" const struct cublas_calls *calls_cublas(const char **why)
{
    static const struct cublas_calls calls = {create, destroy, set_stream,
                                              set_workspace, gemm};

    *why = "";
    return &calls;
}
