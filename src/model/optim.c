/* SPDX-License-Identifier: MIT */
/* optim.c - state in the arena `state`; the arithmetic is the device's. */
#include "model/optim.h"

#include "base/mem.h"
#include "device/device.h"

#include <math.h>
#include <string.h>

void optimizer_set(struct optimizer *o, const struct params *p)
{
    o->o.beta1 = p->train.beta1;
    o->o.beta2 = p->train.beta2;
    o->o.eps = p->train.eps;
    o->o.weight_decay = p->train.weight_decay;
    o->o.momentum = p->train.momentum;
    o->o.clip_norm = p->train.clip_norm;
    o->o.ema = p->train.ema;
}

/* Where each weight begins; the gap behind it counts as its own, it is zero. */
static enum err take_tensors(struct optimizer *o, const struct weights *w,
                             struct memory *m)
{
    const size_t n = (size_t)w->count + 1;
    int64_t *host;
    void *device;
    enum err err = OK;

    TRY(mem_alloc(n, sizeof *host, "the optimiser's list", (void **)&host));
    for (int i = 0; i < w->count; i++)
        host[i] = w->list[i].offset - w->list[0].offset;
    host[w->count] = o->o.n;
    TRY_GOTO(arena_take(&m->state, n * sizeof *host, &device), free);
    if (device) {
        o->d->put(o->d, device, host, n * sizeof *host);
        o->d->sync(o->d);
    }
    o->o.begin = device;
    o->o.tensors = w->count;
    err = arena_take(&m->state, 2 * n * sizeof(double), (void **)&o->o.work);
free:
    mem_free(host);
    return err;
}

static enum err take_state(struct optimizer *o, int any_ranks, struct memory *m)
{
    const size_t n = (size_t)o->o.n, bytes = n * o->d->k.real;
    const size_t blocks = (size_t)o->k->norm_blocks(o->o.n);

    TRY(arena_take(&m->state, bytes, &o->o.m));
    if (o->o.kind != OPTIM_SGD)
        TRY(arena_take(&m->state, bytes, &o->o.v));
    if (o->o.ema > 0)
        TRY(arena_take(&m->state, bytes, &o->o.average));
    TRY(arena_take(&m->state, blocks * sizeof *o->norm_work,
                   (void **)&o->norm_work));
    TRY(arena_take(&m->state, sizeof *o->o.scalars, (void **)&o->o.scalars));
    if (any_ranks)
        TRY(arena_take(&m->state, (n + 1) * sizeof *o->grid,
                       (void **)&o->grid));
    return OK;
}

enum err optimizer_init(struct optimizer *o, const struct params *p,
                        struct device *d, const struct weights *w,
                        struct memory *m)
{
    static const enum optim_kind kinds[] = {[OPTIMIZER_ADAMW] = OPTIM_ADAMW,
                                            [OPTIMIZER_LAMB] = OPTIM_LAMB,
                                            [OPTIMIZER_SGD] = OPTIM_SGD};

    *o = (struct optimizer){
        .o = {.kind = kinds[p->train.optimizer]}, .k = &d->k.step, .d = d};
    optimizer_set(o, p);
    o->o.n = weights_span(w);
    if (w->m->weights.base) {
        o->o.p = weights_base(w);
        o->o.g = weights_grads(w);
    }
    TRY(take_state(o, p->run.any_ranks, m));
    return take_tensors(o, w, m);
}

void optimizer_start(struct optimizer *o)
{
    if (o->o.average)
        o->d->copy(o->d, o->o.average, o->o.p, (size_t)o->o.n * o->d->k.real);
}

void optimizer_norm(struct optimizer *o)
{
    o->k->grad_norm(o->o.g, o->o.n, o->norm_work, &o->o.scalars->grad_norm);
}

void optimizer_step(struct optimizer *o, int64_t t, double lr)
{
    o->d->sync(o->d); /* the last step may still read what was put */
    o->host.lr = lr;
    o->host.bias1 = 1 - pow(o->o.beta1, (double)t);
    o->host.bias2 = 1 - pow(o->o.beta2, (double)t);
    o->d->put(o->d, o->o.scalars, &o->host,
              offsetof(struct optim_scalars, grad_norm));
    o->k->optim_step(&o->o);
}

double optimizer_last_norm(struct optimizer *o)
{
    double norm;

    o->d->get(o->d, &norm, &o->o.scalars->grad_norm, sizeof norm);
    o->d->sync(o->d);
    return norm;
}

int optimizer_states(const struct optimizer *o, struct optimizer_state s[3])
{
    const struct optimizer_state all[] = {
        {"m", o->o.m}, {"v", o->o.v}, {"ema", o->o.average}};
    int n = 0;

    for (int i = 0; i < 3; i++)
        if (all[i].data)
            s[n++] = all[i];
    return n;
}
