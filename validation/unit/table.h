/* SPDX-License-Identifier: MIT */
/* table.h - a CSV table of the test data, row by row. */
#ifndef TABLE_H
#define TABLE_H

#include "data/csv.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIELDS = 8 };

struct table {
    FILE *file;
    char text[1024];
    struct slice field[TABLE_FIELDS];
    int fields;
};

/* A file below srcdir. */
static inline const char *test_path(const char *name)
{
    static char path[4][1024];
    static int at;
    const char *folder = getenv("srcdir");
    char *out = path[at++ % 4];

    snprintf(out, sizeof path[0], "%s/%s", folder ? folder : ".", name);
    return out;
}

/* Past the header. */
static inline int table_open(struct table *t, const char *name)
{
    t->file = fopen(test_path(name), "r");
    return t->file && fgets(t->text, sizeof t->text, t->file);
}

static inline int table_next(struct table *t)
{
    if (!fgets(t->text, sizeof t->text, t->file)) {
        fclose(t->file);
        return 0;
    }
    t->text[strcspn(t->text, "\r\n")] = 0;
    t->fields = csv_fields(slice_of(t->text), t->field, TABLE_FIELDS);
    return t->fields > 0;
}

static inline int64_t table_int(const struct table *t, int i)
{
    int64_t x = INT64_MIN;

    slice_int(t->field[i], &x);
    return x;
}

static inline double table_double(const struct table *t, int i)
{
    double x = -1e300;

    slice_double(t->field[i], &x);
    return x;
}

#endif
