/* SPDX-License-Identifier: MIT */
/* import_ids.c - sorted, found by bisection. */
#include "data/import_ids.h"

#include "base/mem.h"
#include "data/import_source.h"

#include <stdlib.h>

enum { MOST = 10 * 1000 * 1000 };

static int by_value(const void *a, const void *b)
{
    int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;

    return (p > q) - (p < q);
}

/* "21", "21,", "21;" at the start of a line. */
static int leading_number(struct slice line, int64_t *out)
{
    struct slice word;
    size_t n = 0;

    if (!slice_word(&line, &word))
        return 0;
    while (n < word.n && word.s[n] >= '0' && word.s[n] <= '9')
        n++;
    if (n < word.n && word.s[n] != ',' && word.s[n] != ';' && word.s[n] != ':')
        return 0;
    return slice_int((struct slice){word.s, n}, out);
}

static enum err read_all(struct source *s, struct import_ids *l)
{
    struct source_line line;
    int more;

    TRY(source_next(s, &more));
    while (more) {
        int64_t id;

        TRY(source_line(s, &line, &more));
        if (more && leading_number(line.text, &id)) {
            void *data = l->id;

            if (l->ids == MOST)
                return err_set(ERR_DATA,
                               "%s: line %lld: more numbers than can be left "
                               "out (expected at most %d); take a part of the "
                               "source",
                               source_label(s), (long long)line.number, MOST);
            TRY(mem_grow(&data, &l->room, l->ids + 1, sizeof *l->id,
                         "the list of --exclude"));
            l->id = data;
            l->id[l->ids++] = id;
        }
    }
    if (l->ids > 0)
        qsort(l->id, l->ids, sizeof *l->id, by_value);
    return OK;
}

enum err import_ids_read(const char *path, struct import_ids *out)
{
    struct source *s;
    enum err err;

    *out = (struct import_ids){0};
    if (!path)
        return OK;
    TRY(source_open(path, &s));
    err = read_all(s, out);
    source_close(&s);
    if (err)
        import_ids_fini(out);
    return err;
}

int import_ids_have(const struct import_ids *l, int64_t id)
{
    return l->ids > 0 && bsearch(&id, l->id, l->ids, sizeof id, by_value);
}

void import_ids_fini(struct import_ids *l)
{
    mem_free(l->id);
    *l = (struct import_ids){0};
}
