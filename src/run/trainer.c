/* SPDX-License-Identifier: MIT */
/* trainer.c - a trainer is built twice by the same calls: to measure, then for
 * good (mem.h). The largest batch is known beforehand, since every epoch's
 * order is a function of the seed. */
#include "run/step.h"

#include "comm/comm.h"
#include "data/dataset.h"
#include "deck/params.h"
#include "device/device.h"
#include "run/evaluate.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>

/* Above this many draws the orders are not walked; the limits are then those of
 * the largest molecules together. */
static const int64_t most_draws = 400000000;

static int parts_of(const struct job *job)
{
    const struct params *p = job->params;

    return p->run.any_ranks ? p->train.parts
                            : comm_size(job->comm) * p->train.accumulate;
}

/* Molecules of the largest part. */
static int part_size(const struct job *job)
{
    int parts = parts_of(job);

    return (job->params->train.batch + parts - 1) / parts;
}

static int64_t steps_of_epoch(const struct job *job)
{
    int64_t batch = job->params->train.batch;

    return (job->split->n[PART_TRAIN] + batch - 1) / batch;
}

static void measure_epoch(const struct job *job, const int64_t order[],
                          struct batch_limits *limits)
{
    int64_t n = job->split->n[PART_TRAIN];
    int batch = job->params->train.batch, parts = parts_of(job);

    for (int64_t at = 0; at < n; at += batch) {
        int whole = n - at < batch ? (int)(n - at) : batch;

        for (int k = 0; k < parts; k++) {
            int first, count;

            loader_part(whole, parts, k, &first, &count);
            loader_measure(job->data, order + at + first, count, 1, limits);
        }
    }
}

/* What is beyond an int cannot be allocated either: batch_create says so. */
static int times(int n, int each)
{
    int64_t product = (int64_t)n * each;

    return product < INT_MAX ? (int)product : INT_MAX;
}

/* As many times the largest molecule as a part has. */
static void measure_largest(const struct job *job, struct batch_limits *limits)
{
    struct batch_limits one = {.molecules = 0};
    int n = part_size(job);

    for (int64_t i = 0; i < job->split->n[PART_TRAIN]; i++)
        loader_measure(job->data, &job->split->row[PART_TRAIN][i], 1, 1, &one);
    *limits = (struct batch_limits){n, times(n, one.nodes), times(n, one.bonds),
                                    times(n, one.edges)};
}

static void find_limits(const struct job *job, int64_t order[],
                        struct batch_limits *limits)
{
    const struct params *p = job->params;
    int64_t n = job->split->n[PART_TRAIN];

    *limits = (struct batch_limits){.molecules = 0};
    if (n * p->train.epochs > most_draws)
        measure_largest(job, limits);
    else
        for (int64_t e = 0; e < p->train.epochs; e++) {
            loader_order(p->run.seed, e, job->split->row[PART_TRAIN], n, order);
            measure_epoch(job, order, limits);
        }
    for (enum part part = PART_VALIDATION; part <= PART_TEST; part++)
        evaluate_measure(job->data, job->split->row[part], job->split->n[part],
                         part_size(job), limits);
}

static enum err take(struct arena *a, size_t n, double **out)
{
    void *data;

    TRY(arena_take(a, n * sizeof **out, &data));
    *out = data;
    return OK;
}

static enum err build(struct trainer *t)
{
    const struct params *p = t->job->params;
    struct model_options options = model_options_of(p, MODEL_TRAIN);
    struct model_shape shape = model_shape_of(p, t->job->elements.n);

    TRY(model_init(&t->model, t->job->device, &shape, &options, t->batch,
                   &t->memory));
    TRY(optimizer_init(&t->optimizer, p, t->job->device,
                       model_weights(t->model), &t->memory));
    TRY(take(&t->memory.state, (size_t)t->sums, &t->sums_device));
    return take(&t->memory.state, 1, &t->scale_device);
}

/* Everything on the host; the arenas only measured. */
static enum err prepare(const struct job *job, struct trainer *t)
{
    struct model_shape shape = model_shape_of(job->params, job->elements.n);
    void *data;

    t->job = job;
    t->memory = memory_measure();
    t->loader = (struct loader){
        .d = job->data, .elements = &job->elements, .scale = &job->scale};
    for (int i = 0; i < job->scale.n; i++)
        t->loader.column[i] = job->column[i];
    t->parts = parts_of(job);
    t->steps_per_epoch = steps_of_epoch(job);
    t->order_epoch = -1;
    t->progress.best_score = INFINITY;
    t->sums = t->parts * (1 + job->scale.n) + WISHES;
    TRY(mem_alloc((size_t)t->sums, sizeof(double), "sums of losses", &data));
    t->sums_host = data;
    TRY(mem_alloc((size_t)job->split->n[PART_TRAIN], sizeof(int64_t),
                  "the order of an epoch", &data));
    t->order = data;
    find_limits(job, t->order, &t->limits);
    TRY(batch_create(&t->limits, LOADER_SCALARS, job->scale.n, &shape.node,
                     &shape.edge, &t->batch));
    return build(t);
}

/* Which parts are this rank's. */
static enum err deal_parts(struct trainer *t)
{
    int rank = comm_rank(t->job->comm), size = comm_size(t->job->comm);

    if (t->parts < size)
        return err_set(ERR_DECK,
                       "train.parts: fewer parts than ranks (expected at least "
                       "%d, found %d); set train.parts or use fewer ranks",
                       size, t->parts);
    loader_part(t->parts, size, rank, &t->first_part, &t->own_parts);
    return OK;
}

/* The grid has a number more than the gradient, at its end. */
static enum err divide(struct trainer *t)
{
    int steps = model_backward_steps(t->model);
    int64_t *from;
    void *data;

    TRY(mem_alloc((size_t)steps, sizeof *from, "buckets", &data));
    from = data;
    for (int i = 0; i < steps; i++)
        from[i] = model_complete_from(t->model, i);
    t->buckets =
        buckets_of(t->optimizer.o.n + (t->optimizer.grid != NULL), steps, from);
    mem_free(data);
    return OK;
}

static enum err create(const struct job *job, struct trainer *t)
{
    TRY(prepare(job, t));
    TRY(deal_parts(t));
    TRY(memory_open(&t->memory, &job->device->memory));
    TRY(build(t));
    return divide(t);
}

/* Collective: for the sums over ranks. */
static enum err make_room(struct trainer *t)
{
    struct device *d = t->job->device;

    TRY(buckets_room(&t->buckets, d,
                     t->optimizer.grid ? DEVICE_INT64 : DEVICE_REAL));
    return d->reduce_room(d, BUCKETS, t->sums, DEVICE_DOUBLE);
}

enum err trainer_create(const struct job *job, struct trainer **out)
{
    struct trainer *t = NULL;
    void *data = NULL;
    enum err err;

    err = mem_alloc(1, sizeof *t, "the trainer", &data);
    t = data;
    if (!err)
        err = create(job, t);
    err = comm_agree(job->comm, err);
    if (!err)
        err = make_room(t);
    if (err)
        trainer_destroy(&t);
    else
        *out = t;
    return err;
}

void trainer_destroy(struct trainer **out)
{
    struct trainer *t = *out;

    if (!t)
        return;
    model_fini(&t->model);
    memory_close(&t->memory);
    batch_destroy(&t->batch);
    mem_free(t->order);
    mem_free(t->sums_host);
    mem_free(t);
    *out = NULL;
}

enum err trainer_measure(const struct job *job, struct trainer_plan *out)
{
    struct trainer *t;
    void *data;
    enum err err;

    TRY(mem_alloc(1, sizeof *t, "the trainer", &data));
    t = data;
    TRY_GOTO(prepare(job, t), destroy);
    TRY_GOTO(deal_parts(t), destroy);
    *out = (struct trainer_plan){.memory = t->memory,
                                 .limits = t->limits,
                                 .parameters =
                                     model_weights(t->model)->parameters};
destroy:
    trainer_destroy(&t);
    return err;
}

enum err trainer_start(struct trainer *t)
{
    TRY(weights_init(model_weights(t->model), t->job->device,
                     t->job->params->run.seed));
    optimizer_start(&t->optimizer);
    trainer_resumed(t);
    return OK;
}

void trainer_resumed(struct trainer *t)
{
    model_prepare(t->model);
}
