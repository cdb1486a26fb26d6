/* SPDX-License-Identifier: MIT */
/* build.c - names, shapes and slices for layers. */
#include "model/build.h"

#include "base/mem.h"
#include "device/device.h"
#include "math/frame.h"
#include "math/wigner.h"
#include "model/input.h"

#include <stdio.h>

enum { CONSTANT = 1024 }; /* numbers: 3 generators of degree 8 have 867 */

void build_layer(struct build *b, const char *prefix)
{
    snprintf(b->prefix, sizeof b->prefix, "%s", prefix);
    b->scratch->used = 0;
}

enum err build_weight(struct build *b, const char *name, const struct weight *w,
                      struct tensor *value, struct tensor *grad)
{
    struct weight what = *w;

    snprintf(what.name, sizeof what.name, "%s%s", b->prefix, name);
    return weights_add(b->weights, &what, value, b->train ? grad : NULL);
}

struct tensor build_node(const struct build *b, int l, int c)
{
    struct tensor t = tensor_feature(b->graph->nodes, l, c, b->real);

    t.used = b->graph->used_nodes;
    return t;
}

struct tensor build_edge(const struct build *b, int l, int c)
{
    struct tensor t = tensor_feature(b->graph->edges, l, c, b->real);

    t.used = b->graph->used_edges;
    return t;
}

struct tensor build_bond(const struct build *b, int c)
{
    struct tensor t = tensor_feature(b->graph->bonds, 0, c, b->real);

    t.used = b->graph->used_bonds;
    return t;
}

struct tensor build_molecule(const struct build *b, int l, int c)
{
    struct tensor t = tensor_feature(b->graph->molecules, l, c, b->real);

    t.used = b->graph->used_molecules;
    return t;
}

enum err build_bytes(struct build *b, int kept, size_t bytes, void **out)
{
    struct scratch *s = b->scratch;

    if (kept)
        return arena_take(&b->m->work, bytes, out);
    *out = s->base ? s->base + s->used : NULL;
    s->used += (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    if (s->used > s->peak)
        s->peak = s->used;
    return OK;
}

enum err build_take_if(struct build *b, int kept, struct tensor *t)
{
    return build_bytes(b, kept, tensor_bytes(t, b->real), &t->data);
}

enum err build_take(struct build *b, struct tensor *t)
{
    return build_take_if(b, 1, t);
}

enum err build_scratch(struct build *b, struct tensor *t)
{
    return build_take_if(b, 0, t);
}

enum err build_constant(struct build *b, struct tensor *t, const double *x)
{
    union {
        float f[CONSTANT];
        double d[CONSTANT];
    } host;
    int n = t->n * t->c;

    CHECK(n <= CONSTANT && t->ld == t->c);
    TRY(build_take(b, t));
    if (!t->data)
        return OK;
    for (int i = 0; i < n; i++)
        if (b->real == sizeof(float))
            host.f[i] = (float)x[i];
        else
            host.d[i] = x[i];
    b->d->put(b->d, t->data, &host, tensor_bytes(t, b->real));
    b->d->sync(b->d);
    return OK;
}

enum err build_bond_rows(struct build *b, int kept, int c, struct tensor *t)
{
    *t = tensor_weights(b->graph->bonds, c);
    t->used = b->graph->used_bonds;
    return build_take_if(b, kept, t);
}

enum err build_geometry(struct build *b, int degrees)
{
    struct geometry *geo = b->geo;
    double x[3 * (2 * FIBER_DEGREES - 1) * (2 * FIBER_DEGREES - 1)];

    *geo = (struct geometry){.degrees = degrees};
    TRY(build_bond_rows(b, 1, 1, &geo->distance));
    TRY(build_bond_rows(b, 1, 3, &geo->unit));
    for (int l = 0; l < degrees; l++) {
        const int square = (2 * l + 1) * (2 * l + 1);

        TRY(build_bond_rows(b, 1, square, &geo->d[l]));
        geo->turn[l] = tensor_weights(1, square);
        frame_turn(l, x);
        TRY(build_constant(b, &geo->turn[l], x));
        geo->generator[l] = tensor_weights(3, square);
        wigner_generators(l, x);
        TRY(build_constant(b, &geo->generator[l], x));
    }
    if (!b->inputs)
        return OK;
    TRY(build_bond_rows(b, 1, 1, &geo->ddistance));
    return build_bond_rows(b, 1, 3, &geo->torque);
}

void scratch_clean(const struct scratch *s, const struct tensor t[], int n)
{
    for (int i = 0; i < n; i++) {
        const char *data = t[i].data;
        struct tensor some = t[i];

        if (s->input)
            some.n = input_rows(s->input, &t[i]);
        if (t[i].ld != t[i].c && s->base <= data && data < s->base + s->peak)
            scratch_zero(s, &some, 1);
    }
}

void scratch_zero(const struct scratch *s, const struct tensor t[], int n)
{
    for (int i = 0; i < n; i++)
        if (t[i].data)
            s->d->zero(s->d, t[i].data, tensor_bytes(&t[i], s->real));
}
