/* SPDX-License-Identifier: MIT */
/* golden_layer.c - golden files of one layer on node features: linear maps, the
 * norm, pooling.
 */
#include "app/golden_bench.h"
#include "app/golden_kinds.h"
#include "app/golden_tensor.h"
#include "device/device.h"
#include "model/linear.h"
#include "model/norm.h"
#include "model/pool.h"

#include <string.h>

struct layer {
    struct golden_bench bench;
    struct fiber in, out;
    enum pooling pooling;
    int pooled_degree;
    struct linear linear;
    struct norm norm;
    struct pool pool;
    struct tensor y[FIBER_DEGREES], dy[FIBER_DEGREES], dx[FIBER_DEGREES];
};

static enum err layout_linear(struct layer *o, struct build *b)
{
    return linear_init(&o->linear, b, "linear.", &o->in, &o->out);
}

static void forward_linear(struct layer *o, const struct tensor x[])
{
    linear_forward(&o->linear, x, o->y);
}

static void backward_linear(struct layer *o, const struct tensor x[])
{
    linear_backward(&o->linear, x, o->dy, o->dx); /* dx was zero */
}

static enum err layout_norm(struct layer *o, struct build *b)
{
    return norm_init(&o->norm, b, &o->in);
}

static void forward_norm(struct layer *o, const struct tensor x[])
{
    norm_forward(&o->norm, x, o->y);
}

static void backward_norm(struct layer *o, const struct tensor x[])
{
    norm_backward(&o->norm, x, o->dy, o->dx);
}

static enum err layout_pool(struct layer *o, struct build *b)
{
    const int l = o->pooled_degree;

    TRY(pool_init(&o->pool, b, o->pooling, l, fiber_at(&o->in, l)));
    o->y[l] = o->pool.y;
    o->dy[l] = o->pool.dy;
    return OK;
}

static void forward_pool(struct layer *o, const struct tensor x[])
{
    pool_forward(&o->pool, &x[o->pooled_degree]);
}

static void backward_pool(struct layer *o, const struct tensor x[])
{
    (void)x;
    pool_backward(&o->pool, &o->dx[o->pooled_degree]);
}

static const struct row {
    const char *kind;
    enum err (*layout)(struct layer *o, struct build *b);
    void (*forward)(struct layer *o, const struct tensor x[]);
    void (*backward)(struct layer *o, const struct tensor x[]);
} rows[] = {
    {"linear", layout_linear, forward_linear, backward_linear},
    {"norm", layout_norm, forward_norm, backward_norm},
    {"pool", layout_pool, forward_pool, backward_pool},
};

static const struct row *row_of(const char *kind)
{
    size_t r = 0;

    while (strcmp(rows[r].kind, kind) != 0)
        r++;
    return &rows[r];
}

static int is_pool(const struct layer *o)
{
    return strcmp(o->bench.g->kind, "pool") == 0;
}

static enum err layout(void *self, struct build *b)
{
    struct layer *o = self;

    for (int l = 0; l < o->in.degrees; l++) {
        o->dx[l] = build_node(b, l, o->in.channels[l]);
        TRY(build_take(b, &o->dx[l]));
    }
    for (int l = 0; l < o->out.degrees && !is_pool(o); l++) {
        o->y[l] = o->dy[l] = build_node(b, l, o->out.channels[l]);
        TRY(build_take(b, &o->y[l]));
        TRY(build_take(b, &o->dy[l]));
    }
    return row_of(o->bench.g->kind)->layout(o, b);
}

static int outputs(const struct layer *o)
{
    return is_pool(o) ? o->bench.batch->molecules : o->bench.batch->nodes;
}

static enum err run(struct layer *o)
{
    const struct row *row = row_of(o->bench.g->kind);
    const struct tensor *x = o->bench.input.graph.node;

    row->forward(o, x);
    for (int l = 0; l < FIBER_DEGREES; l++)
        if (o->y[l].c)
            TRY(golden_bench_product(&o->bench, &o->y[l], &o->dy[l],
                                     outputs(o)));
    row->backward(o, x);
    return OK;
}

static enum err find_weight(const struct layer *o, const char *name,
                            struct golden_array *out)
{
    const struct weights *w = &o->bench.weights;
    const int i = weights_find(w, name);

    if (i < 0)
        return OK;
    out->count = (int64_t)w->list[i].n * w->list[i].c;
    TRY(mem_alloc((size_t)out->count, sizeof *out->x, "a gradient",
                  (void **)&out->x));
    return golden_get_flat(o->bench.d,
                           o->bench.memory.grads.base +
                               (size_t)w->list[i].offset * w->real,
                           out->count, out->x);
}

static enum err find(void *self, const char *path, struct golden_array *out)
{
    const struct layer *o = self;
    const int l = path[strlen(path) - 1] - '0';
    const int is_degree = l >= 0 && l < FIBER_DEGREES;

    if (strcmp(path, "loss") == 0)
        return golden_bench_loss(&o->bench, out);
    if (strncmp(path, "grad/", 5) == 0)
        return find_weight(o, path + 5, out);
    if (strncmp(path, "output/", 7) == 0 && is_degree && o->y[l].c)
        return golden_get(o->bench.d, &o->y[l], outputs(o), NULL, out);
    if (strncmp(path, "grad_node/", 10) == 0 && is_degree && o->dx[l].c)
        return golden_get(o->bench.d, &o->dx[l], o->bench.batch->nodes, NULL,
                          out);
    return OK;
}

static enum err read_shape(struct layer *o)
{
    const struct golden *g = o->bench.g;
    char word[GOLDEN_WORD];

    TRY(golden_fiber(g, "fiber_in", &o->in));
    TRY(golden_fiber(g, "fiber_out", &o->out));
    TRY(golden_int(g, "pooled_degree", 0, &o->pooled_degree));
    TRY(golden_word(g, "pooling", word));
    o->pooling = strcmp(word, "avg") == 0 ? POOL_AVG : POOL_MAX;
    if (strcmp(g->kind, "norm") == 0)
        o->out = o->in;
    if (!is_pool(o) || (fiber_at(&o->in, o->pooled_degree) &&
                        (o->pooling == POOL_AVG || !o->pooled_degree)))
        return OK;
    return err_set(ERR_DATA,
                   "%s: pooling of degree %d (expected one that is there, the "
                   "maximum of degree 0 only); make the file anew",
                   g->path, o->pooled_degree);
}

enum err golden_layer(const struct golden *g, struct device *d,
                      const struct golden_report *to)
{
    struct layer o = {.bench = {.g = g, .d = d}};
    const struct golden_subject subject = {find, &o};
    enum err err;

    TRY(read_shape(&o));
    TRY_GOTO(golden_bench_open(&o.bench, &o.in, 0, layout, &o), close);
    TRY_GOTO(run(&o), close);
    err = golden_compare(g, &subject, 1, to);
close:
    golden_bench_close(&o.bench);
    return err;
}
