/* SPDX-License-Identifier: MIT */
/* kcheck_step.c - the slots of kernels_step.h, on as many numbers as a shape
 * has nodes. Operands count from 1. */
#include "kcheck/kcheck.h"

#include <math.h>

static const struct shape shapes[] = {
    {.nodes = 1, .topology = CHAIN},    {.nodes = 3, .topology = CHAIN},
    {.nodes = 17, .topology = CHAIN},   {.nodes = 4096, .topology = CHAIN},
    {.nodes = 4097, .topology = CHAIN}, {.nodes = 10000, .topology = CHAIN},
};
static const struct shape large = {.nodes = 1 << 20};

enum { TENSORS = 3 };

static int length(const struct bench *b)
{
    return b->shape->nodes;
}

static void reals(struct bench *b, enum role role, double scale, double shift)
{
    operand_of(b, role, ALL, tensor_weights(1, length(b)), scale, shift);
}

static void others(struct bench *b, enum role role, enum number number, int n)
{
    numbers(b, role, number, ALL, tensor_weights(1, n));
}

static void *data(struct bench *b, int i)
{
    return b->o[i].t.data;
}

static void grid_add_build(struct bench *b)
{
    reals(b, LABEL, 4, 0);
    others(b, ADD, INT64, length(b) + 1);
}

/* Some that are not on the grid; three parts leave it 2^12 / 3. */
static void grid_add_prepare(struct bench *b)
{
    static const double beyond[] = {1366, -INFINITY, 1365, -2000, (double)NAN};

    for (int i = 0; i < 5 && i < length(b); i++)
        set_value(b, &b->o[1], 0, i, beyond[i]);
}

static void grid_add(struct bench *b)
{
    b->k.step.grid_add(data(b, 1), length(b), 3, data(b, 2));
}

static void grid_get_build(struct bench *b)
{
    others(b, LABEL, INT64, length(b) + 1);
    reals(b, OUT, 1, 0);
}

static void grid_get_prepare(struct bench *b)
{
    set_value(b, &b->o[1], 0, length(b), 0);
}

static void grid_get(struct bench *b)
{
    b->k.step.grid_get(data(b, 1), length(b), data(b, 2));
}

static void grad_norm_build(struct bench *b)
{
    reals(b, IN, 1, 0);
    others(b, OUT, DOUBLE, 1);
    others(b, KEPT, DOUBLE, (int)b->k.step.norm_blocks(length(b)));
}

static void grad_norm(struct bench *b)
{
    b->k.step.grad_norm(data(b, 1), length(b), data(b, 3), data(b, 2));
}

/* p, g, m, v, average, begin, scalars, work */
static void optim_build(struct bench *b)
{
    reals(b, ADD, 1, 0);
    reals(b, IN, 1, 0);
    reals(b, ADD, 1, 0);
    reals(b, ADD, 0.5, 0.5);
    reals(b, ADD, 1, 0);
    others(b, LABEL, INT64, TENSORS + 1);
    others(b, LABEL, DOUBLE, sizeof(struct optim_scalars) / sizeof(double));
    others(b, KEPT, DOUBLE, 2 * TENSORS);
}

/* Three weights, the first without numbers. */
static void optim_prepare(struct bench *b)
{
    int64_t *begin = data(b, 6);
    struct optim_scalars *s = data(b, 7);

    begin[0] = begin[1] = 0;
    begin[2] = length(b) / 3;
    begin[3] = length(b);
    *s = (struct optim_scalars){
        .lr = 0.01, .bias1 = 0.3, .bias2 = 0.003, .grad_norm = 5};
}

static void optim(struct bench *b, enum optim_kind kind)
{
    struct optim o = {
        .kind = kind,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = 1e-8,
        .weight_decay = 0.1,
        .momentum = 0.9,
        .clip_norm = 2,
        .ema = 0.99,
        .n = length(b),
        .p = data(b, 1),
        .g = data(b, 2),
        .m = data(b, 3),
        .v = data(b, 4),
        .average = data(b, 5),
        .tensors = TENSORS,
        .begin = data(b, 6),
        .work = data(b, 8),
        .scalars = data(b, 7),
    };

    b->k.step.optim_step(&o);
}

static void optim_adamw(struct bench *b)
{
    optim(b, OPTIM_ADAMW);
}

static void optim_lamb(struct bench *b)
{
    optim(b, OPTIM_LAMB);
}

static void optim_sgd(struct bench *b)
{
    optim(b, OPTIM_SGD);
}

#define SLOT(name) OP_SLOT(step, name), name##_build, name
#define OPTIM(name)                                                            \
#name, offsetof(struct kernels, step.optim_step), optim_build, name

static const struct op ops[] = {
    /* exact */
    {SLOT(grid_add), 0, {0, 0}, grid_add_prepare},
    {SLOT(grid_get), 0, {0, 0}, grid_get_prepare},
    /* in double */
    {SLOT(grad_norm), 1e-3, {0, 0}, NULL},
    /* constants, moments, a root, two quotients: a rounding each */
    {OPTIM(optim_adamw), 8, {0, 0}, optim_prepare},
    {OPTIM(optim_lamb), 8, {0, 0}, optim_prepare},
    {OPTIM(optim_sgd), 8, {0, 0}, optim_prepare},
};

const struct op_table step_ops = {ops, sizeof ops / sizeof *ops, shapes,
                                  sizeof shapes / sizeof *shapes, &large};
