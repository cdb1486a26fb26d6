/* SPDX-License-Identifier: MIT */
/* import.c - the table of formats, and the collective read: every rank cuts all
 * records, parses every size-th, and the bags are merged.
 */
#include "data/import.h"

#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "data/import_detect.h"
#include "data/import_folder.h"
#include "data/import_format.h"
#include "data/import_ids.h"
#include "data/import_merge.h"
#include "data/import_table.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const struct import_reader *reader;
} formats[IMPORT_FORMATS] = {
    [IMPORT_AUTO] = {"auto", NULL},
    [IMPORT_QM9_XYZ] = {"qm9-xyz", &import_xyz},
    [IMPORT_QM9PACK] = {"qm9pack", &import_qm9pack},
    [IMPORT_SDF] = {"sdf", &import_sdf},
    [IMPORT_NPZ] = {"npz", &import_npz},
    [IMPORT_EXTXYZ] = {"extxyz", &import_extxyz},
};

int import_format_of(const char *word)
{
    for (int i = 0; i < IMPORT_FORMATS; i++)
        if (strcmp(word, formats[i].name) == 0)
            return i;
    return -1;
}

const char *import_format_name(enum import_format f)
{
    return formats[f].name;
}

/* One rank's reading of all sources. */
struct reading {
    struct comm *c;
    const struct import_options *options;
    struct import_ids exclude;
    struct import_bag bag;
    struct import_result result;
    int bag_is_open, numbered, qm9;
    const char *first; /* the source that settled them */
    int64_t seq;
    int64_t excluded, isotopes;
};

/* --- records ------------------------------------------------------------ */

static enum err keep(struct reading *w, const struct import_input *in,
                     const struct import_record *rec, int from)
{
    const struct import_result *r = &w->result;
    const char *label = source_label(in->source);
    int64_t id = w->numbered ? r->m.id : w->seq + 1;

    if (import_ids_have(&w->exclude, id)) {
        w->excluded++;
        return OK;
    }
    if (r->reason)
        return bag_refuse(&w->bag,
                          &(struct import_refusal){
                              .seq = w->seq,
                              .line = rec->line ? rec->line + r->line : 0,
                              .id = id},
                          label, r->reason);
    w->isotopes += r->isotopes;
    return bag_add(&w->bag,
                   &(struct import_head){.seq = w->seq, .id = id, .from = from},
                   r, label, rec->line);
}

static enum err read_records(struct reading *w, struct import_input *in)
{
    int ranks = comm_size(w->c), rank = comm_rank(w->c);
    int64_t limit = w->options->limit;

    while (limit < 0 || w->seq < limit) {
        int mine = w->seq % ranks == rank, more, from;
        struct import_record rec;

        TRY(import_input_next(in, mine, &rec, &more));
        if (!more)
            break;
        if (mine) {
            TRY(import_input_parse(in, &rec, &w->result, &from));
            TRY(keep(w, in, &rec, from));
        }
        w->seq++;
    }
    return OK;
}

/* Numbers and targets must mean the same in all sources. */
static enum err settle(struct reading *w, const struct import_input *in)
{
    if (!w->bag_is_open) {
        w->numbered = in->numbered;
        w->qm9 = in->qm9;
        w->first = in->path;
        w->bag_is_open = 1;
        return bag_open(&w->bag, in->qm9);
    }
    if (in->numbered != w->numbered)
        return err_set(ERR_DECK,
                       "%s: its molecules %s numbers of their own, those of %s "
                       "%s; import them one by one",
                       in->path, in->numbered ? "have" : "have no", w->first,
                       w->numbered ? "have" : "have not");
    if (in->qm9 != w->qm9)
        return err_set(ERR_DECK,
                       "%s: it %s the targets of QM9, %s %s; import them one "
                       "by one",
                       in->path, in->qm9 ? "has" : "has not", w->first,
                       w->qm9 ? "has" : "has not");
    return OK;
}

static enum err open_input(const struct reading *w, const char *path,
                           enum import_format *format, struct import_input *in)
{
    enum import_format f = w->options->format;
    struct source *s;

    if (f == IMPORT_AUTO)
        TRY(import_detect(path, &f));
    TRY(source_open(path, &s));
    *format = f;
    return import_input_open(formats[f].reader, s, path, in);
}

/* Mistakes of the command line are found before the first record is read. */
static enum err settle_all(struct reading *w, int sources,
                           const char *const source[], struct import_summary *s)
{
    enum import_format format;

    for (int i = 0; i < sources; i++) {
        struct import_input in;
        enum err err;

        TRY(open_input(w, source[i], &format, &in));
        err = settle(w, &in);
        import_input_close(&in);
        if (err)
            return err;
        s->format[format] = 1;
    }
    return OK;
}

static enum err read_source(struct reading *w, const char *path)
{
    enum import_format format;
    struct import_input in;
    enum err err;

    TRY(open_input(w, path, &format, &in));
    err = read_records(w, &in);
    import_input_close(&in);
    return err;
}

/* --- what the sources are known by -------------------------------------- */

static enum err add_source(struct import_summary *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct import_source_digest *new = &s->source[s->sources];

    TRY(source_digest(path, &new->digest));
    s->sources++;
    return mem_string(slash && slash[1] ? slash + 1 : path, &new->name);
}

static enum err digest_sources(int sources, const char *const source[],
                               struct import_summary *s)
{
    char table[4096];
    void *data;

    TRY(mem_alloc(2 * (size_t)sources, sizeof *s->source, "sources", &data));
    s->source = data;
    for (int i = 0; i < sources; i++) {
        TRY(add_source(s, source[i]));
        if (import_table_path(source[i], table, sizeof table))
            TRY(add_source(s, table));
    }
    return OK;
}

static enum err read_all(struct reading *w, int sources,
                         const char *const source[], struct import_summary *s)
{
    TRY(import_ids_read(w->options->exclude, &w->exclude));
    TRY(settle_all(w, sources, source, s));
    for (int i = 0; i < sources; i++)
        TRY(read_source(w, source[i]));
    return digest_sources(sources, source, s);
}

static void add_up(struct reading *w, struct import_summary *s)
{
    int64_t sum[2] = {w->excluded, w->isotopes};

    comm_add(w->c, sum, 2, COMM_INT64);
    s->records = w->seq;
    s->excluded = sum[0];
    s->isotopes = sum[1];
    if (s->isotopes > 0)
        log_warn("import: %lld atoms D or T are taken as hydrogen; their "
                 "masses do not count",
                 (long long)s->isotopes);
}

enum err import_read(struct comm *c, int sources, const char *const source[],
                     const struct import_options *options, struct dataset **out,
                     struct import_summary *summary)
{
    struct reading w = {.c = c, .options = options};
    struct import_plan plan = {.options = options, .path = source[0]};
    enum err err;

    *summary = (struct import_summary){0};
    err = comm_agree(c, read_all(&w, sources, source, summary));
    if (!err) {
        add_up(&w, summary);
        plan.qm9 = w.qm9;
        err = import_merge(c, &w.bag, &plan, out, summary);
    }
    bag_fini(&w.bag);
    import_result_fini(&w.result);
    import_ids_fini(&w.exclude);
    return err;
}

void import_summary_formats(const struct import_summary *s,
                            char room[IMPORT_FORMATS_TEXT])
{
    size_t n = 0;

    *room = 0;
    for (int i = 0; i < IMPORT_FORMATS; i++)
        if (s->format[i])
            n += (size_t)snprintf(room + n, IMPORT_FORMATS_TEXT - n, "%s%s",
                                  n ? ", " : "", formats[i].name);
}

void import_summary_fini(struct import_summary *s)
{
    for (int i = 0; i < s->rejects; i++) {
        mem_free(s->reject[i].source);
        mem_free(s->reject[i].reason);
    }
    for (int i = 0; i < s->sources; i++)
        mem_free(s->source[i].name);
    mem_free(s->reject);
    mem_free(s->source);
    *s = (struct import_summary){0};
}
