/* SPDX-License-Identifier: MIT */
/* weights.c - a growing list; the arenas do the rest. */
#include "model/weights.h"

#include "base/mem.h"
#include "base/rng.h"
#include "device/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void weights_begin(struct weights *w, struct memory *m, size_t real)
{
    w->m = m;
    w->real = real;
    w->count = 0;
    w->parameters = 0;
}

void weights_fini(struct weights *w)
{
    mem_free(w->list);
    *w = (struct weights){0};
}

enum err weights_add(struct weights *w, const struct weight *what,
                     struct tensor *value, struct tensor *grad)
{
    int64_t offset = (int64_t)(w->m->weights.used / w->real);

    CHECK(weights_find(w, what->name) < 0);
    TRY(mem_grow((void **)&w->list, &w->room, (size_t)w->count + 1,
                 sizeof *w->list, "the list of weights"));
    *value = tensor_weights(what->n, what->c);
    TRY(tensor_take(value, w->real, &w->m->weights));
    if (grad) {
        *grad = tensor_weights(what->n, what->c);
        TRY(tensor_take(grad, w->real, &w->m->grads));
    }
    w->list[w->count] = *what;
    w->list[w->count].offset = offset;
    w->count++;
    w->parameters += (int64_t)what->n * what->c;
    return OK;
}

int weights_find(const struct weights *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (!strcmp(w->list[i].name, name))
            return i;
    return -1;
}

int64_t weights_span(const struct weights *w)
{
    const struct weight *last;

    if (!w->count)
        return 0;
    last = &w->list[w->count - 1];
    return last->offset + (int64_t)last->n * last->c - w->list[0].offset;
}

void *weights_base(const struct weights *w)
{
    return w->m->weights.base + (size_t)w->list[0].offset * w->real;
}

void *weights_grads(const struct weights *w)
{
    return w->m->grads.base + (size_t)w->list[0].offset * w->real;
}

/* Where weight i stands in an array of the arenas' layout. */
static size_t place(const struct weights *w, int i)
{
    return (size_t)(w->list[i].offset - w->list[0].offset) * w->real;
}

static size_t bytes(const struct weights *w, int i)
{
    return (size_t)w->list[i].n * (size_t)w->list[i].c * w->real;
}

void weights_put(const struct weights *w, struct device *d, int i, void *base,
                 const void *from)
{
    d->put(d, (char *)base + place(w, i), from, bytes(w, i));
    d->sync(d);
}

void weights_get(const struct weights *w, struct device *d, int i,
                 const void *base, void *to)
{
    d->get(d, to, (const char *)base + place(w, i), bytes(w, i));
    d->sync(d);
}

static double initial(const struct weight *what, struct rng r, int64_t k)
{
    double scale = 1 / sqrt(what->fan_in);

    switch (what->init) {
    case WEIGHT_UNIFORM:
        return (2 * rng_uniform(r, (uint64_t)k) - 1) * scale;
    case WEIGHT_NORMAL:
        return rng_normal(r, (uint64_t)k) * scale;
    case WEIGHT_ONE:
        return 1;
    default:
        return 0;
    }
}

static void fill(const struct weight *what, struct rng r, size_t real,
                 void *out)
{
    struct rng own = rng_named(r, what->name);

    for (int64_t k = 0; k < (int64_t)what->n * what->c; k++)
        if (real == sizeof(float))
            ((float *)out)[k] = (float)initial(what, own, k);
        else
            ((double *)out)[k] = initial(what, own, k);
}

enum err weights_init(const struct weights *w, struct device *d, uint64_t seed)
{
    struct rng r = rng_stream(seed, RNG_WEIGHTS, 0);
    void *base = weights_base(w);
    size_t largest = 0;
    void *host;

    for (int i = 0; i < w->count; i++)
        largest = bytes(w, i) > largest ? bytes(w, i) : largest;
    TRY(mem_alloc(largest, 1, "initial weights", &host));
    for (int i = 0; i < w->count; i++) {
        fill(&w->list[i], r, w->real, host);
        weights_put(w, d, i, base, host);
    }
    mem_free(host);
    return OK;
}
