/* SPDX-License-Identifier: MIT */
/* k_linear.c - linear maps of one degree and ReLU, reference.
 *
 *     y[r, o] (+)= s_r sum_i w[o, i] x[r, i] (+ b[o])
 *     dx[r, i] += s_r sum_o dy[r, o] w[o, i]
 *     dw[o, i] += sum_r s_r dy[r, o] x[r, i]
 *
 * over rows r = (node, component); s_r is 1, or for the self-interaction the
 * node's number of incoming edges. Tiles of w, turned for y, are packed, so
 * that the inner loop runs over a fixed number of lanes. Owners are blocks of
 * nodes for y and dx, blocks of rows for dw.
 */
#include "cpu/real.h"

enum {
    NODES = 32, /* of a block */
    LANES = 16, /* tile of w */
    TERMS = 64
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static real times(const struct csr *in, int n)
{
    return in ? (real)(in->begin[n + 1] - in->begin[n]) : 1;
}

/* Inputs of a map and how often each node counts. */
struct map {
    const struct tensor *x, *w;
    const struct csr *in; /* NULL: once */
};

/* A part of w, such that y[lane0 + j] += sum_k w[k][j] x[k0 + k]; zero beyond
 * the last lane. */
struct tile {
    int k0, terms, lane0, lanes;
    real w[TERMS][LANES];
};

static void pack_rows(const struct tensor *w, struct tile *t)
{
    for (int k = 0; k < t->terms; k++)
        for (int j = 0; j < LANES; j++)
            t->w[k][j] = j < t->lanes ? row(w, t->k0 + k, 0)[t->lane0 + j] : 0;
}

static void pack_columns(const struct tensor *w, struct tile *t)
{
    for (int k = 0; k < t->terms; k++)
        for (int j = 0; j < LANES; j++)
            t->w[k][j] = j < t->lanes ? row(w, t->lane0 + j, 0)[t->k0 + k] : 0;
}

/* Apart, so that the compiler keeps the sums in registers. */
static void tile_sums(const real w[restrict][LANES], const real *restrict x,
                      int terms, real sum[restrict LANES])
{
    real lane[LANES] = {0};

    for (int k = 0; k < terms; k++)
        for (int j = 0; j < LANES; j++)
            lane[j] += w[k][j] * x[k];
    for (int j = 0; j < LANES; j++)
        sum[j] = lane[j];
}

static void tile_row(const struct tile *t, const real *restrict x, real s,
                     real *restrict y)
{
    real sum[LANES];

    tile_sums(t->w, x, t->terms, sum);
    for (int j = 0; j < t->lanes; j++)
        y[j] += s * sum[j];
}

static void tile_nodes(const struct map *map, const struct tile *t, int first,
                       int last, struct tensor *y)
{
    for (int n = first; n < last; n++)
        for (int m = 0; m < 2 * y->l + 1; m++)
            tile_row(t, row(map->x, n, m) + t->k0, times(map->in, n),
                     row(y, n, m) + t->lane0);
}

/* y += w x with w packed so, for nodes first..; terms: of a sum. */
static void block_add(const struct map *map,
                      void (*pack)(const struct tensor *w, struct tile *t),
                      int terms, int first, struct tensor *y)
{
    int last = least(first + NODES, used(map->x));
    struct tile t;

    for (t.lane0 = 0; t.lane0 < y->c; t.lane0 += LANES)
        for (t.k0 = 0; t.k0 < terms; t.k0 += TERMS) {
            t.lanes = least(LANES, y->c - t.lane0);
            t.terms = least(TERMS, terms - t.k0);
            pack(map->w, &t);
            tile_nodes(map, &t, first, last, y);
        }
}

static void map_add(const struct map *map, struct tensor *y)
{
    int nodes = used(map->x);

#pragma omp parallel for schedule(static)
    for (int first = 0; first < nodes; first += NODES)
        block_add(map, pack_columns, map->w->c, first, y);
}

/* The map back: its input is dy. */
static void map_bwd_x(const struct map *map, const struct tensor *dy,
                      struct tensor *dx)
{
    const struct map back = {dy, map->w, map->in};
    int nodes = used(dy);

#pragma omp parallel for schedule(static)
    for (int first = 0; first < nodes; first += NODES)
        block_add(&back, pack_rows, map->w->n, first, dx);
}

static void linear_fwd(const struct tensor *x, const struct tensor *w,
                       const struct tensor *b, struct tensor *y)
{
    int nodes = used(x);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int m = 0; m < 2 * y->l + 1; m++)
            for (int o = 0; o < y->c; o++)
                row(y, n, m)[o] = b ? row(b, 0, 0)[o] : 0;
    map_add(&(struct map){x, w, NULL}, y);
}

static void linear_add(const struct tensor *x, const struct tensor *w,
                       struct tensor *y)
{
    map_add(&(struct map){x, w, NULL}, y);
}

enum { ROWS = 4 }; /* of dw that share a pass over x */

static void tile_bwd_w(const struct map *map, const struct tensor *dy, int o0,
                       int i0, struct tensor *dw)
{
    int outs = least(ROWS, dw->n - o0), ins = least(TERMS, dw->c - i0);
    real sum[ROWS][TERMS] = {{0}};
    int nodes = used(map->x);

    for (int n = 0; n < nodes; n++)
        for (int m = 0; m < 2 * dy->l + 1; m++) {
            const real *x = row(map->x, n, m) + i0;

            for (int o = 0; o < outs; o++) {
                real s = times(map->in, n) * row(dy, n, m)[o0 + o];

                for (int i = 0; i < ins; i++)
                    sum[o][i] += s * x[i];
            }
        }
    for (int o = 0; o < outs; o++)
        for (int i = 0; i < ins; i++)
            row(dw, o0 + o, 0)[i0 + i] += sum[o][i];
}

static void map_bwd_w(const struct map *map, const struct tensor *dy,
                      struct tensor *dw)
{
#pragma omp parallel for schedule(static)
    for (int o = 0; o < dw->n; o += ROWS)
        for (int i = 0; i < dw->c; i += TERMS)
            tile_bwd_w(map, dy, o, i, dw);
}

static void bias_bwd(const struct tensor *dy, struct tensor *db)
{
    real *out = row(db, 0, 0);
    int nodes = used(dy);

    for (int n = 0; n < nodes; n++)
        for (int o = 0; o < db->c; o++)
            out[o] += row(dy, n, 0)[o];
}

static void linear_bwd(const struct tensor *x, const struct tensor *w,
                       const struct tensor *dy, struct tensor *dx,
                       struct tensor *dw, struct tensor *db)
{
    struct map map = {x, w, NULL};

    if (dx)
        map_bwd_x(&map, dy, dx);
    map_bwd_w(&map, dy, dw);
    if (db)
        bias_bwd(dy, db);
}

static void self_add(const struct tensor *x, const struct tensor *w,
                     const struct csr *in, struct tensor *y)
{
    map_add(&(struct map){x, w, in}, y);
}

static void self_bwd(const struct tensor *x, const struct tensor *w,
                     const struct csr *in, const struct tensor *dy,
                     struct tensor *dx, struct tensor *dw)
{
    struct map map = {x, w, in};

    if (dx)
        map_bwd_x(&map, dy, dx);
    map_bwd_w(&map, dy, dw);
}

static void relu_fwd(const struct tensor *x, struct tensor *y)
{
    int nodes = used(x);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int m = 0; m < 2 * x->l + 1; m++) {
            const real *from = row(x, n, m);
            real *to = row(y, n, m);

            for (int c = 0; c < x->c; c++)
                to[c] = from[c] <= 0 ? 0 : from[c];
        }
}

static void relu_bwd(const struct tensor *y, const struct tensor *dy,
                     struct tensor *dx)
{
    int nodes = used(y);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int m = 0; m < 2 * y->l + 1; m++) {
            const real *gate = row(y, n, m), *from = row(dy, n, m);
            real *to = row(dx, n, m);

            for (int c = 0; c < y->c; c++) {
                real slope = from[c];

                to[c] = gate[c] <= 0 ? 0 : slope;
            }
        }
}

void ENTER(k_linear)(struct kernels *k)
{
    k->node.linear_fwd = linear_fwd;
    k->node.linear_add = linear_add;
    k->node.linear_bwd = linear_bwd;
    k->node.self_add = self_add;
    k->node.self_bwd = self_bwd;
    k->node.relu_fwd = relu_fwd;
    k->node.relu_bwd = relu_bwd;
}
