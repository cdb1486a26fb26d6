/* SPDX-License-Identifier: MIT */
/* import_record.c - what all formats do alike: members, cutting lines into
 * records, the last judgement of a molecule.
 */
#include "data/import_format.h"

#include "base/mem.h"
#include "data/bonds.h"
#include "data/dataset.h"
#include "data/import_bag.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FROM_STATED = BONDS_GEOMETRY + 1 };

enum err import_refuse(struct import_result *r, int64_t line,
                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->room, sizeof r->room, format, args);
    va_end(args);
    r->reason = r->room;
    r->line = line;
    return OK;
}

enum err import_value(struct import_result *r, struct slice name, double x)
{
    void *value = r->value;

    if (name.n == 0 || name.n >= DATASET_NAME || r->values > BAG_TARGETS)
        return OK;
    for (int i = 0; i < r->values; i++)
        if (slice_compare(r->value[i].name, name) == 0)
            return OK;
    TRY(mem_grow(&value, &r->value_room, (size_t)r->values + 1,
                 sizeof *r->value, "values of a record"));
    r->value = value;
    r->value[r->values++] = (struct import_value){name, x};
    return OK;
}

enum err import_label(struct import_result *r, struct slice name,
                      struct slice text, int64_t line)
{
    void *data = r->text;
    double x;

    if (slice_double(text, &x))
        return import_value(r, name, x);
    if (text.n == 0 || slice_equal_case(text, "nan") ||
        slice_equal_case(text, "none") || name.n == 0 ||
        name.n >= DATASET_NAME || r->texts > BAG_TARGETS)
        return OK;
    TRY(mem_grow(&data, &r->text_room, (size_t)r->texts + 1, sizeof *r->text,
                 "values of a record"));
    r->text = data;
    r->text[r->texts++] = (struct import_text){name, text, line};
    return OK;
}

int import_element(struct import_result *r, struct slice symbol, int largest)
{
    int isotope = 0;
    int z = element_number(symbol.s, symbol.n, &isotope);

    r->isotopes += isotope;
    return z <= largest ? z : 0;
}

int import_is_qm9_element(int z)
{
    return element_radius(z) > 0;
}

void import_result_fini(struct import_result *r)
{
    molecule_fini(&r->m);
    mem_free(r->value);
    mem_free(r->text);
    r->value = NULL;
    r->text = NULL;
}

/* --- members and records ------------------------------------------------ */

static int counts(const struct import_input *in)
{
    struct slice name = source_member(in->source);

    if (!source_is_many(in->source))
        return 1;
    if (name.n == 0 || *name.s == '.')
        return 0;
    for (int i = 0; i < 4 && in->reader->suffix[i]; i++)
        if (slice_ends(name, in->reader->suffix[i]))
            return 1;
    return 0;
}

enum err import_member(struct import_input *in, int *more)
{
    struct source_line line;
    int any;

    do
        TRY(source_next(in->source, more));
    while (*more && !counts(in));
    in->in_member = *more;
    if (!*more || !in->reader->header)
        return OK;
    TRY(source_line(in->source, &line, &any));
    return in->reader->header(in, any ? line.text : slice_of(""));
}

/* A record under way. */
struct cutting {
    int64_t lines;
    size_t bytes;
    int blank; /* nothing but blank lines so far */
    int mine;
};

static enum err add_line(struct import_input *in, struct cutting *c,
                         const struct source_line *line,
                         struct import_record *out)
{
    void *text = in->text;
    size_t n = line->text.n;

    if (c->lines++ == 0)
        out->line = line->number;
    if (line->cut)
        out->flaw = "a line is longer than 4 MiB";
    else if (c->bytes + n + 1 > IMPORT_RECORD)
        out->flaw = "it is longer than 16 MiB";
    if (c->blank)
        c->blank = slice_blank(line->text);
    if (!c->mine || out->flaw)
        return OK;
    TRY(mem_grow(&text, &in->text_room, c->bytes + n + 1, 1, "a record"));
    in->text = text;
    memcpy(in->text + c->bytes, line->text.s, n);
    in->text[c->bytes + n] = '\n';
    c->bytes += n + 1;
    return OK;
}

/* The lines of one record of the member at hand; c->lines 0: at its end. */
static enum err cut_record(struct import_input *in, struct cutting *c,
                           struct import_record *out)
{
    const struct import_reader *reader = in->reader;
    enum import_cut cut = CUT_NONE;
    struct source_line line;
    int more;

    while (cut == CUT_NONE) {
        TRY(source_line(in->source, &line, &more));
        if (!more) {
            in->in_member = 0;
            return OK;
        }
        if (c->lines == 0 && reader->skip_blank && slice_blank(line.text))
            continue;
        cut = reader->cut ? reader->cut(c->lines, line.text) : CUT_NONE;
        if (cut == CUT_BEFORE)
            source_unread(in->source);
        else
            TRY(add_line(in, c, &line, out));
    }
    return OK;
}

static enum err next_lines(struct import_input *in, int mine,
                           struct import_record *out, int *more)
{
    for (;;) {
        struct cutting c = {.blank = 1, .mine = mine};

        *more = 1;
        if (!in->in_member)
            TRY(import_member(in, more));
        if (!*more)
            return OK;
        *out = (struct import_record){.index = in->records};
        TRY(cut_record(in, &c, out));
        /* an archive's empty file is a record all the same: of no use */
        if (!c.blank || out->flaw || (!in->reader->cut && !in->in_member)) {
            out->text = (struct slice){in->text, c.bytes};
            return OK;
        }
    }
}

enum err import_input_next(struct import_input *in, int mine,
                           struct import_record *out, int *more)
{
    if (in->reader->next)
        TRY(in->reader->next(in, mine, out, more));
    else
        TRY(next_lines(in, mine, out, more));
    in->records += *more;
    return OK;
}

enum err import_input_open(const struct import_reader *reader,
                           struct source *source, const char *path,
                           struct import_input *out)
{
    enum err err = OK;

    *out = (struct import_input){.reader = reader,
                                 .source = source,
                                 .path = path,
                                 .numbered = reader->numbered,
                                 .qm9 = reader->qm9};
    if (reader->open)
        err = reader->open(out);
    if (err)
        import_input_close(out);
    return err;
}

void import_input_close(struct import_input *in)
{
    if (in->reader && in->reader->close)
        in->reader->close(in);
    source_close(&in->source);
    mem_free(in->text);
    in->text = NULL;
    in->reader = NULL;
}

/* --- judgement ---------------------------------------------------------- */

/* No atom may stand alone: a model could not see it. */
static int lonely_atom(const struct molecule *m)
{
    for (int i = 0; i < m->atoms; i++) {
        int k = 0;

        while (k < m->bonds && m->bond[2 * k] != i && m->bond[2 * k + 1] != i)
            k++;
        if (k == m->bonds)
            return i;
    }
    return -1;
}

static enum err judge(const struct import_input *in, struct import_result *r,
                      int *from)
{
    struct molecule *m = &r->m;
    const char *flaw = molecule_flaw(m, r->room, sizeof r->room);
    enum bonds_from how;
    int lonely;

    *from = FROM_STATED;
    if (!flaw && in->reader->derive) {
        TRY(bonds_derive(m, &how, r->room, sizeof r->room, &flaw));
        if (!flaw) {
            *from = (int)how;
            flaw = molecule_flaw(m, r->room, sizeof r->room);
        }
    }
    r->reason = flaw;
    r->line = 0;
    if (flaw)
        return OK;
    lonely = lonely_atom(m);
    if (lonely >= 0)
        return import_refuse(r, 0, "atom %d has no bond", lonely + 1);
    return OK;
}

enum err import_input_parse(const struct import_input *in,
                            const struct import_record *r,
                            struct import_result *out, int *from)
{
    out->values = out->texts = out->isotopes = 0;
    out->reason = NULL;
    out->line = 0;
    out->m.id = 0;
    out->m.targets = 0;
    out->m.bonds = -1;
    if (r->flaw)
        return import_refuse(out, 0, "%s", r->flaw);
    TRY(in->reader->parse(in, r, out));
    if (out->reason)
        return OK;
    return judge(in, out, from);
}
