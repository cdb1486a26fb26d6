/* SPDX-License-Identifier: MIT */
/* import_table.c - rows sorted by mol_id, found by bisection. */
#include "config.h"

#include "data/import_table.h"

#include "base/mem.h"
#include "data/csv.h"
#include "data/import_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FIELDS = 64,
    ID = 32,
    ROWS = 1 << 20,
    NUMBERS = QM9_NUMBERS + 4,
    COLUMNS
};

/* The numbers in the order of struct import_row, then the id. */
static const char *const name[COLUMNS] = {
    "A",   "B",       "C",         "mu",        "alpha",     "homo",   "lumo",
    "gap", "r2",      "zpve",      "u0",        "u298",      "h298",   "g298",
    "cv",  "u0_atom", "u298_atom", "h298_atom", "g298_atom", "mol_id",
};

struct entry {
    char id[ID];
    int good;
    struct import_row row;
};

struct import_table {
    struct entry *entry;
    size_t entries, room;
    int fields;
    int place[COLUMNS];
};

int import_table_path(const char *sdf, char *room, size_t bytes)
{
    static const char *const packed[] = {".gz", ".bz2", ".xz"};
    struct slice s = slice_of(sdf);
    struct stat st;

    for (int i = 0; i < 3; i++)
        if (slice_ends(s, packed[i]))
            s.n -= strlen(packed[i]);
    snprintf(room, bytes, "%.*s.csv", (int)s.n, s.s);
    return slice_ends(s, ".sdf") && stat(room, &st) == 0 && S_ISREG(st.st_mode);
}

static enum err read_header(struct source *s, struct import_table *t)
{
    struct source_line line;
    struct slice field[FIELDS];
    const char *missing;
    int more;

    TRY(source_line(s, &line, &more));
    t->fields = csv_fields(more ? line.text : slice_of(""), field, FIELDS);
    missing = t->fields < 0 || t->fields > FIELDS
                  ? name[COLUMNS - 1]
                  : csv_columns(field, t->fields, name, COLUMNS, t->place);
    if (missing)
        return err_set(ERR_DATA,
                       "%s: the column '%s' is missing, or there twice "
                       "(expected the columns of gdb9.sdf.csv); move the file "
                       "away, or get it again",
                       source_label(s), missing);
    return OK;
}

/* 0: it has no id to be found by. */
static int read_row(const struct import_table *t, struct slice line,
                    struct entry *e)
{
    struct slice field[FIELDS];
    int fields = csv_fields(line, field, FIELDS);
    struct slice id;

    memset(e, 0, sizeof *e);
    if (fields != t->fields)
        return 0;
    id = slice_trim(field[t->place[COLUMNS - 1]]);
    if (id.n == 0 || id.n >= ID)
        return 0;
    memcpy(e->id, id.s, id.n);
    for (int i = 0; i < NUMBERS; i++) {
        double *x = i < QM9_NUMBERS ? &e->row.raw[i]
                                    : &e->row.atomisation[i - QM9_NUMBERS];

        if (!slice_double(slice_trim(field[t->place[i]]), x))
            return 1;
    }
    e->good = 1;
    return 1;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static enum err read_rows(struct source *s, struct import_table *t)
{
    struct source_line line;
    int more;

    for (;;) {
        void *entry = t->entry;

        TRY(source_line(s, &line, &more));
        if (!more)
            break;
        if (t->entries == ROWS)
            return err_set(ERR_DATA,
                           "%s: line %lld: more rows than a table may have "
                           "(expected at most %d); split it, and the .sdf",
                           source_label(s), (long long)line.number, ROWS);
        TRY(mem_grow(&entry, &t->room, t->entries + 1, sizeof *t->entry,
                     "the table beside the .sdf"));
        t->entry = entry;
        t->entries += (size_t)read_row(t, line.text, &t->entry[t->entries]);
    }
    if (t->entries > 0)
        qsort(t->entry, t->entries, sizeof *t->entry, by_id);
    for (size_t i = 1; i < t->entries; i++)
        if (by_id(&t->entry[i - 1], &t->entry[i]) == 0)
            t->entry[i - 1].good = t->entry[i].good = 0;
    return OK;
}

enum err import_table_read(struct source *s, struct import_table **out)
{
    enum err err;
    struct import_table *t;
    void *data;

    TRY(mem_alloc(1, sizeof *t, "a table", &data));
    t = data;
    TRY_GOTO(read_header(s, t), free_table);
    TRY_GOTO(read_rows(s, t), free_table);
    *out = t;
    return OK;

free_table:
    import_table_free(&t);
    return err;
}

void import_table_free(struct import_table **t)
{
    if (!*t)
        return;
    mem_free((*t)->entry);
    mem_free(*t);
    *t = NULL;
}

const struct import_row *import_table_find(const struct import_table *t,
                                           struct slice id)
{
    struct entry key = {.good = 0}, *found;

    if (id.n == 0 || id.n >= ID || t->entries == 0)
        return NULL;
    memcpy(key.id, id.s, id.n);
    found = bsearch(&key, t->entry, t->entries, sizeof key, by_id);
    return found && found->good ? &found->row : NULL;
}
