/* SPDX-License-Identifier: MIT */
/* golden_net.c - shape, weights, one pass. What it computed: golden_find.c. */
#include "app/golden_net.h"

#include "app/golden_tensor.h"
#include "device/device.h"

#include <stdio.h>
#include <string.h>

/* --- shapes -------------------------------------------------------------- */

static enum err word_of(const struct golden *g, const char *name,
                        const char *const words[], int n, int *out)
{
    char word[GOLDEN_WORD];

    TRY(golden_word(g, name, word));
    for (*out = 0; *out < n; ++*out)
        if (strcmp(word, words[*out]) == 0)
            return OK;
    return err_set(ERR_DATA,
                   "%s: attribute %s (expected a word of the deck, found "
                   "\"%s\"); make the file anew",
                   g->path, name, word);
}

static enum err sharing_of(const struct golden *g, enum sharing *out)
{
    static const char *const words[] = {
        [SHARING_FULL] = "full",           [SHARING_PER_OUTPUT] = "per_output",
        [SHARING_PER_INPUT] = "per_input", [SHARING_NONE] = "none",
        [SHARING_AUTO] = "auto",
    };
    int k;

    TRY(word_of(g, "sharing", words, sizeof words / sizeof *words, &k));
    *out = (enum sharing)k;
    return OK;
}

static enum err pooling_of(const struct golden *g, enum pooling *out)
{
    static const char *const words[] = {
        [POOL_MAX] = "max", [POOL_AVG] = "avg", [POOL_NONE] = "none"};
    int k;

    TRY(word_of(g, "pooling", words, sizeof words / sizeof *words, &k));
    *out = (enum pooling)k;
    return OK;
}

static enum err edges_of(const struct golden *g, struct model_shape *out)
{
    TRY(golden_fiber(g, "fiber_edge", &out->edge));
    out->scalars = out->edge.channels[0];
    return OK;
}

enum err golden_shape_model(const struct golden *g, struct model_shape *out)
{
    int head;

    *out = (struct model_shape){.type = MODEL_SE3_TRANSFORMER};
    TRY(golden_fiber(g, "fiber_in", &out->node));
    TRY(golden_fiber(g, "fiber_hidden", &out->hidden));
    TRY(golden_fiber(g, "fiber_out", &out->out));
    TRY(edges_of(g, out));
    TRY(golden_int(g, "layers", 0, &out->layers));
    TRY(golden_int(g, "heads", 1, &out->heads));
    TRY(golden_int(g, "channels_div", 1, &out->channels_div));
    TRY(golden_int(g, "norm", 0, &out->norm));
    TRY(golden_int(g, "layer_norm", 0, &out->layer_norm));
    TRY(golden_int(g, "pooled_degree", 0, &out->pooled_degree));
    TRY(golden_int(g, "head", 0, &head));
    if (head)
        TRY(golden_int(g, "targets", 1, &out->targets));
    TRY(pooling_of(g, &out->pooling));
    return sharing_of(g, &out->sharing);
}

enum err golden_shape_conv(const struct golden *g, struct model_shape *out)
{
    int pool;

    *out = (struct model_shape){.type = MODEL_TFN, .pooling = POOL_NONE};
    TRY(golden_fiber(g, "fiber_in", &out->node));
    TRY(golden_fiber(g, "fiber_out", &out->out));
    out->hidden = out->node;
    TRY(edges_of(g, out));
    TRY(golden_int(g, "layer_norm", 0, &out->layer_norm));
    TRY(golden_int(g, "pool", 1, &pool));
    out->per_edge = !pool;
    return sharing_of(g, &out->sharing);
}

/* --- building ------------------------------------------------------------ */

static struct batch_limits limits_of(const struct golden_graph graph[], int n)
{
    struct batch_limits most = {0};

    for (int k = 0; k < n; k++) {
        const struct golden_graph *g = &graph[k];

        most.molecules =
            g->molecules > most.molecules ? g->molecules : most.molecules;
        most.nodes = g->nodes > most.nodes ? g->nodes : most.nodes;
        most.edges = g->edges > most.edges ? g->edges : most.edges;
    }
    most.bonds = most.edges;
    return most;
}

/* The model, and room for the scale of the loss and its sums. */
static enum err build(struct golden_net *o)
{
    const struct model_options options = {.mode = MODEL_GRADIENTS};
    const size_t doubles = 2 + (size_t)o->shape.targets;

    TRY(model_init(&o->model, o->d, &o->shape, &options, o->batch, &o->memory));
    return arena_take(&o->memory.state, doubles * sizeof(double), &o->loss_at);
}

static enum err load_weight(struct golden_net *o, int i)
{
    const struct weights *w = model_weights(o->model);
    const int64_t n = (int64_t)w->list[i].n * w->list[i].c;
    const char *name = w->list[i].name + strlen(o->prefix);
    struct golden_array a = {.count = n};
    int found;
    enum err err;

    TRY(mem_alloc((size_t)n, sizeof *a.x, "a weight", (void **)&a.x));
    TRY_GOTO(golden_weight(o->g, name, n, a.x, &found), fini);
    if (!found && !(o->may_lack_self && strncmp(name, "self.", 5) == 0)) {
        err = err_set(ERR_DATA,
                      "%s: no weight %s (expected it in /weights or "
                      "/generated, found none); make the file anew",
                      o->g->path, name);
        goto fini;
    }
    err = golden_put_flat(
        o->d, (char *)w->m->weights.base + (size_t)w->list[i].offset * w->real,
        n, a.x);
fini:
    golden_array_fini(&a);
    return err;
}

enum err golden_net_open(struct golden_net *o,
                         const struct golden_graph graph[], int graphs)
{
    const struct batch_limits limits = limits_of(graph, graphs);
    const struct weights *w;

    o->memory = memory_measure();
    TRY(batch_create(&limits, o->shape.scalars, o->shape.targets,
                     &o->shape.node, &o->shape.edge, &o->batch));
    TRY(mem_alloc((size_t)limits.edges, sizeof *o->at, "places of edges",
                  (void **)&o->at));
    TRY(build(o));
    TRY(memory_open(&o->memory, &o->d->memory));
    TRY(build(o));
    w = model_weights(o->model);
    for (int i = 0; i < w->count; i++)
        TRY(load_weight(o, i));
    model_prepare(o->model);
    return OK;
}

void golden_net_close(struct golden_net *o)
{
    model_fini(&o->model);
    memory_close(&o->memory);
    batch_destroy(&o->batch);
    mem_free(o->at);
    o->at = NULL;
}

/* --- a pass -------------------------------------------------------------- */

enum err golden_net_put(struct golden_net *o, const struct golden_graph *graph)
{
    o->graph = graph;
    TRY(golden_graph_put(graph, o->shared, o->batch, o->at));
    model_put(o->model, o->batch);
    return OK;
}

static enum err mean_difference(struct golden_net *o, double factor)
{
    const double count = o->batch->molecules * (double)o->shape.targets;
    double host[2] = {factor / count, 0}; /* scale, sum; sums of targets */

    o->d->zero(o->d, o->loss_at, (2 + (size_t)o->shape.targets) * sizeof *host);
    o->d->put(o->d, o->loss_at, host, sizeof *host);
    o->d->sync(o->d);
    model_loss(o->model, LOSS_KIND_L1, o->loss_at, (double *)o->loss_at + 1);
    o->d->get(o->d, host, (double *)o->loss_at + 1, sizeof *host);
    o->d->sync(o->d);
    o->loss = host[0] / count;
    return OK;
}

/* Of one degree of the output with its cotangent, which becomes the gradient.
 */
static enum err add_product(struct golden_net *o, int l)
{
    const struct tensor *y = model_output(o->model, l);
    const int rows = o->shape.per_edge               ? o->batch->edges
                     : o->shape.pooling == POOL_NONE ? o->batch->nodes
                                                     : o->batch->molecules;
    const int *at = o->shape.per_edge ? o->at : NULL;
    struct golden_array found = {0}, cotangent = {0};
    char path[GOLDEN_PATH];
    enum err err;

    snprintf(path, sizeof path, "/graph/cotangent/%d", l);
    TRY(golden_read(o->g, path, &cotangent));
    TRY_GOTO(golden_get(o->d, y, rows, at, &found), fini);
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
    err = golden_put(o->d, model_output_gradient(o->model, l), rows, at,
                     cotangent.x);
fini:
    golden_array_fini(&found);
    golden_array_fini(&cotangent);
    return err;
}

static enum err product(struct golden_net *o)
{
    o->loss = 0;
    for (int l = 0; l < FIBER_DEGREES; l++)
        if (model_output(o->model, l))
            TRY(add_product(o, l));
    return OK;
}

enum err golden_net_run(struct golden_net *o, double factor)
{
    model_forward(o->model);
    TRY(o->shape.targets ? mean_difference(o, factor) : product(o));
    model_backward(o->model);
    return OK;
}
