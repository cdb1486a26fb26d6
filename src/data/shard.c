/* SPDX-License-Identifier: MIT */
/* shard.c - writing: all ranks write disjoint rows of each shard together; rank
 * 0 adds the manifest and the list of refusals, and lets the folder appear.
 */
#include "data/shard.h"

#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/h5.h"
#include "data/dataset.h"
#include "data/import.h"
#include "data/manifest.h"
#include "data/shard_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MOLECULES = 16384 };

void shard_file_name(int i, char *room, size_t bytes)
{
    snprintf(room, bytes, "shard-%04d.h5", i);
}

/* A shard under way: molecules [first, end) of d. */
struct writing {
    struct comm *c;
    const struct dataset *d;
    struct h5 *f;
    int64_t first, end;
};

/* This rank's share of n rows. */
static void share(const struct comm *c, int64_t n, int64_t *first,
                  int64_t *rows)
{
    int64_t rank = comm_rank(c), size = comm_size(c);

    *first = n * rank / size;
    *rows = n * (rank + 1) / size - *first;
}

/* Rows [from, from + n) of an array of the whole data set become a data set of
 * the shard. */
static enum err put_rows(const struct writing *w, const char *path,
                         struct h5_shape s, const void *whole, int64_t from)
{
    size_t row = h5_kind_size(s.kind);
    int64_t first, rows;

    for (int i = 1; i < s.rank; i++)
        row *= (size_t)s.n[i];
    share(w->c, s.n[0], &first, &rows);
    return h5_write_rows(w->f, path, &s, first, rows,
                         (const char *)whole + (size_t)(from + first) * row);
}

/* Offsets count from the shard's first atom or bond. */
static enum err put_offsets(const struct writing *w, const char *path,
                            const int64_t *begin)
{
    struct h5_shape s = {H5_I64, 1, {w->end - w->first + 1}};
    int64_t first, rows;
    void *data = NULL;
    enum err err;

    share(w->c, s.n[0], &first, &rows);
    err = comm_agree(
        w->c, mem_alloc((size_t)rows, sizeof(int64_t), "offsets", &data));
    if (!err) {
        for (int64_t i = 0; i < rows; i++)
            ((int64_t *)data)[i] =
                begin[w->first + first + i] - begin[w->first];
        err = h5_write_rows(w->f, path, &s, first, rows, data);
    }
    mem_free(data);
    return err;
}

static enum err put_names(const struct writing *w)
{
    const struct dataset *d = w->d;
    void *data = NULL;
    const char **text;
    enum err err =
        comm_agree(w->c, mem_alloc(2 * (size_t)d->targets, sizeof *text,
                                   "names of targets", &data));

    if (err)
        return err;
    text = data;
    for (int i = 0; i < d->targets; i++) {
        text[i] = d->target[i].name;
        text[d->targets + i] = d->target[i].unit;
    }
    err = h5_put_strings(w->f, "/molecule/target", "names", d->targets, text);
    if (!err)
        err = h5_put_strings(w->f, "/molecule/target", "units", d->targets,
                             text + d->targets);
    mem_free(data);
    return comm_agree(w->c, err);
}

static enum err put_all(const struct writing *w)
{
    const struct dataset *d = w->d;
    int64_t n = w->end - w->first;
    int64_t a = d->atom_begin[w->first], k = d->bond_begin[w->first];
    int64_t atoms = d->atom_begin[w->end] - a;
    int64_t bonds = d->bond_begin[w->end] - k;

    TRY(put_rows(w, "/molecule/id", (struct h5_shape){H5_I64, 1, {n}}, d->id,
                 w->first));
    TRY(put_offsets(w, "/molecule/atom_begin", d->atom_begin));
    TRY(put_offsets(w, "/molecule/bond_begin", d->bond_begin));
    TRY(put_rows(w, "/molecule/target",
                 (struct h5_shape){H5_F64, 2, {n, d->targets}}, d->label,
                 w->first));
    TRY(put_names(w));
    TRY(put_rows(w, "/atom/number", (struct h5_shape){H5_U8, 1, {atoms}},
                 d->number, a));
    TRY(put_rows(w, "/atom/position", (struct h5_shape){H5_F64, 2, {atoms, 3}},
                 d->x, a));
    TRY(put_rows(w, "/bond/atoms", (struct h5_shape){H5_I32, 2, {bonds, 2}},
                 d->bond, k));
    return put_rows(w, "/bond/order", (struct h5_shape){H5_U8, 1, {bonds}},
                    d->order, k);
}

static enum err write_one(struct writing *w, const char *path,
                          struct shard_entry *e)
{
    const struct dataset *d = w->d;
    enum err err, closed;

    TRY(h5_create_all(w->c, path, &w->f));
    err = put_all(w);
    closed = h5_close(&w->f);
    err = comm_agree(w->c, err ? err : closed);
    if (err)
        return err;
    e->molecules = w->end - w->first;
    e->atoms = d->atom_begin[w->end] - d->atom_begin[w->first];
    e->bonds = d->bond_begin[w->end] - d->bond_begin[w->first];
    return comm_agree(
        w->c, comm_rank(w->c) == 0 ? digest_file(path, -1, &e->digest) : OK);
}

static enum err write_shards(struct comm *c, const struct dataset *d,
                             const char *folder, struct manifest *m)
{
    for (int i = 0; i < m->shards; i++) {
        struct writing w = {.c = c,
                            .d = d,
                            .first = d->molecules * i / m->shards,
                            .end = d->molecules * (i + 1) / m->shards};
        char path[FOLDER_PATH + 64];

        snprintf(path, sizeof path, "%s/%s", folder, m->shard[i].file);
        TRY(write_one(&w, path, &m->shard[i]));
    }
    return OK;
}

/* --- the list of refusals ----------------------------------------------- */

static void put_field(FILE *f, const char *s)
{
    putc('"', f);
    for (; *s; s++) {
        if (*s == '"')
            putc('"', f);
        putc(*s, f);
    }
    putc('"', f);
}

static enum err write_rejected(const char *path, const struct import_summary *s)
{
    FILE *f = fopen(path, "w");
    int bad = !f;

    if (f) {
        fprintf(f, "source,line,id,reason\n");
        for (int i = 0; i < s->rejects; i++) {
            const struct import_reject *r = &s->reject[i];

            put_field(f, r->source);
            putc(',', f);
            if (r->line)
                fprintf(f, "%lld", (long long)r->line);
            putc(',', f);
            if (r->id)
                fprintf(f, "%lld", (long long)r->id);
            putc(',', f);
            put_field(f, r->reason);
            putc('\n', f);
        }
        bad = ferror(f) != 0;
        if (fclose(f) != 0)
            bad = 1;
    }
    if (bad)
        return err_set(ERR_IO, "%s: cannot be written (%s); check the disk",
                       path, strerror(errno));
    return OK;
}

/* --- the whole ---------------------------------------------------------- */

static enum err plan(const struct dataset *d, int shards, const char *name,
                     struct manifest *m)
{
    char file[32];
    void *data;

    TRY(mem_alloc((size_t)shards, sizeof *m->shard, "shards", &data));
    m->shard = data;
    TRY(mem_string(name, &m->name));
    for (int i = 0; i < shards; i++) {
        shard_file_name(i, file, sizeof file);
        TRY(mem_string(file, &m->shard[i].file));
        m->shards = i + 1;
    }
    m->molecules = d->molecules;
    return OK;
}

/* Rank 0. */
static enum err finish(const struct shard_folder *f, const struct manifest *m,
                       const struct dataset *d, const struct import_summary *s,
                       struct digest *digest)
{
    char path[FOLDER_PATH + 64];

    snprintf(path, sizeof path, "%s/rejected.csv", f->made);
    TRY(write_rejected(path, s));
    snprintf(path, sizeof path, "%s/manifest.yaml", f->made);
    TRY(manifest_write(path, m, d, s));
    TRY(digest_file(path, -1, digest));
    return shard_folder_show(f);
}

static int number_of_shards(const struct dataset *d, int shards)
{
    int64_t n = shards ? shards : (d->molecules + MOLECULES - 1) / MOLECULES;

    if (n > SHARD_MOST)
        n = SHARD_MOST;
    if (n > d->molecules)
        n = d->molecules;
    if (n < 1)
        n = 1;
    if (shards > n)
        log_warn("--shards: %d are more than can be filled; %lld are written",
                 shards, (long long)n);
    return (int)n;
}

enum err shard_check(struct comm *c, const char *dir)
{
    return comm_agree(c, comm_rank(c) == 0 ? shard_folder_check(dir) : OK);
}

/* The user knows nothing of the name under which the folder is made. */
static enum err by_its_name(enum err err, const struct shard_folder *f)
{
    char text[2 * FOLDER_PATH];
    const char *at;

    if (!err || !*f->made)
        return err;
    snprintf(text, sizeof text, "%s", err_message());
    at = strstr(text, f->made);
    return at ? err_set(err, "%.*s%s%s", (int)(at - text), text, f->place,
                        at + strlen(f->made))
              : err;
}

enum err shard_write(struct comm *c, const struct dataset *d,
                     const struct import_summary *s, const char *dir,
                     int shards, struct digest *digest)
{
    struct shard_folder f = {.place = ""};
    struct manifest m = {0};
    struct digest done = {""};
    int first = comm_rank(c) == 0;
    enum err err = first ? shard_folder_names(dir, &f) : OK;

    if (!err && first)
        err = by_its_name(shard_folder_make(&f), &f);
    err = comm_agree(c, err);
    if (err)
        return err;
    comm_broadcast(c, &f, sizeof f, 0);
    err = comm_agree(
        c, plan(d, number_of_shards(d, shards), shard_folder_name(&f), &m));
    if (!err)
        err = write_shards(c, d, f.made, &m);
    if (!err)
        err = comm_agree(c, first ? finish(&f, &m, d, s, &done) : OK);
    err = by_its_name(err, &f);
    if (err && first)
        shard_folder_drop(&f);
    manifest_fini(&m);
    if (err)
        return err;
    comm_broadcast(c, &done, sizeof done, 0);
    *digest = done;
    return OK;
}
