/* SPDX-License-Identifier: MIT */
/* k_attend.c - scores and weighted sums over edges (theory.md section 4),
 * reference.
 *
 * Both are made of three operations on an edge's row v, in the frame, and a
 * node's row x, with one weight a head:
 *
 *     dot    s_h += v . D x      of head h's channels
 *     into   v = a_h D x
 *     back   x += a_h D^T v
 *
 * scores: s = dot(key, q)      dkey = into(ds, q)    dq = back(ds, key)
 * sums:   z = back(a, value)   dvalue = into(a, dz)  da = dot(value, dz)
 *
 * attend is scores, softmax, sums; aggregate is sums alone. The bond's torque
 * is dv . L v, for keys and values alike: they are outputs of the convolution.
 * As L is antisymmetric, that of keys is -(dq . L q).
 */
#include "cpu/softmax.h"
#include "cpu/turn.h"

/* An edge and the node's row that it meets. */
struct link {
    const struct geometry *geo;
    int edge, bond, node;
};

/* Weights of one edge's heads, times scale; a NULL: ones. */
struct weights {
    const real *a;
    int heads;
    real scale;
};

static real weight(const struct weights *w, int h)
{
    return w->a ? w->scale * w->a[h] : w->scale;
}

static struct link link_at(const struct graph *g, const struct geometry *geo,
                           int edge, int node)
{
    return (struct link){
        .geo = geo, .edge = edge, .bond = g->bond[edge], .node = node};
}

/* sum[head] += v . D x */
static void dot_add(const struct link *at, const struct tensor *v,
                    const struct tensor *x, int heads, real *sum)
{
    const real *d = frame_of(at->geo, v->l, at->bond);
    int w = 2 * v->l + 1, share = v->c / heads;

    for (int i = 0; i < w * w; i++) {
        const real *to = row(v, at->edge, i / w);
        const real *from = row(x, at->node, i % w);

        for (int h = 0; h < heads; h++)
            for (int c = h * share; c < (h + 1) * share; c++)
                sum[h] += d[i] * to[c] * from[c];
    }
}

/* v = a D x */
static void into(const struct link *at, const struct weights *a,
                 const struct tensor *x, struct tensor *v)
{
    const real *d = frame_of(at->geo, v->l, at->bond);
    int w = 2 * v->l + 1, share = v->c / a->heads;

    for (int m = 0; m < w; m++)
        for (int c = 0; c < v->c; c++)
            row(v, at->edge, m)[c] = 0;
    for (int i = 0; i < w * w; i++) {
        real *to = row(v, at->edge, i / w);
        const real *from = row(x, at->node, i % w);

        for (int h = 0; h < a->heads; h++) {
            real f = weight(a, h) * d[i];

            for (int c = h * share; c < (h + 1) * share; c++)
                to[c] += f * from[c];
        }
    }
}

/* x += a D^T v */
static void back_add(const struct link *at, const struct weights *a,
                     const struct tensor *v, struct tensor *x)
{
    const real *d = frame_of(at->geo, v->l, at->bond);
    int w = 2 * v->l + 1, share = v->c / a->heads;

    for (int i = 0; i < w * w; i++) {
        const real *from = row(v, at->edge, i / w);
        real *to = row(x, at->node, i % w);

        for (int h = 0; h < a->heads; h++) {
            real f = weight(a, h) * d[i];

            for (int c = h * share; c < (h + 1) * share; c++)
                to[c] += f * from[c];
        }
    }
}

static void row_clear(struct tensor *x, int n)
{
    for (int m = 0; m < 2 * x->l + 1; m++)
        for (int c = 0; c < x->c; c++)
            row(x, n, m)[c] = 0;
}

static struct weights edge_weights(const struct tensor *a, int e, int heads,
                                   double scale)
{
    return (struct weights){.a = a->data ? row(a, e, 0) : NULL,
                            .heads = heads,
                            .scale = (real)scale};
}

static int gather_heads(const struct gather *v)
{
    return v->a.data ? v->a.c : 1;
}

static void aggregate_fwd(const struct graph *g, const struct geometry *geo,
                          const struct gather *v, struct tensor z[])
{
    int rows = used_nodes(v->rows);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < rows; n++)
        for (int l = 0; l < v->degrees; l++) {
            if (v->value[l].c == 0)
                continue;
            row_clear(&z[l], n);
            for (int i = v->rows->begin[n]; i < v->rows->begin[n + 1]; i++) {
                struct link at = link_at(g, geo, entry(v->rows, i), n);
                struct weights w =
                    edge_weights(&v->a, at.edge, gather_heads(v), 1);

                back_add(&at, &w, &v->value[l], &z[l]);
            }
        }
}

/* Of one edge into row n. */
static void edge_bwd(const struct link *at, const struct gather *v,
                     const struct tensor dz[], struct tensor dvalue[],
                     struct tensor *da)
{
    struct weights w = edge_weights(&v->a, at->edge, gather_heads(v), 1);

    if (v->a.data)
        row_clear(da, at->edge);
    for (int l = 0; l < v->degrees; l++) {
        if (v->value[l].c == 0)
            continue;
        if (v->a.data)
            dot_add(at, &v->value[l], &dz[l], w.heads, row(da, at->edge, 0));
        into(at, &w, &dz[l], &dvalue[l]); /* may be value */
    }
}

static void aggregate_bwd(const struct graph *g, struct geometry *geo,
                          const struct gather *v, const struct tensor dz[],
                          struct tensor dvalue[], struct tensor *da)
{
    int rows = used_nodes(v->rows);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < rows; n++)
        for (int i = v->rows->begin[n]; i < v->rows->begin[n + 1]; i++) {
            struct link at = link_at(g, geo, entry(v->rows, i), n);

            edge_bwd(&at, v, dz, dvalue, da);
        }
    if (geo->torque.data)
        bonds_torque(g, geo, v->degrees, v->value, dvalue);
}

static void scores(const struct graph *g, const struct geometry *geo,
                   const struct heads *a, int n, struct tensor *score)
{
    for (int i = g->in.begin[n]; i < g->in.begin[n + 1]; i++) {
        struct link at = link_at(g, geo, g->in.edge[i], n);
        real *s = row(score, at.edge, 0);

        row_clear(score, at.edge);
        for (int l = 0; l < a->degrees; l++)
            if (a->key[l].c > 0)
                dot_add(&at, &a->key[l], &a->q[l], a->heads, s);
        for (int h = 0; h < a->heads; h++)
            s[h] *= (real)a->scale;
    }
}

static void attend_fwd(const struct graph *g, const struct geometry *geo,
                       const struct heads *a, const struct gather *v,
                       struct tensor z[])
{
    int nodes = used_nodes(&g->in);
    struct tensor weights = v->a;

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++) {
        const int *edge = g->in.edge + g->in.begin[n];
        int edges = g->in.begin[n + 1] - g->in.begin[n];
        struct tensor to = weights;

        scores(g, geo, a, n, &to);
        for (int h = 0; h < a->heads; h++)
            softmax_fwd_head(&to, edge, edges, h, &to);
    }
    aggregate_fwd(g, geo, v, z);
}

/* dscore of all edges of node n to dkey and dq. */
static void scores_bwd(const struct graph *g, const struct geometry *geo,
                       const struct heads *a, int n,
                       const struct attend_grad *d)
{
    for (int l = 0; l < a->degrees; l++) {
        if (a->key[l].c == 0)
            continue;
        row_clear(&d->dq[l], n);
        for (int i = g->in.begin[n]; i < g->in.begin[n + 1]; i++) {
            struct link at = link_at(g, geo, g->in.edge[i], n);
            struct weights w =
                edge_weights(&d->dscore, at.edge, a->heads, a->scale);

            back_add(&at, &w, &a->key[l], &d->dq[l]);
            into(&at, &w, &a->q[l], &d->dkey[l]);
        }
    }
}

static void attend_bwd(const struct graph *g, struct geometry *geo,
                       const struct heads *a, const struct gather *v,
                       const struct tensor dz[], const struct attend_grad *d)
{
    int nodes = used_nodes(&g->in);
    struct tensor da = d->dscore;

    aggregate_bwd(g, geo, v, dz, d->dvalue, &da);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++) {
        const int *edge = g->in.edge + g->in.begin[n];
        int edges = g->in.begin[n + 1] - g->in.begin[n];
        struct tensor dscore = da;

        for (int h = 0; h < a->heads; h++)
            softmax_bwd_head(&v->a, &da, edge, edges, h, &dscore);
        scores_bwd(g, geo, a, n, d);
    }
    if (geo->torque.data)
        bonds_torque(g, geo, a->degrees, a->key, d->dkey);
}

void ENTER(k_attend)(struct kernels *k)
{
    k->conv.attend_fwd = attend_fwd;
    k->conv.attend_bwd = attend_bwd;
    k->conv.aggregate_fwd = aggregate_fwd;
    k->conv.aggregate_bwd = aggregate_bwd;
}
