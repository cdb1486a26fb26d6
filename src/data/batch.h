/* SPDX-License-Identifier: MIT */
/* batch.h - molecules as one block-diagonal graph, on the host, in double.
 *
 * Sorted as graph.h wants it. Positions are taken relative to the middle of
 * each molecule, so that a shift of the input does not cost digits in single
 * precision. Built into memory that was made once for the largest batch: no
 * allocation.
 */
#ifndef BATCH_H
#define BATCH_H

#include "base/err.h"
#include "math/fiber.h"

#include <stdint.h>

/* The largest numbers that a batch may have. */
struct batch_limits {
    int molecules, nodes, bonds, edges;
};

struct batch {
    struct batch_limits limits;
    int molecules, nodes, bonds, edges; /* in use */
    int scalars;                        /* edge scalars: features of degree 0 */
    int targets;
    struct fiber node_fiber; /* node features */
    struct fiber edge_fiber; /* edge features of degree > 0 */
    int64_t *id;             /* [molecules] */
    int *node_begin;         /* [molecules+1] */
    int *src, *dst, *bond;   /* [edges] */
    int *bond_edge;          /* [bonds+1] */
    int *in_begin, *in_edge; /* [nodes+1], [edges] */
    int *out_begin, *out_edge;
    double *x;                   /* [nodes, 3] */
    double *scalar;              /* [bonds, scalars] */
    double *node[FIBER_DEGREES]; /* [nodes, 2l+1, c] */
    double *edge[FIBER_DEGREES]; /* [edges, 2l+1, c], l > 0 */
    double *target;              /* [molecules, targets]; NaN: unknown */
    void *order;                 /* scratch of the sort */
};

/* ERR_ENVIRONMENT: memory. */
enum err batch_create(const struct batch_limits *limits, int scalars,
                      int targets, const struct fiber *node,
                      const struct fiber *edge, struct batch **out);
void batch_destroy(struct batch **b);

/* Empties it. */
void batch_clear(struct batch *b);

/* Adds a molecule of `nodes` atoms at x [nodes, 3]; its features and target are
 * set by the caller (x is centred), its number is returned. CHECKs the limits.
 */
int batch_add_molecule(struct batch *b, int64_t id, int nodes, const double *x);

/* Adds a bond between nodes of the batch: one directed edge i -> j, and the
 * reverse one when both. s [scalars]. Returns its number before sorting;
 * edge features are set after batch_finish, through the edges' numbers. */
int batch_add_bond(struct batch *b, int i, int j, int both, const double *s);

/* Sorts the bonds by (first largest scalar, distance, order added), numbers
 * the edges, makes in and out. place [bonds] or NULL: where bond k went. */
void batch_finish(struct batch *b, int place[]);

#endif
