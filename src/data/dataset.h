/* SPDX-License-Identifier: MIT */
/* dataset.h - all molecules in memory, one copy a node.
 *
 * Read from shards (dataset_open) or made from raw files (import.h); the same
 * struct either way. Molecules ascend by id in a data set; raw files of predict
 * keep their order. Everything is checked before it is handed out: indices,
 * orders, finiteness (targets may be NaN), so that later layers need not.
 */
#ifndef DATASET_H
#define DATASET_H

#include "base/digest.h"
#include "base/err.h"

#include <stdint.h>

struct comm;
struct window;

enum { DATASET_NAME = 64 }; /* bytes of a target's name or unit */

struct dataset_target {
    char name[DATASET_NAME];
    char unit[DATASET_NAME]; /* "" when not known */
};

struct dataset {
    int64_t molecules, atoms, bonds;
    int targets;
    struct dataset_target *target;
    /* the node's copy; read only */
    const int64_t *id;         /* [molecules] */
    const int64_t *atom_begin; /* [molecules + 1] */
    const int64_t *bond_begin; /* [molecules + 1] */
    const uint8_t *number;     /* [atoms] atomic numbers */
    const double *x;           /* [atoms, 3] Angstrom */
    const int32_t *bond;       /* [bonds, 2] i < j from the molecule's first */
    const uint8_t *order;      /* [bonds] 1, 2, 3, 4 */
    const double *label;       /* [molecules, targets]; NaN: unknown */
    struct digest digest;      /* of manifest.yaml; "" for raw files */
    char *path;                /* for messages */
    struct window *window;
};

/* Collective. Reads DIR/manifest.yaml and its shards, digests first.
 * ERR_DATA names shard, data set and index, the same on all ranks. */
enum err dataset_open(struct comm *c, const char *dir, struct dataset **out);

/* Collective. The bytes that *sizes (molecules, atoms, bonds, targets) needs in
 * one window, with the array pointers set into it (writable on the rank that
 * fills it); used by dataset_open and import. */
enum err dataset_new(struct comm *c, const struct dataset *sizes,
                     struct dataset **out);

/* Collective. Keeps of the labels the columns column[n], all different, and
 * gives the others' memory back; column[t] becomes t. */
enum err dataset_keep(struct comm *c, struct dataset *d, int n, int column[]);

/* Collective. NULL is fine. */
void dataset_close(struct comm *c, struct dataset **d);

/* Index of a target, or -1. */
int dataset_find(const struct dataset *d, const char *name);

#endif
