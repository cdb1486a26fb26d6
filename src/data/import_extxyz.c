/* SPDX-License-Identifier: MIT */
/* import_extxyz.c - XYZ files of other programs, plain and extended, any number
 * of frames. A frame starts at a line that is a whole number, if absurd; a
 * frame with too few or too many atoms spoils itself alone.
 */
#include "data/import_format.h"

#include <string.h>

enum { HEAD = 2, COLUMNS = 64 };

/* Which words of an atom's line are what. */
struct columns {
    int64_t symbol, position; /* -1: not there */
    int64_t all;              /* words of a line; -1: 4 or more (plain) */
};

/* --- the comment -------------------------------------------------------- */

/* End of a value at s: quoted, bracketed, or up to a blank. */
static size_t value_length(struct slice s, int *plain)
{
    static const char open[] = "\"'[{(", close[] = "\"']})";
    const char *mark = s.n > 0 && *s.s ? strchr(open, *s.s) : NULL;
    size_t i = 0, depth = 0;
    char end;

    *plain = !mark;
    if (!mark) {
        while (i < s.n && !slice_blank((struct slice){s.s + i, 1}))
            i++;
        return i;
    }
    end = close[mark - open];
    for (i = 0; i < s.n; i++) {
        if (s.s[i] == '\\') {
            i++;
        } else if (i > 0 && s.s[i] == end) {
            if (depth-- == 0)
                return i + 1;
        } else if (i > 0 && s.s[i] == *mark) {
            depth++;
        }
    }
    return s.n;
}

/* Takes the next key=value; a word without '=' is passed over. */
static int next_pair(struct slice *text, struct slice *key, struct slice *value,
                     int *plain)
{
    for (;;) {
        size_t i = 0, n;

        *text = slice_trim(*text);
        if (text->n == 0)
            return 0;
        if (memchr("\"'[{(", *text->s, 5)) { /* a value that has no key */
            n = value_length(*text, plain);
            *text = (struct slice){text->s + n, text->n - n};
            continue;
        }
        while (i < text->n && text->s[i] != '=' &&
               !slice_blank((struct slice){text->s + i, 1}))
            i++;
        *key = (struct slice){text->s, i};
        text->s += i;
        text->n -= i;
        if (text->n == 0 || *text->s != '=')
            continue;
        text->s++;
        text->n--;
        n = value_length(*text, plain);
        *value = (struct slice){text->s, n};
        text->s += n;
        text->n -= n;
        return 1;
    }
}

static struct slice without_quotes(struct slice s)
{
    if (s.n >= 2 && (*s.s == '"' || *s.s == '\'') && s.s[s.n - 1] == *s.s)
        return (struct slice){s.s + 1, s.n - 2};
    return s;
}

/* The next part of name:type:count:.. */
static int next_part(struct slice *s, struct slice *part)
{
    const char *colon;

    if (!s->s)
        return 0;
    colon = memchr(s->s, ':', s->n);
    part->s = s->s;
    part->n = colon ? (size_t)(colon - s->s) : s->n;
    s->n = colon ? s->n - part->n - 1 : 0;
    s->s = colon ? colon + 1 : NULL;
    return 1;
}

static int parse_properties(struct slice s, struct columns *out)
{
    struct columns c = {-1, -1, 0};
    int64_t z = -1, count;
    struct slice name, type;

    while (next_part(&s, &name)) {
        struct slice number;

        if (!next_part(&s, &type) || !next_part(&s, &number) ||
            !slice_int(number, &count) || count < 1 || count > COLUMNS ||
            c.all + count > COLUMNS)
            return 0;
        if (slice_equal_case(name, "species") && count == 1)
            c.symbol = c.all;
        if (slice_equal(name, "Z") && count == 1)
            z = c.all;
        if (slice_equal_case(name, "pos") && count == 3)
            c.position = c.all;
        c.all += count;
    }
    if (c.symbol < 0)
        c.symbol = z;
    *out = c;
    return c.symbol >= 0 && c.position >= 0;
}

/* A T anywhere in "T F F", [True, False, False], .. */
static int is_periodic(struct slice s)
{
    static const char *const yes[] = {"T", "True", "true", "1", ".true."};

    for (size_t i = 0; i < s.n;) {
        struct slice word = {s.s + i, 0};

        while (i < s.n && !strchr(" \t,\"'[](){}", s.s[i])) {
            i++;
            word.n++;
        }
        for (int k = 0; k < 5; k++)
            if (slice_equal(word, yes[k]))
                return 1;
        i++;
    }
    return 0;
}

static enum err parse_comment(struct import_result *r, struct slice text,
                              struct columns *columns)
{
    struct slice key, value;
    int plain;

    while (next_pair(&text, &key, &value, &plain)) {
        if (slice_equal_case(key, "pbc")) {
            if (is_periodic(value))
                return import_refuse(r, 1,
                                     "it is periodic (pbc): bonds may cross "
                                     "the cell; cut out whole molecules");
        } else if (slice_equal_case(key, "Properties")) {
            if (!parse_properties(without_quotes(value), columns))
                return import_refuse(r, 1,
                                     "Properties has no species (or Z) and "
                                     "pos, or cannot be read");
        } else if (plain && !slice_equal_case(key, "Lattice")) {
            TRY(import_label(r, key, value, 1));
        }
    }
    return OK;
}

/* --- atoms -------------------------------------------------------------- */

static int element(struct import_result *r, struct slice word)
{
    int64_t z;

    if (slice_int(word, &z))
        return z > 0 && z < ELEMENTS ? (int)z : 0;
    return import_element(r, word, ELEMENTS - 1);
}

static enum err parse_atom(struct import_result *r, int i, struct slice line,
                           const struct columns *c)
{
    struct slice word[COLUMNS];
    int n = slice_words(line, word, COLUMNS), z;
    char room[SLICE_SHOWN];

    if (c->all < 0 ? n < 4 : n != (int)c->all)
        return import_refuse(r, HEAD + i, "atom %d: %d words, expected %d%s",
                             i + 1, n, c->all < 0 ? 4 : (int)c->all,
                             c->all < 0 ? " or more" : "");
    z = element(r, word[c->symbol]);
    if (!import_is_qm9_element(z))
        return import_refuse(r, HEAD + i,
                             "atom %d: '%s' is not H, C, N, O or F, for which "
                             "bonds can be derived",
                             i + 1, slice_show(word[c->symbol], room));
    r->m.number[i] = (uint8_t)z;
    for (int k = 0; k < 3; k++)
        if (!slice_double(word[c->position + k], &r->m.x[3 * i + k]))
            return import_refuse(r, HEAD + i, "atom %d: no number: '%s'", i + 1,
                                 slice_show(word[c->position + k], room));
    return OK;
}

static enum err parse(const struct import_input *in,
                      const struct import_record *rec, struct import_result *r)
{
    struct slice text = rec->text, line = {"", 0}, word[1] = {{"", 0}};
    struct columns c = {0, 1, -1};
    int64_t atoms = 0;

    (void)in;
    slice_line(&text, &line);
    if (slice_words(line, word, 1) != 1 || !slice_int(word[0], &atoms) ||
        atoms < 1 || atoms > IMPORT_ATOMS)
        return import_refuse(r, 0,
                             "no count of atoms (1 to %d) in its first "
                             "line",
                             IMPORT_ATOMS);
    if (!slice_line(&text, &line))
        return import_refuse(r, 0, "it ends after its first line");
    TRY(parse_comment(r, line, &c));
    if (r->reason)
        return OK;
    TRY(molecule_atoms(&r->m, (int)atoms));
    r->m.atoms = (int)atoms;
    for (int i = 0; i < atoms; i++) {
        if (!slice_line(&text, &line) || slice_blank(line))
            return import_refuse(r, HEAD + i,
                                 "%d atoms, its first line says "
                                 "%d",
                                 i, (int)atoms);
        TRY(parse_atom(r, i, line, &c));
        if (r->reason)
            return OK;
    }
    while (slice_line(&text, &line))
        if (!slice_blank(line))
            return import_refuse(r, HEAD + atoms,
                                 "more lines than its first line says");
    return molecule_smiles(&r->m, "", 0);
}

static enum import_cut cut(int64_t index, struct slice line)
{
    struct slice word[1];
    size_t i = 0;

    if (index < HEAD || slice_words(line, word, 1) != 1)
        return CUT_NONE;
    while (i < word[0].n && strchr("+-0123456789", word[0].s[i]) &&
           word[0].s[i])
        i++;
    return i == word[0].n ? CUT_BEFORE : CUT_NONE;
}

const struct import_reader import_extxyz = {
    .derive = 1,
    .suffix = {".xyz", ".extxyz"},
    .skip_blank = 1,
    .cut = cut,
    .parse = parse,
};
