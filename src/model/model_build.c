/* SPDX-License-Identifier: MIT */
/* model_build.c - a model's shape, checked, and its layers on a memory. */
#include "model/model_parts.h"

#include "base/mem.h"
#include "device/device.h"

#include <stdio.h>
#include <string.h>

struct model_options model_options_of(const struct params *p,
                                      enum model_mode mode)
{
    return (struct model_options){
        .mode = mode,
        .low_memory = p->compute.low_memory,
        .tolerance =
            p->compute.radial == RADIAL_TABULATED ? p->compute.tolerance : 0};
}

struct model_shape model_shape_of(const struct params *p, int elements)
{
    return (struct model_shape){
        .type = p->model.type,
        .layers = p->model.layers,
        .node = fiber_uniform(1, elements + 1),
        .scalars = 4, /* one-hot of the bond's order */
        .hidden = p->model.hidden,
        .out = fiber_uniform(1, fiber_channels(&p->model.hidden)),
        .heads = p->model.heads,
        .channels_div = p->model.channels_div,
        .norm = p->model.norm,
        .layer_norm = p->model.layer_norm,
        .pooling = p->model.pooling,
        .targets = p->data.targets,
        .sharing = p->model.sharing};
}

/* The largest degree of all features, and one. */
static int degrees_of(const struct model_shape *s)
{
    int n = s->node.degrees;

    n = s->hidden.degrees > n ? s->hidden.degrees : n;
    return s->out.degrees > n ? s->out.degrees : n;
}

static enum err check_heads(const struct model_shape *s)
{
    if (s->heads < 1 || s->channels_div < 1)
        return err_set(ERR_DECK,
                       "model: heads and channels_div (expected 1 or more, "
                       "found %d and %d); change them",
                       s->heads, s->channels_div);
    for (int l = 0; l < s->hidden.degrees; l++)
        if (s->hidden.channels[l] % (s->channels_div * s->heads))
            return err_set(ERR_DECK,
                           "model.channels: degree %d does not split into "
                           "heads (expected a multiple of channels_div x "
                           "heads = %d, found %d); change one of the three",
                           l, s->channels_div * s->heads,
                           s->hidden.channels[l]);
    return OK;
}

static enum err check(const struct model_shape *s)
{
    const int degrees = degrees_of(s);
    const int pooled = fiber_at(&s->out, s->pooled_degree);

    if (s->layers < 0 || degrees < 1 || degrees > FIBER_DEGREES)
        return err_set(ERR_DECK,
                       "model: layers and degrees (expected 0 or more and 1 to "
                       "%d, found %d and %d); change model.layers or "
                       "model.degrees",
                       FIBER_DEGREES, s->layers, degrees);
    if (!fiber_channels(&s->node) || !fiber_channels(&s->hidden) ||
        !fiber_channels(&s->out))
        return err_set(ERR_DECK,
                       "model.channels: a fiber is empty (expected 1 channel "
                       "or more, found 0); give it channels");
    if (s->pooling != POOL_NONE && !pooled)
        return err_set(ERR_DECK,
                       "model: nothing to pool in degree %d (expected 1 "
                       "channel or more, found 0); pool another",
                       s->pooled_degree);
    if (s->pooled_degree > 0 && (s->pooling == POOL_MAX || s->targets))
        return err_set(ERR_DECK,
                       "model.pooling: degree %d has no maximum and no head "
                       "(expected degree 0 or a mean); use avg",
                       s->pooled_degree);
    if (s->targets > 0 && s->pooling == POOL_NONE)
        return err_set(ERR_DECK, "model.pooling: the head works on molecules "
                                 "(expected max or avg, found none); pool");
    return s->type == MODEL_SE3_TRANSFORMER ? check_heads(s) : OK;
}

/* The batches that are to come must be of the model's fibers. */
static void check_batch(const struct model_shape *s, const struct batch *like)
{
    CHECK(like->scalars == s->scalars);
    CHECK(s->targets == 0 || like->targets == s->targets);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        CHECK(fiber_at(&like->node_fiber, l) == fiber_at(&s->node, l));
        CHECK(l == 0 ||
              fiber_at(&like->edge_fiber, l) == fiber_at(&s->edge, l));
    }
}

static enum err take_nodes(struct build *b, const struct fiber *f, int kept,
                           struct features *out)
{
    for (int l = 0; l < f->degrees; l++) {
        out->t[l] = build_node(b, l, f->channels[l]);
        TRY(build_take_if(b, kept, &out->t[l]));
    }
    return OK;
}

/* Gradients of what the batch brings. */
static enum err take_inputs(struct model *m, struct build *b)
{
    m->dx = tensor_weights(b->graph->nodes, 3);
    m->dx.used = b->graph->used_nodes;
    TRY(build_take(b, &m->dx));
    TRY(build_bond_rows(b, 1, m->shape.scalars, &m->dscalar));
    TRY(take_nodes(b, &m->shape.node, 1, &m->dnode));
    for (int l = 1; l < m->shape.edge.degrees; l++) {
        m->dedge.t[l] = build_edge(b, l, m->shape.edge.channels[l]);
        TRY(build_take(b, &m->dedge.t[l]));
    }
    return OK;
}

static struct attn_options options_of(const struct model_shape *s)
{
    return (struct attn_options){.heads = s->heads,
                                 .channels_div = s->channels_div,
                                 .conv = {.ceiling = s->sharing,
                                          .degrees = degrees_of(s),
                                          .layer_norm = s->layer_norm}};
}

static enum err add_block(struct model *m, struct build *b, int i)
{
    const struct model_shape *s = &m->shape;
    const struct fiber *in = i ? &s->hidden : &s->node;
    const struct attn_options options = options_of(s);
    struct block *o = &m->block[i];
    char prefix[WEIGHT_NAME];

    snprintf(prefix, sizeof prefix, "block.%d.", i);
    build_layer(b, prefix);
    o->weight = b->weights->count;
    if (s->type == MODEL_TFN)
        TRY(tfn_init(&o->of.tfn, b, in, &s->hidden, &options.conv));
    else
        TRY(attn_init(&o->of.attn, b, in, &s->hidden, &options));
    if (!s->norm)
        return OK;
    TRY(take_nodes(b, &s->hidden, b->train, &o->before));
    return norm_init(&o->norm, b, &s->hidden);
}

static enum err take_out(struct build *b, const struct model_shape *s,
                         struct features *out)
{
    if (!s->per_edge)
        return take_nodes(b, &s->out, 1, out);
    for (int l = 0; l < s->out.degrees; l++) {
        out->t[l] = build_edge(b, l, s->out.channels[l]);
        TRY(build_take(b, &out->t[l]));
    }
    return OK;
}

static enum err add_end(struct model *m, struct build *b)
{
    const struct model_shape *s = &m->shape;
    const struct fiber *in = s->layers ? &s->hidden : &s->node;
    struct attn_options options = options_of(s);
    const int c = fiber_at(&s->out, s->pooled_degree);

    build_layer(b, "final.");
    m->last_weight = b->weights->count;
    options.conv.each = s->per_edge ? &m->input.each : NULL;
    TRY(tfn_init(&m->last, b, in, &s->out, &options.conv));
    TRY(take_out(b, s, &m->out));
    if (b->train)
        TRY(take_out(b, s, &m->dout));
    build_layer(b, "head.");
    if (s->pooling != POOL_NONE)
        TRY(pool_init(&m->pool, b, s->pooling, s->pooled_degree, c));
    return s->targets ? head_init(&m->head, b, c, s->targets) : OK;
}

static enum err add_layers(struct model *m, struct build *b)
{
    for (int i = 0; i < model_places(m); i++)
        TRY(take_nodes(b, &m->shape.hidden, 1, &m->hidden[i]));
    for (int i = 0; i < (model_makes_again(m) ? 1 : 2) && b->train; i++)
        TRY(take_nodes(b, &m->shape.hidden, 1, &m->dhidden[i]));
    for (int i = 0; i < m->shape.layers; i++)
        TRY(add_block(m, b, i));
    return add_end(m, b);
}

static enum err take_scratch(struct model *m, struct memory *memory)
{
    void *base;

    TRY(arena_take(&memory->work, m->scratch.peak, &base));
    m->scratch.base = base;
    return OK;
}

/* The pass that measures learns how much scratch the largest layer wants and
 * takes it at the end; the second takes it first, to hand it out. */
static enum err build(struct model *m, const struct batch *like,
                      struct memory *memory)
{
    const int train = m->options.mode != MODEL_PREDICT;
    const int measures = !memory->work.base;
    struct build b = {.d = m->d,
                      .m = memory,
                      .weights = &m->weights,
                      .scratch = &m->scratch,
                      .graph = &m->input.graph,
                      .geo = &m->geo,
                      .real = m->d->k.real,
                      .train = train,
                      .keep = train && !m->options.low_memory,
                      .tolerance = m->options.tolerance,
                      .inputs = m->options.mode == MODEL_GRADIENTS,
                      .dedge = m->dedge.t,
                      .dscalar = &m->dscalar};

    m->scratch.d = m->d;
    m->scratch.real = b.real;
    m->scratch.base = NULL;
    m->scratch.input = train ? NULL : &m->input;
    if (!measures)
        TRY(take_scratch(m, memory));
    weights_begin(&m->weights, memory, b.real);
    TRY(input_init(&m->input, like, b.real, memory));
    TRY(build_geometry(&b, degrees_of(&m->shape)));
    if (b.inputs)
        TRY(take_inputs(m, &b));
    TRY(add_layers(m, &b));
    return measures ? take_scratch(m, memory) : OK;
}

static enum err create(struct device *d, const struct model_shape *shape,
                       const struct model_options *options, struct model **out)
{
    const size_t layers = (size_t)shape->layers;
    struct model *m;
    enum err err;

    TRY(mem_alloc(1, sizeof *m, "the model", (void **)&m));
    m->d = d;
    m->shape = *shape;
    m->options = *options;
    TRY_GOTO(mem_alloc(layers, sizeof *m->block, "the model's blocks",
                       (void **)&m->block),
             fini);
    TRY_GOTO(mem_alloc(layers, sizeof *m->hidden, "the model's features",
                       (void **)&m->hidden),
             fini);
    *out = m;
    return OK;

fini:
    model_fini(&m);
    return err;
}

enum err model_init(struct model **out, struct device *d,
                    const struct model_shape *shape,
                    const struct model_options *options,
                    const struct batch *like, struct memory *memory)
{
    struct model *m = *out;
    enum err err;

    TRY(check(shape));
    check_batch(shape, like);
    if (!m)
        TRY(create(d, shape, options, &m));
    CHECK(m->shape.layers == shape->layers);
    err = build(m, like, memory);
    if (err && !*out)
        model_fini(&m);
    if (!err)
        *out = m;
    return err;
}

void model_fini(struct model **m)
{
    struct model *o = *m;

    if (!o)
        return;
    input_fini(&o->input);
    weights_fini(&o->weights);
    mem_free(o->block);
    mem_free(o->hidden);
    mem_free(o);
    *m = NULL;
}
