/* SPDX-License-Identifier: MIT */
/* conv.c - trunks, plan, convolution; and back. */
#include "model/conv.h"

#include "device/device.h"
#include "math/wigner.h"

#include <math.h>

/* The fold of each path; B^{0,0} of the sharing stands in that of (0, 0). */
static enum err take_folds(struct conv_layer *o, struct build *b)
{
    const struct conv_shape *s = &o->conv.shape;
    double fold[(2 * FIBER_DEGREES - 1) * (2 * FIBER_DEGREES - 1)];

    for (int p = 0; p < s->paths; p++) {
        int li = s->path[p].li, lo = s->path[p].lo;
        int n = 2 * (li < lo ? li : lo) + 1;

        wigner_fold(li, lo, fold);
        if (li == 0 && lo == 0)
            fold[0] *= s->basis00 * 3.5449077018110318; /* sqrt(4 pi) */
        o->conv.fold[p] = tensor_weights(n, n);
        TRY(build_constant(b, &o->conv.fold[p], fold));
    }
    return OK;
}

/* What the device keeps: packed, but in low memory, where each call makes it
 * again, and table always; plan as long as h, work never. */
static enum err take_private(struct conv_layer *o, struct build *b)
{
    const struct conv_bytes n =
        o->k->conv_size(&o->conv.shape, b->graph->bonds, b->graph->edges);

    TRY(build_bytes(b, !o->packs_again, n.packed, &o->conv.packed));
    if (n.table)
        TRY(build_bytes(b, 1, n.table, &o->conv.table));
    TRY(build_bytes(b, b->keep, n.plan, &o->conv.plan));
    return build_bytes(b, 0, n.work, &o->conv.work);
}

/* The points, and h of all trunks at these. */
static enum err take_points(struct conv_layer *o, struct build *b)
{
    void *points, *reached;

    TRY(build_bytes(b, b->keep, sizeof(int), &points));
    TRY(build_bytes(b, b->keep, sizeof(double), &reached));
    o->conv.points = points;
    o->conv.reached = reached;
    TRY(build_bond_rows(b, b->keep, b->graph->scalar.c + 1, &o->conv.at));
    o->conv.at.used = points;
    for (int t = 0; t < o->conv.shape.trunks; t++)
        o->radial[t].h.used = o->radial[t].dh.used = points;
    return OK;
}

static enum err take_edges(struct conv_layer *o, struct build *b)
{
    const struct fiber *out = &o->conv.shape.out;

    for (int l = 0; l < out->degrees; l++) {
        o->y[l] = o->dy[l] = build_edge(b, l, out->channels[l]);
        TRY(build_take_if(b, b->keep && o->wants_y, &o->y[l]));
        if (b->inputs)
            TRY(build_scratch(b, &o->dy[l]));
        else
            o->dy[l].data = o->y[l].data;
    }
    return OK;
}

enum err conv_init(struct conv_layer *o, struct build *b,
                   const struct fiber *node, const struct fiber *out,
                   const struct conv_options *options)
{
    struct fiber edge = {.degrees = FIBER_DEGREES}, in;

    for (int l = 1; l < FIBER_DEGREES; l++)
        edge.channels[l] = b->graph->edge[l].c;
    edge = fiber_restrict(&edge, node);
    in = fiber_add(node, &edge);
    o->k = &b->d->k.conv;
    o->scratch = b->scratch;
    o->dedge = b->dedge;
    o->dscalar = b->dscalar;
    o->is_kept = b->keep;
    o->packs_again = b->train && !b->keep;
    o->wants_y = options->wants_y;
    o->inputs = b->inputs;
    o->sharing = radial_sharing(options->ceiling, &in, out, options->degrees);
    o->conv = (struct conv){.shape = radial_shape(o->sharing, node, &edge, out),
                            .graph = b->graph,
                            .geo = b->geo,
                            .radial = o->radial,
                            .tolerance = b->tolerance,
                            .by_bond = b->inputs};
    o->conv.shape.is_final = !b->train;
    TRY(radial_init(o->radial, b, o->sharing, &o->conv.shape,
                    options->layer_norm));
    TRY(take_points(o, b));
    TRY(take_folds(o, b));
    TRY(take_private(o, b));
    return take_edges(o, b);
}

void conv_prepare(struct conv_layer *o)
{
    if (!o->packs_again)
        o->k->conv_prepare(&o->conv);
}

static void make_plan(struct conv_layer *o)
{
    if (o->packs_again)
        o->k->conv_prepare(&o->conv);
    o->k->conv_points(&o->conv);
    for (int t = 0; t < o->conv.shape.trunks; t++)
        o->k->trunk_fwd(&o->conv.at, &o->radial[t]);
    o->k->conv_plan(&o->conv);
}

static void make_y(struct conv_layer *o, const struct tensor x[])
{
    scratch_clean(o->scratch, o->y, o->conv.shape.out.degrees);
    o->k->conv_fwd(&o->conv, x, o->conv.graph->edge, o->y);
}

void conv_forward(struct conv_layer *o, const struct tensor x[])
{
    make_plan(o);
    make_y(o, x);
}

void conv_again(struct conv_layer *o, const struct tensor x[])
{
    scratch_clean(o->scratch, o->dy, o->conv.shape.out.degrees);
    if (o->is_kept)
        return;
    make_plan(o);
    if (o->wants_y)
        make_y(o, x);
}

void conv_backward(struct conv_layer *o, const struct tensor x[],
                   struct tensor dx[])
{
    const struct graph *g = o->conv.graph;

    if (dx || o->inputs)
        o->k->conv_bwd_x(&o->conv, x, g->edge, o->dy, dx,
                         o->inputs ? o->dedge : NULL);
    o->k->conv_bwd_w(&o->conv, x, g->edge, o->dy);
    for (int t = 0; t < o->conv.shape.trunks; t++)
        o->k->trunk_bwd(&o->conv.at, &o->radial[t], o->dscalar,
                        &o->conv.geo->ddistance);
}
