/* SPDX-License-Identifier: MIT */
/* csv.c - RFC 4180 within a line: no field spans lines. A line that is used up
 * has s = NULL, so that an empty last field is one.
 */
#include "data/csv.h"

#include <string.h>

static void used_up(struct slice *line)
{
    line->s = NULL;
    line->n = 0;
}

/* The quoted field that starts line; its length with both quotes, or 0. */
static size_t quoted(struct slice line)
{
    size_t i = 1;

    while (i < line.n) {
        if (line.s[i] != '"')
            i++;
        else if (i + 1 < line.n && line.s[i + 1] == '"')
            i += 2;
        else
            return i + 1;
    }
    return 0;
}

int csv_field(struct slice *line, struct slice *field)
{
    const char *comma;
    size_t n;

    if (!line->s)
        return 0;
    if (line->n > 0 && *line->s == '"') {
        n = quoted(*line);
        if (n == 0 || (n < line->n && line->s[n] != ','))
            return -1;
        *field = (struct slice){line->s + 1, n - 2};
    } else {
        comma = memchr(line->s, ',', line->n);
        n = comma ? (size_t)(comma - line->s) : line->n;
        *field = (struct slice){line->s, n};
        if (memchr(field->s, '"', field->n))
            return -1;
    }
    if (n == line->n) {
        used_up(line);
    } else {
        line->s += n + 1;
        line->n -= n + 1;
    }
    return 1;
}

int csv_fields(struct slice line, struct slice field[], int most)
{
    struct slice more;
    int n = 0, rc = 0;

    while (n < most && (rc = csv_field(&line, &field[n])) > 0)
        n++;
    if (rc < 0)
        return -1;
    return n == most && csv_field(&line, &more) ? most + 1 : n;
}

const char *csv_columns(const struct slice field[], int fields,
                        const char *const name[], int names, int place[])
{
    for (int k = 0; k < names; k++) {
        int found = 0;

        for (int i = 0; i < fields; i++)
            if (slice_equal(slice_trim(field[i]), name[k])) {
                place[k] = i;
                found++;
            }
        if (found != 1)
            return name[k];
    }
    return NULL;
}
