/* SPDX-License-Identifier: MIT */
/* kcheck_conv.c - radial networks and convolutions. These are prepared and
 * planned before each call, so that prepare and plan are checked by what comes
 * out. */
#include "kcheck/kcheck.h"

#include "math/wigner.h"

#include <math.h>
#include <stddef.h>

enum { SCALARS = 4, WEIGHTS = 2 * FIBER_DEGREES - 1 };

/* l: with layer norm. */
static const struct shape shapes[] = {
    {.molecules = 1,
     .nodes = 1,
     .topology = LOOSE,
     .node = {1, {4}},
     .y = {1, {1}},
     .sharing = FULL},
    {.molecules = 1,
     .nodes = 2,
     .topology = SINGLE,
     .l = 1,
     .node = {2, {3, 1}},
     .y = {1, {17}},
     .sharing = NONE},
    {.molecules = 2,
     .nodes = 19,
     .topology = CHAIN,
     .l = 1,
     .node = {4, {5, 5, 5, 5}},
     .y = {4, {6, 6, 6, 6}},
     .sharing = FULL},
    {.molecules = 3,
     .nodes = 41,
     .topology = HUB,
     .node = {3, {17, 0, 2}},
     .edge = {2, {0, 1}},
     .y = {4, {3, 0, 5, 1}},
     .sharing = NONE},
    {.molecules = 2,
     .nodes = 40,
     .topology = CHAIN,
     .l = 1,
     .node = {2, {9, 7}},
     .edge = {2, {0, 2}},
     .y = {3, {33, 1, 4}},
     .sharing = PER_OUTPUT},
    {.molecules = 1,
     .nodes = 12,
     .topology = CHAIN,
     .node = {5, {2, 2, 2, 2, 2}},
     .y = {5, {1, 1, 1, 1, 1}},
     .sharing = FULL},
    {.molecules = 2,
     .nodes = 9,
     .topology = HUB,
     .node = {2, {32, 32}},
     .y = {2, {16, 16}},
     .sharing = FULL},
    {.molecules = 9,
     .nodes = 300,
     .topology = CHAIN,
     .l = 1,
     .node = {3, {9, 9, 9}},
     .y = {3, {17, 17, 17}},
     .sharing = FULL,
     .is_sorted = 1},
    {.molecules = 5,
     .nodes = 71,
     .topology = HUB,
     .node = {2, {20, 18}},
     .edge = {2, {0, 2}},
     .y = {3, {33, 0, 40}},
     .sharing = PER_OUTPUT,
     .is_sorted = 1},
    /* channels of edges behind an odd number, more than a vector has */
    {.molecules = 9,
     .nodes = 400,
     .topology = CHAIN,
     .l = 1,
     .node = {2, {5, 5}},
     .edge = {2, {18, 18}},
     .y = {1, {9}},
     .sharing = FULL,
     .is_sorted = 1},
    {.molecules = 3,
     .nodes = 70,
     .topology = CHAIN,
     .l = 1,
     .node = {5, {3, 3, 3, 3, 3}},
     .y = {5, {2, 2, 2, 2, 2}},
     .sharing = FULL,
     .is_sorted = 1},
    /* runs that a worker of the matrix unit has in hand by parts only */
    {.molecules = 1,
     .nodes = 300,
     .topology = CHAIN,
     .l = 1,
     .node = {1, {3}},
     .y = {1, {4000}},
     .sharing = FULL,
     .is_sorted = 1},
    /* one molecule: a few bonds a run, some of them one way */
    {.molecules = 1,
     .nodes = 15,
     .topology = CHAIN,
     .l = 1,
     .node = {4, {20, 18, 3, 20}},
     .edge = {3, {0, 2, 17}},
     .y = {5, {17, 9, 8, 3, 2}},
     .sharing = PER_OUTPUT,
     .is_sorted = 1,
     .is_forward = 1},
    {.molecules = 1,
     .nodes = 18,
     .topology = CHAIN,
     .l = 1,
     .node = {4, {32, 32, 32, 32}},
     .y = {4, {32, 32, 32, 32}},
     .sharing = FULL,
     .is_sorted = 1,
     .is_forward = 1},
    /* more bonds than are taken at once */
    {.molecules = 12,
     .nodes = 1190,
     .topology = CHAIN,
     .l = 1,
     .node = {2, {3, 2}},
     .y = {2, {9, 2}},
     .sharing = NONE,
     .is_sorted = 1},
    {.molecules = 12,
     .nodes = 1190,
     .topology = CHAIN,
     .node = {2, {3, 2}},
     .y = {2, {9, 2}},
     .sharing = FULL},
};
static const struct shape large = {.molecules = 240,
                                   .nodes = 4320,
                                   .topology = CHAIN,
                                   .l = 1,
                                   .node = {4, {32, 32, 32, 32}},
                                   .y = {4, {32, 32, 32, 32}},
                                   .sharing = FULL,
                                   .is_sorted = 1};

static int largest(int a, int b)
{
    return a > b ? a : b;
}

static void layer(struct bench *b, enum role role, int inputs,
                  struct radial_layer *r)
{
    *r = (struct radial_layer){.w = bench_table(b, role, RADIAL_HIDDEN, inputs),
                               .b = bench_table(b, role, 1, RADIAL_HIDDEN)};
    if (b->shape->l == 0)
        return;
    r->gain = bench_table(b, role, 1, RADIAL_HIDDEN);
    r->shift = bench_table(b, role, 1, RADIAL_HIDDEN);
}

static void trunk_fwd_build(struct bench *b)
{
    struct radial *r = &b->c.radial[0];

    b->c.conv.at = bench_plain(b, IN, BONDS, SCALARS + 1);
    layer(b, IN, SCALARS + 1, &r->layer[0]);
    layer(b, IN, RADIAL_HIDDEN, &r->layer[1]);
    r->h = bench_feature(b, OUT, BONDS, 0, RADIAL_HIDDEN);
}

static void trunk_fwd(struct bench *b)
{
    b->k.conv.trunk_fwd(&b->c.conv.at, &b->c.radial[0]);
}

/* A NaN of dh may meet a ReLU that is shut. */
static void trunk_bwd_build(struct bench *b)
{
    struct radial *r = &b->c.radial[0];

    b->c.conv.at = bench_plain(b, IN, BONDS, SCALARS + 1);
    layer(b, LABEL, SCALARS + 1, &r->layer[0]);
    layer(b, LABEL, RADIAL_HIDDEN, &r->layer[1]);
    r->h = bench_feature(b, KEPT, BONDS, 0, RADIAL_HIDDEN);
    r->dh = bench_feature(b, LABEL, BONDS, 0, RADIAL_HIDDEN);
    layer(b, ADD, SCALARS + 1, &r->grad[0]);
    layer(b, ADD, RADIAL_HIDDEN, &r->grad[1]);
    b->c.de[0] = bench_plain(b, ADD, BONDS, 1);
    b->c.dx[0] = bench_plain(b, ADD, BONDS, SCALARS);
}

static void trunk_bwd_prepare(struct bench *b)
{
    b->k.conv.trunk_fwd(&b->c.conv.at, &b->c.radial[0]);
}

static void trunk_bwd(struct bench *b)
{
    b->k.conv.trunk_bwd(&b->c.conv.at, &b->c.radial[0], &b->c.dx[0],
                        &b->c.de[0]);
}

/* What the paths of one trunk have in common. */
static int trunk_key(const struct shape *s, int li, int lo)
{
    const int keys[] = {
        [FULL] = 0, [PER_OUTPUT] = lo, [NONE] = FIBER_DEGREES * lo + li};

    return keys[s->sharing];
}

static void add_path(struct conv_shape *c, const struct shape *s, int li,
                     int lo, int keys[])
{
    int t = 0, key = trunk_key(s, li, lo);

    while (t < c->trunks && keys[t] != key)
        t++;
    c->trunks = largest(c->trunks, t + 1);
    keys[t] = key;
    c->path[c->paths++] = (struct conv_path){.li = li, .lo = lo, .trunk = t};
}

static int path_weights(const struct conv_path *p)
{
    return 2 * (p->li < p->lo ? p->li : p->lo) + 1;
}

static struct conv_shape conv_shape(const struct shape *s)
{
    struct conv_shape c = {.node = s->node, .edge = s->edge, .out = s->y};
    int keys[CONV_PATHS], rows[CONV_PATHS] = {0};

    c.basis00 = s->sharing == NONE ? 1 : 0.5 / sqrt(acos(-1));
    for (int lo = 0; lo < s->y.degrees; lo++)
        for (int li = 0; li < shape_degrees(s); li++)
            if (s->y.channels[lo] &&
                fiber_at(&s->node, li) + fiber_at(&s->edge, li))
                add_path(&c, s, li, lo, keys);
    for (int p = 0; p < c.paths; p++) {
        c.path[p].first = rows[c.path[p].trunk];
        rows[c.path[p].trunk] += path_weights(&c.path[p]);
    }
    for (int p = 0; p < c.paths; p++)
        c.path[p].rows = rows[c.path[p].trunk];
    return c;
}

/* Rows of trunk t's w3: of all its paths, which have the same channels. */
static int w3_rows(const struct conv_shape *c, int t)
{
    int p = 0;

    while (c->path[p].trunk != t)
        p++;
    return c->path[p].rows * c->out.channels[c->path[p].lo] *
           (fiber_at(&c->node, c->path[p].li) +
            fiber_at(&c->edge, c->path[p].li));
}

static void *kept(struct bench *b, size_t bytes)
{
    int n = (int)(bytes / sizeof(double)) + 1;

    return numbers(b, KEPT, DOUBLE, ALL, tensor_weights(1, n)).data;
}

static void convolution(struct bench *b, int is_final)
{
    struct conv *c = &b->c.conv;
    struct conv_bytes bytes;
    void *table;

    *c = (struct conv){.shape = conv_shape(b->shape),
                       .graph = &b->g,
                       .geo = &b->geo,
                       .radial = b->c.radial};
    c->shape.is_final = is_final;
    bench_geometry(b, LABEL);
    for (int p = 0; p < c->shape.paths; p++) {
        int n = path_weights(&c->shape.path[p]);

        c->fold[p] = bench_table(b, LABEL, n, n);
    }
    for (int t = 0; t < c->shape.trunks; t++) {
        struct radial *r = &b->c.radial[t];

        *r = (struct radial){
            .w3 = bench_table(b, LABEL, w3_rows(&c->shape, t), RADIAL_HIDDEN),
            .h = bench_feature(b, b->shape->is_sorted ? KEPT : LABEL, BONDS, 0,
                               RADIAL_HIDDEN)};
        if (b->shape->is_sorted) {
            layer(b, LABEL, SCALARS + 1, &r->layer[0]);
            layer(b, LABEL, RADIAL_HIDDEN, &r->layer[1]);
        }
    }
    if (b->shape->is_sorted)
        b->g.scalar = bench_plain(b, LABEL, BONDS, SCALARS);
    c->at = bench_plain(b, KEPT, BONDS, b->g.scalar.c + 1);
    c->points = kept(b, sizeof(int));
    c->reached = kept(b, sizeof(double));
    for (int t = 0; b->shape->is_sorted && t < c->shape.trunks; t++)
        b->c.radial[t].h.used = c->points;
    c->at.used = c->points;
    bytes = b->k.conv.conv_size(&c->shape, b->g.bonds, b->g.edges);
    c->packed = kept(b, bytes.packed);
    table = kept(b, bytes.table);
    c->table = bytes.table ? table : NULL;
    c->plan = kept(b, bytes.plan);
    c->work = kept(b, bytes.work);
}

static void set_fold(struct bench *b, int p)
{
    const struct conv_shape *s = &b->c.conv.shape;
    const struct conv_path *path = &s->path[p];
    double fold[WEIGHTS * WEIGHTS];
    int n = path_weights(path);

    wigner_fold(path->li, path->lo, fold);
    if (path->li + path->lo == 0)
        fold[0] *= s->basis00 * 2 * sqrt(acos(-1));
    for (int i = 0; i < n * n; i++)
        bench_put(b, &b->c.conv.fold[p], i / n, i % n, fold[i]);
}

/* Four types of bonds, each with its stretch of distances, and trunks. */
static void set_sorted(struct bench *b)
{
    int bonds = b->count[BONDS];

    for (int i = 0; i < bonds; i++) {
        int type = i * SCALARS / bonds;

        for (int k = 0; k < SCALARS; k++)
            bench_put(b, &b->g.scalar, i, k, k == type);
        bench_put(b, &b->geo.distance, i, 0,
                  1 + 0.2 * (i - type * bonds / SCALARS) * SCALARS / bonds);
    }
}

/* As a trunk leaves it: a part of h is 0. */
static void set_hidden(struct bench *b)
{
    struct conv *c = &b->c.conv;

    for (int t = 0; t < c->shape.trunks; t++)
        for (int i = 0; i < b->count[BONDS]; i++)
            for (int k = 0; k < RADIAL_HIDDEN; k++) {
                const struct tensor *h = &b->c.radial[t].h;

                bench_put(b, h, i, k, fmax(bench_number(b, h, i, k), 0));
            }
}

static void conv_prepare(struct bench *b)
{
    struct conv *c = &b->c.conv;

    bench_set_geometry(b);
    for (int p = 0; p < c->shape.paths; p++)
        set_fold(b, p);
    if (b->shape->is_sorted)
        set_sorted(b);
    else
        set_hidden(b);
    b->k.conv.conv_prepare(c);
    b->k.conv.conv_points(c);
    for (int t = 0; b->shape->is_sorted && t < c->shape.trunks; t++)
        b->k.conv.trunk_fwd(&c->at, &b->c.radial[t]);
    b->k.conv.conv_plan(c);
}

static void conv_inputs(struct bench *b, enum role role)
{
    const struct shape *s = b->shape;

    for (int l = 0; l < FIBER_DEGREES; l++) {
        b->c.x[l] = bench_feature(b, role, NODES, l, fiber_at(&s->node, l));
        b->c.e[l] = bench_feature(b, role, EDGES, l, fiber_at(&s->edge, l));
    }
}

static void conv_outputs(struct bench *b, enum role role, struct tensor y[])
{
    for (int l = 0; l < FIBER_DEGREES; l++)
        y[l] = bench_feature(b, role, EDGES, l, fiber_at(&b->shape->y, l));
}

static void conv_fwd_build(struct bench *b)
{
    convolution(b, 0);
    conv_inputs(b, IN);
    conv_outputs(b, OUT, b->c.y);
}

/* For prediction. */
static void conv_final_build(struct bench *b)
{
    convolution(b, 1);
    conv_inputs(b, IN);
    conv_outputs(b, OUT, b->c.y);
}

static void conv_fwd(struct bench *b)
{
    b->k.conv.conv_fwd(&b->c.conv, b->c.x, b->c.e, b->c.y);
}

static void conv_bwd_x_build(struct bench *b)
{
    const struct shape *s = b->shape;

    convolution(b, 0);
    conv_inputs(b, LABEL);
    conv_outputs(b, IN, b->c.dy);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        b->c.dx[l] = bench_feature(b, ADD, NODES, l, fiber_at(&s->node, l));
        b->c.de[l] = bench_feature(b, ADD, EDGES, l, fiber_at(&s->edge, l));
    }
    b->geo.torque = bench_plain(b, ADD, BONDS, 3);
}

static void conv_bwd_x(struct bench *b)
{
    b->k.conv.conv_bwd_x(&b->c.conv, b->c.x, b->c.e, b->c.dy, b->c.dx, b->c.de);
}

/* Neither de nor the torque is wanted. */
static void conv_bwd_dx_build(struct bench *b)
{
    convolution(b, 0);
    conv_inputs(b, LABEL);
    conv_outputs(b, IN, b->c.dy);
    for (int l = 0; l < FIBER_DEGREES; l++)
        b->c.dx[l] =
            bench_feature(b, ADD, NODES, l, fiber_at(&b->shape->node, l));
}

static void conv_bwd_dx(struct bench *b)
{
    b->k.conv.conv_bwd_x(&b->c.conv, b->c.x, b->c.e, b->c.dy, b->c.dx, NULL);
}

/* Of a trunk that is there its own gradients: dh is of points. */
static void conv_bwd_w_build(struct bench *b)
{
    int is_sorted = b->shape->is_sorted;

    convolution(b, 0);
    conv_inputs(b, IN);
    conv_outputs(b, IN, b->c.dy);
    for (int t = 0; t < b->c.conv.shape.trunks; t++) {
        struct radial *r = &b->c.radial[t];

        r->dw3 = bench_table(b, ADD, r->w3.n, RADIAL_HIDDEN);
        r->dh =
            bench_feature(b, is_sorted ? KEPT : OUT, BONDS, 0, RADIAL_HIDDEN);
        if (!is_sorted)
            continue;
        layer(b, ADD, SCALARS + 1, &r->grad[0]);
        layer(b, ADD, RADIAL_HIDDEN, &r->grad[1]);
    }
}

static void conv_bwd_w(struct bench *b)
{
    struct conv *c = &b->c.conv;

    b->k.conv.conv_bwd_w(c, b->c.x, b->c.e, b->c.dy);
    for (int t = 0; b->shape->is_sorted && t < c->shape.trunks; t++)
        b->k.conv.trunk_bwd(&c->at, &b->c.radial[t], NULL, NULL);
}

#define SLOT(name) OP_SLOT(conv, name), name##_build, name
#define AS(name, slot) #name, offsetof(struct kernels, conv.slot), name##_build

static const struct op ops[] = {
    /* sums over 32, and their moments */
    {SLOT(trunk_fwd), 40, {0, 0}, NULL},
    {SLOT(trunk_bwd), 80, {0, 0}, trunk_bwd_prepare},
    /* sums over 32 hidden units and up to 100 channels and paths */
    {SLOT(conv_fwd), 40, {0, 0}, conv_prepare},
    {AS(conv_final, conv_fwd), conv_fwd, 40, {0, 0}, conv_prepare},
    {SLOT(conv_bwd_x), 60, {0, 0}, conv_prepare},
    {AS(conv_bwd_dx, conv_bwd_x), conv_bwd_dx, 60, {0, 0}, conv_prepare},
    {SLOT(conv_bwd_w), 60, {0, 0}, conv_prepare},
};

const struct op_table conv_ops = {ops, sizeof ops / sizeof *ops, shapes,
                                  sizeof shapes / sizeof *shapes, &large};
