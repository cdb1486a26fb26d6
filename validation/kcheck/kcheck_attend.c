/* SPDX-License-Identifier: MIT */
/* kcheck_attend.c - scores, and sums of values that turn back from the frame.
 */
#include "kcheck/kcheck.h"

#include <stddef.h>

/* y: of keys and values; out: heads. */
static const struct shape shapes[] = {
    {.molecules = 1, .nodes = 1, .topology = LOOSE, .y = {1, {4}}, .out = 2},
    {.molecules = 1,
     .nodes = 2,
     .topology = SINGLE,
     .y = {2, {17, 1}},
     .out = 1},
    {.molecules = 3,
     .nodes = 40,
     .topology = CHAIN,
     .y = {4, {16, 16, 16, 16}},
     .out = 8},
    {.molecules = 3,
     .nodes = 41,
     .topology = HUB,
     .y = {4, {32, 0, 16, 8}},
     .out = 8},
    {.molecules = 2,
     .nodes = 17,
     .topology = CHAIN,
     .y = {5, {33, 11, 0, 22, 11}},
     .out = 11},
};
static const struct shape large = {.molecules = 240,
                                   .nodes = 4320,
                                   .topology = CHAIN,
                                   .y = {4, {16, 16, 16, 16}},
                                   .out = 8};

/* Columns of a wider feature. */
static struct tensor columns(struct bench *b, enum role role, int l, int c)
{
    if (c == 0)
        return (struct tensor){.l = l};
    return part(b, role, EDGES,
                tensor_feature(capacity(b, EDGES), l, c, b->k.real));
}

/* x: queries, y: keys, a and its gradient: scores. */
static void keys(struct bench *b)
{
    bench_geometry(b, LABEL);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        int c = fiber_at(&b->shape->y, l);

        b->c.x[l] = bench_feature(b, IN, NODES, l, c);
        b->c.y[l] = columns(b, IN, l, c);
    }
    b->c.heads = (struct heads){.degrees = b->shape->y.degrees,
                                .heads = b->shape->out,
                                .scale = 0.3,
                                .q = b->c.x,
                                .key = b->c.y};
}

static void logits_fwd_build(struct bench *b)
{
    keys(b);
    b->c.gather.a = bench_feature(b, OUT, EDGES, 0, b->shape->out);
}

static void logits_fwd(struct bench *b)
{
    b->k.conv.logits_fwd(&b->g, &b->geo, &b->c.heads, &b->c.gather.a);
}

static void logits_bwd_build(struct bench *b)
{
    keys(b);
    b->c.gather.a = bench_feature(b, IN, EDGES, 0, b->shape->out);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        int c = fiber_at(&b->shape->y, l);

        b->c.dx[l] = bench_feature(b, OUT, NODES, l, c);
        b->c.dy[l] = columns(b, OUT, l, c);
    }
    b->geo.torque = bench_plain(b, ADD, BONDS, 3);
    b->c.dheads = (struct heads_grad){.dq = b->c.dx, .dkey = b->c.dy};
}

static void logits_bwd(struct bench *b)
{
    b->k.conv.logits_bwd(&b->g, &b->geo, &b->c.heads, &b->c.gather.a,
                         &b->c.dheads);
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
    b->geo.torque = bench_plain(b, ADD, BONDS, 3);
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
    {SLOT(logits_fwd), 30, {0, 0}, bench_set_geometry},
    {SLOT(logits_bwd), 30, {0, 0}, bench_set_geometry},
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
