/* SPDX-License-Identifier: MIT */
/* radial.c - the sharing rule and its index arithmetic. */
#include "model/radial.h"

#include <math.h>
#include <stdio.h>

enum sharing radial_sharing(enum sharing ceiling, const struct fiber *in,
                            const struct fiber *out, int degrees)
{
    const int even_in = fiber_is_uniform(in, degrees);
    const int even_out = fiber_is_uniform(out, degrees);
    const int holds[] = {[SHARING_FULL] = even_in && even_out,
                         [SHARING_PER_OUTPUT] = even_in,
                         [SHARING_PER_INPUT] = even_out,
                         [SHARING_NONE] = 1};
    enum sharing s = ceiling == SHARING_AUTO ? SHARING_FULL : ceiling;

    while (!holds[s])
        s++;
    return s;
}

static int numbers(int li, int lo)
{
    return 2 * (li < lo ? li : lo) + 1;
}

/* The trunk of a path, counted over a square of degrees; -1: no such path. */
static int group(enum sharing sharing, int li, int lo)
{
    switch (sharing) {
    case SHARING_PER_OUTPUT:
        return lo;
    case SHARING_PER_INPUT:
        return li;
    case SHARING_NONE:
        return li * FIBER_DEGREES + lo;
    default:
        return 0;
    }
}

/* Gives paths of one group one trunk, numbered in order of groups, and rows in
 * the order lo, li, f. */
static void number_trunks(struct conv_shape *s, enum sharing sharing)
{
    for (int g = 0; g < CONV_PATHS; g++) {
        int rows = 0;

        for (int p = 0; p < s->paths; p++)
            if (group(sharing, s->path[p].li, s->path[p].lo) == g) {
                s->path[p].trunk = s->trunks;
                s->path[p].first = rows;
                rows += numbers(s->path[p].li, s->path[p].lo);
            }
        if (!rows)
            continue;
        for (int p = 0; p < s->paths; p++)
            if (s->path[p].trunk == s->trunks)
                s->path[p].rows = rows;
        s->trunks++;
    }
}

struct conv_shape radial_shape(enum sharing sharing, const struct fiber *node,
                               const struct fiber *edge,
                               const struct fiber *out)
{
    struct conv_shape s = {
        .node = *node,
        .edge = fiber_restrict(edge, node),
        .out = *out,
        .basis00 = sharing == SHARING_NONE ? 1 : 0.28209479177387814};

    s.edge.channels[0] = 0;
    for (int lo = 0; lo < out->degrees; lo++)
        for (int li = 0; li < node->degrees; li++)
            if (node->channels[li] && out->channels[lo])
                s.path[s.paths++] =
                    (struct conv_path){.li = li, .lo = lo, .trunk = -1};
    number_trunks(&s, sharing);
    return s;
}

static const struct conv_path *first_of(const struct conv_shape *s, int trunk)
{
    const struct conv_path *p = s->path;

    while (p->trunk != trunk)
        p++;
    return p;
}

void radial_name(enum sharing sharing, const struct conv_shape *s, int trunk,
                 char out[RADIAL_NAME])
{
    const struct conv_path *p = first_of(s, trunk);

    switch (sharing) {
    case SHARING_PER_OUTPUT:
        snprintf(out, RADIAL_NAME, "out.%d", p->lo);
        return;
    case SHARING_PER_INPUT:
        snprintf(out, RADIAL_NAME, "in.%d", p->li);
        return;
    case SHARING_NONE:
        snprintf(out, RADIAL_NAME, "path.%d.%d", p->li, p->lo);
        return;
    default:
        snprintf(out, RADIAL_NAME, "full");
    }
}

/* Linear and LayerNorm number i of the trunk called `trunk`. */
static enum err add_layer(struct build *b, const char *trunk, int i, int inputs,
                          int layer_norm, struct radial *r)
{
    const struct weight w = {.rank = 2,
                             .n = RADIAL_HIDDEN,
                             .c = inputs,
                             .init = WEIGHT_UNIFORM,
                             .fan_in = inputs};
    struct weight v = {.rank = 1, .n = 1, .c = RADIAL_HIDDEN, .fan_in = inputs};
    struct radial_layer *o = &r->layer[i], *d = &r->grad[i];
    char name[WEIGHT_NAME];

    snprintf(name, sizeof name, "conv.%s.fc%d.weight", trunk, i);
    TRY(build_weight(b, name, &w, &o->w, &d->w));
    v.init = WEIGHT_UNIFORM;
    snprintf(name, sizeof name, "conv.%s.fc%d.bias", trunk, i);
    TRY(build_weight(b, name, &v, &o->b, &d->b));
    if (!layer_norm)
        return OK;
    v.init = WEIGHT_ONE;
    snprintf(name, sizeof name, "conv.%s.ln%d.weight", trunk, i);
    TRY(build_weight(b, name, &v, &o->gain, &d->gain));
    v.init = WEIGHT_ZERO;
    snprintf(name, sizeof name, "conv.%s.ln%d.bias", trunk, i);
    return build_weight(b, name, &v, &o->shift, &d->shift);
}

static enum err add_trunk(struct build *b, const char *trunk, int rows,
                          int layer_norm, struct radial *r)
{
    const struct weight w = {.rank = 2,
                             .n = rows,
                             .c = RADIAL_HIDDEN,
                             .init = WEIGHT_UNIFORM,
                             .fan_in = RADIAL_HIDDEN};
    char name[WEIGHT_NAME];

    TRY(add_layer(b, trunk, 0, b->graph->scalar.c + 1, layer_norm, r));
    TRY(add_layer(b, trunk, 1, RADIAL_HIDDEN, layer_norm, r));
    snprintf(name, sizeof name, "conv.%s.fc2.weight", trunk);
    TRY(build_weight(b, name, &w, &r->w3, &r->dw3));
    r->h = r->dh = build_bond(b, RADIAL_HIDDEN);
    TRY(build_take_if(b, b->keep, &r->h));
    return b->train ? build_scratch(b, &r->dh) : OK;
}

enum err radial_init(struct radial out[], struct build *b, enum sharing sharing,
                     const struct conv_shape *s, int layer_norm)
{
    for (int t = 0; t < s->trunks; t++) {
        const struct conv_path *p = first_of(s, t);
        const int co = s->out.channels[p->lo];
        const int ci = s->node.channels[p->li] + fiber_at(&s->edge, p->li);
        char name[RADIAL_NAME];

        out[t] = (struct radial){0};
        radial_name(sharing, s, t, name);
        TRY(add_trunk(b, name, co * ci * p->rows, layer_norm, &out[t]));
    }
    return OK;
}
