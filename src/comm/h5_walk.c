/* SPDX-License-Identifier: MIT */
/* h5_walk.c - all data sets below a group, by path in byte order.
 *
 * HDF5 walks group by group, which is another order ("a.b" stands before
 * "a/b"): paths are collected, then sorted.
 */
#include "comm/h5.h"

#include "base/mem.h"
#include "comm/h5_file.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16, SETS = 1 << 20 }; /* beyond: not a file of ours */

struct list {
    const struct h5 *f;
    const char *group; /* paths begin with it, without a slash at its end */
    char **path;
    size_t n, capacity;
    enum err err;
};

static void list_fini(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->path[i]);
    mem_free(l->path);
}

static enum err list_add(struct list *l, const char *path)
{
    void *data = l->path;
    enum err err;

    if (l->n == SETS)
        return err_set(l->f->code, "%s: %s: too many data sets in it",
                       l->f->path, l->group);
    err = mem_grow(&data, &l->capacity, l->n + 1, sizeof *l->path,
                   "the list of data sets");
    l->path = data;
    TRY(err);
    TRY(mem_string(path, &l->path[l->n]));
    l->n++;
    return OK;
}

static int slashes(const char *s)
{
    int n = 0;

    while (*s)
        n += *s++ == '/';
    return n;
}

static enum err add_link(struct list *l, hid_t group, const char *name,
                         H5L_type_t type)
{
    char path[H5_PATH];
    H5I_type_t what;
    hid_t id;

    if (snprintf(path, sizeof path, "%s/%s", l->group, name) >=
            (int)sizeof path ||
        slashes(path) > DEPTH || type != H5L_TYPE_HARD)
        return err_set(l->f->code,
                       "%s: %s/%.64s: a link or group that is not ours; make "
                       "the file anew",
                       l->f->path, l->group, name);
    id = H5Oopen(group, name, H5P_DEFAULT);
    if (id < 0)
        return h5_bad_read(l->f, path);
    what = H5Iget_type(id);
    H5Oclose(id);
    return what == H5I_DATASET ? list_add(l, path) : OK;
}

static herr_t on_link(hid_t group, const char *name, const H5L_info_t *link,
                      void *self)
{
    struct list *l = self;

    l->err = add_link(l, group, name, link->type);
    return l->err == OK ? 0 : -1;
}

static enum err collect(struct list *l)
{
    const char *group = l->group[0] ? l->group : "/";

    if (h5_reach(l->f, group) != 1)
        return err_set(l->f->code, "%s: %s: is not there; make the file anew",
                       l->f->path, group);
    if (H5Lvisit_by_name(l->f->id, group, H5_INDEX_NAME, H5_ITER_INC, on_link,
                         l, H5P_DEFAULT) < 0 &&
        l->err == OK)
        l->err = h5_bad_read(l->f, group);
    return l->err;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct list *l)
{
    if (l->n > 0)
        qsort(l->path, l->n, sizeof *l->path, compare);
}

/* "/" is "": then every path is group, slash, name. */
static const char *without_slash(const char *group)
{
    return strcmp(group, "/") == 0 ? "" : group;
}

enum err h5_visit(struct h5 *f, const char *group,
                  enum err (*visit)(void *self, struct h5 *f, const char *path),
                  void *self)
{
    struct list l = {.f = f, .group = without_slash(group)};
    size_t skip = strlen(l.group) + 1;
    enum err err = collect(&l);

    sort(&l);
    for (size_t i = 0; err == OK && i < l.n; i++)
        err = visit(self, f, l.path[i] + skip);
    list_fini(&l);
    return err;
}

static enum err add_set(const struct h5 *f, const char *path,
                        struct digest_stream *stream)
{
    struct h5_source s;
    H5T_class_t class;
    void *data = NULL;
    size_t size;
    enum err err = OK;

    TRY(h5_source_set(f, path, &s));
    class = H5Tget_class(s.type);
    size = H5Tget_size(s.type);
    if (class != H5T_INTEGER && class != H5T_FLOAT)
        goto close;
    TRY_GOTO(mem_alloc((size_t)s.count, size, path, &data), close);
    TRY_GOTO(h5_source_read(&s, s.type, data), free);
    digest_add(stream, path, strlen(path) + 1);
    digest_add(stream, data, (size_t)s.count * size);

free:
    mem_free(data);
close:
    h5_source_close(&s);
    return err;
}

enum err h5_digest(struct h5 *f, int groups, const char *const group[],
                   struct digest *out)
{
    struct list l = {.f = f};
    struct digest_stream stream;
    enum err err = OK;

    for (int i = 0; err == OK && i < groups; i++) {
        l.group = without_slash(group[i]);
        err = collect(&l);
    }
    sort(&l);
    digest_begin(&stream);
    for (size_t i = 0; err == OK && i < l.n; i++)
        err = add_set(f, l.path[i], &stream);
    if (err == OK)
        digest_end(&stream, out);
    list_fini(&l);
    return err;
}
