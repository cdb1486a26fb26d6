/* SPDX-License-Identifier: MIT */
/* k_norm_lanes.c - the equivariant norm in vectors of channels; k_norm.c has
 * the formulas.
 *
 * LANES nodes are taken at a time, vector of channels by vector: their sums
 * over channels are kept as vectors, turned over once, and the moments of all
 * of them are one vector. So x is read from memory once. Backward also sums dw
 * over nodes: each chunk of the nodes, which are cut by their number alone, has
 * sums of its own, added in order.
 */
#include "cpu/lanes.h"
#include "cpu/real.h"

enum {
    KEPT = 128 / LANES, /* vectors of channels, what is behind is done twice */
    CHUNKS = 24,        /* of all blocks: many teams divide it */
    ENOUGH = 1 << 15    /* numbers that are worth a team */
};

static const float clamp = 0x1p-24f;
static const float eps = 1e-5f;

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Not maximum(): NaN goes through. */
INLINE lanes clamped(lanes norm)
{
    lanes_int below = norm < clamp;

    return zero_where(below, norm) + zero_where(~below, (lanes){0} + clamp);
}

INLINE lanes dot(const struct tensor *x, const struct tensor *y, int n, int c)
{
    const float *p = row(x, n, 0) + c, *q = row(y, n, 0) + c;
    lanes sum = {0};

    for (int m = 0; m < 2 * x->l + 1; m++, p += x->ld, q += y->ld)
        sum += load(p) * load(q);
    return sum;
}

/* Asks for what the next block reads or writes, which memory delivers while
 * this one computes. */
INLINE void fetch_next(const struct tensor *t, int n, int c)
{
    const float *p = row(t, n + LANES, 0) + c;

    for (int m = 0; m < 2 * t->l + 1; m++, p += t->ld)
        __builtin_prefetch(p, 0, 2);
}

/* Nodes first.. of a tensor. */
struct block {
    int first, nodes;
};

/* Lane n: the mean over the channels of what has these sums. */
INLINE void means_of(const lanes sum[LANES], int channels, float mean[LANES])
{
    store(mean, sums(sum) / (float)channels);
}

/* 1 for a channel, 0 behind the last. */
INLINE lanes is_channel(const struct tensor *x, int c)
{
    float ones[LANES];

    store(ones, (lanes){0} + 1);
    return load_part(ones, x->c - c);
}

/* Means of the norms, which y keeps in m = 0 until it is overwritten. */
static void block_mean(const struct tensor *x, const struct block *b,
                       struct tensor *y, float mean[LANES])
{
    lanes sum[LANES] = {{0}};

    for (int c = 0; c < x->c; c += LANES) {
        lanes one = is_channel(x, c);

        for (int n = 0; n < b->nodes; n++) {
            lanes r = clamped(square_root(dot(x, x, b->first + n, c)));

            fetch_next(x, b->first + n, c);
            fetch_next(y, b->first + n, c);
            sum[n] += one * r;
            store_some(row(y, b->first + n, 0) + c, r, x->c - c);
        }
    }
    means_of(sum, x->c, mean);
}

static void block_rdev(const struct tensor *y, const struct block *b,
                       const float mean[LANES], float rdev[LANES])
{
    lanes sum[LANES] = {{0}};

    for (int c = 0; c < y->c; c += LANES) {
        lanes one = is_channel(y, c);

        for (int n = 0; n < b->nodes; n++) {
            const float *r = row(y, b->first + n, 0) + c;
            lanes d = one * (load_some(r, y->c - c) - mean[n]);

            sum[n] += d * d;
        }
    }
    means_of(sum, y->c, rdev);
    store(rdev, 1 / square_root(load(rdev) + eps));
}

static void block_fwd(const struct tensor *x, const struct tensor *w,
                      const struct block *b, struct tensor *y,
                      struct tensor *stat)
{
    float mean[LANES], rdev[LANES];

    block_mean(x, b, y, mean);
    block_rdev(y, b, mean, rdev);
    store_some(row(stat, 0, 0) + b->first, load(mean), b->nodes);
    store_some(row(stat, 1, 0) + b->first, load(rdev), b->nodes);
    for (int c = 0; c < x->c; c += LANES) {
        lanes gain = load_part(row(w, 0, 0) + c, x->c - c);
        lanes bias = load_part(row(w, 1, 0) + c, x->c - c);

        for (int n = 0; n < b->nodes; n++) {
            const float *from = row(x, b->first + n, 0) + c;
            float *to = row(y, b->first + n, 0) + c;
            lanes r = load_some(to, x->c - c);
            lanes g = gain * (r - mean[n]) * rdev[n] + bias;
            lanes scale = zero_where(g <= 0, g / r);

            for (int m = 0; m < 2 * x->l + 1; m++)
                store_some(to + m * y->ld, scale * load(from + m * x->ld),
                           x->c - c);
        }
    }
}

static void norm_fwd(const struct tensor *x, const struct tensor *w,
                     struct tensor *y, struct tensor *stat)
{
    int nodes = used(x);

#pragma omp parallel for schedule(                                             \
    static) if ((int64_t)nodes * (2 * x->l + 1) * x->c > ENOUGH)
    for (int n = 0; n < nodes; n += LANES)
        block_fwd(x, w, &(struct block){n, least(LANES, nodes - n)}, y, stat);
}

/* What backward reads. */
struct inputs {
    const struct tensor *x, *w, *stat, *dy;
};

/* A vector of channels of one node, as the head of k_norm.c names it;
 * along_dy: max(g, 0) / r; along_x: 1 / r where r is not clamped, else 0. */
struct channels {
    lanes h, dg, dh, along_dy, along_x;
};

/* Gains and biases of channels. */
struct pair {
    lanes gain, bias;
};

INLINE struct pair pair_at(const struct tensor *w, int c)
{
    return (struct pair){load_part(row(w, 0, 0) + c, w->c - c),
                         load_part(row(w, 1, 0) + c, w->c - c)};
}

INLINE struct channels channels_at(const struct inputs *in,
                                   const struct pair *w, int n, int c)
{
    float mean = row(in->stat, 0, 0)[n], rdev = row(in->stat, 1, 0)[n];
    lanes norm = square_root(dot(in->x, in->x, n, c));
    lanes r = clamped(norm), inverse = 1 / r;
    struct channels ch = {.h = (r - mean) * rdev};
    lanes g = w->gain * ch.h + w->bias;

    ch.dg = zero_where(g <= 0, dot(in->x, in->dy, n, c) * inverse);
    ch.dh = w->gain * ch.dg;
    ch.along_dy = zero_where(g <= 0, g * inverse);
    ch.along_x = zero_where(norm < clamp, inverse);
    return ch;
}

/* What a block's two passes share: its first KEPT vectors, and means over all
 * channels. */
struct memory_of_block {
    struct channels kept[KEPT][LANES];
    float dh[LANES], h_dh[LANES];
};

/* Sums over a chunk's nodes, of the first KEPT vectors. */
struct dweights {
    struct pair of[KEPT];
};

static void block_sums(const struct inputs *in, const struct block *b,
                       struct memory_of_block *m, struct dweights *dw)
{
    lanes dh[LANES] = {{0}}, h_dh[LANES] = {{0}};

    for (int c = 0, v = 0; c < in->x->c; c += LANES, v++) {
        struct pair w = pair_at(in->w, c), d = {{0}, {0}};

        for (int n = 0; n < b->nodes; n++) {
            struct channels ch = channels_at(in, &w, b->first + n, c);

            fetch_next(in->x, b->first + n, c);
            fetch_next(in->dy, b->first + n, c);
            dh[n] += ch.dh;
            h_dh[n] += ch.h * ch.dh;
            d.gain += ch.dg * ch.h;
            d.bias += ch.dg;
            if (v < KEPT)
                m->kept[v][n] = ch;
        }
        if (v < KEPT) {
            dw->of[v].gain += d.gain;
            dw->of[v].bias += d.bias;
        }
    }
    means_of(dh, in->x->c, m->dh);
    means_of(h_dh, in->x->c, m->h_dh);
}

static void block_bwd(const struct inputs *in, const struct block *b,
                      const struct memory_of_block *m, struct tensor *dx)
{
    for (int c = 0, v = 0; c < dx->c; c += LANES, v++) {
        struct pair w = pair_at(in->w, c);

        for (int i = 0; i < b->nodes; i++) {
            int n = b->first + i;
            struct channels ch =
                v < KEPT ? m->kept[v][i] : channels_at(in, &w, n, c);
            lanes dr = row(in->stat, 1, 0)[n] *
                           (ch.dh - m->dh[i] - ch.h * m->h_dh[i]) -
                       ch.along_dy * ch.dg;
            lanes along_x = dr * ch.along_x;
            const float *x = row(in->x, n, 0) + c, *dy = row(in->dy, n, 0) + c;
            float *to = row(dx, n, 0) + c;

            for (int k = 0; k < 2 * dx->l + 1; k++)
                store_some(to + k * dx->ld,
                           ch.along_dy * load(dy + k * in->dy->ld) +
                               along_x * load(x + k * in->x->ld),
                           dx->c - c);
        }
    }
}

static void add_part(float *to, lanes sum, int n)
{
    store_part(to, load_part(to, n) + sum, n);
}

/* Of the vectors behind KEPT; before dx, which may be dy. */
static void wide_bwd_w(const struct inputs *in, struct tensor *dw)
{
    int nodes = used(in->x);

    for (int c = KEPT * LANES; c < dw->c; c += LANES) {
        struct pair w = pair_at(in->w, c), d = {{0}, {0}};

        for (int n = 0; n < nodes; n++) {
            struct channels ch = channels_at(in, &w, n, c);

            d.gain += ch.dg * ch.h;
            d.bias += ch.dg;
        }
        add_part(row(dw, 0, 0) + c, d.gain, dw->c - c);
        add_part(row(dw, 1, 0) + c, d.bias, dw->c - c);
    }
}

static void chunk_bwd(const struct inputs *in, int first, int last,
                      struct tensor *dx, struct dweights *dw)
{
    struct memory_of_block m;

    *dw = (struct dweights){.of = {{{0}, {0}}}};
    for (int n = first; n < last; n += LANES) {
        const struct block b = {n, least(LANES, last - n)};

        block_sums(in, &b, &m, dw);
        block_bwd(in, &b, &m, dx);
    }
}

static void norm_bwd(const struct tensor *x, const struct tensor *w,
                     const struct tensor *stat, const struct tensor *dy,
                     struct tensor *dx, struct tensor *dw)
{
    const struct inputs in = {x, w, stat, dy};
    struct dweights part[CHUNKS];
    int nodes = used(x), blocks = (nodes + LANES - 1) / LANES;
    int chunks = least(CHUNKS, blocks);

    wide_bwd_w(&in, dw);
#pragma omp parallel for schedule(                                             \
    static) if ((int64_t)nodes * (2 * x->l + 1) * x->c > ENOUGH)
    for (int i = 0; i < chunks; i++)
        chunk_bwd(&in, i * blocks / chunks * LANES,
                  least(nodes, (i + 1) * blocks / chunks * LANES), dx,
                  &part[i]);
    for (int c = 0, v = 0; c < dw->c && v < KEPT; c += LANES, v++)
        for (int i = 0; i < chunks; i++) {
            add_part(row(dw, 0, 0) + c, part[i].of[v].gain, dw->c - c);
            add_part(row(dw, 1, 0) + c, part[i].of[v].bias, dw->c - c);
        }
}

void ENTER(k_norm_lanes)(struct kernels *k)
{
    k->node.norm_fwd = norm_fwd;
    k->node.norm_bwd = norm_bwd;
}
