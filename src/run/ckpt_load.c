/* SPDX-License-Identifier: MIT */
/* ckpt_load.c - arrays of a file into a state: looked at as a whole first, then
 * read again and put, so that a bad file changes nothing and no second copy of
 * the state is needed.
 */
#include "config.h"

#include "base/mem.h"
#include "comm/h5.h"
#include "run/ckpt_file.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum h5_kind h5_kinds[] = {
    [CKPT_F32] = H5_F32, [CKPT_F64] = H5_F64, [CKPT_I64] = H5_I64};

static int64_t count_of(const struct ckpt_array *a)
{
    return a->rank == 2 ? a->n[0] * a->n[1] : a->n[0];
}

size_t ckpt_bytes(const struct ckpt_array *a)
{
    return (size_t)count_of(a) * h5_kind_size(h5_kinds[a->kind]);
}

enum err ckpt_room(const struct ckpt_state *s, void **out)
{
    size_t most = 1;

    for (int i = 0; i < s->arrays; i++)
        if (ckpt_bytes(&s->array[i]) > most)
            most = ckpt_bytes(&s->array[i]);
    return mem_alloc(most, 1, "a copy of one array", out);
}

static int by_path(const void *a, const void *b)
{
    const struct ckpt_array *const *x = a, *const *y = b;

    return strcmp((*x)->path, (*y)->path);
}

enum err ckpt_order(const struct ckpt_state *s, const struct ckpt_array ***out)
{
    const struct ckpt_array **list;
    void *data;

    TRY(mem_alloc((size_t)s->arrays, sizeof *list, "the order of arrays",
                  &data));
    list = data;
    for (int i = 0; i < s->arrays; i++)
        list[i] = &s->array[i];
    qsort(list, (size_t)s->arrays, sizeof *list, by_path);
    *out = list;
    return OK;
}

/* --- looking ------------------------------------------------------------- */

/* Data sets come in the order of the arrays: `next` is the one to expect. */
struct look {
    const char *file, *group;
    const struct ckpt_state *state;
    const struct ckpt_array **order;
    int next;
    struct digest_stream stream;
};

static enum err missing(const struct look *l, const char *path)
{
    return err_set(ERR_CHECKPOINT,
                   "%s: %s: is not there (expected one array for each of this "
                   "model); it is of another model",
                   l->file, path);
}

/* Whether it is an array of the state: in order, so that what is jumped over is
 * missing. */
static enum err expect(struct look *l, const char *path)
{
    int order =
        l->next < l->state->arrays ? strcmp(l->order[l->next]->path, path) : 1;

    if (order == 0)
        return OK;
    if (order < 0)
        return missing(l, l->order[l->next]->path);
    return err_set(ERR_CHECKPOINT,
                   "%s: %s: is one too many (expected the arrays of this "
                   "model); it is of another model",
                   l->file, path);
}

/* The first number that cannot be loaded; NAN-safe. Only a score that was never
 * taken is infinite. */
static enum err check_reals(const struct look *l, const struct ckpt_array *a,
                            enum h5_kind kind, const void *data)
{
    int infinite = strcmp(a->path, "/state/best_score") == 0;
    const double most = a->kind == CKPT_F32 ? (double)FLT_MAX : DBL_MAX;

    for (int64_t i = 0; i < count_of(a); i++) {
        double x = kind == H5_F32 ? (double)((const float *)data)[i]
                                  : ((const double *)data)[i];

        if (!(fabs(x) <= most) && !(infinite && x > 0))
            return err_set(ERR_CHECKPOINT,
                           "%s: %s: holds a number that is not finite "
                           "(expected numbers, found %g); use another file",
                           l->file, a->path, x);
    }
    return OK;
}

static enum err look_at(struct look *l, struct h5 *f,
                        const struct ckpt_array *a)
{
    struct h5_shape s, want = {.kind = h5_kinds[a->kind],
                               .rank = a->rank,
                               .n = {a->n[0], a->n[1]}};
    void *data;
    enum err err = OK;

    TRY(h5_shape_of(f, a->path, &s));
    if (a->kind != CKPT_I64 && (s.kind == H5_F32 || s.kind == H5_F64))
        want.kind = s.kind; /* its own, for the digest */
    TRY(h5_read_new(f, a->path, &want, count_of(a), &data));
    if (a->kind != CKPT_I64)
        err = check_reals(l, a, want.kind, data);
    digest_add(&l->stream, a->path, strlen(a->path) + 1);
    digest_add(&l->stream, data, (size_t)count_of(a) * h5_kind_size(want.kind));
    mem_free(data);
    return err;
}

static enum err on_set(void *self, struct h5 *f, const char *name)
{
    struct look *l = self;
    char path[2 * CKPT_PATH];

    snprintf(path, sizeof path, "%s/%s", l->group, name);
    TRY(expect(l, path));
    return look_at(l, f, l->order[l->next++]);
}

static enum err look_at_group(struct look *l, struct h5 *f, const char *group)
{
    l->group = group;
    return h5_visit(f, group, on_set, l);
}

static enum err check_digest(const struct look *l, struct h5 *f,
                             const struct digest *found)
{
    char *hex;
    int same;

    TRY(h5_get_string(f, "/", "state_digest", DIGEST_CHARS, &hex));
    same = strcmp(hex, found->hex) == 0;
    mem_free(hex);
    if (same)
        return OK;
    return err_set(ERR_CHECKPOINT,
                   "%s: holds another state than it says (expected the "
                   "state_digest of what it holds, %.12s..); use another file",
                   l->file, found->hex);
}

/* state < weights: the groups follow each other in the order of paths. */
static enum err look_at_all(struct look *l, struct h5 *f, int only_weights,
                            struct digest *found)
{
    TRY(ckpt_order(l->state, &l->order));
    digest_begin(&l->stream);
    if (!only_weights)
        TRY(look_at_group(l, f, "/state"));
    TRY(look_at_group(l, f, "/weights"));
    digest_end(&l->stream, found);
    if (l->next < l->state->arrays)
        return missing(l, l->order[l->next]->path);
    if (only_weights && h5_has(f, "/state"))
        return OK; /* the digest is of more than was read */
    return check_digest(l, f, found);
}

/* --- loading ------------------------------------------------------------- */

static enum err open_as(const char *path, int only_weights, struct h5 **out)
{
    int is_model, format;

    TRY(ckpt_open(path, &is_model, &format, out));
    if (!is_model || only_weights)
        return OK;
    h5_close(out);
    return err_set(ERR_CHECKPOINT,
                   "%s: is of the wrong kind (expected a checkpoint, found a "
                   "model); use a checkpoint",
                   path);
}

static enum err check_open(const char *path, struct h5 *f,
                           const struct ckpt_state *s, int only_weights,
                           struct digest *found)
{
    struct look l = {.file = path, .state = s};
    enum err err = look_at_all(&l, f, only_weights, found);

    mem_free(l.order);
    return err;
}

enum err ckpt_check(const char *path, const struct ckpt_state *s,
                    int only_weights, struct digest *found)
{
    struct h5 *f;
    enum err err;

    TRY(open_as(path, only_weights, &f));
    err = check_open(path, f, s, only_weights, found);
    h5_close(&f);
    return err;
}

/* Converts float to double and back. */
static enum err put_all(struct h5 *f, const struct ckpt_state *s, void *room)
{
    for (int i = 0; i < s->arrays; i++) {
        const struct ckpt_array *a = &s->array[i];
        const struct h5_shape shape = {.kind = h5_kinds[a->kind],
                                       .rank = a->rank,
                                       .n = {a->n[0], a->n[1]}};

        TRY(h5_read(f, a->path, &shape, room));
        s->put(s->self, i, room);
    }
    return OK;
}

enum err ckpt_load(const char *path, const struct ckpt_state *s,
                   int only_weights)
{
    struct digest found;
    struct h5 *f;
    void *room;
    enum err err;

    TRY(open_as(path, only_weights, &f));
    TRY_GOTO(check_open(path, f, s, only_weights, &found), close);
    TRY_GOTO(ckpt_room(s, &room), close);
    err = put_all(f, s, room);
    mem_free(room);
close:
    h5_close(&f);
    return err;
}
