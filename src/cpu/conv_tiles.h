/* SPDX-License-Identifier: MIT */
/* conv_tiles.h - where the convolution on a matrix unit (tiles.h) has its
 * operands; k_conv_tiles.c, k_conv_tiles_w.c.
 *
 * Of one order m all degrees stand side by side, each padded to ACROSS
 * channels, so that an order is one product whatever its degrees are:
 *
 *     y [edges][lo, co]  +=  x [edges][li, ci]  R [li, ci][lo, co]
 *
 * A group of bonds is two blocks of GROUP rows, first edges and reverses.
 */
#ifndef CONV_TILES_H
#define CONV_TILES_H

#include "cpu/conv_parts.h"
#include "cpu/lanes16_bf16.h"
#include "cpu/tiles.h"

enum {
    ACROSS = TILE_ROWS, /* channels of a tile of sums */
    DEPTH = 32,         /* numbers that one product of tiles sums over */
    MOST_WORKERS = 32   /* that have room; in conv_bwd_w half as many */
};

/* The channels of one side, order by order. */
struct channels {
    int at[FIBER_DEGREES][FIBER_DEGREES]; /* [m][l] */
    int used[FIBER_DEGREES];              /* [m] behind the last degree */
    int n[FIBER_DEGREES]; /* that, to whole tiles of both numbers of a pair */
};

/* Which degree has channel c of order m; -1: padding. */
struct channel {
    int l, c;
};

static inline int across(int channels)
{
    return (channels + ACROSS - 1) / ACROSS * ACROSS;
}

static inline struct channels channels_of(const struct layout *o)
{
    struct channels s = {.used = {0}};

    for (int m = 0; m < FIBER_DEGREES; m++) {
        for (int l = m; l < FIBER_DEGREES; l++) {
            s.at[m][l] = s.used[m];
            s.used[m] += across(o->channels[l]);
        }
        s.n[m] = m ? s.used[m] : (s.used[m] + DEPTH - 1) / DEPTH * DEPTH;
    }
    return s;
}

static inline struct channel channel_at(const struct channels *s, int m, int c)
{
    int l = FIBER_DEGREES - 1;

    if (c >= s->used[m])
        return (struct channel){-1, 0};
    while (s->at[m][l] > c)
        l--;
    return (struct channel){l, c - s->at[m][l]};
}

/* Lines to add to a stride, so that rows of one place do not fall on one
 * another in the caches. */
static inline size_t apart(size_t bytes)
{
    return (bytes + 4095) / 4096 * 4096 + 192;
}

/* What the packed W' has of one block, or zeros. */
static inline const float *packed_block(const struct conv *c,
                                        const struct parts *o, int p, int m,
                                        struct channel out, int ci)
{
    static const float none[SLOTS * UNITS];
    const struct conv_path *path = p < 0 ? NULL : &c->shape.path[p];

    if (!path || out.c >= padded(o->out.channels[path->lo]) ||
        ci >= padded(o->in.channels[path->li]))
        return none;
    return (const float *)c->packed +
           (o->before[path->trunk] + block_of(o, &c->shape, p, m, out.c) +
            (size_t)ci) *
               SLOTS * UNITS;
}

/* --- conv_bwd_w; k_conv_tiles_w.c ---------------------------------------- */

enum {
    LOT = 16,      /* groups that one worker adds up */
    NEAR = 1 << 20 /* bytes that it has in hand */
};

/* Groups of one run; its moments are terms .. + k - 1 of all. */
struct lot {
    int run, group, groups, term;
};

/* Moments of a term: [m][a, b][input channels][output channels], in tiles. */
struct grid {
    struct channels in, out;
    int before[FIBER_DEGREES + 1]; /* tiles */
};

/* What conv_bwd_w works on; sizes are bytes. */
struct places {
    size_t lots, points, moments, moment, slots, slot, dw, dp, end;
};

static inline int signs(int m)
{
    return m ? 2 : 1;
}

static inline struct grid grid_of(const struct parts *o)
{
    struct grid g = {.in = channels_of(&o->in), .out = channels_of(&o->out)};

    for (int m = 0; m < FIBER_DEGREES; m++)
        g.before[m + 1] = g.before[m] + signs(m) * (g.in.used[m] / ACROSS) *
                                            (g.out.used[m] / ACROSS);
    return g;
}

/* Terms of all lots at most. */
static inline int terms_room(int bonds)
{
    return points_room(bonds) + TERMS * (groups_room(bonds) / LOT);
}

/* Of a group and order: rows of x, and columns of a term of dy. */
static inline size_t x_bytes(const struct grid *g, int m)
{
    return (size_t)(signs(m) * signs(m) * g->in.used[m] * TILE_ROW);
}

static inline size_t dy_bytes(const struct grid *g, int m)
{
    return (size_t)(signs(m) * g->out.used[m] * TILE_ROW);
}

/* Of a group with k terms. */
static inline size_t near_bytes(const struct grid *g, int k)
{
    size_t n = 0;

    for (int m = 0; m < FIBER_DEGREES; m++)
        n += x_bytes(g, m) + (size_t)k * dy_bytes(g, m);
    return n;
}

static inline struct places places_of(const struct conv_shape *s,
                                      const struct parts *o, int bonds)
{
    const struct grid g = grid_of(o);
    size_t terms = (size_t)terms_room(bonds) + DEPTH;
    size_t workers = workers_of(bonds) < MOST_WORKERS / 2
                         ? (size_t)workers_of(bonds)
                         : MOST_WORKERS / 2;
    size_t least = near_bytes(&g, TERMS);
    struct places p = {.moment = apart((size_t)g.before[FIBER_DEGREES] * TILE),
                       .slot = (least < NEAR ? NEAR : least) + 4 * TILE};

    p.points = whole_lines((size_t)groups_room(bonds) * sizeof(struct lot));
    p.moments = p.points + (size_t)s->trunks * terms * UNITS * 2;
    p.slots = p.moments + terms * p.moment;
    p.dw = p.slots + workers * p.slot;
    p.dp = p.dw + o->before[s->trunks] * SLOTS * UNITS * sizeof(float);
    p.end = p.dp + (CHUNKS + 1) * terms * UNITS * sizeof(float);
    return p;
}

#endif
