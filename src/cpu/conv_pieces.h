/* SPDX-License-Identifier: MIT */
/* conv_pieces.h - how a table (conv_table.h) comes by its pieces: in a cell all
 * changes of sides of ReLUs are found, to neighbouring floats; h is smooth
 * between them, and such a stretch is one piece, or, where that is cheaper, two
 * of half of it, and so on. Whether a polynomial does is seen at all looks. */
#ifndef CONV_PIECES_H
#define CONV_PIECES_H

#include "cpu/conv_net.h"
#include "cpu/conv_table.h"

enum { CELL_PIECES = 256 /* at most: more are no use */ };

/* A cell that is being cut. */
struct cutting {
    const struct conv *c;
    const float *scalars;
    double tolerance;
    double *h;       /* [trunks][32][LOOKS] */
    uint64_t *sides; /* [LOOKS][trunks] */
    float look[LOOKS];
    struct piece *piece; /* [CELL_PIECES] */
    int pieces;
};

/* Of all trunks, at WIDE distances: h of [trunks][32], sides of [WIDE][trunks].
 */
static void look_at(const struct cutting *o, const wide *distance, int trunk,
                    wide h[UNITS], uint64_t side[WIDE])
{
    network(table_net(o->c, trunk), &o->c->radial[trunk].layer[0].w, o->scalars,
            distance, h, side);
}

static void all_sides(const struct cutting *o, const float at[WIDE],
                      uint64_t side[WIDE][CONV_PATHS])
{
    int trunks = o->c->shape.trunks;
    wide distance;

    for (int j = 0; j < WIDE; j++)
        distance[j] = (double)at[j];
    for (int t = 0; t < trunks; t++) {
        uint64_t own[WIDE];
        wide h[UNITS];

        look_at(o, &distance, t, h, own);
        for (int j = 0; j < WIDE; j++)
            side[j][t] = own[j];
    }
}

static void look(struct cutting *o)
{
    int trunks = o->c->shape.trunks;

    for (int i = 0; i < LOOKS; i += WIDE)
        for (int t = 0; t < trunks; t++) {
            double *to = o->h + (size_t)t * UNITS * LOOKS + i;
            uint64_t side[WIDE];
            wide distance, h[UNITS];

            for (int j = 0; j < WIDE; j++)
                distance[j] = (double)o->look[i + j];
            look_at(o, &distance, t, h, side);
            for (int q = 0; q < UNITS; q++)
                memcpy(to + (size_t)q * LOOKS, &h[q], sizeof h[q]);
            for (int j = 0; j < WIDE; j++)
                o->sides[(size_t)(i + j) * (size_t)trunks + (size_t)t] =
                    side[j];
        }
}

static int is_same(const struct cutting *o, const uint64_t *a,
                   const uint64_t *b)
{
    return memcmp(a, b, (size_t)o->c->shape.trunks * sizeof *a) == 0;
}

/* Floats that are not negative, counted upwards from 0. */
static int32_t float_number(float x)
{
    int32_t n;

    memcpy(&n, &x, sizeof n);
    return n;
}

static float float_of(int32_t n)
{
    float x;

    memcpy(&x, &n, sizeof x);
    return x;
}

/* From `from`, with sides own, to `to`, which has others: the last with sides
 * own before a change. */
static float last_before(const struct cutting *o, float from, float to,
                         const uint64_t *own)
{
    int32_t a = float_number(from), b = float_number(to);

    while (b - a > 1) {
        uint64_t side[WIDE][CONV_PATHS];
        float at[WIDE];
        int32_t first = a, step = (b - a + WIDE) / (WIDE + 1);

        for (int j = 0; j < WIDE; j++)
            at[j] = float_of(first + (j + 1) * step < b ? first + (j + 1) * step
                                                        : b - 1);
        all_sides(o, at, side);
        for (int j = 0; j < WIDE; j++) {
            if (!is_same(o, side[j], own)) {
                b = float_number(at[j]);
                break;
            }
            a = float_number(at[j]);
        }
    }
    return float_of(a);
}

/* --- polynomials ---------------------------------------------------------- */

/* Of trunk t at the points of r, in double. */
static void through_points(const struct cutting *o, const struct run *r, int t,
                           double p[TERMS][UNITS])
{
    uint64_t side[WIDE];
    wide distance, h[UNITS];

    for (int n = 0; n < WIDE; n++)
        distance[n] = (double)point_distance(r, n < r->k ? n : 0);
    look_at(o, &distance, t, h, side);
    for (int j = 0; j < r->k; j++)
        for (int q = 0; q < UNITS; q++) {
            p[j][q] = 0;
            for (int n = 0; n < r->k; n++)
                p[j][q] += r->inverse[j][n] * h[q][n];
        }
}

/* Square of how far p is off, relative to |h|, at the worst of WIDE distances;
 * h: unit by unit, so many numbers apart. */
static double worst(const struct run *r, double p[TERMS][UNITS],
                    const wide *distance, const double *h, size_t apart)
{
    wide at = (*distance - r->middle) / r->half, off = {0}, size = {0};
    double most = 0;

    for (int q = 0; q < UNITS; q++) {
        wide x = (wide){0} + p[r->k - 1][q], want;

        memcpy(&want, h + (size_t)q * apart, sizeof want);
        for (int j = r->k - 2; j >= 0; j--)
            x = x * at + p[j][q];
        off += (x - want) * (x - want);
        size += want * want;
    }
    for (int j = 0; j < WIDE; j++) {
        double d = off[j] > 0 ? off[j] / size[j] : off[j];

        if (!(d <= most))
            most = d;
    }
    return most;
}

/* At places of its own: narrow pieces have no looks. */
static double worst_within(const struct cutting *o, const struct run *r,
                           const struct piece *x, int t, double p[TERMS][UNITS])
{
    double most = 0;

    for (int half = 0; half < 2; half++) {
        uint64_t side[WIDE];
        wide distance, h[UNITS];
        double d;

        for (int j = 0; j < WIDE; j++)
            distance[j] =
                (double)x->first + ((double)x->last - (double)x->first) *
                                       (2 * j + half) / (2 * WIDE - 1);
        look_at(o, &distance, t, h, side);
        d = worst(r, p, &distance, (double *)h, WIDE);
        most = d <= most ? most : d;
    }
    return most;
}

/* At all looks. */
static double worst_look(const struct cutting *o, const struct run *r,
                         const struct piece *x, int t, double p[TERMS][UNITS])
{
    const double *h = o->h + (size_t)t * UNITS * LOOKS;
    double most = 0;

    for (int i = 0; i < LOOKS; i += WIDE) {
        wide distance;
        double d;

        if (o->look[i] < x->first || o->look[i + WIDE - 1] > x->last)
            continue;
        for (int j = 0; j < WIDE; j++)
            distance[j] = (double)o->look[i + j];
        d = worst(r, p, &distance, h + i, LOOKS);
        most = d <= most ? most : d;
    }
    return most;
}

static int is_good(const struct cutting *o, const struct run *r,
                   struct piece *x)
{
    double square = o->tolerance * o->tolerance, most = 0;

    for (int t = 0; t < o->c->shape.trunks; t++) {
        double p[TERMS][UNITS], d;

        through_points(o, r, t, p);
        d = worst_within(o, r, x, t, p);
        most = d <= most ? most : d;
        if (!(most <= square))
            return 0;
        d = worst_look(o, r, x, t, p);
        most = d <= most ? most : d;
        if (!(most <= square))
            return 0;
    }
    x->off = sqrt(most);
    return 1;
}

/* The fewest terms that do; 0: TERMS are too few. */
static struct piece piece_of(const struct cutting *o, float first, float last)
{
    int floats = float_number(last) - float_number(first) + 1;
    struct piece x = {.first = first, .last = last, .run = -1};

    x.middle = ((double)first + (double)last) / 2;
    x.half = first < last ? ((double)last - (double)first) / 2 : 1;
    for (x.k = 1; x.k <= TERMS && x.k <= floats; x.k++) {
        struct run r = {.k = x.k, .middle = x.middle, .half = x.half};

        invert(&r);
        if (is_good(o, &r, &x))
            return x;
    }
    x.k = 0;
    return x;
}

/* In the measure of k_conv_points.c, with tiles half full at the end of a piece
 * and as many bonds an Angstrom as a large batch has. */
static double piece_cost(double width, int k)
{
    const double groups = 0.5 + 400 * width;

    return groups * (3 * k + 7);
}

static double width_of(const struct piece *x)
{
    return (double)x->last - (double)x->first;
}

/* Appends the cheapest pieces of a stretch: returns their cost. */
static double cut_stretch(struct cutting *o, float first, float last)
{
    struct piece x = piece_of(o, first, last);
    int32_t a = float_number(first), b = float_number(last);
    float half = float_of(a + (b - a) / 2);
    double cost = x.k ? piece_cost(width_of(&x), x.k) : HUGE_VAL, apart;
    int at = o->pieces;

    if (at > CELL_PIECES)
        return cost;
    /* two halves of two terms are the best that could be */
    apart = 2 * piece_cost(width_of(&x) / 2, 2);
    if (a < b && (x.k == 0 || (x.k > 2 && apart < cost))) {
        apart = cut_stretch(o, first, half) +
                cut_stretch(o, float_of(float_number(half) + 1), last);
        if (x.k == 0 || apart < cost)
            return apart;
    }
    o->pieces = at;
    if (o->pieces < CELL_PIECES)
        o->piece[o->pieces] = x;
    o->pieces++; /* one beyond all: too many */
    return cost;
}

/* All pieces of a cell; 0: too many. */
static int cut_cell(struct cutting *o, int number)
{
    float first = (float)number / CELLS;
    float last = float_of(float_number((float)(number + 1) / CELLS) - 1);
    int trunks = o->c->shape.trunks;
    uint64_t side[WIDE][CONV_PATHS], own[CONV_PATHS];

    for (int i = 0; i < LOOKS; i++)
        o->look[i] = (float)((double)first +
                             ((double)last - (double)first) * i / (LOOKS - 1));
    look(o);
    memcpy(own, o->sides, sizeof *own * (size_t)trunks);
    for (int i = 0; i < LOOKS - 1; i++) {
        const uint64_t *next = o->sides + (size_t)(i + 1) * (size_t)trunks;
        float from = o->look[i];

        while (!is_same(o, own, next) && o->pieces <= CELL_PIECES) {
            float at[WIDE], cut = last_before(o, from, o->look[i + 1], own);

            cut_stretch(o, first, cut);
            first = from = float_of(float_number(cut) + 1);
            for (int j = 0; j < WIDE; j++)
                at[j] = first;
            all_sides(o, at, side);
            memcpy(own, side[0], sizeof own);
        }
    }
    cut_stretch(o, first, last);
    return o->pieces <= CELL_PIECES;
}

#endif
