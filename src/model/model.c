/* SPDX-License-Identifier: MIT */
/* model.c - the order of the layers, there and back. */
#include "model/model_parts.h"

#include "device/device.h"

#include <stdio.h>
#include <string.h>

int model_makes_again(const struct model *m)
{
    return m->options.mode == MODEL_TRAIN && m->shape.norm;
}

int model_place(const struct model *m, int i)
{
    return i % model_places(m);
}

int model_places(const struct model *m)
{
    int most = m->shape.layers;

    if (m->options.mode != MODEL_GRADIENTS && m->shape.norm)
        most = 1;
    else if (m->options.mode == MODEL_PREDICT)
        most = 2;
    return m->shape.layers < most ? m->shape.layers : most;
}

const struct tensor *model_stage(const struct model *m, int i)
{
    return i ? m->hidden[model_place(m, i - 1)].t : m->input.graph.node;
}

/* Where the gradient of what block i reads goes; NULL: not wanted. */
static struct tensor *stage_gradient(struct model *m, int i)
{
    if (i && i < m->shape.layers && model_makes_again(m))
        return m->block[i].before.t;
    if (i)
        return m->dhidden[(m->shape.layers - i) & 1].t;
    return m->options.mode == MODEL_GRADIENTS ? m->dnode.t : NULL;
}

struct weights *model_weights(struct model *m)
{
    return &m->weights;
}

const struct model_shape *model_shape(const struct model *m)
{
    return &m->shape;
}

int model_convolutions(const struct model *m)
{
    return m->shape.layers + 1;
}

static struct conv_layer *convolution(const struct model *m, int i)
{
    struct model *o = (struct model *)m; /* constness is the caller's */

    if (i == m->shape.layers)
        return &o->last.conv;
    return m->shape.type == MODEL_TFN ? &m->block[i].of.tfn.conv
                                      : &m->block[i].of.attn.conv;
}

enum sharing model_sharing(const struct model *m, int i)
{
    return convolution(m, i)->sharing;
}

struct model_radial model_radial(struct model *m, int i)
{
    const struct conv *c = &convolution(m, i)->conv;
    struct model_radial r;

    m->d->get(m->d, &r.points, c->points, sizeof r.points);
    m->d->get(m->d, &r.reached, c->reached, sizeof r.reached);
    m->d->sync(m->d);
    return r;
}

void model_prepare(struct model *m)
{
    for (int i = 0; i < model_convolutions(m); i++)
        conv_prepare(convolution(m, i));
}

void model_put(struct model *m, const struct batch *b)
{
    input_put(&m->input, m->d, b);
}

static void block_forward(struct model *m, int i)
{
    struct block *o = &m->block[i];
    const struct tensor *x = model_stage(m, i);
    struct tensor *y = m->hidden[model_place(m, i)].t;
    struct tensor *to = m->shape.norm ? o->before.t : y;

    scratch_clean(&m->scratch, to, m->shape.hidden.degrees);
    if (m->shape.type == MODEL_TFN)
        tfn_forward(&o->of.tfn, x, to);
    else
        attn_forward(&o->of.attn, x, to);
    if (m->shape.norm)
        norm_forward(&o->norm, to, y);
}

void model_forward(struct model *m)
{
    const struct model_shape *s = &m->shape;

    m->d->k.conv.geometry_fwd(&m->input.graph, &m->geo);
    for (int i = 0; i < s->layers; i++)
        block_forward(m, i);
    tfn_forward(&m->last, model_stage(m, s->layers), m->out.t);
    if (s->pooling != POOL_NONE)
        pool_forward(&m->pool, &m->out.t[s->pooled_degree]);
    if (s->targets)
        head_forward(&m->head, &m->pool.y);
}

void model_loss(struct model *m, enum loss_kind kind, const double *scale,
                double *sums)
{
    CHECK(m->shape.targets > 0);
    m->d->k.node.loss(kind, &m->head.y, &m->input.graph.target, scale,
                      &m->head.dy, sums);
}

static void block_backward(struct model *m, int i)
{
    struct block *o = &m->block[i];
    const struct tensor *x = model_stage(m, i);
    struct tensor *dy = stage_gradient(m, i + 1), *dx = stage_gradient(m, i);

    if (m->shape.norm)
        norm_backward(&o->norm, o->before.t, dy, dy);
    if (i && model_makes_again(m))
        norm_forward(&o[-1].norm, o[-1].before.t, m->hidden[0].t);
    if (dx)
        scratch_zero(&m->scratch, dx, FIBER_DEGREES);
    if (m->shape.type == MODEL_TFN)
        tfn_backward(&o->of.tfn, x, dy, dx);
    else
        attn_backward(&o->of.attn, x, dy, dx);
}

static void end_backward(struct model *m)
{
    const struct model_shape *s = &m->shape;
    struct tensor *dx = stage_gradient(m, s->layers);

    if (s->targets)
        head_backward(&m->head, &m->pool.y, &m->pool.dy);
    if (s->pooling != POOL_NONE)
        pool_backward(&m->pool, &m->dout.t[s->pooled_degree]);
    if (dx)
        scratch_zero(&m->scratch, dx, FIBER_DEGREES);
    tfn_backward(&m->last, model_stage(m, s->layers), m->dout.t, dx);
}

int model_backward_steps(const struct model *m)
{
    return m->shape.layers + 1;
}

void model_backward_step(struct model *m, int i)
{
    const int inputs = m->options.mode == MODEL_GRADIENTS;

    CHECK(m->options.mode != MODEL_PREDICT);
    if (i == 0 && inputs) {
        scratch_zero(&m->scratch, &m->geo.ddistance, 1);
        scratch_zero(&m->scratch, &m->geo.torque, 1);
        scratch_zero(&m->scratch, &m->dscalar, 1);
        scratch_zero(&m->scratch, m->dedge.t, FIBER_DEGREES);
    }
    if (i == 0)
        end_backward(m);
    else
        block_backward(m, m->shape.layers - i);
    if (i == m->shape.layers && inputs)
        m->d->k.conv.geometry_bwd(&m->input.graph, &m->geo, &m->dx);
}

/* Weights lie in the order of the layers. */
int64_t model_complete_from(const struct model *m, int i)
{
    const struct weight *list = m->weights.list;
    int first = i ? m->block[m->shape.layers - i].weight : m->last_weight;

    return list[first].offset - list[0].offset;
}

void model_backward(struct model *m)
{
    for (int i = 0; i < model_backward_steps(m); i++)
        model_backward_step(m, i);
}

/* The last result, or its gradient. */
static const struct tensor *end_of(const struct model *m, int degree, int grad)
{
    const struct features *nodes = grad ? &m->dout : &m->out;

    if (m->shape.targets)
        return degree ? NULL : grad ? &m->head.dy : &m->head.y;
    if (m->shape.pooling != POOL_NONE)
        return degree != m->shape.pooled_degree ? NULL
               : grad                           ? &m->pool.dy
                                                : &m->pool.y;
    return fiber_at(&m->shape.out, degree) ? &nodes->t[degree] : NULL;
}

const struct tensor *model_output(const struct model *m, int degree)
{
    return end_of(m, degree, 0);
}

struct tensor *model_output_gradient(struct model *m, int degree)
{
    return (struct tensor *)end_of(m, degree, 1);
}

const struct tensor *model_gradient_x(const struct model *m)
{
    return &m->dx;
}

const struct tensor *model_gradient_node(const struct model *m, int degree)
{
    return &m->dnode.t[degree];
}

const struct tensor *model_gradient_edge(const struct model *m, int degree)
{
    return &m->dedge.t[degree];
}

const struct tensor *model_gradient_scalar(const struct model *m)
{
    return &m->dscalar;
}

const struct geometry *model_geometry(const struct model *m)
{
    return &m->geo;
}

/* The view, or NULL: not there, or in scratch. */
static const struct tensor *kept(const struct model *m, const struct tensor *t)
{
    const char *base = m->scratch.base, *data = t->data;

    return !data || (base <= data && data < base + m->scratch.peak) ? NULL : t;
}

/* The view whose name is prefix + l, if it is kept. */
static const struct tensor *match(const struct model *m, const char *name,
                                  const char *prefix, const struct tensor t[])
{
    char full[WEIGHT_NAME];

    for (int l = 0; l < FIBER_DEGREES; l++) {
        snprintf(full, sizeof full, "%s.%d", prefix, l);
        if (t[l].c && !strcmp(name, full))
            return kept(m, &t[l]);
    }
    return NULL;
}

static const struct tensor *block_part(const struct model *m, int i,
                                       const char *name, int *in_frame)
{
    const struct block *o = &m->block[i];
    const struct attn *a = &o->of.attn;
    const int has = m->shape.type == MODEL_SE3_TRANSFORMER;
    const struct tensor *y = m->hidden[model_place(m, i)].t;
    const struct {
        const char *name;
        const struct tensor *t;
        int is_there, in_frame;
    } parts[] = {
        {"value", a->value_y, has, 1},
        {"key", a->key_y, has, 1},
        {"query", a->q, has, 0},
        {"z", a->z, has, 0},
        {"project", m->shape.norm ? o->before.t : y, 1, 0},
        {"norm", y, m->shape.norm, 0},
    };
    const struct tensor *t = NULL;
    char prefix[WEIGHT_NAME];

    for (size_t p = 0; p < sizeof parts / sizeof *parts && !t; p++) {
        snprintf(prefix, sizeof prefix, "block.%d.%s", i, parts[p].name);
        if (parts[p].is_there)
            t = match(m, name, prefix, parts[p].t);
        *in_frame = t && parts[p].in_frame;
    }
    snprintf(prefix, sizeof prefix, "block.%d.attention", i);
    return has && !strcmp(name, prefix) ? kept(m, &a->a) : t;
}

const struct tensor *model_intermediate(const struct model *m, const char *name,
                                        int *in_frame)
{
    const struct tensor *t = NULL;

    *in_frame = 0;
    if (m->options.mode != MODEL_GRADIENTS)
        return NULL;
    for (int i = 0; i < m->shape.layers && !t; i++)
        t = block_part(m, i, name, in_frame);
    if (t)
        return t;
    if (m->shape.pooling != POOL_NONE && !strcmp(name, "pooled"))
        return &m->pool.y;
    return match(m, name, "final", m->out.t);
}
