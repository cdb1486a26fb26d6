/* SPDX-License-Identifier: MIT */
/* params_table.h - one row a key; behind params.h. Rows stand in the order in
 * which decks are written, those of a section together.
 */
#ifndef PARAMS_TABLE_H
#define PARAMS_TABLE_H

#include "deck/params.h"
#include "deck/text.h"

enum key_type {
    KEY_WORD,     /* an int */
    KEY_BOOL,     /* an int */
    KEY_INT,      /* an int */
    KEY_SEED,     /* a uint64_t */
    KEY_REAL,     /* a double, or a word's value */
    KEY_TIME,     /* a double in seconds, or a word's value */
    KEY_INTERVAL, /* a struct interval */
    KEY_PATH,     /* a char *; NULL: its word */
    KEY_SPLIT,    /* data.split and what goes with it */
    KEY_TARGETS,  /* data.target, data.targets */
    KEY_CHANNELS, /* model.hidden */
    KEY_BETAS,    /* train.beta1, train.beta2 */
    KEY_TYPES
};

/* On resuming: may change, may change and then counts, may not. */
enum key_change { CHANGE_FREE, CHANGE_APPLIED, CHANGE_REFUSED };

enum {
    ABOVE_MIN = 1, /* the ends of a range that do not belong to it */
    BELOW_MAX = 2,
    TIMES = 1 << UNIT_SECONDS, /* the units of an interval */
    STEPS = 1 << UNIT_STEPS,
    EPOCHS = 1 << UNIT_EPOCHS
};

struct word {
    const char *name; /* NULL behind the last */
    double value;
};

struct key {
    const char *name; /* "section.key" */
    enum key_type type;
    const char *initial; /* as in a deck */
    size_t offset;       /* in struct params */
    const struct word *words;
    double min, max;
    int open;    /* ABOVE_MIN, BELOW_MAX */
    int units;   /* TIMES, STEPS, EPOCHS */
    int must_be; /* what the path names is there before the run */
    enum key_change change;
    const char *text; /* one line: what it is */
};

enum { PARAMS_KEYS = 48 };
extern const struct key params_keys[PARAMS_KEYS];

const struct key *params_key(const char *name);

/* The word of a value, or NULL. */
const char *params_word_of(const struct key *key, double value);

/* "a | b", and what else a key may be, as messages and the reference say. */
void params_expected(struct text *t, const struct key *key);

/* Appends the value in *p as YAML. */
void params_write_value(struct text *t, const struct key *key,
                        const struct params *p);

/* The annotated deck of all keys, which is also the defaults. */
enum err params_all_keys(char **out);

#endif
