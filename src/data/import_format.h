/* SPDX-License-Identifier: MIT */
/* import_format.h - what a format is: how its records are cut out of the bytes,
 * and how one record becomes a molecule.
 *
 * Cutting is cheap and done by every rank; parsing only by the rank whose turn
 * it is. A record that cannot be used is no error: it is refused with a reason.
 * A container that cannot be read is (ERR_DATA).
 */
#ifndef IMPORT_FORMAT_H
#define IMPORT_FORMAT_H

#include "base/err.h"
#include "data/import_source.h"
#include "data/molecule.h"
#include "data/slice.h"

#include <stddef.h>
#include <stdint.h>

enum {
    IMPORT_ATOMS = 4096,     /* of a molecule at most */
    IMPORT_RECORD = 16 << 20 /* bytes of a record at most */
};

struct import_record {
    int64_t index;     /* within its source, from 0 */
    int64_t line;      /* where it starts; 0: a format without lines */
    struct slice text; /* its lines, each ended by LF */
    const char *flaw;  /* why it cannot be read at all, or NULL */
};

/* A number that stands beside a molecule of an own file. */
struct import_value {
    struct slice name; /* borrowed from the record */
    double x;
};

/* One that is no number. */
struct import_text {
    struct slice name, text; /* borrowed from the record */
    int64_t line;            /* within the record, from 0 */
};

/* What became of a record; reused for the next. */
struct import_result {
    struct molecule m; /* targets: those of QM9 (19), or 0 */
    struct import_value *value;
    int values;
    size_t value_room;
    struct import_text *text;
    int texts;
    size_t text_room;
    int isotopes;
    const char *reason; /* why it is refused; NULL: it is not */
    int64_t line;       /* of the flaw within the record, from 0 */
    char room[200];
};

struct import_input {
    const struct import_reader *reader;
    struct source *source;
    const char *path;
    int numbered; /* records carry their own numbers */
    int qm9;      /* records carry the nineteen targets */
    void *state;  /* the reader's own */
    int in_member;
    int64_t records; /* cut so far */
    char *text;
    size_t text_room;
};

enum import_cut { CUT_NONE, CUT_BEFORE, CUT_AFTER };

struct import_reader {
    int numbered, qm9;
    int derive;            /* 1: bonds come from geometry and SMILES */
    const char *suffix[4]; /* of an archive's members that count */
    int skip_blank;        /* blank lines before a record are nothing */
    /* Where records end: `index` lines of the record stand before `line`. */
    enum import_cut (*cut)(int64_t index, struct slice line);
    /* Each may be NULL: a source is opened; a member's first line, which is no
     * record; the next record, instead of cutting lines; the end. */
    enum err (*open)(struct import_input *in);
    enum err (*header)(struct import_input *in, struct slice line);
    enum err (*next)(struct import_input *in, int mine,
                     struct import_record *out, int *more);
    void (*close)(struct import_input *in);
    enum err (*parse)(const struct import_input *in,
                      const struct import_record *r, struct import_result *out);
};

extern const struct import_reader import_xyz, import_qm9pack, import_sdf,
    import_npz, import_extxyz;

/* source: taken over. */
enum err import_input_open(const struct import_reader *reader,
                           struct source *source, const char *path,
                           struct import_input *out);

/* The next record; its text is only filled in when `mine`. */
enum err import_input_next(struct import_input *in, int mine,
                           struct import_record *out, int *more);

/* Parses and judges: bonds derived or checked. */
enum err import_input_parse(const struct import_input *in,
                            const struct import_record *r,
                            struct import_result *out, int *from);
void import_input_close(struct import_input *in);

void import_result_fini(struct import_result *r);

/* Refuses the record for a flaw in its line (from 0); returns OK, so that it
 * ends a parser. */
enum err import_refuse(struct import_result *r, int64_t line,
                       const char *format, ...) ERR_FORMAT(3, 4);

/* Adds a number; a name that comes again, or is too long, is passed over. */
enum err import_value(struct import_result *r, struct slice name, double x);

/* Text that should be a number: adds it, or notes that it is none. Nothing,
 * nan and none are unknown and no mistake. */
enum err import_label(struct import_result *r, struct slice name,
                      struct slice text, int64_t line);

/* A symbol's atomic number up to `largest`, counting isotopes; 0: none. */
int import_element(struct import_result *r, struct slice symbol, int largest);
int import_is_qm9_element(int z);

/* Moves on to the next member that counts. */
enum err import_member(struct import_input *in, int *more);

#endif
