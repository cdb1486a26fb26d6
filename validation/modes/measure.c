/* SPDX-License-Identifier: MIT */
/* measure.c - a trainer of the deck's job in the mode's precision, without its
 * optimiser. */
#include "modes/measure.h"

#include "app/devices.h"
#include "app/golden_tensor.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "cpu/cpuid.h"
#include "device/device.h"
#include "modes/held.h"
#include "run/ckpt.h"
#include "run/state.h"

#include <string.h>

/* A job in a mode. Must not move. */
struct net {
    struct params params;
    struct job job;
    struct trainer *t;
};

/* mode NULL: the deck's. */
static enum err net_open(struct net *o, const struct setup *s,
                         const struct mode *mode, int batch)
{
    *o = (struct net){.params = s->params, .job = s->job};
    o->job.params = &o->params;
    o->params.train.batch = batch;
    if (mode) {
        o->params.compute.precision = mode->precision;
        o->params.compute.tolerance = mode->tolerance;
        o->params.compute.radial =
            mode->tolerance > 0 ? RADIAL_TABULATED : RADIAL_EXACT;
        if (mode->precision == PRECISION_FP64)
            o->params.run.cpu_isa = ISA_REF;
        if (mode->precision == PRECISION_BF16)
            o->params.run.cpu_isa = ISA_AVX512_BF16; /* slow or not */
    }
    TRY(device_choose(o->job.comm, &o->params, "", &o->job.device));
    return trainer_create(&o->job, &o->t);
}

static void net_close(struct net *o)
{
    trainer_destroy(&o->t);
    device_close(&o->job.device);
}

static const struct weights *list_of(const struct net *o)
{
    return model_weights(o->t->model);
}

static int numbers_in(const struct weight *w)
{
    return w->n * w->c;
}

static int sum_of(const struct weights *w)
{
    int n = 0;

    for (int i = 0; i < w->count; i++)
        n += numbers_in(&w->list[i]);
    return n;
}

static void *place(const struct weights *w, unsigned char *base, int i)
{
    return base + (size_t)w->list[i].offset * w->real;
}

/* Weights, or what has their layout, as one array. */
static enum err copy_of(const struct net *o, unsigned char *base, double **out)
{
    const struct weights *w = list_of(o);
    void *data;
    double *x;
    enum err err = OK;

    TRY(mem_alloc((size_t)sum_of(w), sizeof *x, "a copy of weights", &data));
    x = data;
    for (int i = 0; i < w->count && !err; i++) {
        err = golden_get_flat(o->job.device, place(w, base, i),
                              numbers_in(&w->list[i]), x);
        x += numbers_in(&w->list[i]);
    }
    if (err)
        mem_free(data);
    else
        *out = data;
    return err;
}

static enum err put_weights(const struct net *o, const double *x)
{
    const struct weights *w = list_of(o);

    for (int i = 0; i < w->count; i++) {
        TRY(golden_put_flat(o->job.device,
                            place(w, o->t->memory.weights.base, i),
                            numbers_in(&w->list[i]), x));
        x += numbers_in(&w->list[i]);
    }
    trainer_resumed(o->t);
    return OK;
}

/* --- one batch ------------------------------------------------------------ */

static enum err get_rows(const struct net *o, const struct tensor *t,
                         double **out)
{
    struct golden_array a = {0};
    enum err err =
        golden_get(o->job.device, t, o->t->batch->molecules, NULL, &a);

    *out = a.x;
    return err;
}

static void forward(const struct net *o)
{
    const struct trainer *t = o->t;
    struct device *d = o->job.device;
    double scale = 1.0 / (t->batch->molecules * o->job.scale.n);

    d->put(d, t->scale_device, &scale, sizeof scale);
    d->zero(d, t->memory.grads.base, t->memory.grads.size);
    model_forward(t->model);
    model_loss(t->model, LOSS_KIND_L1, t->scale_device, t->sums_device);
    d->sync(d);
}

static void note_points(const struct net *o, struct numbers *out)
{
    struct model *m = o->t->model;

    out->bonds = o->t->batch->bonds;
    out->convolutions = model_convolutions(m);
    CHECK(out->convolutions <= CONVOLUTIONS);
    for (int i = 0; i < out->convolutions; i++) {
        const struct model_radial r = model_radial(m, i);

        out->points[i] = r.points;
        out->reached[i] = r.reached;
    }
}

static enum err again(const struct net *o, enum held how, const double *dy,
                      double **out)
{
    held_begin(how);
    forward(o);
    TRY(golden_put(o->job.device, model_output_gradient(o->t->model, 0),
                   o->t->batch->molecules, NULL, dy));
    model_backward(o->t->model);
    return copy_of(o, o->t->memory.grads.base, out);
}

static enum err run(const struct net *o, const struct numbers *reference,
                    struct numbers *out)
{
    struct model *m = o->t->model;

    held_begin(reference ? HELD_FREE : HELD_NOTE);
    forward(o);
    note_points(o, out);
    TRY(get_rows(o, model_output(m, 0), &out->y));
    TRY(get_rows(o, model_output_gradient(m, 0), &out->dy));
    model_backward(o->t->model);
    TRY(copy_of(o, o->t->memory.grads.base, &out->free));
    if (!reference)
        return OK;
    TRY(again(o, HELD_KEEP, reference->dy, &out->held));
    TRY(again(o, HELD_LAYER, reference->dy, &out->layer));
    held_worst(&out->layer_y, &out->layer_dx);
    return OK;
}

/* The first batch of a run, for which there is room. */
static void fill(const struct net *o, const struct subject *s)
{
    const struct split *split = &s->setup->split;

    loader_order(o->params.run.seed, 0, split->row[PART_TRAIN],
                 split->n[PART_TRAIN], o->t->order);
    loader_fill(&o->t->loader, o->t->order, s->molecules, o->t->batch);
    model_put(o->t->model, o->t->batch);
}

enum err measure(const struct subject *s, const struct mode *mode,
                 const struct numbers *reference, struct numbers *out)
{
    struct net o;
    enum err err;

    *out = (struct numbers){.outputs = s->molecules * s->setup->job.scale.n};
    TRY_GOTO(net_open(&o, s->setup, mode, s->molecules), close);
    held_wrap(&o.job.device->k);
    fill(&o, s);
    TRY_GOTO(put_weights(&o, s->weights->x), close);
    out->weights = sum_of(list_of(&o));
    err = run(&o, reference, out);
close:
    net_close(&o);
    if (err)
        numbers_fini(out);
    return err;
}

void numbers_fini(struct numbers *o)
{
    mem_free(o->y);
    mem_free(o->dy);
    mem_free(o->free);
    mem_free(o->held);
    mem_free(o->layer);
    *o = (struct numbers){0};
}

/* --- weights -------------------------------------------------------------- */

static enum err load(const struct net *o, const char *path)
{
    struct ckpt_state s = {.arrays = 0};
    enum err err = state_of_weights(list_of(o), o->job.device,
                                    o->t->memory.weights.base, &s);

    if (!err)
        err = ckpt_load(path, &s, 1);
    state_fini(&s);
    return err;
}

static enum err train(const struct net *o, int steps)
{
    static const int no_wish[WISHES];
    const int64_t total = o->t->steps_per_epoch * o->params.train.epochs;

    TRY(trainer_start(o->t));
    for (int i = 0; i < steps; i++) {
        struct step_result r;

        if (o->t->progress.step == total)
            return err_set(ERR_DECK,
                           "--steps: the run is over (expected at most %lld, "
                           "found %d); set train.epochs",
                           (long long)total, steps);
        TRY(trainer_step(o->t, no_wish, &r));
    }
    return OK;
}

enum err weights_make(const struct setup *s, int steps, const char *path,
                      struct weight_set *out)
{
    struct net o;
    void *list = NULL;
    enum err err;

    *out = (struct weight_set){0};
    TRY_GOTO(net_open(&o, s, NULL, s->params.train.batch), close);
    TRY_GOTO(path ? load(&o, path) : train(&o, steps), close);
    TRY_GOTO(mem_alloc((size_t)list_of(&o)->count, sizeof *out->list,
                       "the list of weights", &list),
             close);
    out->count = list_of(&o)->count;
    out->list = list;
    memcpy(list, list_of(&o)->list, (size_t)out->count * sizeof *out->list);
    err = copy_of(&o, o.t->memory.weights.base, &out->x);
close:
    net_close(&o);
    if (err)
        weights_drop(out);
    return err;
}

void weights_drop(struct weight_set *o)
{
    mem_free(o->list);
    mem_free(o->x);
    *o = (struct weight_set){0};
}
