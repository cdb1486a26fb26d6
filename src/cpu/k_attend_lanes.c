/* SPDX-License-Identifier: MIT */
/* k_attend_lanes.c - scores and weighted sums over edges in vectors of
 * channels; k_attend.c has the formulas.
 *
 * A row of an edge or node is turned in registers, 2l+1 vectors in and out.
 * Weights of heads are spread over the channels by one permutation; dot
 * products are summed over the degrees as vectors and split into heads once.
 * Edges are taken in blocks, node sums stay in registers. The matrices of the
 * turns are the smaller part of the work; reading and writing the edges' rows,
 * some 4 KB an edge and pass at 32 channels, bounds it.
 */
#include "cpu/lanes.h"
#include "cpu/real.h"
#include "cpu/turn.h"

#include <string.h>

enum { BLOCK = 64, COMPONENTS = 2 * FIBER_DEGREES - 1 };

/* Channels c.. of a feature with heads: which head is whose. */
struct chunk {
    int c, n;
    int heads;
    int head[LANES];
};

static struct chunk chunk_at(int c, int channels, int heads)
{
    struct chunk k = {.c = c, .n = channels - c, .heads = heads};
    int share = channels / heads;

    for (int i = 0; i < LANES; i++)
        k.head[i] = c + i < channels ? (c + i) / share : 0;
    return k;
}

/* The heads' weights, one a channel; a NULL: ones. */
INLINE lanes spread(const struct chunk *k, const float *a, float scale)
{
    lanes v = {0};

    if (!a)
        return v + scale;
    if (k->heads <= LANES)
        return scale * permute(load_part(a, k->heads), k->head);
    for (int i = 0; i < LANES; i++)
        v[i] = scale * a[k->head[i]];
    return v;
}

/* Adds each channel to its head. */
static void add_to_heads(const struct chunk *k, lanes v, float *sum)
{
    float x[LANES];

    store(x, v);
    for (int i = 0; i < k->n && i < LANES; i++)
        sum[k->head[i]] += x[i];
}

INLINE void load_rows(const struct tensor *t, int n, const struct chunk *k,
                      const int l, lanes *v)
{
#pragma GCC unroll 7
    for (int m = 0; m < 2 * l + 1; m++)
        v[m] = load_part((float *)row(t, n, m) + k->c, k->n);
}

/* One edge, one degree: y = D x, x of a node; sum += v . y; and v = a y. */
struct meeting {
    const struct geometry *geo;
    int edge, bond, node;
    const struct tensor *x, *v; /* v NULL: no product is wanted */
    struct tensor *to;          /* NULL: a y is not wanted */
};

INLINE void meet(const struct meeting *at, const struct chunk *k, lanes a,
                 lanes *sum, const int l)
{
    const int w = 2 * l + 1;
    const float *d = frame_of(at->geo, l, at->bond);
    lanes x[COMPONENTS], s = *sum;

    load_rows(at->x, at->node, k, l, x);
#pragma GCC unroll 7
    for (int m = 0; m < w; m++) {
        lanes y = {0};

#pragma GCC unroll 7
        for (int i = 0; i < w; i++)
            y += d[m * w + i] * x[i];
        if (at->v)
            s += y * load_part((float *)row(at->v, at->edge, m) + k->c, k->n);
        if (at->to)
            store_part((float *)row(at->to, at->edge, m) + k->c, a * y, k->n);
    }
    *sum = s;
}

/* The usual degrees have a copy of the loops for themselves. */
static void meet_any(const struct meeting *at, const struct chunk *k, lanes a,
                     lanes *sum, int l)
{
    switch (l) {
    case 0:
        meet(at, k, a, sum, 0);
        break;
    case 1:
        meet(at, k, a, sum, 1);
        break;
    case 2:
        meet(at, k, a, sum, 2);
        break;
    case 3:
        meet(at, k, a, sum, 3);
        break;
    default:
        meet(at, k, a, sum, l);
    }
}

/* Sum over the edges of a row of a D^T v. */
struct gathering {
    const struct graph *g;
    const struct geometry *geo;
    const struct csr *rows;
    const struct tensor *v, *a; /* a without data: ones */
    float scale;
};

INLINE void gather_row(const struct gathering *s, const struct chunk *k, int n,
                       struct tensor *z, const int l)
{
    const int w = 2 * l + 1;
    lanes sum[COMPONENTS];

#pragma GCC unroll 7
    for (int m = 0; m < w; m++)
        sum[m] = (lanes){0};
    for (int i = s->rows->begin[n]; i < s->rows->begin[n + 1]; i++) {
        int edge = entry(s->rows, i);
        const float *d = frame_of(s->geo, l, s->g->bond[edge]);
        lanes a = spread(k, s->a->data ? row(s->a, edge, 0) : NULL, s->scale);

#pragma GCC unroll 7
        for (int m = 0; m < w; m++) {
            lanes v = a * load_part((float *)row(s->v, edge, m) + k->c, k->n);

#pragma GCC unroll 7
            for (int j = 0; j < w; j++)
                sum[j] += d[m * w + j] * v;
        }
    }
#pragma GCC unroll 7
    for (int m = 0; m < w; m++)
        store_part((float *)row(z, n, m) + k->c, sum[m], k->n);
}

static void gather_any(const struct gathering *s, const struct chunk *k, int n,
                       struct tensor *z)
{
    switch (z->l) {
    case 0:
        gather_row(s, k, n, z, 0);
        break;
    case 1:
        gather_row(s, k, n, z, 1);
        break;
    case 2:
        gather_row(s, k, n, z, 2);
        break;
    case 3:
        gather_row(s, k, n, z, 3);
        break;
    default:
        gather_row(s, k, n, z, z->l);
    }
}

/* One degree of all rows. */
static void gather_rows(const struct gathering *s, int heads, struct tensor *z)
{
    int rows = used_nodes(s->rows), blocks = (rows + BLOCK - 1) / BLOCK;

#pragma omp parallel for schedule(static)
    for (int b = 0; b < blocks; b++)
        for (int c = 0; c < z->c; c += LANES) {
            struct chunk k = chunk_at(c, z->c, heads);

            for (int n = b * BLOCK; n < (b + 1) * BLOCK && n < rows; n++)
                gather_any(s, &k, n, z);
        }
}

/* --- edges and one node -------------------------------------------------- */

/* What meets along edges: x of nodes and v of edges, in all degrees. */
struct meetings {
    const struct graph *g;
    const struct geometry *geo;
    int degrees, heads;
    const struct tensor *x, *v;
    struct tensor *to;      /* or NULL */
    const struct tensor *a; /* or NULL: ones */
    float scale;
    const struct tensor *score; /* or NULL */
};

/* Degrees l .. end - 1 have the same channels. */
static int same_channels(const struct meetings *s, int l)
{
    int end = l + 1;

    while (end < s->degrees && s->v[end].c == s->v[l].c)
        end++;
    return end;
}

/* Edges first .. last - 1 of node's, or first's own. */
static void edge_meets(const struct meetings *s, int edge, int node,
                       const struct chunk *k, int l, int end)
{
    lanes sum = {0}, a = {0};
    struct meeting at = {
        .geo = s->geo, .edge = edge, .bond = s->g->bond[edge], .node = node};

    if (s->to)
        a = spread(k, s->a ? row(s->a, edge, 0) : NULL, s->scale);
    for (; l < end; l++) {
        at.x = &s->x[l];
        at.v = s->score ? &s->v[l] : NULL;
        at.to = s->to ? &s->to[l] : NULL;
        meet_any(&at, k, a, &sum, l);
    }
    if (s->score)
        add_to_heads(k, sum, row(s->score, edge, 0));
}

/* The edges of rows first .. last - 1; rows NULL: edges first .. last - 1, each
 * with its dst. */
static void block_meets(const struct meetings *s, const struct csr *rows,
                        int first, int last, const struct chunk *k, int l)
{
    int end = same_channels(s, l);

    for (int n = first; n < last; n++) {
        if (!rows) {
            edge_meets(s, n, s->g->dst[n], k, l, end);
            continue;
        }
        for (int i = rows->begin[n]; i < rows->begin[n + 1]; i++)
            edge_meets(s, entry(rows, i), n, k, l, end);
    }
}

static void clear_scores(const struct meetings *s, const struct csr *rows,
                         int first, int last)
{
    int heads = s->score->c;

    for (int n = first; n < last; n++)
        for (int i = rows ? rows->begin[n] : n;
             i < (rows ? rows->begin[n + 1] : n + 1); i++)
            memset(row(s->score, rows ? entry(rows, i) : i, 0), 0,
                   (size_t)heads * sizeof(float));
}

static void all_meet(const struct meetings *s, const struct csr *rows, int n)
{
    int blocks = (n + BLOCK - 1) / BLOCK;

#pragma omp parallel for schedule(static)
    for (int b = 0; b < blocks; b++) {
        int first = b * BLOCK, last = first + BLOCK < n ? first + BLOCK : n;

        if (s->score)
            clear_scores(s, rows, first, last);
        for (int l = 0; l < s->degrees; l = same_channels(s, l))
            for (int c = 0; c < s->v[l].c; c += LANES) {
                struct chunk k = chunk_at(c, s->v[l].c, s->heads);

                block_meets(s, rows, first, last, &k, l);
            }
    }
}

static void logits_fwd(const struct graph *g, const struct geometry *geo,
                       const struct heads *a, struct tensor *score)
{
    int edges = used_edges(g);
    const struct meetings s = {.g = g,
                               .geo = geo,
                               .degrees = a->degrees,
                               .heads = a->heads,
                               .x = a->q,
                               .v = a->key,
                               .score = score};

    all_meet(&s, NULL, edges);
#pragma omp parallel for schedule(static)
    for (int e = 0; e < edges; e++)
        for (int h = 0; h < a->heads; h++)
            ((float *)row(score, e, 0))[h] *= (float)a->scale;
}

static void logits_bwd(const struct graph *g, struct geometry *geo,
                       const struct heads *a, const struct tensor *dscore,
                       const struct heads_grad *d)
{
    const struct meetings s = {.g = g,
                               .geo = geo,
                               .degrees = a->degrees,
                               .heads = a->heads,
                               .x = a->q,
                               .v = a->key,
                               .to = d->dkey,
                               .a = dscore,
                               .scale = (float)a->scale};

    for (int l = 0; l < a->degrees; l++) {
        const struct gathering sum = {.g = g,
                                      .geo = geo,
                                      .rows = &g->in,
                                      .v = &a->key[l],
                                      .a = dscore,
                                      .scale = (float)a->scale};

        if (a->key[l].c > 0)
            gather_rows(&sum, a->heads, &d->dq[l]);
    }
    all_meet(&s, NULL, used_edges(g));
    if (geo->torque.data)
        bonds_torque(g, geo, a->degrees, a->key, d->dkey);
}

static int gather_heads(const struct gather *v)
{
    return v->a.data ? v->a.c : 1;
}

static void aggregate_fwd(const struct graph *g, const struct geometry *geo,
                          const struct gather *v, struct tensor z[])
{
    for (int l = 0; l < v->degrees; l++) {
        const struct gathering sum = {.g = g,
                                      .geo = geo,
                                      .rows = v->rows,
                                      .v = &v->value[l],
                                      .a = &v->a,
                                      .scale = 1};

        if (v->value[l].c > 0)
            gather_rows(&sum, gather_heads(v), &z[l]);
    }
}

static void aggregate_bwd(const struct graph *g, struct geometry *geo,
                          const struct gather *v, const struct tensor dz[],
                          struct tensor dvalue[], struct tensor *da)
{
    const struct meetings s = {.g = g,
                               .geo = geo,
                               .degrees = v->degrees,
                               .heads = gather_heads(v),
                               .x = dz,
                               .v = v->value,
                               .to = dvalue,
                               .a = v->a.data ? &v->a : NULL,
                               .scale = 1,
                               .score = v->a.data ? da : NULL};

    all_meet(&s, v->rows, used_nodes(v->rows));
    if (geo->torque.data)
        bonds_torque(g, geo, v->degrees, v->value, dvalue);
}

void ENTER(k_attend_lanes)(struct kernels *k)
{
    k->conv.logits_fwd = logits_fwd;
    k->conv.logits_bwd = logits_bwd;
    k->conv.aggregate_fwd = aggregate_fwd;
    k->conv.aggregate_bwd = aggregate_bwd;
}
