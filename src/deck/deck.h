/* SPDX-License-Identifier: MIT */
/* deck.h - a YAML deck as a tree that knows where everything stands.
 *
 * libyaml's events, not its documents; limits on size (1 MiB), depth (16) and
 * nodes (10,000). Duplicate keys, anchors, aliases, tags and a second document
 * are refused. Mistakes are collected, so that one run says all of them.
 */
#ifndef DECK_H
#define DECK_H

#include "base/err.h"

#include <stddef.h>

enum node_kind { NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
    enum node_kind kind;
    char *key;  /* of a map's child; else NULL */
    char *text; /* of a scalar, without quotes; "" when empty */
    int quoted; /* a scalar in quotes is a string, never null or a number */
    int line, column;         /* of the value, from 1 */
    int key_line, key_column; /* of the key */
    int from_set;             /* 0, or the number of its --set: said so */
    int broken;               /* a scalar whose mistake is already said */
    struct node *child;       /* first */
    struct node *next;        /* sibling */
};

struct deck {
    char *name; /* the file, as the user named it */
    struct node *root;
    int mistakes;
    char *said; /* the lines of all mistakes so far; "" at first */
    char **set; /* every --set as it was given */
    size_t sets, set_capacity;
};

/* Reads a file; text that is no YAML is a mistake like others.
 * ERR_DECK: not there or not readable, or mistakes that make the tree
 * useless (said by err_set). ERR_ENVIRONMENT: memory. */
enum err deck_open(const char *path, struct deck **out);

/* The same from memory; name is for messages. */
enum err deck_parse(const char *text, size_t bytes, const char *name,
                    struct deck **out);

/* "section.key=value": value is parsed as YAML and replaces what stands there.
 * Whether there is such a key is for params_read. ERR_DECK: with all mistakes
 * so far. ERR_ENVIRONMENT: memory. */
enum err deck_set(struct deck *d, const char *assignment);

/* The child of a map, or NULL. */
struct node *deck_child(const struct node *map, const char *key);

/* Records "FILE:LINE:COLUMN: WHAT" for a node (or its key); "--set TEXT: WHAT"
 * for one from there. WHAT begins with section.key. The same line is recorded
 * once. */
void deck_mistake(struct deck *d, const struct node *n, const char *format, ...)
    ERR_FORMAT(3, 4);
void deck_key_mistake(struct deck *d, const struct node *n, const char *format,
                      ...) ERR_FORMAT(3, 4);

/* OK, or ERR_DECK with all mistakes as the message, one a line (as many whole
 * lines as an error message holds, then how many more). */
enum err deck_result(const struct deck *d);

/* The nearest of n words, or NULL: "did you mean". Edit distance with swapped
 * neighbours as one, whatever the case; at most a third of the word's length,
 * or 1. */
const char *deck_nearest(const char *word, int n, const char *const words[]);

/* Where a deck of all keys stands, for messages: below the current folder, or
 * where it is installed. */
const char *deck_all_keys(void);

void deck_close(struct deck **d);

#endif
