/* SPDX-License-Identifier: MIT */
/* pool.c - a few rows a molecule. */
#include "model/pool.h"

#include "device/device.h"

#include <stdio.h>

enum err pool_init(struct pool *o, struct build *b, enum pooling kind, int l,
                   int c)
{
    const size_t args = (size_t)b->graph->molecules * (size_t)c * sizeof(int);

    *o = (struct pool){
        .k = &b->d->k.node, .atoms = &b->graph->atoms, .kind = kind};
    o->y = o->dy = build_molecule(b, l, c);
    TRY(build_take(b, &o->y));
    if (b->train)
        TRY(build_take(b, &o->dy));
    return build_bytes(b, 1, args, (void **)&o->arg);
}

void pool_forward(struct pool *o, const struct tensor *x)
{
    if (o->kind == POOL_MAX)
        o->k->pool_max_fwd(x, o->atoms, &o->y, o->arg);
    else
        o->k->pool_avg_fwd(x, o->atoms, &o->y);
}

void pool_backward(struct pool *o, struct tensor *dx)
{
    if (o->kind == POOL_MAX)
        o->k->pool_max_bwd(&o->dy, o->atoms, o->arg, dx);
    else
        o->k->pool_avg_bwd(&o->dy, o->atoms, dx);
}

static enum err add_linear(struct head *o, struct build *b, int i, int in,
                           int out)
{
    struct weight w = {
        .rank = 2, .n = out, .c = in, .init = WEIGHT_UNIFORM, .fan_in = in};
    char name[WEIGHT_NAME];

    snprintf(name, sizeof name, "fc%d.weight", i);
    TRY(build_weight(b, name, &w, &o->w[i], &o->dw[i]));
    w.rank = 1;
    w.n = 1;
    w.c = out;
    snprintf(name, sizeof name, "fc%d.bias", i);
    return build_weight(b, name, &w, &o->b[i], &o->db[i]);
}

enum err head_init(struct head *o, struct build *b, int c, int targets)
{
    *o = (struct head){.k = &b->d->k.node, .scratch = b->scratch};
    TRY(add_linear(o, b, 0, c, c));
    TRY(add_linear(o, b, 1, c, targets));
    o->h = o->dh = build_molecule(b, 0, c);
    o->y = o->dy = build_molecule(b, 0, targets);
    TRY(build_take(b, &o->h));
    TRY(build_take(b, &o->y));
    TRY(build_take(b, &o->dy)); /* the loss writes it, in evaluation too */
    return b->train ? build_take(b, &o->dh) : OK;
}

void head_forward(struct head *o, const struct tensor *x)
{
    o->k->linear_fwd(x, &o->w[0], &o->b[0], &o->h);
    o->k->relu_fwd(&o->h, &o->h);
    o->k->linear_fwd(&o->h, &o->w[1], &o->b[1], &o->y);
}

void head_backward(struct head *o, const struct tensor *x, struct tensor *dx)
{
    scratch_zero(o->scratch, &o->dh, 1);
    scratch_zero(o->scratch, dx, 1);
    o->k->linear_bwd(&o->h, &o->w[1], &o->dy, &o->dh, &o->dw[1], &o->db[1]);
    o->k->relu_bwd(&o->h, &o->dh, &o->dh);
    o->k->linear_bwd(x, &o->w[0], &o->dh, dx, &o->dw[0], &o->db[0]);
}
