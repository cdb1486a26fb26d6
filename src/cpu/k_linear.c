/* SPDX-License-Identifier: MIT */
/* k_linear.c - linear maps of one degree and ReLU, reference.
 *
 *     y[r, o] (+)= s_r sum_i w[o, i] x[r, i] (+ b[o])
 *     dx[r, i] += s_r sum_o dy[r, o] w[o, i]
 *     dw[o, i] += sum_r s_r dy[r, o] x[r, i]
 *
 * over rows r = (node, component); s_r is 1, or for the self-interaction the
 * node's number of incoming edges. Forward turns tiles of w, so that the inner
 * loop of all three runs over neighbours in memory. Owners are blocks of nodes
 * for y and dx, blocks of rows for dw.
 */
#include "cpu/real.h"

enum {
    NODES = 32, /* of a block */
    OUT = 16,   /* tile of w */
    IN = 64
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

/* turned[i][o] = w[o0 + o, i0 + i], zero beyond the last o. */
static void turn(const struct tensor *w, int o0, int i0,
                 real turned[restrict IN][OUT])
{
    int outs = least(OUT, w->n - o0), ins = least(IN, w->c - i0);

    for (int i = 0; i < ins; i++)
        for (int o = 0; o < OUT; o++)
            turned[i][o] = o < outs ? row(w, o0 + o, 0)[i0 + i] : 0;
}

static void tile_row(const real *restrict x, int ins, real s,
                     const real turned[restrict IN][OUT], int outs,
                     real *restrict y)
{
    real sum[OUT] = {0};

    for (int i = 0; i < ins; i++)
        for (int o = 0; o < OUT; o++)
            sum[o] += turned[i][o] * x[i];
    for (int o = 0; o < outs; o++)
        y[o] += s * sum[o];
}

static void tile_fwd(const struct map *map, int first, int last, int o0, int i0,
                     struct tensor *y)
{
    int outs = least(OUT, map->w->n - o0), ins = least(IN, map->w->c - i0);
    real turned[IN][OUT];

    turn(map->w, o0, i0, turned);
    for (int n = first; n < last; n++)
        for (int m = 0; m < 2 * y->l + 1; m++)
            tile_row(row(map->x, n, m) + i0, ins, times(map->in, n),
                     (const real(*)[OUT])turned, outs, row(y, n, m) + o0);
}

static void map_add(const struct map *map, struct tensor *y)
{
    int nodes = used(map->x);

#pragma omp parallel for schedule(static)
    for (int first = 0; first < nodes; first += NODES)
        for (int o = 0; o < map->w->n; o += OUT)
            for (int i = 0; i < map->w->c; i += IN)
                tile_fwd(map, first, least(first + NODES, nodes), o, i, y);
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

static void row_bwd_x(const struct tensor *w, const real *restrict dy, real s,
                      real *restrict dx)
{
    for (int i0 = 0; i0 < w->c; i0 += IN) {
        int ins = least(IN, w->c - i0);
        real sum[IN] = {0};

        for (int o = 0; o < w->n; o++) {
            const real *p = row(w, o, 0) + i0;

            for (int i = 0; i < ins; i++)
                sum[i] += dy[o] * p[i];
        }
        for (int i = 0; i < ins; i++)
            dx[i0 + i] += s * sum[i];
    }
}

static void map_bwd_x(const struct map *map, const struct tensor *dy,
                      struct tensor *dx)
{
    int nodes = used(map->x);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int m = 0; m < 2 * dx->l + 1; m++)
            row_bwd_x(map->w, row(dy, n, m), times(map->in, n), row(dx, n, m));
}

enum { ROWS = 4 }; /* of dw that share a pass over x */

static void tile_bwd_w(const struct map *map, const struct tensor *dy, int o0,
                       int i0, struct tensor *dw)
{
    int outs = least(ROWS, dw->n - o0), ins = least(IN, dw->c - i0);
    real sum[ROWS][IN] = {{0}};
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
        for (int i = 0; i < dw->c; i += IN)
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
        for (int m = 0; m < 2 * x->l + 1; m++)
            for (int c = 0; c < x->c; c++)
                row(y, n, m)[c] = row(x, n, m)[c] <= 0 ? 0 : row(x, n, m)[c];
}

static void relu_bwd(const struct tensor *y, const struct tensor *dy,
                     struct tensor *dx)
{
    int nodes = used(y);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int m = 0; m < 2 * y->l + 1; m++)
            for (int c = 0; c < y->c; c++)
                row(dx, n, m)[c] = row(y, n, m)[c] <= 0 ? 0 : row(dy, n, m)[c];
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
