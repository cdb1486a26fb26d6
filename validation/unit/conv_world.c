/* SPDX-License-Identifier: MIT */
/* conv_world.c - building it, and the order of the kernels. */
#include "conv_world.h"

#include "base/mem.h"
#include "cpu/registry_entries.h"
#include "math/frame.h"
#include "math/wigner.h"
#include "noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const double y00 = 0.28209479177387814; /* 1/sqrt(4 pi) */

static void *take(struct world *w, size_t n, size_t size)
{
    void *data;

    assert_true(w->blocks < BLOCKS);
    assert_int_equal(mem_alloc(n, size, "a test", &data), OK);
    w->bytes[w->blocks] = n * size;
    w->block[w->blocks++] = data;
    return data;
}

double *at(const struct tensor *t, int n, int m)
{
    return (double *)t->data + (n * (2 * t->l + 1) + m) * t->ld;
}

int used(const struct tensor *t)
{
    return t->used ? *t->used : t->n;
}

/* A view with zeros; no channels: none. */
static struct tensor view(struct world *w, struct tensor shape, const int *use)
{
    shape.used = use;
    if (shape.c > 0)
        shape.data =
            take(w, (size_t)(shape.n * (2 * shape.l + 1) * shape.ld), 8);
    return shape;
}

struct tensor world_like(struct world *w, const struct tensor *t)
{
    return view(w, *t, t->used);
}

/* Noise where the view is in use, NaN beyond. */
static void fill(struct world *w, struct tensor *t, double scale)
{
    for (int i = 0; t->data && i < t->n * (2 * t->l + 1); i++)
        for (int c = 0; c < t->c; c++)
            at(t, 0, i)[c] = i < used(t) * (2 * t->l + 1)
                                 ? scale * noise(w->seed++)
                                 : (double)NAN;
}

static struct tensor feature(struct world *w, int n, int l, int c,
                             const int *use)
{
    return view(w, tensor_feature(n, l, c, 8), use);
}

static struct tensor weights(struct world *w, int n, int c)
{
    return view(w, tensor_weights(n, c), NULL);
}

static struct tensor plain(struct world *w, int n, int c, const int *use)
{
    return view(w, tensor_weights(n, c), use);
}

/* Random bonds between all nodes but the last. */
static void connect(struct world *w, int unshared)
{
    int b = 0;

    for (int i = 0; i < w->s->bonds; i++) {
        int from = i < 2 ? 2 * i : (int)(4 * noise((uint64_t)i) + 4);
        int to = (from + 1 + (i < 2 ? 0 : i % (NODES - 2))) % (NODES - 1);
        int one = w->s->directed && i % w->s->directed == 0;

        for (int k = 0; k < (one ? 1 : 2); k++) {
            if (k == 0 || unshared)
                w->bond_edge[b++] = w->edges;
            w->bond[w->edges] = b - 1;
            w->src[w->edges] = k == 0 ? from : to;
            w->dst[w->edges++] = k == 0 ? to : from;
        }
    }
    w->bond_edge[b] = w->edges;
    w->bonds = b;
}

static void sort_edges(const struct world *w, const int *key, int *begin,
                       int *edge)
{
    int n = 0;

    for (int i = 0; i <= NODES + SPARE; i++) {
        begin[i] = n;
        for (int e = 0; i < NODES && e < w->edges; e++)
            if (key[e] == i)
                edge[n++] = e;
    }
}

static void build_graph(struct world *w, int unshared)
{
    struct graph *g = &w->g;
    size_t most = (size_t)(2 * w->s->bonds + 2 * SPARE);

    w->nodes = NODES;
    w->src = take(w, most, sizeof(int));
    w->dst = take(w, most, sizeof(int));
    w->bond = take(w, most, sizeof(int));
    w->bond_edge = take(w, most + 1, sizeof(int));
    w->in_begin = take(w, NODES + SPARE + 1, sizeof(int));
    w->in_edge = take(w, most, sizeof(int));
    w->out_begin = take(w, NODES + SPARE + 1, sizeof(int));
    w->out_edge = take(w, most, sizeof(int));
    connect(w, unshared);
    sort_edges(w, w->dst, w->in_begin, w->in_edge);
    sort_edges(w, w->src, w->out_begin, w->out_edge);
    *g = (struct graph){
        .nodes = NODES + SPARE,
        .bonds = w->bonds + SPARE,
        .edges = w->edges + SPARE,
        .used_nodes = &w->nodes,
        .used_bonds = &w->bonds,
        .used_edges = &w->edges,
        .src = w->src,
        .dst = w->dst,
        .bond = w->bond,
        .bond_edge = w->bond_edge,
        .in = {NODES + SPARE, &w->nodes, w->in_begin, w->in_edge},
        .out = {NODES + SPARE, &w->nodes, w->out_begin, w->out_edge}};
    g->x = plain(w, g->nodes, 3, &w->nodes);
    fill(w, &g->x, 1.5);
    for (int n = 1; n < 4; n += 2) /* up, and down */
        for (int i = 0; i < 3; i++)
            at(&g->x, n, 0)[i] =
                at(&g->x, n - 1, 0)[i] + (i == 1 ? 1.25 * (2 - n) : 0);
    g->scalar = plain(w, g->bonds, SCALARS, &w->bonds);
    for (int e = 0; e < w->edges; e++) /* the same for both edges of a pair */
        for (int i = 0; i < SCALARS; i++)
            at(&g->scalar, w->bond[e], 0)[i] =
                (w->src[e] * w->dst[e] + i) % 5 * 0.25 - 0.5;
}

static void build_geometry(struct world *w)
{
    struct geometry *geo = &w->geo;
    int n = w->g.bonds;

    geo->degrees = w->degrees;
    geo->distance = plain(w, n, 1, &w->bonds);
    geo->unit = plain(w, n, 3, &w->bonds);
    geo->ddistance = plain(w, n, 1, &w->bonds);
    geo->torque = plain(w, n, 3, &w->bonds);
    for (int l = 0; l < w->degrees; l++) {
        int square = (2 * l + 1) * (2 * l + 1);

        geo->d[l] = plain(w, n, square, &w->bonds);
        geo->turn[l] = weights(w, 1, square);
        geo->generator[l] = weights(w, 3, square);
        frame_turn(l, geo->turn[l].data);
        wigner_generators(l, geo->generator[l].data);
    }
}

static void build_paths(struct world *w)
{
    struct conv_shape *s = &w->conv.shape;
    struct fiber in = fiber_add(&s->node, &s->edge);
    int rows[TRUNKS] = {0}, name[TRUNKS];

    s->basis00 = w->s->sharing == NONE ? 1 : y00;
    for (int lo = 0; lo < s->out.degrees; lo++)
        for (int li = 0; li < in.degrees; li++) {
            const int key[] = {0, lo, li, s->paths};
            int t = 0, n = 2 * (li < lo ? li : lo) + 1;
            struct tensor *fold = &w->conv.fold[s->paths];

            if (s->out.channels[lo] == 0 || in.channels[li] == 0)
                continue;
            while (t < s->trunks && name[t] != key[w->s->sharing])
                t++;
            s->trunks += t == s->trunks;
            name[t] = key[w->s->sharing];
            *fold = weights(w, n, n);
            wigner_fold(li, lo, fold->data);
            if (li + lo == 0)
                at(fold, 0, 0)[0] *= s->basis00 / y00;
            s->path[s->paths++] = (struct conv_path){li, lo, t, 0, rows[t]};
            rows[t] += n;
        }
    for (int p = 0; p < s->paths; p++) {
        struct conv_path *path = &s->path[p];

        path->rows = rows[path->trunk];
        w->radial[path->trunk].w3.n =
            path->rows * in.channels[path->li] * s->out.channels[path->lo];
    }
}

static void build_layer(struct world *w, int inputs, struct radial_layer *v,
                        struct radial_layer *d)
{
    for (struct radial_layer *r = v; r; r = r == v ? d : NULL) {
        r->w = weights(w, HIDDEN, inputs);
        r->b = weights(w, 1, HIDDEN);
        if (!w->s->layer_norm)
            continue;
        r->gain = weights(w, 1, HIDDEN);
        r->shift = weights(w, 1, HIDDEN);
    }
    fill(w, &v->w, 1);
    fill(w, &v->b, 0.5);
    fill(w, &v->gain, 1);
    fill(w, &v->shift, 0.5);
}

static void build_conv(struct world *w)
{
    struct conv *c = &w->conv;
    struct conv_bytes b;

    c->shape.node = w->s->node;
    c->shape.edge = w->s->edge;
    c->shape.out = fiber_add(&w->s->value, &w->s->key);
    c->graph = &w->g;
    c->geo = &w->geo;
    c->radial = w->radial;
    build_paths(w);
    for (int t = 0; t < c->shape.trunks; t++) {
        struct radial *r = &w->radial[t];

        build_layer(w, SCALARS + 1, &r->layer[0], &r->grad[0]);
        build_layer(w, HIDDEN, &r->layer[1], &r->grad[1]);
        r->dw3 = weights(w, r->w3.n, HIDDEN);
        r->w3 = weights(w, r->w3.n, HIDDEN);
        fill(w, &r->w3, 0.25);
        r->h = feature(w, w->g.bonds, 0, HIDDEN, &w->bonds);
        r->dh = feature(w, w->g.bonds, 0, HIDDEN, &w->bonds);
    }
    c->at = plain(w, w->g.bonds, SCALARS + 1, &w->bonds);
    c->points = take(w, sizeof *c->points, 1);
    c->reached = take(w, sizeof *c->reached, 1);
    b = w->k.conv.conv_size(&c->shape, w->g.bonds, w->g.edges);
    c->packed = take(w, b.packed, 1);
    c->plan = take(w, b.plan, 1);
    c->work = take(w, b.work, 1);
    memset(c->packed, 0xff, b.packed); /* NaN */
    memset(c->work, 0xff, b.work);
}

static void build_features(struct world *w)
{
    const struct graph *g = &w->g;

    for (int l = 0; l < w->degrees; l++) {
        int node = fiber_at(&w->s->node, l), edge = fiber_at(&w->s->edge, l);
        int value = fiber_at(&w->s->value, l), key = fiber_at(&w->s->key, l);

        w->x[l] = feature(w, g->nodes, l, node, &w->nodes);
        w->dx[l] = feature(w, g->nodes, l, node, &w->nodes);
        w->e[l] = feature(w, g->edges, l, edge, &w->edges);
        w->de[l] = feature(w, g->edges, l, edge, &w->edges);
        w->q[l] = feature(w, g->nodes, l, key, &w->nodes);
        w->dq[l] = feature(w, g->nodes, l, key, &w->nodes);
        w->y[l] = feature(w, g->edges, l, value + key, &w->edges);
        w->dy[l] = feature(w, g->edges, l, value + key, &w->edges);
        w->z[l] = feature(w, g->nodes, l, value, &w->nodes);
        w->dz[l] = feature(w, g->nodes, l, value, &w->nodes);
        fill(w, &w->x[l], 1);
        fill(w, &w->e[l], 1);
        fill(w, &w->q[l], 1);
        fill(w, &w->dz[l], 1);
        w->value[l] = tensor_columns(&w->y[l], 0, value, 8);
        w->dvalue[l] = tensor_columns(&w->dy[l], 0, value, 8);
        w->key[l] = tensor_columns(&w->y[l], value, key, 8);
        w->dkey[l] = tensor_columns(&w->dy[l], value, key, 8);
    }
    w->a = feature(w, g->edges, 0, w->s->heads, &w->edges);
    w->dscore = feature(w, g->edges, 0, w->s->heads, &w->edges);
    w->dscalar = plain(w, g->bonds, SCALARS, &w->bonds);
    w->dpos = plain(w, g->nodes, 3, &w->nodes);
}

/* NaN where the rows in use are to be overwritten. */
static void soil(struct tensor *t)
{
    for (int i = 0; t->data && i < used(t) * (2 * t->l + 1); i++)
        for (int c = 0; c < t->c; c++)
            at(t, 0, i)[c] = (double)NAN;
}

static void soil_outputs(struct world *w)
{
    soil(&w->geo.distance);
    soil(&w->geo.unit);
    soil(&w->a);
    soil(&w->dscore);
    soil(&w->dpos);
    for (int l = 0; l < w->degrees; l++) {
        soil(&w->geo.d[l]);
        soil(&w->y[l]);
        soil(&w->dy[l]);
        soil(&w->z[l]);
        soil(&w->dq[l]);
    }
    for (int t = 0; t < w->conv.shape.trunks; t++) {
        soil(&w->radial[t].h);
        soil(&w->radial[t].dh);
    }
}

void world_build(struct world *w, const struct scenario *s, int unshared)
{
    const struct fiber *all[] = {&s->node, &s->edge, &s->value, &s->key};

    *w = (struct world){.s = s};
    k_geometry_ref_f64(&w->k);
    k_trunk_ref_f64(&w->k);
    k_conv_ref_f64(&w->k);
    k_conv_bwd_ref_f64(&w->k);
    k_attend_ref_f64(&w->k);
    for (int i = 0; i < 4; i++)
        w->degrees =
            all[i]->degrees > w->degrees ? all[i]->degrees : w->degrees;
    build_graph(w, unshared);
    build_geometry(w);
    build_conv(w);
    w->seed = 1 << 20; /* the same features for shared and unshared bonds */
    build_features(w);
    soil_outputs(w);
}

void world_destroy(struct world *w)
{
    for (int i = 0; i < w->blocks; i++)
        mem_free(w->block[i]);
}

struct heads world_heads(const struct world *w)
{
    return (struct heads){.degrees = w->degrees,
                          .heads = w->s->heads,
                          .scale = 0.4,
                          .q = w->q,
                          .key = w->key};
}

struct gather world_gather(const struct world *w)
{
    return (struct gather){
        .degrees = w->degrees, .rows = &w->g.in, .value = w->value, .a = w->a};
}

static double dot(const struct tensor *a, const struct tensor *b)
{
    double sum = 0;

    for (int i = 0; a->data && i < used(a) * (2 * a->l + 1); i++)
        for (int c = 0; c < a->c; c++)
            sum += at(a, 0, i)[c] * at(b, 0, i)[c];
    return sum;
}

double world_forward(struct world *w)
{
    const struct conv_kernels *k = &w->k.conv;
    struct heads a = world_heads(w);
    struct gather v = world_gather(w);
    double loss = 0;

    k->geometry_fwd(&w->g, &w->geo);
    k->conv_prepare(&w->conv);
    k->conv_points(&w->conv);
    for (int t = 0; t < w->conv.shape.trunks; t++)
        k->trunk_fwd(&w->conv.at, &w->radial[t]);
    k->conv_plan(&w->conv);
    k->conv_fwd(&w->conv, w->x, w->e, w->y);
    k->attend_fwd(&w->g, &w->geo, &a, &v, w->z);
    for (int l = 0; l < w->degrees; l++)
        loss += dot(&w->z[l], &w->dz[l]);
    return loss;
}

/* After forward, once: sums start at zero. */
void world_backward(struct world *w)
{
    const struct conv_kernels *k = &w->k.conv;
    struct heads a = world_heads(w);
    struct gather v = world_gather(w);
    struct attend_grad d = {
        .dq = w->dq, .dkey = w->dkey, .dvalue = w->dvalue, .dscore = w->dscore};

    k->attend_bwd(&w->g, &w->geo, &a, &v, w->dz, &d);
    k->conv_bwd_w(&w->conv, w->x, w->e, w->dy);
    k->conv_bwd_x(&w->conv, w->x, w->e, w->dy, w->dx, w->de);
    for (int t = 0; t < w->conv.shape.trunks; t++)
        k->trunk_bwd(&w->conv.at, &w->radial[t], &w->dscalar,
                     &w->geo.ddistance);
    if (w->geo.torque.data)
        k->geometry_bwd(&w->g, &w->geo, &w->dpos);
}
