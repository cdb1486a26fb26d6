/* SPDX-License-Identifier: MIT */
/* conv_parts.h - where the weights of a convolution stand, for the kernels that
 * work in runs (conv_points.h).
 *
 * Weights come in blocks of SLOTS rows: of path p, order m and input channel
 * ci, the a of 8 output channels where m = 0, (a, b) of 4 where m > 0. Blocks
 * are [trunk][path][m][output channels][ci], rows of W' = fold W3. The matrices
 * of a run are [block][k][SLOTS]; packed is that with k = 32.
 */
#ifndef CONV_PARTS_H
#define CONV_PARTS_H

#include "cpu/conv_table.h"
#include "cpu/conv_tile.h"
#include "cpu/cpuid.h"

#include <omp.h>

enum {
    SLOTS = 8,
    UNITS = RADIAL_HIDDEN,
    TILES = GROUP / LANES /* of a group */
};

struct parts {
    struct layout in, out;
    int path[FIBER_DEGREES][FIBER_DEGREES]; /* [lo][li]; -1: none */
    int blocks[CONV_PATHS][FIBER_DEGREES];  /* [path][m] before, within
                                               the trunk */
    size_t before[CONV_PATHS + 1];          /* [trunk], blocks */
};

/* Output channels of a block. */
static inline int block_channels(int m)
{
    return m ? SLOTS / 2 : SLOTS;
}

static inline int path_orders(const struct conv_path *p)
{
    return (p->li < p->lo ? p->li : p->lo) + 1;
}

/* How many (co, ci) a path has. */
static inline int path_pairs(const struct parts *o, const struct conv_path *p)
{
    return o->out.channels[p->lo] * o->in.channels[p->li];
}

static inline struct parts parts_of(const struct conv_shape *s)
{
    struct parts o = {.in = layout_of(&s->node, &s->edge),
                      .out = layout_of(&s->out, &(struct fiber){0})};

    memset(o.path, -1, sizeof o.path);
    for (int t = 0; t < s->trunks; t++) {
        int n = 0;

        for (int p = 0; p < s->paths; p++) {
            const struct conv_path *path = &s->path[p];

            if (path->trunk != t)
                continue;
            o.path[path->lo][path->li] = p;
            for (int m = 0; m < path_orders(path); m++) {
                o.blocks[p][m] = n;
                n += padded(o.out.channels[path->lo]) / block_channels(m) *
                     padded(o.in.channels[path->li]);
            }
        }
        o.before[t + 1] = o.before[t] + (size_t)n;
    }
    return o;
}

static inline size_t trunk_blocks(const struct parts *o, int t)
{
    return o->before[t + 1] - o->before[t];
}

/* The first block of output channels co.., within the trunk. */
static inline size_t block_of(const struct parts *o, const struct conv_shape *s,
                              int p, int m, int co)
{
    return (size_t)o->blocks[p][m] +
           (size_t)(co / block_channels(m)) *
               (size_t)padded(o->in.channels[s->path[p].li]);
}

/* Work: matrices of all runs; then a tile in and a tile out for each worker,
 * and in conv_bwd_x a row of every edge. In conv_bwd_w see there. */
static inline size_t matrix_numbers(const struct parts *o, int t, int bonds)
{
    return trunk_blocks(o, t) * SLOTS * (size_t)points_room(bonds);
}

/* Of a table: the numbers of one trunk, and all bytes. */
static inline size_t table_numbers(const struct parts *o, int t, int bonds)
{
    return trunk_blocks(o, t) * SLOTS * (size_t)table_room(bonds);
}

static inline size_t table_bytes(const struct parts *o, int trunks, int bonds)
{
    size_t numbers = 0;

    for (int t = 0; t < trunks; t++)
        numbers += table_numbers(o, t, bonds);
    return table_matrices(trunks, bonds) + numbers * sizeof(float);
}

static inline int workers_of(int bonds)
{
    int n = groups_room(bonds) * TILES, most = cpuid_workers();

    return n < 1 ? 1 : n < most ? n : most;
}

static inline struct points points_at(const struct conv *c)
{
    return points_of(c->plan, c->shape.trunks, c->graph->bonds);
}

/* Polynomials of a trunk, or h. */
static inline const float *trunk_p(const struct conv *c, const struct points *p,
                                   int t)
{
    return p->p + (size_t)t * trunk_numbers(c->graph->bonds);
}

/* Open units of its runs. */
static inline const struct open_units *trunk_open(const struct conv *c,
                                                  const struct points *p, int t)
{
    return p->open + (size_t)t * (size_t)groups_room(c->graph->bonds);
}

static inline struct tile_edges tile_of(const struct graph *g,
                                        const struct points *p, int tile)
{
    const struct group *group = &p->group[tile / TILES];
    int from = tile % TILES * LANES;

    return tile_edges(g, group->bond + from, group->bonds - from);
}

static inline size_t tile_numbers(const struct parts *o)
{
    return (size_t)o->in.size + (size_t)o->out.size;
}

/* Of a worker: two tiles in, one out. */
static inline size_t slot_numbers(const struct parts *o)
{
    return tile_numbers(o) + (size_t)o->in.size;
}

/* conv_bwd_w: tiles in and out of a wave, moments of all rows, gradients of W'
 * and, by chunk, of the polynomials; these as a method arranges them. */
enum { WAVE = 64 /* groups, 8 MB: small beside an L3 */, CHUNKS = 64 };

static inline int wave_groups(int bonds)
{
    return groups_room(bonds) < WAVE ? groups_room(bonds) : WAVE;
}

static inline size_t bwd_w_numbers(const struct parts *o,
                                   const struct conv_shape *s, int bonds)
{
    size_t tiles = (size_t)wave_groups(bonds) * TILES;
    size_t rows = o->before[s->trunks] * SLOTS;
    size_t points = (size_t)points_room(bonds);

    if (points < UNITS)
        points = UNITS;
    return tiles * tile_numbers(o) + rows * (points + UNITS) +
           (CHUNKS + 1) * (points + 1) * UNITS;
}

/* Threads of a loop over tiles, each with its own part of the work. */
static inline int team_of(int workers)
{
    int most = omp_get_max_threads();

    return most < workers ? most : workers;
}

/* An edge's dx: [degree][2l+1][channels, padded to a vector]. */
static inline struct tensor edge_rows(const struct parts *o, int l, int edges)
{
    return tensor_feature(edges, l, o->in.channels[l], sizeof(float));
}

/* Moves a view into its patch of a tile. */
typedef void tile_move(struct patch p, const struct tensor *x);

/* How a tile is gathered. */
struct gathering {
    const struct conv *c;
    const struct parts *o;
    const struct tile_edges *edges;
    tile_move *move;
};

/* Features of the source, then of the edge, in the frame. */
static inline void gather_inputs(const struct gathering *g,
                                 const struct tensor x[],
                                 const struct tensor e[], float *tile)
{
    for (int l = 0; l < FIBER_DEGREES; l++) {
        struct patch p = {.layout = &g->o->in,
                          .edges = g->edges,
                          .tile = tile,
                          .node = g->c->graph->src,
                          .geo = g->c->geo};

        if (fiber_at(&g->c->shape.node, l) > 0)
            g->move(p, &x[l]);
        p.node = NULL;
        p.skip = fiber_at(&g->c->shape.node, l);
        if (fiber_at(&g->c->shape.edge, l) > 0)
            g->move(p, &e[l]);
    }
}

/* dy, which is in the bond's frame. */
static inline void gather_outputs(const struct gathering *g,
                                  const struct tensor dy[], float *tile)
{
    struct patch p = {.layout = &g->o->out, .edges = g->edges, .tile = tile};

    for (int l = 0; l < FIBER_DEGREES; l++)
        if (g->o->out.channels[l] > 0)
            g->move(p, &dy[l]);
}

#endif
