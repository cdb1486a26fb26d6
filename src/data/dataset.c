/* SPDX-License-Identifier: MIT */
/* dataset.c - one block for all arrays, wide numbers first. */
#include "data/dataset.h"

#include "base/mem.h"
#include "base/num.h"
#include "comm/comm.h"
#include "comm/window.h"

#include <string.h>

/* Adds n numbers of `size` bytes to *bytes, rounded to 8; their place in *at;
 * 0: that does not fit. */
static int place(size_t *bytes, int64_t n, size_t size, size_t *at)
{
    size_t more;

    if (n < 0 || !num_product((size_t)n, size, &more) ||
        more > SIZE_MAX / 2 - *bytes)
        return 0;
    *at = *bytes;
    *bytes += (more + 7) / 8 * 8;
    return 1;
}

enum array {
    ID,
    ATOM_BEGIN,
    BOND_BEGIN,
    X,
    BOND,
    NUMBER,
    ORDER,
    LABEL, /* last: dataset_keep gives back what is behind them */
    ARRAYS
};

static int places(const struct dataset *d, size_t at[ARRAYS], size_t *bytes)
{
    size_t labels = sizeof(double) * (size_t)d->targets;

    *bytes = 0;
    return place(bytes, d->molecules, sizeof(int64_t), &at[ID]) &&
           place(bytes, d->molecules + 1, sizeof(int64_t), &at[ATOM_BEGIN]) &&
           place(bytes, d->molecules + 1, sizeof(int64_t), &at[BOND_BEGIN]) &&
           place(bytes, d->atoms, 3 * sizeof(double), &at[X]) &&
           place(bytes, d->bonds, 2 * sizeof(int32_t), &at[BOND]) &&
           place(bytes, d->atoms, 1, &at[NUMBER]) &&
           place(bytes, d->bonds, 1, &at[ORDER]) &&
           place(bytes, d->molecules, labels, &at[LABEL]);
}

static void set_arrays(struct dataset *d, char *data, const size_t at[ARRAYS])
{
    d->id = (const int64_t *)(void *)(data + at[ID]);
    d->atom_begin = (const int64_t *)(void *)(data + at[ATOM_BEGIN]);
    d->bond_begin = (const int64_t *)(void *)(data + at[BOND_BEGIN]);
    d->x = (const double *)(void *)(data + at[X]);
    d->bond = (const int32_t *)(void *)(data + at[BOND]);
    d->number = (const uint8_t *)data + at[NUMBER];
    d->order = (const uint8_t *)data + at[ORDER];
    d->label = (const double *)(void *)(data + at[LABEL]);
}

/* This rank's part: the struct, and the names. */
static enum err describe(const struct dataset *sizes, struct dataset **out)
{
    enum err err;
    struct dataset *d;
    void *data = NULL, *target;

    TRY(mem_alloc(1, sizeof *d, "a data set", &data));
    d = data;
    d->molecules = sizes->molecules;
    d->atoms = sizes->atoms;
    d->bonds = sizes->bonds;
    d->targets = sizes->targets;
    d->digest = sizes->digest;
    TRY_GOTO(mem_alloc((size_t)sizes->targets, sizeof *d->target,
                       "names of targets", &target),
             free_dataset);
    d->target = target;
    if (sizes->targets > 0 && sizes->target)
        memcpy(d->target, sizes->target,
               (size_t)sizes->targets * sizeof *d->target);
    TRY_GOTO(mem_string(sizes->path ? sizes->path : "", &d->path), free_target);
    *out = d;
    return OK;

free_target:
    mem_free(d->target);
free_dataset:
    mem_free(d);
    return err;
}

enum err dataset_new(struct comm *c, const struct dataset *sizes,
                     struct dataset **out)
{
    struct dataset *d = NULL;
    size_t at[ARRAYS] = {0}, bytes = 0;
    void *data;
    enum err err = OK;

    if (!places(sizes, at, &bytes))
        err = err_set(ERR_ENVIRONMENT,
                      "%s: too large for this machine (%lld molecules, %lld "
                      "atoms, %lld bonds)",
                      sizes->path ? sizes->path : "data set",
                      (long long)sizes->molecules, (long long)sizes->atoms,
                      (long long)sizes->bonds);
    if (!err)
        err = describe(sizes, &d);
    err = comm_agree(c, err);
    if (!err)
        err = window_open(c, bytes, &d->window, &data);
    if (err) {
        dataset_close(c, &d);
        return err;
    }
    set_arrays(d, data, at);
    *out = d;
    return OK;
}

/* Each row ends before the next one's labels begin. */
static void move_labels(const struct dataset *d, const int column[], int n,
                        double row[])
{
    double *to = (double *)(uintptr_t)d->label;

    for (int64_t m = 0; m < d->molecules; m++) {
        for (int t = 0; t < n; t++)
            row[t] = d->label[m * d->targets + column[t]];
        memcpy(to + m * n, row, (size_t)n * sizeof *row);
    }
}

enum err dataset_keep(struct comm *c, struct dataset *d, int n, int column[])
{
    struct dataset_target *target;
    void *row = NULL, *names = NULL;
    size_t all = (size_t)d->molecules * (size_t)d->targets;
    size_t kept = (size_t)d->molecules * (size_t)n;
    enum err err;

    CHECK(n <= d->targets);
    err = mem_alloc((size_t)n, sizeof(double), "a row of labels", &row);
    if (!err)
        err = mem_alloc((size_t)n, sizeof *target, "names of targets", &names);
    TRY_GOTO(comm_agree(c, err), free);
    if (window_is_mine(d->window))
        move_labels(d, column, n, row);
    window_release(c, d->window, (char *)(uintptr_t)(d->label + kept),
                   (all - kept) * sizeof *d->label);
    target = names;
    for (int t = 0; t < n; t++) {
        target[t] = d->target[column[t]];
        column[t] = t;
    }
    names = d->target;
    d->target = target;
    d->targets = n;
free:
    mem_free(names);
    mem_free(row);
    return err;
}

void dataset_close(struct comm *c, struct dataset **d)
{
    if (!*d)
        return;
    window_close(c, &(*d)->window);
    mem_free((*d)->target);
    mem_free((*d)->path);
    mem_free(*d);
    *d = NULL;
}

int dataset_find(const struct dataset *d, const char *name)
{
    for (int i = 0; i < d->targets; i++)
        if (strcmp(d->target[i].name, name) == 0)
            return i;
    return -1;
}
