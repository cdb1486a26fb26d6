/* SPDX-License-Identifier: MIT */
/* import.c - `se3t import SOURCE... --out DIR`: raw molecules to a data set. */
#include "config.h"

#include "app/commands.h"
#include "app/options.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/timer.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "data/import.h"
#include "data/shard.h"
#include "deck/deck.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 5 }; /* refused records that are said, of all that are listed */

static enum err get_format(const struct options *o, enum import_format *out)
{
    const char *word = options_value(o, "format");
    const char *names[IMPORT_FORMATS], *near;
    int f = word ? import_format_of(word) : IMPORT_AUTO;

    *out = IMPORT_AUTO;
    if (f >= 0) {
        *out = (enum import_format)f;
        return OK;
    }
    for (int i = 0; i < IMPORT_FORMATS; i++)
        names[i] = import_format_name((enum import_format)i);
    near = deck_nearest(word, IMPORT_FORMATS, names);
    return err_set(ERR_DECK,
                   "--format: unknown format '%s'%s%s%s (expected auto, "
                   "qm9-xyz, qm9pack, sdf, npz or extxyz); leave it out to "
                   "have it found",
                   word, near ? ", did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

/* A whole number from least to most in *out, which stays when the option is not
 * there. */
static enum err get_number(const struct options *o, const char *name,
                           const int64_t range[2], int64_t *out)
{
    const char *text = options_value(o, name);
    int64_t x;

    if (!text)
        return OK;
    if (!num_int64(text, strlen(text), &x) || x < range[0] || x > range[1])
        return err_set(ERR_DECK,
                       "--%s: '%s' is no number that it takes (expected %lld "
                       "to %lld); change it",
                       name, text, (long long)range[0], (long long)range[1]);
    *out = x;
    return OK;
}

static void say(const struct import_summary *s, const struct dataset *d,
                double seconds)
{
    char formats[IMPORT_FORMATS_TEXT];

    import_summary_formats(s, formats);
    log_note("import: %lld molecules, %lld atoms, %lld bonds, %d targets from "
             "%lld records (%s) in %.1f s",
             (long long)d->molecules, (long long)d->atoms, (long long)d->bonds,
             d->targets, (long long)s->records, formats, seconds);
    log_note("import: bonds in the SMILES' order %lld, matched %lld, from "
             "geometry %lld, as stated %lld; %lld records excluded",
             (long long)s->in_order, (long long)s->mapped,
             (long long)s->geometry, (long long)s->stated,
             (long long)s->excluded);
}

/* Rank 0 has the list. */
static void warn_of_rejects(const struct import_summary *s, const char *list)
{
    if (s->refused == 0)
        return;
    for (int i = 0; i < s->rejects && i < SHOWN; i++)
        log_note("import: refused: %s, line %lld: %s", s->reject[i].source,
                 (long long)s->reject[i].line, s->reject[i].reason);
    log_warn("import: %lld of %lld records are refused; %s%s",
             (long long)s->refused, (long long)s->records,
             list ? "their reasons stand in "
             : s->refused + s->excluded == s->records
                 ? "nothing is left"
                 : "their reasons are not kept, since no data set was made",
             list ? list : "");
}

static void print_json(const struct import_summary *s, const struct dataset *d,
                       const struct digest *digest)
{
    char formats[IMPORT_FORMATS_TEXT];

    import_summary_formats(s, formats);
    printf("{\"molecules\": %lld, \"atoms\": %lld, \"bonds\": %lld, "
           "\"targets\": %d, \"records\": %lld, \"refused\": %lld, "
           "\"excluded\": %lld, \"format\": \"%s\", \"digest\": \"%s\"}\n",
           (long long)d->molecules, (long long)d->atoms, (long long)d->bonds,
           d->targets, (long long)s->records, (long long)s->refused,
           (long long)s->excluded, formats, digest->hex);
}

static enum err import_all(struct comm *c, const struct options *o,
                           const struct import_options *options, int shards)
{
    const char *dir = options_value(o, "out");
    struct import_summary s;
    struct dataset *d = NULL;
    struct digest digest;
    char list[4200];
    double start = timer_now();
    enum err err = import_read(c, o->words, o->word, options, &d, &s);

    if (!err)
        err = shard_write(c, d, &s, dir, shards, &digest);
    snprintf(list, sizeof list, "%s/rejected.csv", dir);
    warn_of_rejects(&s, err ? NULL : list);
    if (!err)
        say(&s, d, timer_now() - start);
    if (!err && options_count(o, "json") && comm_rank(c) == 0)
        print_json(&s, d, &digest);
    dataset_close(c, &d);
    import_summary_fini(&s);
    return err;
}

/* Sources and shards are read and written while other ranks wait. */
static const double sources_bytes = 4e9;

static enum err run(struct comm *c, const struct options *o)
{
    struct import_options options = {.limit = -1,
                                     .exclude = options_value(o, "exclude"),
                                     .targets = options_count(o, "target")};
    int64_t shards = 0;
    void *list = NULL;
    enum err err = OK;

    if (!options_value(o, "out"))
        return err_set(ERR_DECK, "import: no --out; say where the data set is "
                                 "to be made (--out DIR)");
    comm_expect(c, sources_bytes);
    TRY(get_format(o, &options.format));
    TRY(get_number(o, "limit", (int64_t[]){1, INT64_MAX}, &options.limit));
    TRY(get_number(o, "shards", (int64_t[]){1, SHARD_MOST}, &shards));
    TRY(shard_check(c, options_value(o, "out")));
    err = comm_agree(c, mem_alloc((size_t)options.targets + 1, sizeof(char *),
                                  "--target", &list));
    if (!err) {
        options.target = list;
        options_values(o, "target", list);
        err = import_all(c, o, &options, (int)shards);
    }
    mem_free(list);
    return err;
}

static const struct option options[] = {
    {"out", "DIR", 0}, {"format", "NAME", 0},  {"shards", "N", 0},
    {"limit", "N", 0}, {"exclude", "FILE", 0}, {"target", "NAME[=UNIT]", 1},
};

const struct command command_import = {
    .name = "import",
    .summary = "make a data set of raw molecules",
    .help =
        "se3t import SOURCE... --out DIR\n"
        "\n"
        "SOURCE is a file of molecules (plain, .gz, .bz2, .xz), an archive of\n"
        "them (.tar, .zip, .whl) or a folder of .xyz files. What cannot be\n"
        "used is listed in DIR/rejected.csv.\n"
        "\n"
        "  --out DIR             the data set; one that is there is replaced\n"
        "  --format NAME         auto, qm9-xyz, qm9pack, sdf, npz, extxyz\n"
        "  --shards N            files to write (one for 16384 molecules)\n"
        "  --limit N             only the first N records\n"
        "  --exclude FILE        numbers to leave out, one at each line's "
        "start\n"
        "  --target NAME[=UNIT]  choose and label targets of own files\n"
        "  --json                the result as a JSON line\n"
        "  --quiet               warnings and errors only\n",
    .option = options,
    .options = sizeof options / sizeof *options,
    .needs = "SOURCE",
    .least = 1,
    .most = -1,
    .run = run,
};
