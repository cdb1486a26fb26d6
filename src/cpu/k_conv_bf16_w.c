/* SPDX-License-Identifier: MIT */
/* k_conv_bf16_w.c - the convolution's gradients for its weights with products
 * of bf16; conv_runs_w.h, k_conv_bf16.c.
 *
 * Features and gradients are pairs (+m, -m), so for one (co, ci) and edge
 *
 *     da_m = (x[+m], x[-m]) . (dy[+m], dy[-m])
 *     db_m = (x[-m], -x[+m]) . (dy[+m], dy[-m]),
 *
 * or, where m = 0, pairs of a bond's two edges: 4 instructions or 1 instead of
 * 8 or 2. What is summed over bonds has 32 bits. A plain run is left to single
 * precision, for there sums over hidden units are nearly all the work.
 */
#include "cpu/conv_runs_w.h"
#include "cpu/conv_tile_bf16.h"

/* x as each of dr takes it: [m = 0] [0]; else a, b of both edges. */
INLINE void take_x(const float *from, const int m, pairs *x)
{
    x[0] = load_pairs(from);
    if (m == 0)
        return;
    x[1] = load_pairs(from + LANES);
    x[2] = minus_high(swapped(x[0]));
    x[3] = minus_high(swapped(x[1]));
}

/* da, and db where m > 0, at one tile. */
INLINE void weights_grad(const pairs *x, const float *dy, const int m,
                         lanes *dr)
{
    pairs y0 = load_pairs(dy), y1;

    dr[0] = dot((lanes){0}, x[0], y0);
    if (m == 0)
        return;
    y1 = load_pairs(dy + LANES);
    dr[0] = dot(dr[0], x[1], y1);
    dr[1] = dot(dot((lanes){0}, x[2], y0), x[3], y1);
}

/* Numbers from channel to channel of a tile. */
INLINE int pair_step(const int m)
{
    return m ? PAIR_STEP : LANES;
}

/* What is constant in a copy of the loops: 0, or 1 for all m above; channels at
 * once; terms. */
struct kind {
    int m, n, k;
};

/* Adds tile t, whose x is at `from`, to the sums: [k][rows]. */
INLINE void moments_add(const struct kind o, const struct stretch *s,
                        const float *from, int t, lanes *sum)
{
    const int rows = o.m ? 2 * o.n : o.n;
    const float *dy = s->dy + (size_t)t * s->dy_step;
    lanes dr[8], at = load(tile_coef(s->coef, t, 0)), power = at;
    pairs x[4];

    take_x(from, o.m, x);
#pragma GCC unroll 8
    for (int i = 0; i < o.n; i++)
        weights_grad(x, dy + i * pair_step(o.m), o.m, dr + (o.m ? 2 * i : i));
#pragma GCC unroll 8
    for (int j = 0; j < o.k; j++) {
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++)
            if (j > 0)
                sum[j * rows + i] += power * dr[i];
            else
                sum[i] += dr[i];
        if (j > 0)
            power *= at;
    }
}

/* M of k terms and n channels, all ci. */
INLINE void moments(const struct kind o, const struct stretch *s)
{
    const int rows = o.m ? 2 * o.n : o.n;
    const float *x = s->x;
    float *out = s->out;

    for (int ci = 0; ci < s->cis; ci++, x += pair_step(o.m), out += s->next) {
        const float *from = x + (size_t)s->from * s->x_step;
        lanes sum[MOST];
        float moment[MOST];

#pragma GCC unroll 16
        for (int i = 0; i < MOST; i++)
            sum[i] = (lanes){0};
        for (int t = s->from; t < s->to; t++, from += s->x_step)
            moments_add(o, s, from, t, sum);
        store(moment, sums(sum));
        put_moments(s, o.k, rows, moment, out);
    }
}

#define MOMENTS(k)                                                             \
    static void moments_0_##k(const struct stretch *s)                         \
    {                                                                          \
        moments((struct kind){0, AT_ONCE(0, k), k}, s);                        \
    }                                                                          \
    static void moments_m_##k(const struct stretch *s)                         \
    {                                                                          \
        moments((struct kind){1, AT_ONCE(1, k), k}, s);                        \
    }
MOMENTS(1)
MOMENTS(2)
MOMENTS(3)
MOMENTS(4)
MOMENTS(5)
MOMENTS(6)
#define MOMENTS_ROW(k)                                                         \
    [k] = {{moments_0_##k, AT_ONCE(0, k)}, {moments_m_##k, AT_ONCE(1, k)}}
static const struct moments moments_of[TERMS + 1][2] = {
    MOMENTS_ROW(1), MOMENTS_ROW(2), MOMENTS_ROW(3),
    MOMENTS_ROW(4), MOMENTS_ROW(5), MOMENTS_ROW(6)};

/* --- dW' and dp ---------------------------------------------------------- */

/* p as pairs of points; the last has one or two. */
static void arrange(const float *p, int points, float *to)
{
    for (int j = 0; j < points; j += 2)
        for (int q = 0; q < VECTORS; q++) {
            const float *from = p + j * UNITS + q * LANES;
            lanes next = {0};

            if (j + 1 < points)
                next = load(from + UNITS);
            store_pairs(to + j / 2 * UNITS + q * LANES,
                        round_pairs(load(from), next));
        }
}

/* dW' of a block's rows: two points a product. */
static void block_bwd_w(const float *moment, const float *p, int points,
                        float *dw)
{
    static const float none[SLOTS] = {0};
    lanes sum[SLOTS][VECTORS] = {{{0}}};

    for (int j = 0; j < points; j += 2, moment += 2 * SLOTS) {
        float m[SLOTS];
        pairs v[VECTORS];

        store_eight(m, moment, j + 1 < points ? moment + SLOTS : none);
#pragma GCC unroll 2
        for (int q = 0; q < VECTORS; q++)
            v[q] = load_pairs(p + j / 2 * UNITS + q * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < SLOTS; i++)
#pragma GCC unroll 2
            for (int q = 0; q < VECTORS; q++)
                sum[i][q] = dot(sum[i][q], splat_pair(m + i), v[q]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < SLOTS; i++)
#pragma GCC unroll 2
        for (int q = 0; q < VECTORS; q++)
            store(dw + i * UNITS + q * LANES, sum[i][q]);
}

/* dp += M W' of a block: two rows a product. */
static void block_bwd_p(const float *moment, const float *packed, int points,
                        float *dp)
{
    lanes rows[SLOTS][VECTORS];
    pairs w[SLOTS / 2][VECTORS];

    block_rows(packed, rows);
#pragma GCC unroll 4
    for (int i = 0; i < SLOTS / 2; i++)
#pragma GCC unroll 2
        for (int q = 0; q < VECTORS; q++)
            w[i][q] = round_pairs(rows[2 * i][q], rows[2 * i + 1][q]);
    for (int j = 0; j < points; j++, moment += SLOTS, dp += UNITS) {
        float m[SLOTS / 2];
        lanes sum[VECTORS];

        store_four(m, moment);
#pragma GCC unroll 2
        for (int q = 0; q < VECTORS; q++)
            sum[q] = load(dp + q * LANES);
#pragma GCC unroll 4
        for (int i = 0; i < SLOTS / 2; i++)
#pragma GCC unroll 2
            for (int q = 0; q < VECTORS; q++)
                sum[q] = dot(sum[q], splat_pair(m + i), w[i][q]);
#pragma GCC unroll 2
        for (int q = 0; q < VECTORS; q++)
            store(dp + q * LANES, sum[q]);
    }
}

static const struct method_w in_pairs = {.arrange = arrange,
                                         .block_bwd_w = block_bwd_w,
                                         .block_bwd_p = block_bwd_p,
                                         .moments = moments_of,
                                         .gather = gather_by_edges,
                                         .packed = PACKED};

static void conv_bwd_w(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[])
{
    const struct points p = points_at(c);
    struct kernels single;

    if (!is_plain(&p)) {
        runs_bwd_w(&in_pairs, c, x, e, dy);
        return;
    }
    k_conv_runs_w_avx512_f32(&single);
    single.conv.conv_bwd_w(c, x, e, dy);
}

void ENTER(k_conv_w)(struct kernels *k)
{
    k->conv.conv_bwd_w = conv_bwd_w;
}
