/* SPDX-License-Identifier: MIT */
/* k_conv_bf16.c - the convolution and its gradient for x with products of bf16:
 * compute.precision: bf16; conv_runs.h.
 *
 * As k_conv_runs.c, but features are pairs (+m, -m), or of two channels where
 * m = 0, and so are radial weights, which are formed in single precision and
 * cut: a dot product does two products and their sum in 32 bits. So
 *
 *     y[+m] += (a, b) . (x[+m], x[-m])    y[-m] += (a, b) . (x[-m], -x[+m])
 *
 * and back (x[+m], -x[-m]) and (x[-m], x[+m]). Per bond and (co, ci) 1 or 4
 * instructions instead of 2 or 8, beside k - 1 for each weight as before.
 * Sums are enlarged by what cutting takes off on average. Then the error is
 * that of rounding: 2^-9 of each factor at most, or 2 % more, and some 2e-3 of
 * a sum; W' p, sums and outputs have 32 bits.
 *
 * Where a run is plain, forming weights is nearly all the work: single
 * precision does it.
 */
#include "cpu/conv_runs.h"
#include "cpu/conv_tile_bf16.h"

/* What is constant in a copy of the loops. */
struct kind {
    int m; /* 0, or 1 for all above */
    int is_back;
    int k;
};

/* Words of a run's matrices: w_0; then w_1, as it is where it is the last, else
 * pairs (w_1, w_2), (w_3, w_4), ... */
INLINE float *put_words(const eight *sum, const int k, float *out)
{
    *(eight *)out = sum[0];
    out += SLOTS;
    if (k == 2)
        *(eight *)out = sum[1];
#pragma GCC unroll 3
    for (int j = 1; k > 2 && j < k; j += 2)
        store_eight(out + j / 2 * SLOTS, (const float *)&sum[j],
                    (const float *)&sum[j + 1]);
    return out + (words_of(k, PACKED) - 1) * SLOTS;
}

/* W' p of a run, some blocks: a multiple of PAD, so of TOGETHER. */
INLINE void make_matrices(const struct open_units *open, const float *p,
                          const float *w, int blocks, float *out, const int k)
{
    struct terms terms;

    terms_of(open, p, k, &terms);
    for (int i = 0; i < blocks; i += TOGETHER) {
        eight sum[TOGETHER][TERMS + 1];

        block_matrices(&terms, w + i * SLOTS * UNITS, k, sum);
#pragma GCC unroll 4
        for (int b = 0; b < TOGETHER; b++)
            out = put_words(sum[b], k, out);
    }
}

#define MATRICES(k)                                                            \
    static void matrices_##k(const struct open_units *open, const float *p,    \
                             const float *w, int blocks, float *out)           \
    {                                                                          \
        make_matrices(open, p, w, blocks, out, k);                             \
    }
MATRICES(1)
MATRICES(2)
MATRICES(3)
MATRICES(4)
MATRICES(5)
MATRICES(6)
static matrices *const matrices_of[TERMS + 1] = {
    NULL,       matrices_1, matrices_2, matrices_3,
    matrices_4, matrices_5, matrices_6};

/* t; or (t, t^2), (t^3, t^4), ... */
struct powers {
    lanes t;
    pairs pair[TERMS / 2];
};

INLINE struct powers powers_of(const lanes t, const int k)
{
    struct powers p = {.t = t};
    lanes power = t;

#pragma GCC unroll 3
    for (int j = 1; k > 2 && j < k; j += 2) {
        p.pair[j / 2] = round_pairs(power, power * t);
        power *= t * t;
    }
    return p;
}

/* The weights of one row. */
INLINE lanes form(const float *w, const struct powers *p, const int k)
{
    lanes r = splat(w[0]);

    if (k == 2)
        return r + p->t * splat(w[SLOTS]);
#pragma GCC unroll 3
    for (int j = 1; j < k; j += 2)
        r = dot(r, p->pair[j / 2], splat_pair(w + (j / 2 + 1) * SLOTS));
    return r;
}

/* Pair i of those used together: of rows as far apart as two channels summed
 * over, or of a and b. */
INLINE pairs form_pair(const struct kind t, const float *w, int i,
                       const struct powers *at)
{
    const int block = SLOTS * words_of(t.k, PACKED);

    w += t.is_back ? i * block : t.m ? 2 * i : i;
    return cut(form(w, at, t.k),
               form(w + (t.m || t.is_back ? 1 : block), at, t.k));
}

/* Adds two channels x of order 0 to SUMS / 2 channels y, both directions. */
INLINE void mix_0(const struct kind t, const float *w, const struct powers *at,
                  const float *x, lanes *sum)
{
    pairs x0 = load_pairs(x), x1 = load_pairs(x + LANES);

#pragma GCC unroll 8
    for (int i = 0; i < SUMS / 2; i++) {
        pairs r = form_pair(t, w, i, at);

        sum[i] = dot(sum[i], r, x0);
        sum[SUMS / 2 + i] = dot(sum[SUMS / 2 + i], r, x1);
    }
}

/* One channel of order m > 0, to SUMS / 4 channels. */
INLINE void mix_m(const struct kind t, const float *w, const struct powers *at,
                  const float *x, lanes *sum)
{
    enum { N = SUMS / 4 };
    pairs x0 = load_pairs(x), x1 = load_pairs(x + LANES);
    pairs p0 = t.is_back ? minus_high(x0) : x0;
    pairs p1 = t.is_back ? minus_high(x1) : x1;
    pairs n0 = t.is_back ? swapped(x0) : minus_high(swapped(x0));
    pairs n1 = t.is_back ? swapped(x1) : minus_high(swapped(x1));

#pragma GCC unroll 4
    for (int i = 0; i < N; i++) {
        pairs r = form_pair(t, w, i, at);

        sum[i] = dot(sum[i], r, p0);
        sum[N + i] = dot(sum[N + i], r, n0);
        sum[2 * N + i] = dot(sum[2 * N + i], r, p1);
        sum[3 * N + i] = dot(sum[3 * N + i], r, n1);
    }
}

INLINE void contract_pairs(const struct kind t, const struct job *job)
{
    const int channels = t.m ? 1 : 2; /* at once */
    const int next = t.is_back ? 2 : channels * SLOTS * words_of(t.k, PACKED);
    const struct powers at = powers_of(load(job->coef), t.k);
    lanes sum[SUMS];

#pragma GCC unroll 16
    for (int i = 0; i < SUMS; i++)
        sum[i] = (lanes){0};
    for (int s = 0; s < job->spans; s++) {
        const float *w = job->span[s].w, *x = job->span[s].x;

        for (int i = 0; i < job->span[s].n; i += channels) {
            if (t.m)
                mix_m(t, w, &at, x, sum);
            else
                mix_0(t, w, &at, x, sum);
            x += PAIR_STEP;
            w += next;
            if (t.is_back && (i + channels) % block_channels(t.m) == 0)
                w += job->span[s].jump;
        }
    }
    put_sums(t.m, CUT, job, sum);
}

#define COPY(name, m, is_back, k)                                              \
    static void name##_##k(const struct job *job)                              \
    {                                                                          \
        contract_pairs((struct kind){m, is_back, k}, job);                     \
    }
#define CONTRACT(k)                                                            \
    COPY(fwd_0, 0, 0, k)                                                       \
    COPY(fwd_m, 1, 0, k)                                                       \
    COPY(bwd_0, 0, 1, k)                                                       \
    COPY(bwd_m, 1, 1, k)
CONTRACT(1)
CONTRACT(2)
CONTRACT(3)
CONTRACT(4)
CONTRACT(5)
CONTRACT(6)
#define CONTRACT_ROW(k) [k] = {{fwd_0_##k, fwd_m_##k}, {bwd_0_##k, bwd_m_##k}}
static contract *const contract_of[TERMS + 1][2][2] = {
    CONTRACT_ROW(1), CONTRACT_ROW(2), CONTRACT_ROW(3),
    CONTRACT_ROW(4), CONTRACT_ROW(5), CONTRACT_ROW(6)};

static const struct method in_pairs = {.matrices = matrices_of,
                                       .contract = contract_of,
                                       .gather = gather_by_channels,
                                       .packed = PACKED};

static void conv_fwd(struct conv *c, const struct tensor x[],
                     const struct tensor e[], struct tensor y[])
{
    const struct points p = points_at(c);
    struct kernels single;

    if (!is_plain(&p)) {
        runs_fwd(&in_pairs, c, x, e, y);
        return;
    }
    k_conv_runs_avx512_f32(&single);
    single.conv.conv_fwd(c, x, e, y);
}

static void conv_bwd_x(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       struct tensor dx[], struct tensor de[])
{
    const struct points p = points_at(c);
    struct tensor rows[FIBER_DEGREES];
    struct kernels single;

    if (!is_plain(&p)) {
        runs_bwd_x(&in_pairs, c, x, e, dy, rows);
        rows_add(c, rows, dx, de);
        return;
    }
    k_conv_runs_avx512_f32(&single);
    single.conv.conv_bwd_x(c, x, e, dy, dx, de);
}

void ENTER(k_conv)(struct kernels *k)
{
    k->conv.conv_fwd = conv_fwd;
    k->conv.conv_bwd_x = conv_bwd_x;
}
