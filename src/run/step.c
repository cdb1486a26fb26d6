/* SPDX-License-Identifier: MIT */
/* step.c - parts, sums, one optimiser step.
 *
 * Of a step's batch of b molecules part k of P has rows [k b/P, (k+1) b/P) in
 * the order of the epoch. With any_ranks P is train.parts and each part's
 * gradient is added on a grid of integers; else P = ranks x accumulate and
 * gradients are added as they are. Every loss is divided by the known labels of
 * the whole batch, so that parts add up however they are cut. The sum over
 * ranks of what is complete runs behind the backward pass of the last part.
 */
#include "run/step.h"

#include "comm/comm.h"
#include "data/dataset.h"
#include "deck/params.h"
#include "device/device.h"
#include "run/schedule.h"

#include <math.h>
#include <string.h>

enum { SLOT_SUMS = BUCKETS }; /* behind the gradient's */

static const enum loss_kind kinds[] = {
    [LOSS_L1] = LOSS_KIND_L1,
    [LOSS_L2] = LOSS_KIND_L2,
    [LOSS_HUBER] = LOSS_KIND_HUBER,
};

static void *gradients(const struct trainer *t)
{
    return t->memory.grads.base;
}

/* The rows of a step's batch, in the order of its epoch. */
static const int64_t *batch_rows(struct trainer *t, int64_t step, int *n)
{
    const struct split *s = t->job->split;
    int64_t train = s->n[PART_TRAIN];
    int64_t epoch = step / t->steps_per_epoch;
    int64_t first = step % t->steps_per_epoch * t->job->params->train.batch;

    if (t->order_epoch != epoch) {
        loader_order(t->job->params->run.seed, epoch, s->row[PART_TRAIN], train,
                     t->order);
        t->order_epoch = epoch;
    }
    *n = train - first < t->job->params->train.batch
             ? (int)(train - first)
             : t->job->params->train.batch;
    return t->order + first;
}

/* What is complete of this rank's gradient, from a number of the arena on. */
static void begin_sums(struct trainer *t, int64_t from)
{
    struct device *d = t->job->device;
    double now = timer_now();

    if (t->optimizer.grid)
        buckets_begin(&t->buckets, d, t->optimizer.grid, sizeof(int64_t),
                      DEVICE_INT64, from);
    else
        buckets_begin(&t->buckets, d, gradients(t), d->k.real, DEVICE_REAL,
                      from);
    timer_lap(&t->phases, PHASE_REDUCE, now);
}

static void backward(struct trainer *t, int is_last)
{
    int steps = model_backward_steps(t->model);

    for (int i = 0; i < steps; i++) {
        double now = timer_now();

        model_backward_step(t->model, i);
        timer_lap(&t->phases, PHASE_BACKWARD, now);
        if (is_last && !t->optimizer.grid)
            begin_sums(t, model_complete_from(t->model, i));
    }
}

/* Forward and backward of one part; its sums go to their own place. */
static void run_part(struct trainer *t, const int64_t rows[], int n, int part,
                     int is_last)
{
    struct device *d = t->job->device;
    const struct params *p = t->job->params;
    double now = timer_now();

    loader_fill(&t->loader, rows, n, t->batch);
    model_put(t->model, t->batch);
    now = timer_lap(&t->phases, PHASE_DATA, now);
    model_forward(t->model);
    model_loss(t->model, kinds[p->train.loss], t->scale_device,
               t->sums_device + part * (1 + t->job->scale.n));
    timer_lap(&t->phases, PHASE_FORWARD, now);
    backward(t, is_last);
    if (!t->optimizer.grid)
        return;
    now = timer_now();
    d->k.step.grid_add(gradients(t), t->optimizer.o.n, t->parts,
                       t->optimizer.grid);
    d->zero(d, gradients(t), (size_t)t->optimizer.o.n * d->k.real);
    timer_lap(&t->phases, PHASE_BACKWARD, now);
}

/* Over ranks: what is left of gradients (all, without a part), losses, and
 * wishes. */
static void reduce(struct trainer *t, const int wish[])
{
    struct device *d = t->job->device;
    int64_t n = t->optimizer.o.n;
    double wishes[WISHES], now;

    begin_sums(t, 0);
    now = timer_now();
    for (int i = 0; i < WISHES; i++)
        wishes[i] = wish[i];
    d->put(d, t->sums_device + t->sums - WISHES, wishes, sizeof wishes);
    d->reduce_begin(d, SLOT_SUMS, t->sums_device, t->sums, DEVICE_DOUBLE);
    buckets_finish(&t->buckets, d);
    d->reduce_finish(d, SLOT_SUMS);
    if (t->optimizer.grid)
        d->k.step.grid_get(t->optimizer.grid, n, gradients(t));
    optimizer_norm(&t->optimizer);
    d->get(d, t->sums_host, t->sums_device,
           (size_t)t->sums * sizeof *t->sums_host);
    d->sync(d);
    timer_lap(&t->phases, PHASE_REDUCE, now);
}

static void clear(struct trainer *t, int64_t known)
{
    struct device *d = t->job->device;
    double scale = 1 / (double)known;
    size_t n = (size_t)t->optimizer.o.n;

    d->put(d, t->scale_device, &scale, sizeof scale);
    d->zero(d, t->sums_device, (size_t)t->sums * sizeof *t->sums_device);
    d->zero(d, gradients(t), n * d->k.real);
    if (t->optimizer.grid)
        d->zero(d, t->optimizer.grid, (n + 1) * sizeof *t->optimizer.grid);
    d->sync(d); /* scale is about to go */
}

/* Sum j of all parts, added in their order. */
static double total(const struct trainer *t, int j)
{
    double sum = 0;

    for (int k = 0; k < t->parts; k++)
        sum += t->sums_host[k * (1 + t->job->scale.n) + j];
    return sum;
}

/* The molecules of the first part whose loss is not finite, or of the whole
 * batch when it is the gradient alone. */
static enum err not_finite(const struct trainer *t, const int64_t rows[], int n,
                           const struct step_result *r)
{
    char list[400];
    size_t used = 0;
    int first = 0, count = n;

    for (int k = 0; k < t->parts; k++)
        if (!isfinite(t->sums_host[k * (1 + t->job->scale.n)])) {
            loader_part(n, t->parts, k, &first, &count);
            break;
        }
    list[0] = 0;
    for (int i = first; i < first + count && used < sizeof list - 32; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, " %lld",
                                 (long long)t->job->data->id[rows[i]]);
    return err_set(ERR_NONFINITE,
                   "step %lld: the %s is not finite (expected a number, found "
                   "%g; molecules%s%s); lower train.optimizer.lr, set "
                   "train.clip_norm, or look at these molecules",
                   (long long)t->progress.step + 1,
                   isfinite(r->loss) ? "gradient" : "loss",
                   isfinite(r->loss) ? r->grad_norm : r->loss, list,
                   used >= sizeof list - 32 ? " .." : "");
}

static void count_epoch(struct trainer *t, const int64_t known[])
{
    for (int i = 0; i < t->job->scale.n; i++) {
        t->progress.epoch_sum[i] += total(t, 1 + i);
        t->progress.epoch_known[i] += known[i];
    }
}

enum { SKIPPED_IN_A_ROW = 20 };

/* Updates the weights, or leaves the step out. */
static enum err update(struct trainer *t, const int64_t rows[], int n,
                       struct step_result *r)
{
    double now = timer_now();

    r->left_out = !isfinite(r->loss) || !isfinite(r->grad_norm);
    if (r->left_out) {
        if (!t->job->params->train.skip_nonfinite ||
            t->progress.skipped + 1 >= SKIPPED_IN_A_ROW)
            return not_finite(t, rows, n, r);
        t->progress.skipped++;
        return OK;
    }
    t->progress.skipped = 0;
    optimizer_step(&t->optimizer, ++t->progress.updates, r->lr);
    model_prepare(t->model);
    timer_lap(&t->phases, PHASE_OPTIMIZER, now);
    return OK;
}

/* This rank's last part with a molecule; -1: there is none. */
static int last_part(const struct trainer *t, int molecules)
{
    int last = -1, first, count;

    for (int k = t->first_part; k < t->first_part + t->own_parts; k++) {
        loader_part(molecules, t->parts, k, &first, &count);
        last = count > 0 ? k : last;
    }
    return last;
}

enum err trainer_step(struct trainer *t, const int wish[],
                      struct step_result *out)
{
    struct step_result r = {.molecules = 0};
    int64_t step = t->progress.step, known[LOADER_TARGETS], labels;
    const int64_t *rows = batch_rows(t, step, &r.molecules);
    int last = last_part(t, r.molecules);

    labels = loader_known(&t->loader, rows, r.molecules, known);
    clear(t, labels > 0 ? labels : 1);
    for (int k = t->first_part; k < t->first_part + t->own_parts; k++) {
        int first, count;

        loader_part(r.molecules, t->parts, k, &first, &count);
        if (count > 0)
            run_part(t, rows + first, count, k, k == last);
    }
    reduce(t, wish);
    r.loss = labels > 0 ? total(t, 0) / (double)labels : 0;
    r.grad_norm = optimizer_last_norm(&t->optimizer);
    r.lr = schedule_rate(t->job->params, step + 1, t->steps_per_epoch);
    for (int i = 0; i < WISHES; i++)
        r.wanted[i] = (int)t->sums_host[t->sums - WISHES + i];
    TRY(update(t, rows, r.molecules, &r));
    if (!r.left_out)
        count_epoch(t, known);
    t->progress.step++;
    *out = r;
    return OK;
}

int trainer_epoch_done(const struct trainer *t)
{
    return t->progress.step > 0 && t->progress.step % t->steps_per_epoch == 0;
}

int64_t trainer_epoch(const struct trainer *t)
{
    return (t->progress.step + t->steps_per_epoch - 1) / t->steps_per_epoch;
}

void trainer_train_mae(const struct trainer *t, double out[])
{
    for (int i = 0; i < t->job->scale.n; i++)
        out[i] = t->job->scale.std[i] * t->progress.epoch_sum[i] /
                 (double)t->progress.epoch_known[i];
}

void trainer_epoch_begin(struct trainer *t)
{
    memset(t->progress.epoch_sum, 0, sizeof t->progress.epoch_sum);
    memset(t->progress.epoch_known, 0, sizeof t->progress.epoch_known);
    t->phases = (struct phases){.seconds = {0}};
}
