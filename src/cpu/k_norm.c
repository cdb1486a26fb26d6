/* SPDX-License-Identifier: MIT */
/* k_norm.c - equivariant norm of one degree (theory.md section 5), reference.
 *
 * For the channels c of one node, with f_c its 2l+1 components,
 *
 *     r = max(|f|, 2^-24)    h = (r - mean r) / sqrt(var r + eps)
 *     g = gain h + bias      y = f max(g, 0) / r
 *
 * A rotation mixes the components of a channel and leaves r alone, so y turns
 * with f. Back, with t = f . dy and means over the channels,
 *
 *     dg = t / r where g > 0, else 0        dh = gain dg
 *     dr = (dh - mean dh - h mean(h dh)) / sqrt(var r + eps) - g dg / r
 *     df = dy max(g, 0) / r  +  f dr / |f| where |f| is not clamped
 *
 * Norms are computed again on the way back: that reads x, which t needs too,
 * and again for the sums over nodes of dgain and dbias, whose owners are
 * channels. Channels go by blocks, so that the inner loops are vectors.
 * Tests are written g <= 0, not g > 0, so that NaN goes through.
 */
#include "cpu/real.h"

enum { BLOCK = 16 };

static const real clamp = 0x1p-24;
static const real eps = (real)1e-5;

static int block_width(const struct tensor *x, int first)
{
    return x->c - first < BLOCK ? x->c - first : BLOCK;
}

/* out[c] = x . y, over the components of channels first.. of node n. */
static void dots(const struct tensor *x, const struct tensor *y, int n,
                 int first, real *restrict out)
{
    int width = block_width(x, first);

    for (int c = 0; c < BLOCK; c++)
        out[c] = 0;
    for (int m = 0; m < 2 * x->l + 1; m++) {
        const real *p = row(x, n, m) + first, *q = row(y, n, m) + first;

        for (int c = 0; c < width; c++)
            out[c] += p[c] * q[c];
    }
}

static real clamped(real norm)
{
    return norm < clamp ? clamp : norm;
}

static void clamped_norms(const struct tensor *x, int n, int first,
                          real *restrict r)
{
    dots(x, x, n, first, r);
    for (int c = 0; c < BLOCK; c++)
        r[c] = clamped(sqrt(r[c]));
}

/* Mean and 1/sqrt(variance + eps) over the channels of node n. Two passes: the
 * norms of a trained network differ by less than their mean. */
static void moments(const struct tensor *x, int n, real *mean, real *rdev)
{
    real r[BLOCK], sum = 0, square = 0;

    for (int first = 0; first < x->c; first += BLOCK) {
        clamped_norms(x, n, first, r);
        for (int c = 0; c < block_width(x, first); c++)
            sum += r[c];
    }
    *mean = sum / (real)x->c;
    for (int first = 0; first < x->c; first += BLOCK) {
        clamped_norms(x, n, first, r);
        for (int c = 0; c < block_width(x, first); c++)
            square += (r[c] - *mean) * (r[c] - *mean);
    }
    *rdev = 1 / sqrt(square / (real)x->c + eps);
}

static void block_fwd(const struct tensor *x, const struct tensor *w,
                      const struct tensor *stat, int n, int first,
                      struct tensor *y)
{
    const real *gain = row(w, 0, 0) + first, *bias = row(w, 1, 0) + first;
    real mean = row(stat, 0, 0)[n], rdev = row(stat, 1, 0)[n];
    real scale[BLOCK];
    int width = block_width(x, first);

    clamped_norms(x, n, first, scale);
    for (int c = 0; c < width; c++) {
        real g = gain[c] * (scale[c] - mean) * rdev + bias[c];

        scale[c] = g <= 0 ? 0 : g / scale[c];
    }
    for (int m = 0; m < 2 * x->l + 1; m++) {
        const real *p = row(x, n, m) + first;
        real *q = row(y, n, m) + first;

        for (int c = 0; c < width; c++)
            q[c] = scale[c] * p[c];
    }
}

static void norm_fwd(const struct tensor *x, const struct tensor *w,
                     struct tensor *y, struct tensor *stat)
{
    int nodes = used(x);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++) {
        moments(x, n, &row(stat, 0, 0)[n], &row(stat, 1, 0)[n]);
        for (int first = 0; first < x->c; first += BLOCK)
            block_fwd(x, w, stat, n, first, y);
    }
}

/* What backward reads. */
struct inputs {
    const struct tensor *x, *w, *stat, *dy;
};

/* Channels first.. of one node, as the head of this file names it. */
struct channels {
    real norm[BLOCK], r[BLOCK], h[BLOCK], g[BLOCK], dg[BLOCK], dh[BLOCK];
};

static void channels_at(const struct inputs *in, int n, int first,
                        struct channels *ch)
{
    const real *gain = row(in->w, 0, 0) + first;
    const real *bias = row(in->w, 1, 0) + first;
    real mean = row(in->stat, 0, 0)[n], rdev = row(in->stat, 1, 0)[n];
    int width = block_width(in->x, first);

    dots(in->x, in->x, n, first, ch->norm);
    dots(in->x, in->dy, n, first, ch->dg);
    for (int c = 0; c < width; c++) {
        ch->norm[c] = sqrt(ch->norm[c]);
        ch->r[c] = clamped(ch->norm[c]);
        ch->h[c] = (ch->r[c] - mean) * rdev;
        ch->g[c] = gain[c] * ch->h[c] + bias[c];
        ch->dg[c] = ch->g[c] <= 0 ? 0 : ch->dg[c] / ch->r[c];
        ch->dh[c] = gain[c] * ch->dg[c];
    }
}

/* Means over all channels of a node. */
struct means {
    real dh, h_dh;
};

static void block_bwd(const struct inputs *in, const struct means *mean, int n,
                      int first, struct tensor *dx)
{
    real rdev = row(in->stat, 1, 0)[n];
    real along_dy[BLOCK], along_x[BLOCK];
    int width = block_width(in->x, first);
    struct channels ch;

    channels_at(in, n, first, &ch);
    for (int c = 0; c < width; c++) {
        real dr = rdev * (ch.dh[c] - mean->dh - ch.h[c] * mean->h_dh) -
                  ch.g[c] * ch.dg[c] / ch.r[c];

        along_dy[c] = ch.g[c] <= 0 ? 0 : ch.g[c] / ch.r[c];
        along_x[c] = ch.norm[c] < clamp ? 0 : dr / ch.norm[c];
    }
    for (int m = 0; m < 2 * in->x->l + 1; m++) {
        const real *x = row(in->x, n, m) + first;
        const real *dy = row(in->dy, n, m) + first;
        real *out = row(dx, n, m) + first;

        for (int c = 0; c < width; c++)
            out[c] = along_dy[c] * dy[c] + along_x[c] * x[c];
    }
}

static void node_bwd(const struct inputs *in, int n, struct tensor *dx)
{
    struct means mean = {0, 0};
    struct channels ch;

    for (int first = 0; first < in->x->c; first += BLOCK) {
        channels_at(in, n, first, &ch);
        for (int c = 0; c < block_width(in->x, first); c++) {
            mean.dh += ch.dh[c];
            mean.h_dh += ch.h[c] * ch.dh[c];
        }
    }
    mean.dh /= (real)in->x->c;
    mean.h_dh /= (real)in->x->c;
    for (int first = 0; first < in->x->c; first += BLOCK)
        block_bwd(in, &mean, n, first, dx);
}

static void weights_bwd(const struct inputs *in, int nodes, int first,
                        struct tensor *dw)
{
    real *dgain = row(dw, 0, 0) + first, *dbias = row(dw, 1, 0) + first;
    int width = block_width(in->x, first);
    struct channels ch;

    for (int n = 0; n < nodes; n++) {
        channels_at(in, n, first, &ch);
        for (int c = 0; c < width; c++) {
            dgain[c] += ch.dg[c] * ch.h[c];
            dbias[c] += ch.dg[c];
        }
    }
}

static void norm_bwd(const struct tensor *x, const struct tensor *w,
                     const struct tensor *stat, const struct tensor *dy,
                     struct tensor *dx, struct tensor *dw)
{
    struct inputs in = {x, w, stat, dy};
    int nodes = used(x);

    /* before dx, which may be dy */
#pragma omp parallel for schedule(static)
    for (int first = 0; first < x->c; first += BLOCK)
        weights_bwd(&in, nodes, first, dw);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        node_bwd(&in, n, dx);
}

void ENTER(k_norm)(struct kernels *k)
{
    k->node.norm_fwd = norm_fwd;
    k->node.norm_bwd = norm_bwd;
}
