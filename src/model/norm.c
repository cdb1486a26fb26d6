/* SPDX-License-Identifier: MIT */
/* norm.c - one kernel call per degree. */
#include "model/norm.h"

#include "device/device.h"

/* Two weights [1, sum] as one view [2, sum]: the second lies at the same
 * distance behind the first in both arenas. */
static struct tensor pair(const struct tensor *gain, const struct tensor *bias,
                          size_t real)
{
    struct tensor t = *gain;

    t.n = 2;
    if (t.data)
        t.ld = (int)((size_t)((char *)bias->data - (char *)gain->data) / real);
    return t;
}

enum err norm_init(struct norm *o, struct build *b, const struct fiber *fiber)
{
    struct weight w = {.rank = 1,
                       .n = 1,
                       .c = fiber_channels(fiber),
                       .init = WEIGHT_ONE,
                       .fan_in = 1};
    struct tensor gain, bias, dgain = {0}, dbias = {0};
    int first = 0;

    *o = (struct norm){.k = &b->d->k.node, .degrees = fiber->degrees};
    TRY(build_weight(b, "norm.weight", &w, &gain, &dgain));
    w.init = WEIGHT_ZERO;
    TRY(build_weight(b, "norm.bias", &w, &bias, &dbias));
    gain = pair(&gain, &bias, b->real);
    dgain = pair(&dgain, &dbias, b->real);
    for (int l = 0; l < o->degrees; l++) {
        int c = fiber->channels[l];

        o->w[l] = tensor_columns(&gain, first, c, b->real);
        o->dw[l] = tensor_columns(&dgain, first, c, b->real);
        o->stat[l] = tensor_feature(2, 0, b->graph->nodes, b->real);
        TRY(build_take_if(b, b->train, &o->stat[l]));
        first += c;
    }
    return OK;
}

void norm_forward(struct norm *o, const struct tensor x[], struct tensor y[])
{
    for (int l = 0; l < o->degrees; l++)
        if (x[l].c)
            o->k->norm_fwd(&x[l], &o->w[l], &y[l], &o->stat[l]);
}

void norm_backward(struct norm *o, const struct tensor x[],
                   const struct tensor dy[], struct tensor dx[])
{
    for (int l = 0; l < o->degrees; l++)
        if (x[l].c)
            o->k->norm_bwd(&x[l], &o->w[l], &o->stat[l], &dy[l], &dx[l],
                           &o->dw[l]);
}
