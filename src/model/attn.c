/* SPDX-License-Identifier: MIT */
/* attn.c - values and keys, attention, projection; and back. */
#include "model/attn.h"

#include "device/device.h"

#include <math.h>

/* Views of the value and key channels of the convolution's results. */
static void split(struct attn *o, size_t real)
{
    for (int l = 0; l < o->value.degrees; l++) {
        const int v = o->value.channels[l], k = fiber_at(&o->key, l);
        const struct conv_layer *c = &o->conv;

        o->value_y[l] = tensor_columns(&c->y[l], 0, v, real);
        o->value_dy[l] = tensor_columns(&c->dy[l], 0, v, real);
        o->key_y[l] = tensor_columns(&c->y[l], v, k, real);
        o->key_dy[l] = tensor_columns(&c->dy[l], v, k, real);
    }
}

static enum err take_nodes(struct attn *o, struct build *b)
{
    for (int l = 0; l < o->key.degrees; l++) {
        o->q[l] = o->dq[l] = build_node(b, l, o->key.channels[l]);
        TRY(build_take_if(b, b->keep, &o->q[l]));
        if (b->train)
            TRY(build_scratch(b, &o->dq[l]));
    }
    for (int l = 0; l < o->value.degrees; l++) {
        o->z[l] = o->dz[l] = build_node(b, l, o->value.channels[l]);
        TRY(build_take_if(b, b->keep, &o->z[l]));
        if (b->train)
            TRY(build_scratch(b, &o->dz[l]));
    }
    return OK;
}

static enum err take_edges(struct attn *o, struct build *b)
{
    o->a = o->da = build_edge(b, 0, o->heads);
    TRY(build_take_if(b, b->keep, &o->a));
    return b->train ? build_scratch(b, &o->da) : OK;
}

enum err attn_init(struct attn *o, struct build *b, const struct fiber *in,
                   const struct fiber *out, const struct attn_options *options)
{
    const struct fiber none = {0};
    struct conv_options with = options->conv;
    struct fiber both, joined;

    o->k = &b->d->k;
    o->scratch = b->scratch;
    o->heads = options->heads;
    o->in = fiber_restrict(in, out);
    o->value = *out;
    for (int l = 0; l < out->degrees; l++)
        o->value.channels[l] /= options->channels_div;
    o->key = fiber_restrict(&o->value, in);
    both = fiber_add(&o->value, &o->key);
    joined = fiber_add(&o->value, &o->in);
    with.wants_y = 1;
    TRY(conv_init(&o->conv, b, in, &both, &with));
    split(o, b->real);
    TRY(linear_init(&o->query, b, "query.", in, &o->key));
    TRY(linear_init(&o->project, b, "project.", &joined, out));
    o->from_z = linear_part(&o->project, &none, &o->value);
    o->from_x = linear_part(&o->project, &o->value, &o->in);
    TRY(take_nodes(o, b));
    return take_edges(o, b);
}

static struct heads scores(const struct attn *o)
{
    return (struct heads){.degrees = o->key.degrees,
                          .heads = o->heads,
                          .scale = 1 / sqrt(fiber_width(&o->key)),
                          .q = o->q,
                          .key = o->key_y};
}

static struct gather weighted(const struct attn *o)
{
    return (struct gather){.degrees = o->value.degrees,
                           .rows = &o->conv.conv.graph->in,
                           .value = o->value_y,
                           .a = o->a};
}

/* Queries, weights and z, from the values and keys that are there. */
static void attend(struct attn *o, const struct tensor x[])
{
    const struct graph *g = o->conv.conv.graph;
    const struct geometry *geo = o->conv.conv.geo;
    const struct heads heads = scores(o);
    const struct gather gather = weighted(o);

    scratch_clean(o->scratch, o->q, o->key.degrees);
    scratch_clean(o->scratch, o->z, o->value.degrees);
    scratch_clean(o->scratch, &o->a, 1);
    linear_forward(&o->query, x, o->q);
    o->k->conv.attend_fwd(g, geo, &heads, &gather, o->z);
}

void attn_forward(struct attn *o, const struct tensor x[], struct tensor y[])
{
    conv_forward(&o->conv, x);
    attend(o, x);
    linear_forward(&o->from_z, o->z, y);
    linear_forward_add(&o->from_x, x, y);
}

/* dz to gradients of values, keys and queries. */
static void scores_backward(struct attn *o)
{
    const struct graph *g = o->conv.conv.graph;
    struct geometry *geo = o->conv.conv.geo;
    const struct heads heads = scores(o);
    const struct attend_grad grad = {
        .dq = o->dq, .dkey = o->key_dy, .dvalue = o->value_dy, .dscore = o->da};
    const struct gather gather = weighted(o);

    scratch_clean(o->scratch, &o->da, 1);
    scratch_clean(o->scratch, o->dq, o->key.degrees);
    o->k->conv.attend_bwd(g, geo, &heads, &gather, o->dz, &grad);
}

void attn_backward(struct attn *o, const struct tensor x[],
                   const struct tensor dy[], struct tensor dx[])
{
    conv_again(&o->conv, x);
    if (!o->conv.is_kept)
        attend(o, x);
    scratch_zero(o->scratch, o->dz, o->value.degrees);
    linear_backward(&o->from_x, x, dy, dx);
    linear_backward(&o->from_z, o->z, dy, o->dz);
    scores_backward(o);
    linear_backward(&o->query, x, o->dq, dx);
    conv_backward(&o->conv, x, dx);
}
