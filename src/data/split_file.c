/* SPDX-License-Identifier: MIT */
/* split_file.c - the file into memory, line by line into (row, part), then into
 * the parts.
 */
#include "data/split_file.h"

#include "base/mem.h"
#include "base/num.h"
#include "data/dataset.h"
#include "data/slice.h"
#include "deck/params.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    LARGEST = 1 << 30, /* bytes of a file */
    BLOCK = 1 << 16,
    ENOUGH = 10 /* mistakes of one file */
};

struct reading {
    struct deck *deck;
    const struct node *node; /* data.split */
    const char *file;
    const struct dataset *d;
    int64_t line, mistakes;
    int64_t rows;  /* named so far */
    int64_t *row;  /* [molecules] in the order of the file */
    uint8_t *part; /* [molecules] of row[i] */
    int64_t *seen; /* [molecules] the line that names it; 0: none */
};

static void *slurp(FILE *f, size_t *bytes, enum err *err)
{
    void *text = NULL;
    size_t room = 0, got = 1;

    for (*bytes = 0; got && *bytes < LARGEST; *bytes += got) {
        *err = mem_grow(&text, &room, *bytes + BLOCK, 1, "the split file");
        if (*err)
            break;
        got = fread((char *)text + *bytes, 1, BLOCK, f);
    }
    return text;
}

/* *text NULL: it could not be read, which the deck knows now. */
static enum err load(struct reading *r, void **text, size_t *bytes)
{
    FILE *f = fopen(r->file, "rb");
    enum err err = OK;

    *text = NULL;
    if (!f) {
        deck_mistake(r->deck, r->node,
                     "data.split: no such split: '%.400s' cannot be opened "
                     "(expected nvidia, cormorant, t110k, fractions or a "
                     "file, found: %s); correct the path",
                     r->file, strerror(errno));
        return OK;
    }
    *text = slurp(f, bytes, &err);
    if (err || ferror(f) || *bytes >= LARGEST) {
        mem_free(*text);
        *text = NULL;
        if (!err)
            deck_mistake(r->deck, r->node,
                         "data.split: '%.400s' cannot be read (expected a "
                         "file of lines `id,part`, found %s); name another",
                         r->file, *bytes < LARGEST ? strerror(errno) : "1 GiB");
    }
    fclose(f);
    return err;
}

static void mistake(struct reading *r, const char *what, struct slice found)
{
    r->mistakes++;
    deck_mistake(r->deck, r->node,
                 "data.split: %.400s:%lld: %s, found '%.*s'); correct the line",
                 r->file, (long long)r->line, what,
                 (int)(found.n < 40 ? found.n : 40), found.s);
}

static struct slice trimmed(const char *s, size_t n)
{
    return slice_trim((struct slice){s, n});
}

/* Row of an id, or -1; ids ascend. */
static int64_t row_of(const struct dataset *d, int64_t id)
{
    int64_t low = 0, high = d->molecules;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (d->id[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->molecules && d->id[low] == id ? low : -1;
}

static int part_of(struct slice word)
{
    int p = 0;

    while (p < PARTS && !slice_equal(word, part_name((enum part)p)))
        p++;
    return p;
}

static void take(struct reading *r, struct slice line)
{
    const char *comma = memchr(line.s, ',', line.n);
    size_t before = comma ? (size_t)(comma - line.s) : line.n;
    struct slice first = trimmed(line.s, before), second = {0};
    int64_t id, row;
    int part;

    if (comma)
        second = trimmed(comma + 1, line.n - before - 1);
    part = comma ? part_of(second) : PARTS;
    if (!num_int64(first.s, first.n, &id))
        mistake(r, "not an id (expected a whole number", first);
    else if (part == PARTS)
        mistake(r, "not a part (expected train, validation or test",
                comma ? second : line);
    else if ((row = row_of(r->d, id)) < 0)
        mistake(r, "no such molecule (expected an id of the data set", first);
    else if (r->seen[row])
        mistake(r, "a molecule again (expected each id once", first);
    else {
        r->seen[row] = r->line;
        r->part[r->rows] = (uint8_t)part;
        r->row[r->rows++] = row;
    }
}

static void parse(struct reading *r, const char *s, size_t n)
{
    const char *end = s + n;
    int header = 0;

    if (n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) /* a byte order mark */
        s += 3;
    while (s < end && r->mistakes < ENOUGH) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        struct slice line;

        stop = stop ? stop : end;
        line = trimmed(s, (size_t)(stop - s));
        r->line++;
        s = stop + 1;
        if (line.n == 0)
            continue;
        if (header)
            take(r, line);
        else if (!slice_equal(line, "id,part"))
            mistake(r, "no header (expected the line id,part", line);
        header = 1;
    }
}

enum err split_room(const int64_t n[PARTS], struct split *out)
{
    void *block;

    TRY(mem_alloc((size_t)(n[0] + n[1] + n[2]), sizeof(int64_t), "the split",
                  &block));
    *out = (struct split){.row = {block}};
    for (int p = 0; p < PARTS; p++) {
        out->n[p] = n[p];
        if (p > 0)
            out->row[p] = out->row[p - 1] + n[p - 1];
    }
    return OK;
}

static enum err distribute(const struct reading *r, struct split *out)
{
    int64_t n[PARTS] = {0}, at[PARTS] = {0};

    for (int64_t i = 0; i < r->rows; i++)
        n[r->part[i]]++;
    TRY(split_room(n, out));
    for (int64_t i = 0; i < r->rows; i++) {
        int p = r->part[i];

        out->row[p][at[p]++] = r->row[i];
    }
    return OK;
}

static enum err read_text(struct reading *r, const void *text, size_t bytes,
                          struct split *out)
{
    size_t n = (size_t)r->d->molecules;
    void *row = NULL, *part = NULL, *seen = NULL;
    enum err err;

    TRY_GOTO(mem_alloc(n, sizeof *r->row, "a split's rows", &row), done);
    TRY_GOTO(mem_alloc(n, sizeof *r->part, "a split's parts", &part), done);
    TRY_GOTO(mem_alloc(n, sizeof *r->seen, "a split's lines", &seen), done);
    r->row = row;
    r->part = part;
    r->seen = seen;
    parse(r, text, bytes);
    if (r->mistakes == 0)
        TRY_GOTO(distribute(r, out), done);
    digest_bytes(text, bytes, &out->digest);
done:
    mem_free(seen);
    mem_free(part);
    mem_free(row);
    return err;
}

enum err split_read(const struct params *p, struct deck *deck,
                    const struct dataset *d, struct split *out)
{
    struct reading r = {.deck = deck,
                        .node = params_node(deck, "data.split"),
                        .file = p->data.split_file,
                        .d = d};
    void *text;
    size_t bytes;
    enum err err = OK;

    *out = (struct split){0};
    TRY(load(&r, &text, &bytes));
    if (text)
        err = read_text(&r, text, bytes, out);
    mem_free(text);
    return err;
}
