/* SPDX-License-Identifier: MIT */
/* kcheck_attend.c - scores, and sums of values that turn back from the frame.
 */
#include "kcheck/kcheck.h"

#include <stddef.h>

/* y: of values; node: of keys, in fewer degrees; out: heads. */
static const struct shape shapes[] = {
    {.molecules = 1,
     .nodes = 1,
     .topology = LOOSE,
     .y = {1, {4}},
     .node = {1, {4}},
     .out = 2},
    {.molecules = 1,
     .nodes = 2,
     .topology = SINGLE,
     .y = {2, {17, 1}},
     .node = {2, {17, 1}},
     .out = 1},
    {.molecules = 3,
     .nodes = 40,
     .topology = CHAIN,
     .y = {4, {16, 16, 16, 16}},
     .node = {4, {16, 16, 16, 16}},
     .out = 8},
    {.molecules = 3,
     .nodes = 41,
     .topology = HUB,
     .y = {4, {32, 0, 16, 8}},
     .node = {1, {32}},
     .out = 8},
    {.molecules = 2,
     .nodes = 17,
     .topology = CHAIN,
     .y = {5, {33, 11, 0, 22, 11}},
     .node = {5, {33, 11, 0, 22, 11}},
     .out = 11},
    {.molecules = 2,
     .nodes = 20,
     .topology = CHAIN,
     .y = {3, {60, 40, 20}},
     .node = {3, {0, 40, 20}},
     .out = 20},
    {.molecules = 20,
     .nodes = 360,
     .topology = CHAIN,
     .y = {2, {8, 64}},
     .node = {2, {8, 64}},
     .out = 2},
};
static const struct shape large = {.molecules = 240,
                                   .nodes = 4320,
                                   .topology = CHAIN,
                                   .y = {4, {16, 16, 16, 16}},
                                   .node = {4, {16, 16, 16, 16}},
                                   .out = 8};

/* Columns of a wider feature. */
static struct tensor columns(struct bench *b, enum role role, int l, int c)
{
    if (c == 0)
        return (struct tensor){.l = l};
    return part(b, role, EDGES,
                tensor_feature(capacity(b, EDGES), l, c, b->k.real));
}

/* The torque takes the longest of all: timed without. */
static void torque(struct bench *b)
{
    if (b->shape != &large)
        b->geo.torque = bench_plain(b, ADD, BONDS, 3);
}

/* y: values; x: sums, at nodes or, without weights, at edges. */
static void values(struct bench *b, enum role role, const struct csr *rows)
{
    bench_geometry(b, LABEL);
    for (int l = 0; l < FIBER_DEGREES; l++)
        b->c.y[l] = columns(b, role, l, fiber_at(&b->shape->y, l));
    b->c.gather = (struct gather){
        .degrees = b->shape->y.degrees, .rows = rows, .value = b->c.y};
    if (rows == &b->g.in)
        b->c.gather.a = bench_feature(b, IN, EDGES, 0, b->shape->out);
}

static void sums(struct bench *b, enum role role, enum space space)
{
    for (int l = 0; l < FIBER_DEGREES; l++)
        b->c.x[l] = bench_feature(b, role, space, l, fiber_at(&b->shape->y, l));
}

static void dvalues(struct bench *b)
{
    for (int l = 0; l < FIBER_DEGREES; l++)
        b->c.dy[l] = columns(b, OUT, l, fiber_at(&b->shape->y, l));
    torque(b);
}

static void aggregate_fwd_build(struct bench *b)
{
    values(b, IN, &b->g.in);
    sums(b, OUT, NODES);
}

static void aggregate_fwd(struct bench *b)
{
    b->k.conv.aggregate_fwd(&b->g, &b->geo, &b->c.gather, b->c.x);
}

static void aggregate_bwd_build(struct bench *b)
{
    values(b, IN, &b->g.in);
    sums(b, IN, NODES);
    dvalues(b);
    b->c.dx[0] = bench_feature(b, OUT, EDGES, 0, b->shape->out);
}

static void aggregate_bwd(struct bench *b)
{
    b->k.conv.aggregate_bwd(&b->g, &b->geo, &b->c.gather, b->c.x, b->c.dy,
                            &b->c.dx[0]);
}

/* Values and keys together are an edge's row, as a model has them. */
static void pairs(struct bench *b, enum role role, struct tensor value[],
                  struct tensor key[])
{
    for (int l = 0; l < FIBER_DEGREES; l++) {
        int v = fiber_at(&b->shape->y, l), k = fiber_at(&b->shape->node, l);
        struct tensor both = bench_feature(b, role, EDGES, l, v + k);

        value[l] = tensor_columns(&both, 0, v, b->k.real);
        key[l] = tensor_columns(&both, v, k, b->k.real);
    }
}

static void attention(struct bench *b, enum role role)
{
    bench_geometry(b, LABEL);
    pairs(b, role, b->c.y, b->c.key);
    for (int l = 0; l < FIBER_DEGREES; l++)
        b->c.q[l] =
            bench_feature(b, IN, NODES, l, fiber_at(&b->shape->node, l));
    b->c.heads = (struct heads){.degrees = b->shape->node.degrees,
                                .heads = b->shape->out,
                                .scale = 0.3,
                                .q = b->c.q,
                                .key = b->c.key};
    b->c.gather = (struct gather){
        .degrees = b->shape->y.degrees, .rows = &b->g.in, .value = b->c.y};
}

static void attend_fwd_build(struct bench *b)
{
    attention(b, IN);
    sums(b, OUT, NODES);
    b->c.gather.a = bench_feature(b, OUT, EDGES, 0, b->shape->out);
}

static void attend_fwd(struct bench *b)
{
    b->k.conv.attend_fwd(&b->g, &b->geo, &b->c.heads, &b->c.gather, b->c.x);
}

static void attention_bwd(struct bench *b)
{
    sums(b, IN, NODES);
    b->c.gather.a = bench_feature(b, IN, EDGES, 0, b->shape->out);
    for (int l = 0; l < FIBER_DEGREES; l++)
        b->c.dx[l] =
            bench_feature(b, OUT, NODES, l, fiber_at(&b->shape->node, l));
    b->c.dattend = (struct attend_grad){
        .dq = b->c.dx,
        .dkey = b->c.dkey,
        .dvalue = b->c.dy,
        .dscore = bench_feature(b, OUT, EDGES, 0, b->shape->out)};
}

static void attend_bwd_build(struct bench *b)
{
    attention(b, IN);
    attention_bwd(b);
    pairs(b, OUT, b->c.dy, b->c.dkey);
    torque(b);
}

/* Gradients take the place of keys and values. */
static void attend_over_build(struct bench *b)
{
    attention(b, ADD);
    attention_bwd(b);
    b->c.dattend.dkey = b->c.key;
    b->c.dattend.dvalue = b->c.y;
}

static void attend_bwd(struct bench *b)
{
    b->k.conv.attend_bwd(&b->g, &b->geo, &b->c.heads, &b->c.gather, b->c.x,
                         &b->c.dattend);
}

/* Every edge a row of its own, without weights. */
static void rows(struct bench *b)
{
    int n = capacity(b, EDGES);
    int *begin = numbers(b, LABEL, INT, ALL, tensor_weights(1, n + 1)).data;

    b->c.rows = (struct csr){
        .n = n, .used = b->g.used_edges, .begin = begin, .edge = NULL};
}

static void turn_back_fwd_build(struct bench *b)
{
    rows(b);
    values(b, IN, &b->c.rows);
    sums(b, OUT, EDGES);
}

/* Values are for the torque only, to which degree 0 gives nothing. */
static void turn_back_bwd_build(struct bench *b)
{
    rows(b);
    values(b, LABEL, &b->c.rows);
    sums(b, IN, EDGES);
    dvalues(b);
}

static void turn_back_bwd(struct bench *b)
{
    b->k.conv.aggregate_bwd(&b->g, &b->geo, &b->c.gather, b->c.x, b->c.dy,
                            NULL);
}

/* begin is operand 1. */
static void turn_back_prepare(struct bench *b)
{
    bench_set_geometry(b);
    for (int i = 0; i <= b->count[EDGES]; i++)
        set_value(b, &b->o[1], 0, i, i);
}

#define SLOT(name) OP_SLOT(conv, name), name##_build, name
#define AS(name, slot) #name, offsetof(struct kernels, conv.slot), name##_build

static const struct op ops[] = {
    /* sums over up to 100 numbers of a head, or over a hub's edges */
    {SLOT(attend_fwd), 30, {0, 0}, bench_set_geometry},
    {SLOT(attend_bwd), 30, {0, 0}, bench_set_geometry},
    {AS(attend_over, attend_bwd), attend_bwd, 30, {0, 0}, bench_set_geometry},
    {SLOT(aggregate_fwd), 30, {0, 0}, bench_set_geometry},
    {SLOT(aggregate_bwd), 30, {0, 0}, bench_set_geometry},
    {AS(turn_back_fwd, aggregate_fwd),
     aggregate_fwd,
     30,
     {0, 0},
     turn_back_prepare},
    {AS(turn_back_bwd, aggregate_bwd),
     turn_back_bwd,
     30,
     {0, 0},
     turn_back_prepare},
};

const struct op_table attend_ops = {ops, sizeof ops / sizeof *ops, shapes,
                                    sizeof shapes / sizeof *shapes, &large};
