/* SPDX-License-Identifier: MIT */
/* options.h - the words behind a command: `--name value`, `--name=value`, flags
 * and what is left.
 *
 * Every command knows --json, --quiet and --help. A word behind `--` is no
 * option. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base/err.h"

struct option {
    const char *name;  /* without dashes */
    const char *value; /* what it takes, for messages; NULL: a flag */
    int repeats;       /* may stand several times */
};

struct command;

struct options {
    int words;
    const char **word; /* [words] what is no option */
    int given;
    const struct option **option; /* [given] */
    const char **value;           /* [given] NULL for flags */
};

/* argv[0] is the command's own name. ERR_DECK: an unknown option (the nearest
 * is named), a value missing or too much, too few or too many words.
 * ERR_ENVIRONMENT: memory. */
enum err options_parse(const struct command *c, int argc, char **argv,
                       struct options *out);
void options_fini(struct options *o);

/* How often it was given; its last value, or NULL; all of them, in order, into
 * list [options_count]. */
int options_count(const struct options *o, const char *name);
const char *options_value(const struct options *o, const char *name);
void options_values(const struct options *o, const char *name,
                    const char *list[]);

#endif
