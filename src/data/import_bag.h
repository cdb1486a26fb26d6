/* SPDX-License-Identifier: MIT */
/* import_bag.h - the molecules that one rank has parsed, packed in columns so
 * that they travel as they are; and what was refused.
 */
#ifndef IMPORT_BAG_H
#define IMPORT_BAG_H

#include "base/err.h"
#include "data/dataset.h"
#include "data/import_format.h"
#include "data/import_odd.h"

#include <stddef.h>
#include <stdint.h>

struct comm;

/* Of one molecule; the parts of the columns follow each other in this order. */
struct import_head {
    int64_t seq; /* among all records of all sources */
    int64_t id;
    int32_t atoms, bonds, values;
    int32_t from; /* enum bonds_from, or behind it: stated */
};

/* A target's name, and where it first stood. */
struct import_name {
    char name[DATASET_NAME];
    int64_t seq;
};

/* Where a molecule came from, kept in case that it must be refused later. */
struct import_origin {
    int64_t line;
    size_t label; /* into the labels */
};

/* A refusal; source and reason follow, without ends. */
struct import_refusal {
    int64_t seq, line, id;
    int32_t source, reason; /* lengths */
};

enum bag_column {
    BAG_HEAD,
    BAG_NUMBER,
    BAG_X,
    BAG_BOND,
    BAG_ORDER,
    BAG_NAME,  /* int32: which of the names */
    BAG_VALUE, /* double: its number */
    BAG_TRAVELS,
    BAG_NAMES = BAG_TRAVELS,
    BAG_ORIGIN,
    BAG_LABELS,
    BAG_REFUSED,
    BAG_ODD, /* struct import_odd */
    BAG_COLUMNS
};

struct import_bag {
    void *data[BAG_COLUMNS];
    size_t n[BAG_COLUMNS], room[BAG_COLUMNS];
    size_t last_label;
    int64_t refusals;
};

/* Bytes of a column's number. */
size_t bag_size(enum bag_column c);

enum { BAG_TARGETS = 256, BAG_REFUSALS = 200000 };

/* The nineteen names come first, where records carry them. */
enum err bag_open(struct import_bag *b, int qm9);
void bag_fini(struct import_bag *b);

/* ERR_DATA: more than BAG_TARGETS different names. */
enum err bag_add(struct import_bag *b, const struct import_head *head,
                 const struct import_result *r, const char *label,
                 int64_t line);

/* The first BAG_REFUSALS are kept. */
enum err bag_refuse(struct import_bag *b, const struct import_refusal *what,
                    const char *source, const char *reason);

/* Collective. Rank root's travelling columns, in *out on every rank; on root
 * that is a view of mine, not to be freed. */
enum err bag_broadcast(struct comm *c, const struct import_bag *mine, int root,
                       struct import_bag *out);

#endif
