/* SPDX-License-Identifier: MIT */
/* tree.h - nodes, and YAML text to nodes; behind deck.h. */
#ifndef TREE_H
#define TREE_H

#include "deck/deck.h"

/* Longest "section.key" of a message; levels and size of a deck. */
enum { TREE_PATH = 256, TREE_DEPTH = 16, TREE_BYTES = 1 << 20 };

/* One document; NULL when there is none. Mistakes are recorded in d; `set` is
 * the number of the --set that the text comes from, or 0, and path what it
 * stands under. ERR_DECK: it ends early. ERR_ENVIRONMENT: memory. */
enum err tree_build(struct deck *d, const char *text, size_t bytes, int set,
                    const char *path, struct node **out);

/* key [bytes]: copied; NULL: none. */
enum err tree_node(enum node_kind kind, const char *key, size_t bytes,
                   struct node **out);

/* With everything below, not its siblings. NULL is fine. */
void tree_free(struct node *n);

/* Where the child of this key hangs, or where one would be added. */
struct node **tree_slot(struct node *map, const char *key, size_t bytes);

#endif
