/* SPDX-License-Identifier: MIT */
/* linear.c - one kernel call per degree. */
#include "model/linear.h"

#include "device/device.h"

#include <stdio.h>

enum err linear_init(struct linear *o, struct build *b, const char *name,
                     const struct fiber *in, const struct fiber *out)
{
    char full[WEIGHT_NAME];

    *o = (struct linear){
        .k = &b->d->k.node, .real = b->real, .degrees = out->degrees};
    for (int l = 0; l < o->degrees; l++) {
        const int n = out->channels[l], c = fiber_at(in, l);
        const struct weight w = {
            .rank = 2, .n = n, .c = c, .init = WEIGHT_NORMAL, .fan_in = c};

        if (!n || !c)
            continue;
        snprintf(full, sizeof full, "%s%d.weight", name, l);
        TRY(build_weight(b, full, &w, &o->w[l], &o->dw[l]));
    }
    return OK;
}

struct linear linear_part(const struct linear *o, const struct fiber *skip,
                          const struct fiber *width)
{
    struct linear part = *o;

    for (int l = 0; l < o->degrees; l++) {
        int first = fiber_at(skip, l), c = fiber_at(width, l);

        part.w[l] = tensor_columns(&o->w[l], first, c, o->real);
        part.dw[l] = tensor_columns(&o->dw[l], first, c, o->real);
        if (!c)
            part.w[l].n = 0;
    }
    return part;
}

void linear_forward(const struct linear *o, const struct tensor x[],
                    struct tensor y[])
{
    for (int l = 0; l < o->degrees; l++)
        if (o->w[l].n)
            o->k->linear_fwd(&x[l], &o->w[l], NULL, &y[l]);
}

void linear_forward_add(const struct linear *o, const struct tensor x[],
                        struct tensor y[])
{
    for (int l = 0; l < o->degrees; l++)
        if (o->w[l].n)
            o->k->linear_add(&x[l], &o->w[l], &y[l]);
}

void linear_backward(struct linear *o, const struct tensor x[],
                     const struct tensor dy[], struct tensor dx[])
{
    for (int l = 0; l < o->degrees; l++)
        if (o->w[l].n)
            o->k->linear_bwd(&x[l], &o->w[l], &dy[l], dx ? &dx[l] : NULL,
                             &o->dw[l], NULL);
}

void linear_self_forward(const struct linear *o, const struct tensor x[],
                         const struct csr *in, struct tensor y[])
{
    for (int l = 0; l < o->degrees; l++)
        if (o->w[l].n)
            o->k->self_add(&x[l], &o->w[l], in, &y[l]);
}

void linear_self_backward(struct linear *o, const struct tensor x[],
                          const struct csr *in, const struct tensor dy[],
                          struct tensor dx[])
{
    for (int l = 0; l < o->degrees; l++)
        if (o->w[l].n)
            o->k->self_bwd(&x[l], &o->w[l], in, &dy[l], dx ? &dx[l] : NULL,
                           &o->dw[l]);
}
