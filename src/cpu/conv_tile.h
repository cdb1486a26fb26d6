/* SPDX-License-Identifier: MIT */
/* conv_tile.h - features of LANES bonds, one bond a lane, both its edges.
 *
 * A tile is [order m >= 0][degree][channel][edge][+m, -m][LANES], without -m
 * where m = 0: what one order's contraction reads stands together. Features
 * are turned into the frame of each edge itself: for a reverse edge that is the
 * bond's frame turned by pi about x, D^l = (-1)^l, and -(-1)^l where m < 0, and
 * then both edges of a bond have the same numbers (a, b). Lanes without an edge
 * are zero. Channels are padded to PAD; what stands there is never used.
 */
#ifndef CONV_TILE_H
#define CONV_TILE_H

#include "cpu/lanes.h"
#include "cpu/real.h"
#include "cpu/turn.h"

#include <string.h>

enum { PAD = 8, SPREAD = 80, COMPONENTS = 2 * FIBER_DEGREES - 1 };

struct layout {
    int channels[FIBER_DEGREES];
    int at[FIBER_DEGREES][FIBER_DEGREES]; /* [m][l], numbers before */
    int size;                             /* numbers of a tile */
};

/* A block's edges; -1: none. */
struct tile_edges {
    int bond, bonds;
    int edge[2][LANES];
};

static inline int padded(int channels)
{
    return (channels + PAD - 1) / PAD * PAD;
}

/* Tiles are an odd number of cache lines apart, that those of one place do not
 * fall on one another in the cache. */
static inline struct layout layout_of(const struct fiber *a,
                                      const struct fiber *b)
{
    struct layout o = {.size = 0};

    for (int l = 0; l < FIBER_DEGREES; l++)
        o.channels[l] = fiber_at(a, l) + fiber_at(b, l);
    for (int m = 0; m < FIBER_DEGREES; m++)
        for (int l = m; l < FIBER_DEGREES; l++) {
            o.at[m][l] = o.size;
            o.size += padded(o.channels[l]) * (m ? 4 : 2) * LANES;
        }
    o.size += SPREAD;
    return o;
}

/* Component m = -l..l of channel c, first (dir 0) or reverse edges. */
static inline float *tile_at(const struct layout *o, float *tile, int l, int m,
                             int c, int dir)
{
    float *base = tile + o->at[m < 0 ? -m : m][l];

    return m ? base + ((2 * c + dir) * 2 + (m < 0)) * LANES
             : base + (2 * c + dir) * LANES;
}

/* Numbers from channel to channel of tile_at. */
static inline int tile_step(int m)
{
    return (m ? 4 : 2) * LANES;
}

/* Component m of the turn by pi about x. */
static inline float turned(int dir, int l, int m)
{
    return dir && (l % 2 == 0) == (m < 0) ? -1 : 1;
}

/* Of at most LANES bonds; none if bonds <= 0. */
static inline struct tile_edges tile_edges(const struct graph *g, int bond,
                                           int bonds)
{
    struct tile_edges t = {.bond = bond, .bonds = bonds};

    if (t.bonds > LANES)
        t.bonds = LANES;
    for (int dir = 0; dir < 2; dir++)
        for (int j = 0; j < LANES; j++) {
            int b = t.bond + j;

            t.edge[dir][j] =
                j < t.bonds && g->bond_edge[b] + dir < g->bond_edge[b + 1]
                    ? g->bond_edge[b] + dir
                    : -1;
        }
    return t;
}

/* One degree, one direction and LANES channels of a tile. */
struct patch {
    const struct layout *layout;
    const struct tile_edges *edges;
    float *tile;
    int l, dir;
    int c;                      /* first channel within the view */
    int skip;                   /* channels of the tile before the view's */
    const int *node;            /* row of an edge; NULL: its number */
    const struct geometry *geo; /* NULL: nothing is turned */
};

static inline int patch_row(const struct patch *p, int edge)
{
    return p->node ? p->node[edge] : edge;
}

/* y = D x or D^T x, with the signs of the reverse edge on the frame's side. */
INLINE void turn_rows(const float *d, const int l, int dir, int is_back,
                      const lanes *x, lanes *y)
{
    const int w = 2 * l + 1;

#pragma GCC unroll 7
    for (int i = 0; i < w; i++) {
        lanes sum = {0};

#pragma GCC unroll 7
        for (int k = 0; k < w; k++)
            sum += (is_back ? turned(dir, l, k - l) * d[k * w + i]
                            : d[i * w + k]) *
                   x[k];
        y[i] = is_back ? sum : sum * turned(dir, l, i - l);
    }
}

/* A row of the view in the edge's frame. */
INLINE void row_gather(const struct patch *p, const struct tensor *x, int lane,
                       const int l, lanes *y)
{
    const int w = 2 * l + 1;
    int edge = p->edges->edge[p->dir][lane];
    const float *from = (float *)row(x, patch_row(p, edge), 0) + p->c;
    lanes in[COMPONENTS];

#pragma GCC unroll 7
    for (int m = 0; m < w; m++) {
        in[m] = load_part(from + (int64_t)m * x->ld, x->c - p->c);
        if (!p->geo)
            y[m] = in[m] * turned(p->dir, l, m - l);
    }
    if (p->geo)
        turn_rows(frame_of(p->geo, l, p->edges->bond + lane), l, p->dir, 0, in,
                  y);
}

/* Asks for the row that is taken AHEAD lanes later. */
INLINE void row_ahead(const struct patch *p, const struct tensor *x, int lane,
                      const int l)
{
    enum { AHEAD = 4 };
    int edge = lane + AHEAD < LANES ? p->edges->edge[p->dir][lane + AHEAD] : -1;
    const float *from;

    if (edge < 0)
        return;
    from = (const float *)row(x, patch_row(p, edge), 0) + p->c;
#pragma GCC unroll 7
    for (int m = 0; m < 2 * l + 1; m++)
        __builtin_prefetch(from + (int64_t)m * x->ld);
}

/* Rows of the view into the patch. */
INLINE void patch_gather(const struct patch *p, const struct tensor *x,
                         const int l)
{
    const int w = 2 * l + 1;
    int n = x->c - p->c < LANES ? x->c - p->c : LANES;
    lanes to[COMPONENTS][LANES];

    for (int j = 0; j < LANES; j++) {
        lanes y[COMPONENTS];

        if (p->edges->edge[p->dir][j] < 0) {
            for (int m = 0; m < w; m++)
                to[m][j] = (lanes){0};
            continue;
        }
        row_ahead(p, x, j, l);
        row_gather(p, x, j, l, y);
#pragma GCC unroll 7
        for (int m = 0; m < w; m++)
            to[m][j] = y[m];
    }
    for (int m = 0; m < w; m++) {
        float *tile =
            tile_at(p->layout, p->tile, l, m - l, p->skip + p->c, p->dir);

        transpose(to[m]);
        for (int c = 0; c < n; c++)
            store(tile + c * tile_step(m - l), to[m][c]);
    }
}

/* The patch into rows of the view, which it overwrites. */
INLINE void patch_scatter(const struct patch *p, const struct tensor *x,
                          const int l)
{
    const int w = 2 * l + 1;
    int n = x->c - p->c < LANES ? x->c - p->c : LANES;
    lanes from[COMPONENTS][LANES];

    for (int m = 0; m < w; m++) {
        float *tile =
            tile_at(p->layout, p->tile, l, m - l, p->skip + p->c, p->dir);

        for (int c = 0; c < LANES; c++)
            from[m][c] = c < n ? load(tile + c * tile_step(m - l)) : (lanes){0};
        transpose(from[m]);
    }
    for (int j = 0; j < LANES; j++) {
        int edge = p->edges->edge[p->dir][j];
        lanes in[COMPONENTS], out[COMPONENTS];

        if (edge < 0)
            continue;
        for (int m = 0; m < w; m++)
            in[m] = from[m][j];
        if (p->geo)
            turn_rows(frame_of(p->geo, l, p->edges->bond + j), l, p->dir, 1, in,
                      out);
        for (int m = 0; m < w; m++)
            store_past((float *)row(x, patch_row(p, edge), m) + p->c,
                       p->geo ? out[m] : in[m] * turned(p->dir, l, m - l), n);
    }
}

/* All channels and both directions of one degree; the usual degrees have a
 * copy of the loops for themselves. */
#define TILE_VIEW(name, patch_moves)                                           \
    static inline void name(struct patch p, const struct tensor *x)            \
    {                                                                          \
        p.l = x->l;                                                            \
        for (p.dir = 0; p.dir < 2; p.dir++)                                    \
            for (p.c = 0; p.c < x->c; p.c += LANES)                            \
                BY_DEGREE(p.l, patch_moves(&p, x, L));                         \
    }
TILE_VIEW(tile_gather, patch_gather)
TILE_VIEW(tile_scatter, patch_scatter)

#endif
