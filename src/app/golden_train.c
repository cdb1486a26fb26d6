/* SPDX-License-Identifier: MIT */
/* golden_train.c - golden files of training: some steps of an optimiser, their
 * losses, norms and rates, and the weights they lead to.
 */
#include "app/golden_kinds.h"
#include "app/golden_net.h"
#include "app/golden_tensor.h"
#include "device/device.h"
#include "model/optim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 1024, GRAPHS = 64 };

enum snapshot { FIRST_GRADIENT, STEP_1, FINAL, SNAPSHOTS };

struct training {
    struct golden_net net;
    struct golden_graph graph[GRAPHS];
    int batches, steps, accumulate, epochs;
    double min_lr; /* -1: constant */
    struct params params;
    struct optimizer optimizer;
    void *snapshot[SNAPSHOTS];       /* device */
    double *loss, *norm, *lr;        /* a micro-batch; a step */
    struct golden_array weight_norm; /* [steps, weights] */
    int *place;                      /* weight i in the reference's order */
};

static enum err read_optimizer(const struct golden *g, struct params *p)
{
    static const char *const names[] = {[OPTIMIZER_ADAMW] = "adamw",
                                        [OPTIMIZER_LAMB] = "lamb",
                                        [OPTIMIZER_SGD] = "sgd"};
    char word[GOLDEN_WORD];
    int k = 0;

    TRY(golden_word(g, "optimizer", word));
    while (k < 3 && strcmp(word, names[k]) != 0)
        k++;
    if (k == 3)
        return err_set(ERR_DATA,
                       "%s: attribute optimizer (expected adamw, lamb or sgd, "
                       "found \"%s\"); make the file anew",
                       g->path, word);
    p->train.optimizer = (enum optimizer_name)k;
    return OK;
}

static enum err read_numbers(const struct golden *g, struct params *p)
{
    const struct {
        const char *name;
        double absent, *to;
    } list[] = {
        {"lr", 0, &p->train.lr},
        {"beta1", 0.9, &p->train.beta1},
        {"beta2", 0.999, &p->train.beta2},
        {"eps", 1e-8, &p->train.eps},
        {"momentum", 0.9, &p->train.momentum},
        {"weight_decay", 0, &p->train.weight_decay},
        {"clip_norm", -1, &p->train.clip_norm},
    };

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        TRY(golden_real(g, list[i].name, list[i].absent, list[i].to));
    p->train.clip_norm = fmax(p->train.clip_norm, 0);
    return OK;
}

static enum err read_plan(const struct golden *g, struct training *t)
{
    TRY(golden_int(g, "batches", 0, &t->batches));
    TRY(golden_int(g, "steps", 0, &t->steps));
    TRY(golden_int(g, "accumulate", 1, &t->accumulate));
    TRY(golden_int(g, "epochs", 0, &t->epochs));
    TRY(golden_real(g, "min_lr", -1, &t->min_lr));
    TRY(read_optimizer(g, &t->params));
    TRY(read_numbers(g, &t->params));
    if (t->batches >= 1 && t->batches <= GRAPHS && t->steps >= 1 &&
        t->accumulate >= 1 && t->steps <= STEPS / t->accumulate)
        return OK;
    return err_set(ERR_DATA,
                   "%s: batches, steps, accumulate (expected 1 to %d batches "
                   "and at most %d parts of steps, found %d, %d and %d); make "
                   "the file anew",
                   g->path, GRAPHS, STEPS, t->batches, t->steps, t->accumulate);
}

static enum err read_graphs(struct training *t)
{
    char group[GOLDEN_WORD];

    for (int k = 0; k < t->batches; k++) {
        t->graph[k].node_fiber = t->net.shape.node;
        t->graph[k].edge_fiber = t->net.shape.edge;
        snprintf(group, sizeof group, "graph.%d", k);
        TRY(golden_graph_read(t->net.g, group, &t->graph[k]));
    }
    return OK;
}

/* --- state of its own: a second memory beside the network's -------------- */

static enum err build(struct training *t, struct memory *m)
{
    const struct weights *w = model_weights(t->net.model);
    const size_t bytes = (size_t)weights_span(w) * w->real;

    TRY(optimizer_init(&t->optimizer, &t->params, t->net.d, w, m));
    for (int i = 0; i < SNAPSHOTS; i++)
        TRY(arena_take(&m->state, bytes, &t->snapshot[i]));
    return OK;
}

/* Where each weight stands in the reference's list of parameters. */
static enum err read_order(struct training *t)
{
    const struct weights *w = model_weights(t->net.model);
    char path[GOLDEN_PATH];
    int64_t x;

    for (int i = 0; i < w->count; i++) {
        snprintf(path, sizeof path, "/weights/%s", w->list[i].name);
        t->place[i] = i;
        if (!h5_has(t->net.g->f, path) ||
            !h5_has_attribute(t->net.g->f, path, "reference_index"))
            continue;
        TRY(h5_get_int(t->net.g->f, path, "reference_index", &x));
        if (x < 0 || x >= w->count)
            return err_set(ERR_DATA,
                           "%s: %s: reference_index (expected 0 to %d, found "
                           "%lld); make the file anew",
                           t->net.g->path, path, w->count - 1, (long long)x);
        t->place[i] = (int)x;
    }
    return OK;
}

static enum err take_results(struct training *t)
{
    const size_t steps = (size_t)t->steps, parts = (size_t)t->accumulate;
    const size_t weights = (size_t)model_weights(t->net.model)->count;

    TRY(mem_alloc(steps * parts, sizeof(double), "losses", (void **)&t->loss));
    TRY(mem_alloc(steps, sizeof(double), "norms", (void **)&t->norm));
    TRY(mem_alloc(steps, sizeof(double), "rates", (void **)&t->lr));
    TRY(mem_alloc(weights, sizeof(int), "the order", (void **)&t->place));
    return mem_alloc(steps * weights, sizeof(double), "norms of weights",
                     (void **)&t->weight_norm.x);
}

/* --- steps --------------------------------------------------------------- */

static double rate(const struct training *t, int part)
{
    const double lr = t->params.train.lr;
    const int epoch = part / t->batches;

    if (t->min_lr < 0 || t->epochs < 1)
        return lr;
    return t->min_lr +
           (lr - t->min_lr) * (1 + cos(acos(-1) * epoch / t->epochs)) / 2;
}

static void keep(struct training *t, enum snapshot which, const void *from)
{
    struct device *d = t->net.d;

    d->copy(d, t->snapshot[which], from, (size_t)t->optimizer.o.n * d->k.real);
}

static enum err note_norms(struct training *t, int step)
{
    const struct weights *w = model_weights(t->net.model);

    for (int i = 0; i < w->count; i++) {
        struct golden_array a = {0};
        double sum = 0;

        TRY(golden_net_weight(&t->net, weights_base(w), w->list[i].name, &a));
        for (int64_t k = 0; k < a.count; k++)
            sum += a.x[k] * a.x[k];
        t->weight_norm.x[step * w->count + t->place[i]] = sqrt(sum);
        golden_array_fini(&a);
    }
    return OK;
}

/* The first gradient is of the loss, not of its part in the step. */
static enum err one_part(struct training *t, int part)
{
    const int first = part == 0 && t->accumulate > 1;

    TRY(golden_net_put(&t->net, &t->graph[part % t->batches]));
    if (first) {
        struct optim *o = &t->optimizer.o;

        TRY(golden_net_run(&t->net, 1));
        keep(t, FIRST_GRADIENT, o->g);
        t->net.d->zero(t->net.d, o->g, (size_t)o->n * t->net.d->k.real);
    }
    TRY(golden_net_run(&t->net, 1.0 / t->accumulate));
    if (part == 0 && !first)
        keep(t, FIRST_GRADIENT, t->optimizer.o.g);
    t->loss[part] = t->net.loss;
    return OK;
}

static enum err one_step(struct training *t, int step)
{
    struct optim *o = &t->optimizer.o;
    struct device *d = t->net.d;

    d->zero(d, o->g, (size_t)o->n * d->k.real);
    for (int i = 0; i < t->accumulate; i++)
        TRY(one_part(t, step * t->accumulate + i));
    optimizer_norm(&t->optimizer);
    t->norm[step] = optimizer_last_norm(&t->optimizer);
    t->lr[step] = rate(t, step * t->accumulate);
    optimizer_step(&t->optimizer, step + 1, t->lr[step]);
    model_prepare(t->net.model);
    if (step == 0)
        keep(t, STEP_1, o->p);
    return note_norms(t, step);
}

/* --- what came of it ----------------------------------------------------- */

static enum err copy_of(const double *x, int n, struct golden_array *out)
{
    TRY(mem_alloc((size_t)n, sizeof *x, "numbers", (void **)&out->x));
    memcpy(out->x, x, (size_t)n * sizeof *x);
    out->count = n;
    return OK;
}

static enum err find(void *self, const char *path, struct golden_array *out)
{
    struct training *t = self;
    const int weights = model_weights(t->net.model)->count;
    const struct {
        const char *prefix;
        enum snapshot which;
    } list[] = {
        {"grad/", FIRST_GRADIENT}, {"step_1/", STEP_1}, {"final/", FINAL}};

    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const size_t n = strlen(list[i].prefix);

        if (strncmp(path, list[i].prefix, n) == 0)
            return golden_net_weight(&t->net, t->snapshot[list[i].which],
                                     path + n, out);
    }
    if (strcmp(path, "loss") == 0)
        return copy_of(t->loss, t->steps * t->accumulate, out);
    if (strcmp(path, "grad_norm") == 0)
        return copy_of(t->norm, t->steps, out);
    if (strcmp(path, "lr") == 0)
        return copy_of(t->lr, t->steps, out);
    for (int k = 0; k < t->steps; k++) {
        char name[GOLDEN_WORD];

        snprintf(name, sizeof name, "weight_norm/%d", k + 1);
        if (strcmp(path, name) == 0)
            return copy_of(t->weight_norm.x + k * weights, weights, out);
    }
    return OK;
}

static enum err run(struct training *t, const struct golden_report *to,
                    struct memory *m)
{
    const struct golden_subject subject = {find, t};

    TRY(read_graphs(t));
    TRY(golden_net_open(&t->net, t->graph, t->batches));
    TRY(build(t, m));
    TRY(memory_open(m, &t->net.d->memory));
    TRY(build(t, m));
    TRY(take_results(t));
    TRY(read_order(t));
    optimizer_start(&t->optimizer);
    for (int k = 0; k < t->steps; k++)
        TRY(one_step(t, k));
    keep(t, FINAL, t->optimizer.o.p);
    return golden_compare(t->net.g, &subject, 1, to);
}

static void close_training(struct training *t)
{
    golden_net_close(&t->net);
    for (int k = 0; k < GRAPHS; k++)
        golden_graph_fini(&t->graph[k]);
    mem_free(t->loss);
    mem_free(t->norm);
    mem_free(t->lr);
    mem_free(t->place);
    golden_array_fini(&t->weight_norm);
    mem_free(t);
}

enum err golden_train(const struct golden *g, struct device *d,
                      const struct golden_report *to)
{
    struct memory m = memory_measure();
    struct training *t;
    enum err err;

    TRY(mem_alloc(1, sizeof *t, "a training", (void **)&t));
    t->net = (struct golden_net){.g = g, .d = d, .prefix = "", .shared = 1};
    TRY_GOTO(golden_shape_model(g, &t->net.shape), close);
    TRY_GOTO(read_plan(g, t), close);
    err = run(t, to, &m);
close:
    close_training(t);
    memory_close(&m);
    return err;
}
