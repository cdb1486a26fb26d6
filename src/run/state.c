/* SPDX-License-Identifier: MIT */
/* state.c - a table of what is saved: arrays of the weights' layout first, then
 * the members of struct progress. */
#include "run/state.h"

#include "base/mem.h"
#include "comm/comm.h"
#include "device/device.h"
#include "run/ckpt_file.h"
#include "run/step.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { LAYOUTS = 4 }; /* weights, m, v, average */

/* What `self` of a ckpt_state points to. */
struct source {
    const struct weights *w;
    struct device *d;
    struct trainer *trainer; /* NULL: weights only */
    int layouts;
    void *base[LAYOUTS];
};

static const struct member {
    const char *name;
    enum ckpt_kind kind;
    int per_target;
    size_t offset; /* in struct progress */
} members[] = {
    {"step", CKPT_I64, 0, offsetof(struct progress, step)},
    {"updates", CKPT_I64, 0, offsetof(struct progress, updates)},
    {"skipped", CKPT_I64, 0, offsetof(struct progress, skipped)},
    {"epoch_sum", CKPT_F64, 1, offsetof(struct progress, epoch_sum)},
    {"epoch_known", CKPT_I64, 1, offsetof(struct progress, epoch_known)},
    {"best_score", CKPT_F64, 0, offsetof(struct progress, best_score)},
    {"best_mae", CKPT_F64, 1, offsetof(struct progress, best_mae)},
    {"best_step", CKPT_I64, 0, offsetof(struct progress, best_step)},
    {"best_epoch", CKPT_I64, 0, offsetof(struct progress, best_epoch)},
};
enum { MEMBERS = sizeof members / sizeof *members };

static int members_of(const struct source *s)
{
    return s->trainer ? MEMBERS : 0;
}

static void *member_at(const struct source *s, int i, size_t *bytes)
{
    int n = members[i].per_target ? s->trainer->job->scale.n : 1;

    *bytes = (size_t)n * sizeof(int64_t); /* and double */
    return (char *)&s->trainer->progress + members[i].offset;
}

static void get(void *self, int i, void *out)
{
    struct source *s = self;
    int arrays = s->layouts * s->w->count;
    size_t bytes;

    if (i < arrays) {
        weights_get(s->w, s->d, i % s->w->count, s->base[i / s->w->count], out);
    } else {
        const void *from = member_at(s, i - arrays, &bytes);

        memcpy(out, from, bytes);
    }
}

static void put(void *self, int i, const void *in)
{
    struct source *s = self;
    int arrays = s->layouts * s->w->count;
    size_t bytes;

    if (i < arrays) {
        weights_put(s->w, s->d, i % s->w->count, s->base[i / s->w->count], in);
    } else {
        void *to = member_at(s, i - arrays, &bytes);

        memcpy(to, in, bytes);
    }
}

static void describe_weight(const struct weight *w, size_t real,
                            const char *group, struct ckpt_array *out)
{
    snprintf(out->path, sizeof out->path, "%s/%s", group, w->name);
    out->kind = real == sizeof(float) ? CKPT_F32 : CKPT_F64;
    out->rank = w->rank;
    out->n[0] = w->rank == 2 ? w->n : w->c;
    out->n[1] = w->c;
}

static void describe_member(const struct source *s, int i,
                            struct ckpt_array *out)
{
    snprintf(out->path, sizeof out->path, "/state/%s", members[i].name);
    out->kind = members[i].kind;
    out->rank = 1;
    out->n[0] = members[i].per_target ? s->trainer->job->scale.n : 1;
}

static enum err describe(struct source *s, const char *const group[],
                         struct ckpt_state *out)
{
    int weights = s->w->count, n = s->layouts * weights + members_of(s);
    struct ckpt_array *list;
    void *data;

    TRY(mem_alloc((size_t)n, sizeof *list, "the list of arrays", &data));
    list = data;
    for (int k = 0; k < s->layouts; k++)
        for (int i = 0; i < weights; i++)
            describe_weight(&s->w->list[i], s->w->real, group[k],
                            &list[k * weights + i]);
    for (int i = 0; i < members_of(s); i++)
        describe_member(s, i, &list[s->layouts * weights + i]);
    *out = (struct ckpt_state){
        .arrays = n, .array = list, .get = get, .put = put, .self = s};
    return OK;
}

static enum err source_new(const struct source *from, const char *const group[],
                           struct ckpt_state *out)
{
    void *data;
    enum err err;

    TRY(mem_alloc(1, sizeof *from, "the state's source", &data));
    memcpy(data, from, sizeof *from);
    err = describe(data, group, out);
    if (err)
        mem_free(data);
    return err;
}

enum err state_of_trainer(struct trainer *t, struct ckpt_state *out)
{
    const char *group[LAYOUTS] = {"/weights"};
    char path[LAYOUTS][16];
    struct optimizer_state state[LAYOUTS - 1];
    int n = optimizer_states(&t->optimizer, state);
    struct source s = {.w = model_weights(t->model),
                       .d = t->job->device,
                       .trainer = t,
                       .layouts = 1 + n,
                       .base = {t->memory.weights.base}};

    for (int i = 0; i < n; i++) {
        snprintf(path[i], sizeof path[i], "/state/%s", state[i].name);
        group[1 + i] = path[i];
        s.base[1 + i] = state[i].data;
    }
    return source_new(&s, group, out);
}

enum err state_of_model(struct trainer *t, struct ckpt_state *out)
{
    void *average = t->optimizer.o.average;

    return state_of_weights(model_weights(t->model), t->job->device,
                            average ? average : t->memory.weights.base, out);
}

enum err state_of_weights(const struct weights *w, struct device *d, void *base,
                          struct ckpt_state *out)
{
    static const char *const group[] = {"/weights"};
    struct source s = {.w = w, .d = d, .layouts = 1, .base = {base}};

    return source_new(&s, group, out);
}

void state_fini(struct ckpt_state *s)
{
    mem_free(s->self);
    mem_free((void *)(uintptr_t)s->array);
    *s = (struct ckpt_state){.arrays = 0};
}

enum err state_spread(struct comm *c, const struct ckpt_state *s)
{
    void *room = NULL;
    enum err err = comm_agree(c, ckpt_room(s, &room));

    for (int i = 0; !err && i < s->arrays; i++) {
        if (comm_rank(c) == 0)
            s->get(s->self, i, room);
        comm_broadcast(c, room, ckpt_bytes(&s->array[i]), 0);
        if (comm_rank(c) != 0)
            s->put(s->self, i, room);
    }
    mem_free(room);
    return err;
}
