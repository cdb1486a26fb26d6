/* SPDX-License-Identifier: MIT */
/* k_softmax_avx2.c - k_softmax.c eight heads at a time, in single precision.
 *
 * A vector is eight neighbouring heads of one edge. Rows are padded, so the
 * last vector of a row is a whole one; it computes on the zeros beyond the
 * heads, and a masked quotient keeps them zero.
 */
#include "cpu/real.h"

#include <immintrin.h>

enum { LANES = 8 };

/* e^x for x <= 0 as 2^n e^r, |r| <= ln(2)/2; Taylor's series up to r^6 is off
 * by 1.2e-7. Below -87, where 2^n would be subnormal, it is e^-87 = 1.6e-38:
 * nothing beside the largest term of a softmax, 1. */
static __m256 exp_below(__m256 x)
{
    static const float taylor[] = {1 / 720.0f, 1 / 120.0f, 1 / 24.0f, 1 / 6.0f,
                                   1 / 2.0f,   1,          1};
    const __m256 magic = _mm256_set1_ps(0x1.8p23f); /* n in the low bits */
    const __m256 log2_e = _mm256_set1_ps(0x1.715476p+0f);
    const __m256 ln2_high = _mm256_set1_ps(0x1.62e4p-1f);
    const __m256 ln2_low = _mm256_set1_ps(0x1.7f7d1cp-20f);
    __m256 t, n, r, e = _mm256_set1_ps(taylor[0]);
    __m256i exponent;

    x = _mm256_max_ps(_mm256_set1_ps(-87), x); /* in this order NaN stays */
    t = _mm256_fmadd_ps(x, log2_e, magic);
    n = _mm256_sub_ps(t, magic);
    r = _mm256_fnmadd_ps(n, ln2_low, _mm256_fnmadd_ps(n, ln2_high, x));
    for (int i = 1; i < 7; i++)
        e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(taylor[i]));
    exponent = _mm256_add_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(127));
    exponent = _mm256_slli_epi32(exponent, 23);
    return _mm256_mul_ps(e, _mm256_castsi256_ps(exponent));
}

/* 1/sum in the first `heads` lanes, 0 in the others. */
static __m256 inverse(__m256 sum, int heads)
{
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i is_head = _mm256_cmpgt_epi32(_mm256_set1_epi32(heads), lane);

    return _mm256_and_ps(_mm256_castsi256_ps(is_head),
                         _mm256_div_ps(_mm256_set1_ps(1), sum));
}

/* One node, heads h..h+7. */
static void block_fwd(const struct tensor *score, const int *edge, int edges,
                      int h, struct tensor *a)
{
    __m256 top = _mm256_set1_ps(-INFINITY), sum = _mm256_setzero_ps(), scale;

    for (int i = 0; i < edges; i++)
        top = _mm256_max_ps(top, _mm256_load_ps(row(score, edge[i], 0) + h));
    for (int i = 0; i < edges; i++) {
        __m256 s = _mm256_load_ps(row(score, edge[i], 0) + h);
        __m256 e = exp_below(_mm256_sub_ps(s, top));

        _mm256_store_ps(row(a, edge[i], 0) + h, e);
        sum = _mm256_add_ps(sum, e);
    }
    scale = inverse(sum, score->c - h);
    for (int i = 0; i < edges; i++) {
        real *p = row(a, edge[i], 0) + h;

        _mm256_store_ps(p, _mm256_mul_ps(_mm256_load_ps(p), scale));
    }
}

static void block_bwd(const struct tensor *a, const struct tensor *da,
                      const int *edge, int edges, int h, struct tensor *dscore)
{
    __m256 sum = _mm256_setzero_ps();

    for (int i = 0; i < edges; i++) {
        __m256 p = _mm256_load_ps(row(a, edge[i], 0) + h);
        __m256 dp = _mm256_load_ps(row(da, edge[i], 0) + h);

        sum = _mm256_fmadd_ps(p, dp, sum);
    }
    for (int i = 0; i < edges; i++) {
        __m256 p = _mm256_load_ps(row(a, edge[i], 0) + h);
        __m256 dp = _mm256_load_ps(row(da, edge[i], 0) + h);

        _mm256_store_ps(row(dscore, edge[i], 0) + h,
                        _mm256_mul_ps(p, _mm256_sub_ps(dp, sum)));
    }
}

static void softmax_fwd(const struct tensor *score, const struct csr *in,
                        struct tensor *a)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < score->c; h += LANES)
            block_fwd(score, in->edge + in->begin[n],
                      in->begin[n + 1] - in->begin[n], h, a);
}

static void softmax_bwd(const struct tensor *a, const struct tensor *da,
                        const struct csr *in, struct tensor *dscore)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < a->c; h += LANES)
            block_bwd(a, da, in->edge + in->begin[n],
                      in->begin[n + 1] - in->begin[n], h, dscore);
}

void ENTER(k_softmax)(struct kernels *k)
{
    k->node.softmax_fwd = softmax_fwd;
    k->node.softmax_bwd = softmax_bwd;
}
