/* SPDX-License-Identifier: MIT */
/* kcheck_node.c - the slots of kernels_node.h. Operands count from 1. */
#include "kcheck/kcheck.h"

#include <math.h>

/* molecules, nodes, topology, degree, channels in, channels out */
#define SHAPE(a, b, t, d, x, y)                                                \
    {                                                                          \
        .molecules = a, .nodes = b, .topology = t, .l = d, .c = x, .out = y    \
    }

static const struct shape shapes[] = {
    SHAPE(1, 0, LOOSE, 0, 4, 3),     SHAPE(1, 1, LOOSE, 0, 1, 1),
    SHAPE(1, 2, SINGLE, 3, 1, 17),   SHAPE(2, 7, CHAIN, 1, 3, 33),
    SHAPE(3, 9, HUB, 2, 17, 1),      SHAPE(5, 40, CHAIN, 0, 8, 16),
    SHAPE(4, 41, HUB, 3, 32, 32),    SHAPE(2, 9, CHAIN, 4, 33, 4),
    SHAPE(4, 35, CHAIN, 0, 130, 64), SHAPE(7, 100, CHAIN, 1, 16, 70),
    SHAPE(3, 60, HUB, 2, 140, 100),  SHAPE(30, 530, CHAIN, 1, 20, 40),
};
static const struct shape large = SHAPE(240, 4320, CHAIN, 1, 32, 32);

static struct tensor feature(const struct bench *b, enum space space, int l,
                             int c)
{
    return tensor_feature(capacity(b, space), l, c, b->k.real);
}

static struct tensor feature_x(const struct bench *b)
{
    return feature(b, NODES, b->shape->l, b->shape->c);
}

static struct tensor feature_y(const struct bench *b)
{
    return feature(b, NODES, b->shape->l, b->shape->out);
}

static struct tensor *view(struct bench *b, int i)
{
    return &b->o[i].t;
}

/* Moments [2, nodes], of which those of the nodes in use. */
static void moments(struct bench *b, enum role role)
{
    operand(b, role, ALL, tensor_feature(2, 0, capacity(b, NODES), b->k.real));
    b->o[b->operands - 1].columns = b->count[NODES];
}

static void norm_fwd_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    weights(b, IN, 2, b->shape->c);
    operand(b, OUT, NODES, feature_x(b));
    moments(b, OUT);
}

static void norm_fwd(struct bench *b)
{
    b->k.node.norm_fwd(view(b, 1), view(b, 2), view(b, 3), view(b, 4));
}

/* Features away from 0, where 1/r cancels and rounding says nothing. */
static void norm_bwd_build(struct bench *b)
{
    operand_of(b, IN, NODES, feature_x(b), 0.5, 0.75);
    weights(b, IN, 2, b->shape->c);
    moments(b, IN);
    operand(b, IN, NODES, feature_x(b));
    operand(b, OUT, NODES, feature_x(b));
    weights(b, ADD, 2, b->shape->c);
}

static void norm_bwd(struct bench *b)
{
    b->k.node.norm_bwd(view(b, 1), view(b, 2), view(b, 3), view(b, 4),
                       view(b, 5), view(b, 6));
}

/* A third of the channels has norm 0, in the next node the next third. */
static void norm_clamp_prepare(struct bench *b)
{
    const struct operand *x = &b->o[1];

    for (int r = 0; r < x->rows; r++)
        for (int c = 0; c < x->columns; c++)
            if ((r / (2 * x->t.l + 1) + c) % 3 == 0)
                set_value(b, x, r, c, 0);
}

/* Scores up to 8, so that some weights are small. */
static void softmax_fwd_build(struct bench *b)
{
    struct tensor scores = feature(b, EDGES, 0, b->shape->c);

    operand_of(b, IN, EDGES, scores, 8, 0);
    operand(b, OUT, EDGES, scores);
}

static void softmax_fwd(struct bench *b)
{
    b->k.node.softmax_fwd(view(b, 1), &b->g.in, view(b, 2));
}

static void softmax_bwd_build(struct bench *b)
{
    struct tensor scores = feature(b, EDGES, 0, b->shape->c);

    operand(b, IN, EDGES, scores);
    operand(b, IN, EDGES, scores);
    operand(b, OUT, EDGES, scores);
}

static void softmax_bwd(struct bench *b)
{
    b->k.node.softmax_bwd(view(b, 1), view(b, 2), &b->g.in, view(b, 3));
}

static void linear_fwd_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    weights(b, IN, b->shape->out, b->shape->c);
    operand(b, OUT, NODES, feature_y(b));
    if (b->shape->l == 0)
        weights(b, IN, 1, b->shape->out);
}

static void linear_fwd(struct bench *b)
{
    b->k.node.linear_fwd(view(b, 1), view(b, 2),
                         b->shape->l == 0 ? view(b, 4) : NULL, view(b, 3));
}

static void linear_add_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    weights(b, IN, b->shape->out, b->shape->c);
    operand(b, ADD, NODES, feature_y(b));
}

static void linear_add(struct bench *b)
{
    b->k.node.linear_add(view(b, 1), view(b, 2), view(b, 3));
}

static void self_add(struct bench *b)
{
    b->k.node.self_add(view(b, 1), view(b, 2), &b->g.in, view(b, 3));
}

static void linear_bwd_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    weights(b, IN, b->shape->out, b->shape->c);
    operand(b, IN, NODES, feature_y(b));
    weights(b, ADD, b->shape->out, b->shape->c);
    operand(b, ADD, NODES, feature_x(b));
    if (b->shape->l == 0)
        weights(b, ADD, 1, b->shape->out);
}

static void linear_bwd(struct bench *b)
{
    b->k.node.linear_bwd(view(b, 1), view(b, 2), view(b, 3), view(b, 5),
                         view(b, 4), b->shape->l == 0 ? view(b, 6) : NULL);
}

static void self_bwd_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    weights(b, IN, b->shape->out, b->shape->c);
    operand(b, IN, NODES, feature_y(b));
    operand(b, ADD, NODES, feature_x(b));
    weights(b, ADD, b->shape->out, b->shape->c);
}

static void self_bwd(struct bench *b)
{
    b->k.node.self_bwd(view(b, 1), view(b, 2), &b->g.in, view(b, 3), view(b, 4),
                       view(b, 5));
}

static void linear_bwd_w_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    weights(b, LABEL, b->shape->out, b->shape->c);
    operand(b, IN, NODES, feature_y(b));
    weights(b, ADD, b->shape->out, b->shape->c);
}

static void linear_bwd_w(struct bench *b)
{
    b->k.node.linear_bwd(view(b, 1), view(b, 2), view(b, 3), NULL, view(b, 4),
                         NULL);
}

static void relu_fwd_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    operand(b, OUT, NODES, feature_x(b));
}

static void relu_fwd(struct bench *b)
{
    b->k.node.relu_fwd(view(b, 1), view(b, 2));
}

static void relu_bwd_build(struct bench *b)
{
    operand(b, LABEL, NODES, feature_x(b));
    operand(b, IN, NODES, feature_x(b));
    operand(b, OUT, NODES, feature_x(b));
}

/* The last is above 0, in m = 0, so that its gradient goes through. */
static void relu_bwd_prepare(struct bench *b)
{
    const struct operand *y = &b->o[1];

    if (y->rows)
        set_value(b, y, y->rows - 1 - y->t.l, y->columns - 1, 0.5);
}

static void relu_bwd(struct bench *b)
{
    b->k.node.relu_bwd(view(b, 1), view(b, 2), view(b, 3));
}

static struct tensor arguments(const struct bench *b)
{
    return tensor_weights(capacity(b, MOLECULES), b->shape->c);
}

static void pool_max_fwd_build(struct bench *b)
{
    operand(b, IN, NODES, feature(b, NODES, 0, b->shape->c));
    operand(b, OUT, MOLECULES, feature(b, MOLECULES, 0, b->shape->c));
    numbers(b, OUT, INT, MOLECULES, arguments(b));
}

static void pool_max_fwd(struct bench *b)
{
    b->k.node.pool_max_fwd(view(b, 1), &b->g.atoms, view(b, 2),
                           view(b, 3)->data);
}

static void pool_max_bwd_build(struct bench *b)
{
    operand(b, IN, MOLECULES, feature(b, MOLECULES, 0, b->shape->c));
    numbers(b, LABEL, INT, MOLECULES, arguments(b));
    operand(b, OUT, NODES, feature(b, NODES, 0, b->shape->c));
}

static void pool_max_bwd_prepare(struct bench *b)
{
    const int *begin = b->g.atoms.begin;

    for (int i = 0; i < b->count[MOLECULES]; i++)
        for (int c = 0; c < b->shape->c; c++) {
            int atoms = begin[i + 1] - begin[i];

            set_value(b, &b->o[2], i, c, atoms ? begin[i] + c % atoms : -1);
        }
}

static void pool_max_bwd(struct bench *b)
{
    b->k.node.pool_max_bwd(view(b, 1), &b->g.atoms, view(b, 2)->data,
                           view(b, 3));
}

static void pool_avg_fwd_build(struct bench *b)
{
    operand(b, IN, NODES, feature_x(b));
    operand(b, OUT, MOLECULES, feature(b, MOLECULES, b->shape->l, b->shape->c));
}

static void pool_avg_fwd(struct bench *b)
{
    b->k.node.pool_avg_fwd(view(b, 1), &b->g.atoms, view(b, 2));
}

static void pool_avg_bwd_build(struct bench *b)
{
    operand(b, IN, MOLECULES, feature(b, MOLECULES, b->shape->l, b->shape->c));
    operand(b, OUT, NODES, feature_x(b));
}

static void pool_avg_bwd(struct bench *b)
{
    b->k.node.pool_avg_bwd(view(b, 1), &b->g.atoms, view(b, 2));
}

static void loss_build(struct bench *b)
{
    int targets = b->shape->out;
    struct tensor labels = tensor_weights(capacity(b, MOLECULES), targets);

    operand_of(b, IN, MOLECULES, feature(b, MOLECULES, 0, targets), 2, 0);
    operand(b, LABEL, MOLECULES, labels);
    numbers(b, IN, DOUBLE, ALL, tensor_weights(1, 1));
    operand(b, OUT, MOLECULES, feature(b, MOLECULES, 0, targets));
    numbers(b, ADD, DOUBLE, ALL, tensor_weights(1, 1 + targets));
}

/* A third of the labels is unknown, but not the last. */
static void loss_prepare(struct bench *b)
{
    const struct operand *label = &b->o[2];

    for (int i = 0; i < label->rows; i++)
        for (int t = 0; t < label->columns; t++)
            if ((i + t) % 3 == 0 && i + 1 < label->rows)
                set_value(b, label, i, t, (double)NAN);
}

static void loss(struct bench *b, enum loss_kind kind)
{
    b->k.node.loss(kind, view(b, 1), view(b, 2), view(b, 3)->data, view(b, 4),
                   view(b, 5)->data);
}

static void loss_l1(struct bench *b)
{
    loss(b, LOSS_KIND_L1);
}

static void loss_l2(struct bench *b)
{
    loss(b, LOSS_KIND_L2);
}

static void loss_huber(struct bench *b)
{
    loss(b, LOSS_KIND_HUBER);
}

#define SLOT(name) OP_SLOT(node, name), name##_build, name

static const struct op ops[] = {
    /* sums over up to 140 channels, divided by norms */
    {SLOT(norm_fwd), 40, {0, 0}, NULL},
    {SLOT(norm_bwd), 80, {4, 5}, NULL},
    {"norm_fwd_clamp",
     offsetof(struct kernels, node.norm_fwd),
     norm_fwd_build,
     norm_fwd,
     40,
     {0, 0},
     norm_clamp_prepare},
    {"norm_bwd_clamp",
     offsetof(struct kernels, node.norm_bwd),
     norm_bwd_build,
     norm_bwd,
     80,
     {4, 5},
     norm_clamp_prepare},
    /* exp of a difference of scores, a sum of up to 40, a quotient; forward
     * the scores are rounded at 8 */
    {SLOT(softmax_fwd), 24, {1, 2}, NULL},
    {SLOT(softmax_bwd), 16, {2, 3}, NULL},
    /* sums over up to 140 channels */
    {SLOT(linear_fwd), 24, {0, 0}, NULL},
    {SLOT(linear_add), 24, {0, 0}, NULL},
    {"self_add",
     offsetof(struct kernels, node.self_add),
     linear_add_build,
     self_add,
     24,
     {0, 0},
     NULL},
    /* and over up to 1590 rows */
    {SLOT(linear_bwd), 48, {0, 0}, NULL},
    {"linear_bwd_w",
     offsetof(struct kernels, node.linear_bwd),
     linear_bwd_w_build,
     linear_bwd_w,
     48,
     {0, 0},
     NULL},
    {SLOT(self_bwd), 48, {0, 0}, NULL},
    /* nothing to round */
    {SLOT(relu_fwd), 0, {1, 2}, NULL},
    {SLOT(relu_bwd), 0, {2, 3}, relu_bwd_prepare},
    {SLOT(pool_max_fwd), 0, {0, 0}, NULL},
    {SLOT(pool_max_bwd), 0, {0, 0}, pool_max_bwd_prepare},
    /* sums over up to 20 atoms, a quotient */
    {SLOT(pool_avg_fwd), 16, {0, 0}, NULL},
    {SLOT(pool_avg_bwd), 1, {0, 0}, NULL},
    /* in double; dy is rounded once */
    {"loss_l1",
     offsetof(struct kernels, node.loss),
     loss_build,
     loss_l1,
     1,
     {0, 0},
     loss_prepare},
    {"loss_l2",
     offsetof(struct kernels, node.loss),
     loss_build,
     loss_l2,
     1,
     {0, 0},
     loss_prepare},
    {"loss_huber",
     offsetof(struct kernels, node.loss),
     loss_build,
     loss_huber,
     1,
     {0, 0},
     loss_prepare},
};

const struct op_table node_ops = {ops, sizeof ops / sizeof *ops, shapes,
                                  sizeof shapes / sizeof *shapes, &large};
