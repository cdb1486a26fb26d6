/* SPDX-License-Identifier: MIT */
/* golden_find.c - paths under /expect to what a network computed. */
#include "app/golden_net.h"

#include "app/golden_tensor.h"
#include "device/device.h"
#include "math/wigner.h"
#include "model/model_parts.h"

#include <stdio.h>
#include <string.h>

/* The digit at the end of "name/L", or -1. */
static int last_degree(const char *path)
{
    const size_t n = strlen(path);
    const int l = n ? path[n - 1] - '0' : -1;

    return l >= 0 && l < FIBER_DEGREES ? l : -1;
}

static enum err one_number(double x, struct golden_array *out)
{
    TRY(mem_alloc(1, sizeof *out->x, "a number", (void **)&out->x));
    out->x[0] = x;
    out->count = 1;
    return OK;
}

static enum err find_loss(struct golden_net *o, const char *path,
                          struct golden_array *out)
{
    (void)path;
    return one_number(o->loss, out);
}

/* "output", or "output/L". */
static enum err find_output(struct golden_net *o, const char *path,
                            struct golden_array *out)
{
    const int l = *path ? last_degree(path) : o->shape.pooled_degree;
    const struct tensor *t = l < 0 ? NULL : model_output(o->model, l);
    const int on_nodes = o->shape.pooling == POOL_NONE;

    if (!t)
        return OK;
    return golden_get(o->d, t,
                      o->shape.per_edge ? o->batch->edges
                      : on_nodes        ? o->batch->nodes
                                        : o->batch->molecules,
                      o->shape.per_edge ? o->at : NULL, out);
}

static enum err find_gradient(struct golden_net *o, const char *path,
                              struct golden_array *out)
{
    return golden_net_weight(o, weights_grads(model_weights(o->model)), path,
                             out);
}

static enum err find_gradient_x(struct golden_net *o, const char *path,
                                struct golden_array *out)
{
    (void)path;
    return golden_get(o->d, model_gradient_x(o->model), o->batch->nodes, NULL,
                      out);
}

static enum err find_gradient_node(struct golden_net *o, const char *path,
                                   struct golden_array *out)
{
    const int l = last_degree(path);
    const struct tensor *t = l < 0 ? NULL : model_gradient_node(o->model, l);

    return t && t->data ? golden_get(o->d, t, o->batch->nodes, NULL, out) : OK;
}

/* That of scalars is per directed edge in the file, per bond here: known only
 * where every edge is a bond. */
static enum err find_gradient_edge(struct golden_net *o, const char *path,
                                   struct golden_array *out)
{
    const int l = last_degree(path), edges = o->batch->edges;
    const struct tensor *t = l < 0 ? NULL : model_gradient_edge(o->model, l);
    struct golden_array bonds = {0};

    if (l != 0)
        return t && t->data ? golden_get(o->d, t, edges, o->at, out) : OK;
    if (o->shared)
        return OK;
    /* bond b has the one edge b */
    TRY(golden_get(o->d, model_gradient_scalar(o->model), edges, o->at,
                   &bonds));
    *out = bonds;
    return OK;
}

/* --- intermediates ------------------------------------------------------- */

/* Unit vectors of the edges from src to dst, as the device has them. */
static enum err directions(struct golden_net *o, struct golden_array *out)
{
    const struct batch *b = o->batch;
    const struct geometry *geo = model_geometry(o->model);
    struct golden_array unit;
    enum err err;

    TRY(golden_get(o->d, &geo->unit, b->bonds, NULL, &unit));
    err = mem_alloc((size_t)(3 * b->edges), sizeof *out->x, "directions",
                    (void **)&out->x);
    for (int e = 0; err == OK && e < b->edges; e++) {
        const int at = o->at[e], bond = b->bond[at];
        const double sign = at == b->bond_edge[bond] ? 1 : -1;

        for (int i = 0; i < 3; i++)
            out->x[3 * e + i] = sign * unit.x[3 * bond + i];
    }
    golden_array_fini(&unit);
    return err;
}

static enum err find_harmonics(struct golden_net *o, const char *path,
                               struct golden_array *out)
{
    const int top = 2 * (model_geometry(o->model)->degrees - 1);
    const int width = (top + 1) * (top + 1), edges = o->batch->edges;
    struct golden_array u = {0};
    enum err err;

    (void)path;
    TRY(directions(o, &u));
    err = mem_alloc((size_t)(edges * width), sizeof *out->x, "harmonics",
                    (void **)&out->x);
    if (err == OK)
        out->count = edges * width;
    for (int e = 0; err == OK && e < edges; e++)
        wigner_harmonics(top, u.x + 3 * e, out->x + e * width);
    golden_array_fini(&u);
    return err;
}

/* B_f[mi, mo] of one direction: out [2li+1, f, 2lo+1]. */
static void basis(int li, int lo, const double u[3], double *out)
{
    enum { M = 2 * FIBER_DEGREES - 1, HARMONICS = M * M };
    double y[HARMONICS], w[M * M * (2 * M - 1)];
    const int least = li < lo ? li : lo, first = li > lo ? li - lo : lo - li;
    const int n = 2 * least + 1, ni = 2 * li + 1, no = 2 * lo + 1;

    wigner_harmonics(li + lo, u, y);
    for (int f = 0; f < n; f++) {
        const int j = first + f;

        wigner_3j(j, li, lo, w);
        for (int i = 0; i < ni; i++)
            for (int k = 0; k < no; k++) {
                double *to = &out[(i * n + f) * no + k];

                *to = 0;
                for (int m = 0; m < 2 * j + 1; m++)
                    *to += w[(m * ni + i) * no + k] * y[j * j + m];
            }
    }
}

/* "LI.LO" */
static enum err find_basis(struct golden_net *o, const char *path,
                           struct golden_array *out)
{
    const int li = path[0] - '0', lo = li < 0 ? -1 : last_degree(path);
    const int least = li < lo ? li : lo, edges = o->batch->edges;
    const int width = (2 * li + 1) * (2 * least + 1) * (2 * lo + 1);
    struct golden_array u = {0};
    enum err err;

    if (li < 0 || li >= FIBER_DEGREES || lo < 0)
        return OK;
    TRY(directions(o, &u));
    err = mem_alloc((size_t)(edges * width), sizeof *out->x, "a basis",
                    (void **)&out->x);
    if (err == OK)
        out->count = edges * width;
    for (int e = 0; err == OK && e < edges; e++)
        basis(li, lo, u.x + 3 * e, out->x + e * width);
    golden_array_fini(&u);
    return err;
}

static enum err find_scalars(struct golden_net *o, const char *path,
                             struct golden_array *out)
{
    const struct graph *g = &o->model->input.graph;
    const int edges = o->batch->edges, n = g->scalar.c;
    struct golden_array s = {0}, d = {0};
    enum err err;

    (void)path;
    TRY(golden_get(o->d, &g->scalar, o->batch->bonds, NULL, &s));
    TRY_GOTO(
        golden_get(o->d, &o->model->geo.distance, o->batch->bonds, NULL, &d),
        fini);
    TRY_GOTO(mem_alloc((size_t)(edges * (n + 1)), sizeof *out->x, "scalars",
                       (void **)&out->x),
             fini);
    out->count = edges * (n + 1);
    for (int e = 0; e < edges; e++) {
        const int bond = o->batch->bond[o->at[e]];

        for (int i = 0; i < n; i++)
            out->x[e * (n + 1) + i] = s.x[bond * n + i];
        out->x[e * (n + 1) + n] = d.x[bond];
    }
fini:
    golden_array_fini(&s);
    golden_array_fini(&d);
    return err;
}

/* R = W3 h of the trunk, edge by edge: what no slot hands out. */
static enum err radial_product(struct golden_net *o, const struct radial *r,
                               struct golden_array *out)
{
    const int rows = r->w3.n, edges = o->batch->edges;
    struct golden_array h = {0}, w = {0};
    enum err err;

    TRY(golden_get(o->d, &r->h, o->batch->bonds, NULL, &h));
    TRY_GOTO(golden_get(o->d, &r->w3, rows, NULL, &w), fini);
    TRY_GOTO(mem_alloc((size_t)edges * (size_t)rows, sizeof *out->x,
                       "radial weights", (void **)&out->x),
             fini);
    out->count = (int64_t)edges * rows;
    for (int e = 0; e < edges; e++)
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < RADIAL_HIDDEN; k++)
                out->x[e * rows + i] +=
                    w.x[i * RADIAL_HIDDEN + k] *
                    h.x[o->batch->bond[o->at[e]] * RADIAL_HIDDEN + k];
fini:
    golden_array_fini(&h);
    golden_array_fini(&w);
    return err;
}

/* The trunk's name, of the last convolution. */
static enum err find_radial(struct golden_net *o, const char *path,
                            struct golden_array *out)
{
    const struct conv_layer *c = &o->model->last.conv;
    char name[RADIAL_NAME];

    for (int t = 0; t < c->conv.shape.trunks; t++) {
        radial_name(c->sharing, &c->conv.shape, t, name);
        if (strcmp(path, name) == 0)
            return radial_product(o, &c->radial[t], out);
    }
    return OK;
}

static int is_on_edges(const char *path)
{
    return strstr(path, ".key.") || strstr(path, ".value.") ||
           strstr(path, ".attention");
}

static enum err find_view(struct golden_net *o, const char *path,
                          struct golden_array *out)
{
    int in_frame;
    const struct tensor *t = model_intermediate(o->model, path, &in_frame);
    const struct golden_frames frames = {o->d, model_geometry(o->model),
                                         o->batch, o->at};
    const int edges = is_on_edges(path);

    if (!t)
        return OK;
    TRY(golden_get(o->d, t,
                   edges                         ? o->batch->edges
                   : strcmp(path, "pooled") == 0 ? o->batch->molecules
                                                 : o->batch->nodes,
                   edges ? o->at : NULL, out));
    return in_frame ? golden_turn(&frames, 1, t->l, out) : OK;
}

/* --- the table ----------------------------------------------------------- */

static const struct {
    const char *prefix;
    enum err (*find)(struct golden_net *o, const char *path,
                     struct golden_array *out);
} rows[] = {
    {"output", find_output},
    {"loss", find_loss},
    {"grad/", find_gradient},
    {"grad_digest/", find_gradient},
    {"grad_x", find_gradient_x},
    {"grad_node/", find_gradient_node},
    {"grad_edge/", find_gradient_edge},
    {"intermediate/sh", find_harmonics},
    {"intermediate/basis.", find_basis},
    {"intermediate/edge_scalars", find_scalars},
    {"intermediate/radial.", find_radial},
    {"intermediate/", find_view},
    {"intermediate_digest/", find_view},
};

enum err golden_net_find(void *self, const char *path, struct golden_array *out)
{
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const size_t n = strlen(rows[r].prefix);

        if (strncmp(path, rows[r].prefix, n) == 0)
            return rows[r].find(self, path + n, out);
    }
    return OK;
}

enum err golden_net_weight(struct golden_net *o, const void *base,
                           const char *name, struct golden_array *out)
{
    const struct weights *w = model_weights(o->model);
    char full[WEIGHT_NAME + GOLDEN_PATH];
    const struct weight *what;
    int i;

    snprintf(full, sizeof full, "%s%s", o->prefix, name);
    i = weights_find(w, full);
    if (i < 0)
        return OK;
    what = &w->list[i];
    out->count = (int64_t)what->n * what->c;
    TRY(mem_alloc((size_t)out->count, sizeof *out->x, "a weight",
                  (void **)&out->x));
    return golden_get_flat(o->d,
                           (const char *)base +
                               (size_t)(what->offset - w->list[0].offset) *
                                   w->real,
                           out->count, out->x);
}
