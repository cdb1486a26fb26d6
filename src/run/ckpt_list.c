/* SPDX-License-Identifier: MIT */
/* ckpt_list.c - the checkpoints of a folder, found by looking, and which of
 * them stay. */
#include "config.h"

#include "run/ckpt.h"

#include "base/mem.h"
#include "base/num.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_PATH = 4096, STEP_DIGITS = 10 };

static const char before[] = "step-", behind[] = ".h5", temporary[] = ".tmp";

/* "step-0000000020.h5": 1 and its step. */
static int step_of(const char *name, int64_t *step)
{
    const char *digits = name + sizeof before - 1;
    size_t n;

    if (strncmp(name, before, sizeof before - 1) != 0)
        return 0;
    n = strspn(digits, "0123456789");
    return n >= STEP_DIGITS && strcmp(digits + n, behind) == 0 &&
           num_int64(digits, n, step);
}

struct list {
    struct ckpt_entry *entry;
    size_t n, capacity;
};

static enum err add(struct list *l, const char *folder, const char *name)
{
    void *data = l->entry;
    char path[FILE_PATH];
    int64_t step;
    enum err err;

    if (!step_of(name, &step) ||
        snprintf(path, sizeof path, "%s/%s", folder, name) >= FILE_PATH)
        return OK;
    err = mem_grow(&data, &l->capacity, l->n + 1, sizeof *l->entry,
                   "the list of checkpoints");
    l->entry = data;
    TRY(err);
    TRY(mem_string(path, &l->entry[l->n].path));
    l->entry[l->n++].step = step;
    return OK;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = ((const struct ckpt_entry *)a)->step;
    int64_t y = ((const struct ckpt_entry *)b)->step;

    return (x < y) - (x > y);
}

enum err ckpt_list(const char *dir, int *n, struct ckpt_entry **out)
{
    struct list l = {.n = 0};
    char folder[FILE_PATH];
    struct dirent *e;
    enum err err = OK;
    DIR *d;

    snprintf(folder, sizeof folder, "%s/checkpoints", dir);
    d = opendir(folder);
    if (!d && errno != ENOENT)
        return err_set(ERR_IO, "%s: cannot be read (%s); look at its rights",
                       folder, strerror(errno));
    while (d && !err && (e = readdir(d)))
        err = add(&l, folder, e->d_name);
    if (d)
        closedir(d);
    if (err) {
        ckpt_list_free((int)l.n, l.entry);
        return err;
    }
    if (l.n > 0)
        qsort(l.entry, l.n, sizeof *l.entry, newest_first);
    *n = (int)l.n;
    *out = l.entry;
    return OK;
}

void ckpt_list_free(int n, struct ckpt_entry *list)
{
    for (int i = 0; i < n; i++)
        mem_free(list[i].path);
    mem_free(list);
}

/* Who holds the lock is the only writer: what bears a temporary name is a dead
 * one's. */
static void sweep(const char *folder)
{
    DIR *d = opendir(folder);
    char path[FILE_PATH];
    struct dirent *e;

    while (d && (e = readdir(d))) {
        size_t n = strlen(e->d_name), k = sizeof temporary - 1;

        if (n > k && strcmp(e->d_name + n - k, temporary) == 0 &&
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < FILE_PATH)
            unlink(path);
    }
    if (d)
        closedir(d);
}

/* Steps behind `sure` are of a life that this run did not go on from: they
 * count for nothing and stay until the run has passed them. */
void ckpt_prune(const char *dir, int keep, int64_t sure)
{
    struct ckpt_entry *list;
    char folder[FILE_PATH];
    int n, kept = 0;

    snprintf(folder, sizeof folder, "%s/checkpoints", dir);
    sweep(dir);
    sweep(folder);
    if (ckpt_list(dir, &n, &list) != OK)
        return; /* the next save tries again */
    for (int i = 0; i < n; i++)
        if (list[i].step <= sure && ++kept > keep && list[i].step != sure)
            unlink(list[i].path);
    ckpt_list_free(n, list);
}
