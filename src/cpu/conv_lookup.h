/* SPDX-License-Identifier: MIT */
/* conv_lookup.h - from a bond to its run in a table (conv_table.h): type, cell,
 * piece, run, each added when the first bond asks for it. */
#ifndef CONV_LOOKUP_H
#define CONV_LOOKUP_H

#include "cpu/conv_pieces.h"

/* Why not: there is no room for more terms, or for anything; it is not for such
 * bonds. */
enum lookup { FOUND, NO_TERMS, FULL, NOT_THERE };

static void forget_runs(struct table *o)
{
    o->terms = o->runs = o->made = 0;
    for (int i = 0; i < o->pieces; i++)
        o->piece[i].run = -1;
}

static void table_begin(struct conv *c)
{
    struct table *o = table_of(c);

    o->is_set = 1;
    o->types = o->cells = o->pieces = o->terms = o->runs = o->made = 0;
    for (int t = 0; t < c->shape.trunks; t++)
        net_set(&c->radial[t], table_net(c, t));
}

/* The type with the scalars of a bond. */
static enum lookup find_type(const struct conv *c, int bond, int *out)
{
    struct table *o = table_of(c);
    size_t bytes = (size_t)c->graph->scalar.c * sizeof(float);
    const float *scalars = numbers(&c->graph->scalar, bond);
    int n = 0;

    if (c->graph->scalar.c > TYPE_SCALARS)
        return NOT_THERE;
    while (n < o->types && memcmp(o->type[n], scalars, bytes) != 0)
        n++;
    if (n == TABLE_TYPES)
        return FULL;
    if (n == o->types)
        memcpy(o->type[o->types++], scalars, bytes);
    *out = n;
    return FOUND;
}

static enum lookup add_cell(struct conv *c, int type, int number)
{
    struct table *o = table_of(c);
    size_t trunks = (size_t)c->shape.trunks;
    struct cutting cut = {.c = c,
                          .scalars = o->type[type],
                          .tolerance = tolerance_of(c),
                          .h = c->work,
                          .piece = o->piece + o->pieces};
    struct cell cell = {.type = type, .number = number, .piece = o->pieces};

    if (o->cells == TABLE_CELLS || o->pieces + CELL_PIECES > TABLE_PIECES)
        return FULL;
    cut.sides = (uint64_t *)(cut.h + trunks * UNITS * LOOKS);
    if (cut_cell(&cut, number))
        cell.pieces = cut.pieces;
    o->pieces += cell.pieces;
    o->cell[o->cells++] = cell;
    return FOUND;
}

static enum lookup find_cell(struct conv *c, int type, float d,
                             const struct cell **out)
{
    enum { MOST = 64 /* Angstrom */ };
    struct table *o = table_of(c);
    int number, i = 0;

    if (!(d >= 1.0f / CELLS && d < (float)MOST))
        return NOT_THERE;
    number = (int)(d * CELLS);
    while (i < o->cells &&
           (o->cell[i].type != type || o->cell[i].number != number))
        i++;
    *out = &o->cell[i];
    return i < o->cells ? FOUND : add_cell(c, type, number);
}

/* Room for a piece's terms, and its polynomials. */
static enum lookup add_run(struct conv *c, struct piece *x, int type)
{
    struct table *o = table_of(c);
    struct run r = {.k = x->k,
                    .point = o->terms,
                    .middle = x->middle,
                    .half = x->half,
                    .off = x->off};
    const struct cutting at = {.c = c, .scalars = o->type[type]};

    if (o->terms + x->k > table_room(c->graph->bonds))
        return NO_TERMS;
    invert(&r);
    for (int t = 0; t < c->shape.trunks; t++) {
        float *to = table_p(c, t) + r.point * UNITS;
        double p[TERMS][UNITS];

        through_points(&at, &r, t, p);
        for (int i = 0; i < r.k * UNITS; i++)
            to[i] = (float)p[i / UNITS][i % UNITS];
    }
    o->terms += r.k;
    o->run[o->runs] = r;
    x->run = o->runs++;
    return FOUND;
}

static enum lookup find_piece(struct conv *c, int bond,
                              const struct piece **out)
{
    float d = *numbers(&c->geo->distance, bond);
    const struct cell *cell;
    struct piece *x;
    int type, i = 0;
    enum lookup found = find_type(c, bond, &type);

    if (found == FOUND)
        found = find_cell(c, type, d, &cell);
    if (found != FOUND)
        return found;
    x = table_of(c)->piece + cell->piece;
    while (i < cell->pieces && x[i].last < d)
        i++;
    if (i == cell->pieces || x[i].k == 0)
        return NOT_THERE;
    *out = &x[i];
    return x[i].run < 0 ? add_run(c, &x[i], type) : FOUND;
}

#endif
