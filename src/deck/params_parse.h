/* SPDX-License-Identifier: MIT */
/* params_parse.h - one value of a deck to one member of params; behind
 * params.h.
 */
#ifndef PARAMS_PARSE_H
#define PARAMS_PARSE_H

#include "deck/params_table.h"

struct reading {
    struct deck *deck; /* borrowed; where mistakes go */
    struct params p;
    int may_look; /* whether what paths name must be there */
    enum err err; /* memory */
};

/* 1: taken. 0: a mistake, recorded, or r->err. */
int params_parse(struct reading *r, const struct key *key,
                 const struct node *n);

/* "90 s", "11h30m", "1-12:00:00", "200 steps": above 0, at most 1e9, whole
 * steps and epochs. 1 or 0. */
int params_parse_interval(const char *s, struct interval *out);

/* Replaces a string of params; NULL: none. */
void params_string(struct reading *r, char **member, const char *s);

#endif
