/* SPDX-License-Identifier: MIT */
/* conv_table.h - the radial weights of a model that does not change, kept from
 * batch to batch, for prediction.
 *
 * The distances of a type of bond (edge scalars that are the same) are cut into
 * pieces, on each of which h is a polynomial of the distance to the tolerance
 * (conv_points.h); bonds of one piece are a run, and its matrices are made
 * once. Where pieces are cut depends on the weights and the type alone, never
 * on bonds (conv_pieces.h), so what a molecule is predicted to be does not
 * depend on those before it, though pieces are made when the first bond asks
 * for them. A full table is emptied and starts anew. What does not fit then, or
 * has no polynomial, is done without the table.
 */
#ifndef CONV_TABLE_H
#define CONV_TABLE_H

#include "cpu/conv_points.h"

enum {
    TABLE_TERMS = 128, /* of all runs: QM9 takes some 90 */
    TABLE_PIECES = 2048,
    TABLE_CELLS = 96,
    TABLE_TYPES = 8,
    TYPE_SCALARS = 16,
    CELLS = 8 /* an Angstrom */
};

struct piece {
    float first, last; /* distances */
    int k;             /* terms; 0: no polynomial */
    int run;           /* of the table; -1: nobody asked yet */
    double middle, half, off;
};

/* Distances from number / CELLS on. No pieces: it is not for the table. */
struct cell {
    int type, number;
    int piece, pieces;
};

struct table {
    int is_set;
    int types, cells, pieces, terms;
    int runs, made; /* those that have matrices */
    float type[TABLE_TYPES][TYPE_SCALARS];
    struct cell cell[TABLE_CELLS];
    struct piece piece[TABLE_PIECES];
    struct run run[TABLE_TERMS]; /* bonds are the batch's */
};

/* Terms that there is room for. */
static inline int table_room(int bonds)
{
    return bonds < TABLE_TERMS / TERMS ? bonds * TERMS : TABLE_TERMS;
}

/* Then come the networks in double, polynomials, matrices. */
static inline size_t table_nets(void)
{
    return whole_lines(sizeof(struct table));
}

static inline size_t table_polynomials(int trunks)
{
    return table_nets() + whole_lines((size_t)trunks * sizeof(struct net));
}

static inline size_t table_matrices(int trunks, int bonds)
{
    return table_polynomials(trunks) + (size_t)trunks *
                                           (size_t)table_room(bonds) *
                                           RADIAL_HIDDEN * sizeof(float);
}

static inline struct table *table_of(const struct conv *c)
{
    return c->table;
}

static inline struct net *table_net(const struct conv *c, int t)
{
    return (struct net *)((char *)c->table + table_nets()) + t;
}

/* Terms of a trunk, [room][32]. */
static inline float *table_p(const struct conv *c, int t)
{
    return (float *)((char *)c->table + table_polynomials(c->shape.trunks)) +
           (size_t)t * (size_t)table_room(c->graph->bonds) * RADIAL_HIDDEN;
}

static inline float *table_w(const struct conv *c)
{
    return (float *)((char *)c->table +
                     table_matrices(c->shape.trunks, c->graph->bonds));
}

/* When weights have changed. */
static inline void table_empty(const struct conv *c)
{
    if (c->table)
        table_of(c)->is_set = 0;
}

/* Places of a cell that are looked at, evenly, s = 1.2e-4 Angstrom apart. Two
 * changes of a side between neighbours are not seen: such a unit reaches s^2 /
 * 8 times its second derivative, 1.8e-7 for 100 / Angstrom^2. */
enum { LOOKS = 1024 };

/* Work while pieces are made: h and sides of all trunks at all looks. */
static inline size_t pieces_bytes(int trunks)
{
    return (size_t)trunks * LOOKS *
           (RADIAL_HIDDEN * sizeof(double) + sizeof(uint64_t));
}

#endif
