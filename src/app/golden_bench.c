/* SPDX-License-Identifier: MIT */
/* golden_bench.c - measured and built twice, like a model. */
#include "app/golden_bench.h"

#include "app/golden_tensor.h"
#include "device/device.h"

#include <stdio.h>

static enum err build(struct golden_bench *o, int degrees,
                      golden_layout *layout, void *self)
{
    struct tensor none = {0};
    struct build b = {.d = o->d,
                      .m = &o->memory,
                      .weights = &o->weights,
                      .scratch = &o->scratch,
                      .graph = &o->input.graph,
                      .geo = &o->geo,
                      .real = o->d->k.real,
                      .train = 1,
                      .keep = 1,
                      .dscalar = &none};
    void *base;

    o->scratch = (struct scratch){.d = o->d, .real = b.real};
    weights_begin(&o->weights, &o->memory, b.real);
    TRY(input_init(&o->input, o->batch, b.real, &o->memory));
    TRY(build_geometry(&b, degrees));
    TRY(layout(self, &b));
    return arena_take(&o->memory.work, o->scratch.peak, &base);
}

static enum err load(struct golden_bench *o)
{
    const struct weights *w = &o->weights;

    for (int i = 0; i < w->count; i++) {
        const int64_t n = (int64_t)w->list[i].n * w->list[i].c;
        struct golden_array a = {.count = n};
        int found;
        enum err err;

        TRY(mem_alloc((size_t)n, sizeof *a.x, "a weight", (void **)&a.x));
        err = golden_weight(o->g, w->list[i].name, n, a.x, &found);
        if (err == OK && !found)
            err = err_set(ERR_DATA,
                          "%s: no weight %s (expected it in /weights, found "
                          "none); make the file anew",
                          o->g->path, w->list[i].name);
        if (err == OK)
            err = golden_put_flat(o->d,
                                  o->memory.weights.base +
                                      (size_t)w->list[i].offset * w->real,
                                  n, a.x);
        golden_array_fini(&a);
        TRY(err);
    }
    return OK;
}

enum err golden_bench_open(struct golden_bench *o, const struct fiber *node,
                           int degrees, golden_layout *layout, void *self)
{
    const struct fiber none = {0};
    struct batch_limits limits;

    o->memory = memory_measure();
    o->graph.node_fiber = *node;
    TRY(golden_graph_read(o->g, "graph", &o->graph));
    limits = (struct batch_limits){o->graph.molecules, o->graph.nodes,
                                   o->graph.edges, o->graph.edges};
    TRY(batch_create(&limits, 0, 0, node, &none, &o->batch));
    TRY(mem_alloc((size_t)limits.edges, sizeof *o->at, "places of edges",
                  (void **)&o->at));
    TRY(build(o, degrees, layout, self));
    TRY(memory_open(&o->memory, &o->d->memory));
    TRY(build(o, degrees, layout, self));
    TRY(load(o));
    TRY(golden_graph_put(&o->graph, 1, o->batch, o->at));
    input_put(&o->input, o->d, o->batch);
    return OK;
}

void golden_bench_close(struct golden_bench *o)
{
    input_fini(&o->input);
    weights_fini(&o->weights);
    memory_close(&o->memory);
    batch_destroy(&o->batch);
    golden_graph_fini(&o->graph);
    mem_free(o->at);
    o->at = NULL;
}

enum err golden_bench_product(struct golden_bench *o, const struct tensor *y,
                              const struct tensor *dy, int rows)
{
    struct golden_array found = {0}, cotangent = {0};
    char path[GOLDEN_PATH];
    enum err err;

    snprintf(path, sizeof path, "/graph/cotangent/%d", y->l);
    TRY(golden_read(o->g, path, &cotangent));
    TRY_GOTO(golden_get(o->d, y, rows, NULL, &found), fini);
    if (found.count != cotangent.count) {
        err = err_set(ERR_DATA,
                      "%s: %s: not of the output's shape (expected %lld "
                      "numbers, found %lld); make the file anew",
                      o->g->path, path, (long long)found.count,
                      (long long)cotangent.count);
        goto fini;
    }
    for (int64_t i = 0; i < found.count; i++)
        o->loss += found.x[i] * cotangent.x[i];
    err = golden_put(o->d, dy, rows, NULL, cotangent.x);
fini:
    golden_array_fini(&found);
    golden_array_fini(&cotangent);
    return err;
}

enum err golden_bench_loss(const struct golden_bench *o,
                           struct golden_array *out)
{
    TRY(mem_alloc(1, sizeof *out->x, "the loss", (void **)&out->x));
    out->x[0] = o->loss;
    out->count = 1;
    return OK;
}
