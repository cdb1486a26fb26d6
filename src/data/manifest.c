/* SPDX-License-Identifier: MIT */
/* manifest.c - manifest.yaml: written line by line, read as a deck is. It holds
 * no time, host or path: equal inputs give equal bytes.
 */
#include "data/manifest.h"

#include "base/log.h"
#include "base/mem.h"
#include "data/import.h"
#include "data/qm9.h"
#include "data/slice.h"
#include "deck/deck.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SOURCES = 500, PATH = 4096 }; /* a deck has 10,000 values at most */

/* --- writing ------------------------------------------------------------ */

/* In double quotes; bytes beyond ASCII stand as they are. */
static void put_text(FILE *f, const char *s)
{
    putc('"', f);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < ' ' || c == 127)
            fprintf(f, "\\x%02x", c);
        else
            putc(c, f);
    }
    putc('"', f);
}

static void put_targets(FILE *f, const struct dataset *d)
{
    fprintf(f, d->targets ? "targets:\n" : "targets: []\n");
    for (int i = 0; i < d->targets; i++) {
        fprintf(f, "  - {name: ");
        put_text(f, d->target[i].name);
        fprintf(f, ", unit: ");
        put_text(f, d->target[i].unit);
        fprintf(f, "}\n");
    }
}

/* One line each; of very many, one for all. */
static void put_sources(FILE *f, const struct import_summary *s)
{
    struct digest_stream all;
    struct digest one;

    fprintf(f, "sources:\n");
    for (int i = 0; i < s->sources && s->sources <= SOURCES; i++) {
        fprintf(f, "  - {sha256: %s, name: ", s->source[i].digest.hex);
        put_text(f, s->source[i].name);
        fprintf(f, "}\n");
    }
    if (s->sources <= SOURCES)
        return;
    digest_begin(&all);
    for (int i = 0; i < s->sources; i++) {
        digest_add(&all, s->source[i].name, strlen(s->source[i].name) + 1);
        digest_add(&all, s->source[i].digest.hex, DIGEST_CHARS);
    }
    digest_end(&all, &one);
    fprintf(f, "  - {sha256: %s, name: \"%d files\"}\n", one.hex, s->sources);
}

static void put_counts(FILE *f, int64_t molecules, int64_t atoms, int64_t bonds)
{
    fprintf(f, "molecules: %lld%satoms: %lld%sbonds: %lld",
            (long long)molecules, ", ", (long long)atoms, ", ",
            (long long)bonds);
}

static void put_all(FILE *f, const struct manifest *m, const struct dataset *d,
                    const struct import_summary *s)
{
    char formats[IMPORT_FORMATS_TEXT];

    fprintf(f, "kind: dataset\nformat: %d\nname: ", MANIFEST_FORMAT);
    put_text(f, m->name);
    import_summary_formats(s, formats);
    fprintf(f, "\nsource_format: %s\n", formats);
    fprintf(f, "molecules: %lld\natoms: %lld\nbonds: %lld\n",
            (long long)d->molecules, (long long)d->atoms, (long long)d->bonds);
    put_targets(f, d);
    fprintf(f,
            "conversion: {eV_per_hartree: %.15g, kcal_mol_per_hartree: "
            "%.15g}\n",
            QM9_HARTREE, QM9_KCAL);
    fprintf(f,
            "bond_rule: {version: 1, in_order: %lld, mapped: %lld, geometry: "
            "%lld, stated: %lld}\n",
            (long long)s->in_order, (long long)s->mapped,
            (long long)s->geometry, (long long)s->stated);
    put_sources(f, s);
    fprintf(f, "shards:\n");
    for (int i = 0; i < m->shards; i++) {
        const struct shard_entry *e = &m->shard[i];

        fprintf(f, "  - {file: %s, ", e->file);
        put_counts(f, e->molecules, e->atoms, e->bonds);
        fprintf(f, ", sha256: %s}\n", e->digest.hex);
    }
}

enum err manifest_write(const char *path, const struct manifest *m,
                        const struct dataset *d, const struct import_summary *s)
{
    FILE *f = fopen(path, "w");
    int bad;

    if (f)
        put_all(f, m, d, s);
    bad = !f || ferror(f);
    if (f && fclose(f) != 0)
        bad = 1;
    if (bad)
        return err_set(ERR_IO, "%s: cannot be written (%s); check the disk",
                       path, strerror(errno));
    return OK;
}

/* --- reading ------------------------------------------------------------ */

/* What is being read, for messages. */
struct reader {
    const char *path;
    const struct node *root;
};

static enum err wrong(const struct reader *r, const char *key, const char *what)
{
    return err_set(ERR_DATA,
                   "%s: %s %s (expected a manifest of se3t import); import the "
                   "data set again",
                   r->path, key, what);
}

static enum err get_count(const struct reader *r, const struct node *map,
                          const char *key, int64_t *out)
{
    const struct node *n = deck_child(map, key);
    int64_t x;

    if (!n || n->kind != NODE_SCALAR || !slice_int(slice_of(n->text), &x) ||
        x < 0 || x > INT64_MAX / 64)
        return wrong(r, key, "is no count");
    *out = x;
    return OK;
}

static enum err get_text(const struct reader *r, const struct node *map,
                         const char *key, size_t most, const char **out)
{
    const struct node *n = deck_child(map, key);

    if (!n || n->kind != NODE_SCALAR || strlen(n->text) >= most)
        return wrong(r, key, "is no text");
    *out = n->text;
    return OK;
}

static int is_digest(const char *s)
{
    return strlen(s) == DIGEST_CHARS &&
           strspn(s, "0123456789abcdef") == DIGEST_CHARS;
}

/* The list `key`: how many, each a map. */
static enum err get_list(const struct reader *r, const char *key,
                         const struct node **first, int *n)
{
    const struct node *list = deck_child(r->root, key);

    if (!list || list->kind != NODE_LIST)
        return wrong(r, key, "is no list");
    *n = 0;
    *first = list->child;
    for (const struct node *e = list->child; e; e = e->next, (*n)++)
        if (e->kind != NODE_MAP)
            return wrong(r, key, "holds something else than maps");
    return OK;
}

static enum err get_targets(const struct reader *r, struct manifest *m)
{
    const struct node *e;
    const char *text;
    void *data;

    TRY(get_list(r, "targets", &e, &m->targets));
    TRY(mem_alloc((size_t)m->targets, sizeof *m->target, "targets", &data));
    m->target = data;
    for (int i = 0; i < m->targets; i++, e = e->next) {
        struct dataset_target *t = &m->target[i];

        TRY(get_text(r, e, "name", DATASET_NAME, &text));
        memcpy(t->name, text, strlen(text) + 1);
        TRY(get_text(r, e, "unit", DATASET_NAME, &text));
        memcpy(t->unit, text, strlen(text) + 1);
        for (int k = 0; k < i; k++)
            if (strcmp(m->target[k].name, t->name) == 0)
                return wrong(r, "targets", "has a name twice");
    }
    return OK;
}

static enum err get_shard(const struct reader *r, const struct node *e, int i,
                          struct shard_entry *s)
{
    char name[32];
    const char *text;

    TRY(get_text(r, e, "file", sizeof name, &text));
    shard_file_name(i, name, sizeof name);
    if (strcmp(text, name) != 0)
        return wrong(r, "shards", "are not in order");
    TRY(mem_string(text, &s->file));
    TRY(get_count(r, e, "molecules", &s->molecules));
    TRY(get_count(r, e, "atoms", &s->atoms));
    TRY(get_count(r, e, "bonds", &s->bonds));
    TRY(get_text(r, e, "sha256", DIGEST_CHARS + 1, &text));
    if (!is_digest(text))
        return wrong(r, "sha256", "is no digest");
    memcpy(s->digest.hex, text, DIGEST_CHARS + 1);
    return OK;
}

static enum err get_shards(const struct reader *r, struct manifest *m)
{
    const struct node *e;
    int64_t sum[3] = {0};
    void *data;
    int n;

    TRY(get_list(r, "shards", &e, &n));
    if (n < 1)
        return wrong(r, "shards", "is empty");
    TRY(mem_alloc((size_t)n, sizeof *m->shard, "shards", &data));
    m->shard = data;
    for (int i = 0; i < n; i++, e = e->next) {
        m->shards = i + 1;
        TRY(get_shard(r, e, i, &m->shard[i]));
        sum[0] += m->shard[i].molecules;
        sum[1] += m->shard[i].atoms;
        sum[2] += m->shard[i].bonds;
        if (sum[0] > m->molecules || sum[1] > m->atoms || sum[2] > m->bonds)
            break;
    }
    if (sum[0] != m->molecules || sum[1] != m->atoms || sum[2] != m->bonds)
        return wrong(r, "shards", "do not add up to the counts");
    return OK;
}

static enum err get_all(const struct reader *r, struct manifest *m)
{
    const char *text;
    int64_t format;

    if (!r->root || r->root->kind != NODE_MAP)
        return wrong(r, "the file", "is no map");
    TRY(get_text(r, r->root, "kind", 16, &text));
    if (strcmp(text, "dataset") != 0)
        return wrong(r, "kind", "is another");
    TRY(get_count(r, r->root, "format", &format));
    if (format < 1 || format > MANIFEST_FORMAT)
        return err_set(ERR_DATA,
                       "%s: format %lld is newer than this program (expected "
                       "up to %d); use a newer se3t, or import again",
                       r->path, (long long)format, MANIFEST_FORMAT);
    TRY(get_text(r, r->root, "name", PATH, &text));
    TRY(mem_string(text, &m->name));
    TRY(get_count(r, r->root, "molecules", &m->molecules));
    TRY(get_count(r, r->root, "atoms", &m->atoms));
    TRY(get_count(r, r->root, "bonds", &m->bonds));
    TRY(get_targets(r, m));
    return get_shards(r, m);
}

enum err manifest_read(const char *dir, struct manifest *out)
{
    char path[PATH];
    struct manifest m = {0};
    struct deck *deck = NULL;
    struct reader r = {.path = path};
    enum err err;

    snprintf(path, sizeof path, "%s/manifest.yaml", dir);
    if (digest_file(path, -1, &m.digest) != OK)
        return err_set(ERR_DATA,
                       "%s: cannot be read (expected a data set made by se3t "
                       "import); check the path",
                       path);
    err = deck_open(path, &deck);
    if (err == ERR_DECK)
        err = wrong(&r, "the file", "cannot be read as YAML");
    if (!err) {
        r.root = deck->root;
        err = get_all(&r, &m);
    }
    deck_close(&deck);
    if (err) {
        manifest_fini(&m);
        return err;
    }
    *out = m;
    return OK;
}

void manifest_fini(struct manifest *m)
{
    for (int i = 0; i < m->shards; i++)
        mem_free(m->shard[i].file);
    mem_free(m->shard);
    mem_free(m->target);
    mem_free(m->name);
    *m = (struct manifest){0};
}
