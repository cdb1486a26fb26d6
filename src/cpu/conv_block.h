/* SPDX-License-Identifier: MIT */
/* conv_block.h - what the reference convolution's passes share.
 *
 * Bonds are taken in blocks of BONDS, one a lane: what is done to one number
 * is done to that number of all bonds of the block, so radial weights are
 * formed for a whole block while their matrix is in registers. A block's
 * features, inputs and outputs, stand in the workspace as
 *
 *     [degree][channel][2l+1][EDGES]      lanes: first edges, then reverses
 *
 * in the frame of each edge itself. For a reverse edge that is the bond's frame
 * turned by pi about x, D^l = (-1)^l, and -(-1)^l where m < 0: there both
 * edges of a bond have the same numbers (a, b). Lanes without an edge are zero.
 */
#ifndef CONV_BLOCK_H
#define CONV_BLOCK_H

#include "cpu/turn.h"

enum {
    BONDS = 16,
    EDGES = 2 * BONDS,
    WEIGHTS = 2 * FIBER_DEGREES - 1 /* of one path, co and ci, at most */
};

/* One number of each bond, or of each edge, of a block. */
struct of_bonds {
    real at[BONDS];
};
struct of_edges {
    real at[EDGES];
};

/* Channels of the inputs or outputs, and where a degree begins. */
struct side {
    int channels[FIBER_DEGREES];
    int first[FIBER_DEGREES];
    int width;
};

struct block {
    int first, bonds;            /* bonds first.. */
    struct of_edges *x, *y, *dx; /* y: or dy */
};

static inline struct side side_of(const struct fiber *a, const struct fiber *b)
{
    struct side s = {.width = 0};

    for (int l = 0; l < FIBER_DEGREES; l++) {
        s.channels[l] = fiber_at(a, l) + fiber_at(b, l);
        s.first[l] = s.width;
        s.width += s.channels[l] * (2 * l + 1);
    }
    return s;
}

static inline struct side inputs(const struct conv_shape *s)
{
    return side_of(&s->node, &s->edge);
}

static inline struct side outputs(const struct conv_shape *s)
{
    return side_of(&s->out, &(struct fiber){.degrees = 0});
}

static inline int path_weights(const struct conv_path *p)
{
    return 2 * (p->li < p->lo ? p->li : p->lo) + 1;
}

/* How many (co, ci) a path has. */
static inline int path_pairs(const struct conv_shape *s,
                             const struct conv_path *p)
{
    return fiber_at(&s->out, p->lo) *
           (fiber_at(&s->node, p->li) + fiber_at(&s->edge, p->li));
}

/* Numbers that all paths before p have in packed, which is
 * [path][co][ci][weights][32]. */
static inline size_t packed_before(const struct conv_shape *s, int p)
{
    size_t n = 0;

    for (int i = 0; i < p; i++)
        n += (size_t)path_pairs(s, &s->path[i]) *
             (size_t)path_weights(&s->path[i]) * RADIAL_HIDDEN;
    return n;
}

static inline real *packed_of(const struct conv *c, int p)
{
    return (real *)c->packed + packed_before(&c->shape, p);
}

static inline int blocks_of(int bonds)
{
    return (bonds + BONDS - 1) / BONDS;
}

/* Numbers of_edges that a block has in the workspace. */
static inline size_t block_width(const struct conv_shape *s)
{
    return 2 * (size_t)inputs(s).width + (size_t)outputs(s).width;
}

static inline struct block block_at(const struct conv *c, int i)
{
    struct block b = {.first = i * BONDS};
    int rest = used_bonds(c->graph) - b.first;

    b.bonds = rest < BONDS ? rest : BONDS;
    b.x = (struct of_edges *)c->work + (size_t)i * block_width(&c->shape);
    b.dx = b.x + inputs(&c->shape).width;
    b.y = b.dx + inputs(&c->shape).width;
    return b;
}

/* Component m = -l..l of the turn by pi about x, in lanes of reverse edges. */
static inline real lane_sign(int lane, int l, int m)
{
    return lane >= BONDS && (l % 2 == 0) == (m < 0) ? -1 : 1;
}

/* The edge of a lane, or -1. */
static inline int lane_edge(const struct graph *g, const struct block *b,
                            int lane)
{
    int bond = b->first + lane % BONDS, edge;

    if (lane % BONDS >= b->bonds)
        return -1;
    edge = g->bond_edge[bond] + lane / BONDS;
    return edge < g->bond_edge[bond + 1] ? edge : -1;
}

static inline int lane_of(const struct graph *g, int edge)
{
    int bond = g->bond[edge];

    return bond % BONDS + (edge == g->bond_edge[bond] ? 0 : BONDS);
}

static inline void lane_clear(struct of_edges *to, int n, int lane)
{
    for (int i = 0; i < n; i++)
        to[i].at[lane] = 0;
}

/* Row n of x into the edge's frame. */
static inline void lane_turn(const real *d, const struct tensor *x, int n,
                             struct of_edges *to, int lane)
{
    int w = 2 * x->l + 1;

    for (int c = 0; c < x->c; c++)
        for (int m = 0; m < w; m++) {
            real sum = 0;

            for (int k = 0; k < w; k++)
                sum += d[m * w + k] * row(x, n, k)[c];
            to[c * w + m].at[lane] = lane_sign(lane, x->l, m - x->l) * sum;
        }
}

/* Adds to row n of x what is in the edge's frame, turned back. */
static inline void lane_turn_back(const real *d, const struct of_edges *from,
                                  int lane, struct tensor *x, int n)
{
    int w = 2 * x->l + 1;

    for (int m = 0; m < w; m++)
        for (int k = 0; k < w; k++) {
            real f = d[m * w + k] * lane_sign(lane, x->l, m - x->l);

            for (int c = 0; c < x->c; c++)
                row(x, n, k)[c] += f * from[c * w + m].at[lane];
        }
}

/* Features of the source, then of the edge, into b->x. */
static inline void gather_inputs(const struct conv *c, const struct tensor x[],
                                 const struct tensor e[], struct block *b)
{
    const struct conv_shape *s = &c->shape;
    struct side in = inputs(s);

    for (int lane = 0; lane < EDGES; lane++) {
        int edge = lane_edge(c->graph, b, lane);

        if (edge < 0)
            lane_clear(b->x, in.width, lane);
        for (int l = 0; edge >= 0 && l < FIBER_DEGREES; l++) {
            int own = fiber_at(&s->node, l) * (2 * l + 1);
            const real *d;

            if (in.channels[l] == 0)
                continue;
            d = frame_of(c->geo, l, b->first + lane % BONDS);
            if (own > 0)
                lane_turn(d, &x[l], c->graph->src[edge], b->x + in.first[l],
                          lane);
            if (fiber_at(&s->edge, l) > 0)
                lane_turn(d, &e[l], edge, b->x + in.first[l] + own, lane);
        }
    }
}

/* dy, which is in the bond's frame, into b->y. */
static inline void gather_outputs(const struct conv *c,
                                  const struct tensor dy[], struct block *b)
{
    struct side out = outputs(&c->shape);

    for (int lane = 0; lane < EDGES; lane++) {
        int edge = lane_edge(c->graph, b, lane);

        if (edge < 0)
            lane_clear(b->y, out.width, lane);
        for (int l = 0; edge >= 0 && l < FIBER_DEGREES; l++)
            for (int i = 0; i < out.channels[l] * (2 * l + 1); i++) {
                int m = i % (2 * l + 1);

                b->y[out.first[l] + i].at[lane] =
                    lane_sign(lane, l, m - l) *
                    row(&dy[l], edge, m)[i / (2 * l + 1)];
            }
    }
}

/* h of the block's bonds; zero in lanes without a bond. */
static inline void gather_hidden(const struct radial *r, const struct block *b,
                                 struct of_bonds h[RADIAL_HIDDEN])
{
    for (int i = 0; i < BONDS; i++)
        for (int k = 0; k < RADIAL_HIDDEN; k++)
            h[k].at[i] = i < b->bonds ? row(&r->h, b->first + i, 0)[k] : 0;
}

/* Radial weights a_0, a_1, b_1, .. of one (co, ci): n rows of packed, w, times
 * h. */
static inline void radial_weights(const real *w, int n,
                                  const struct of_bonds h[RADIAL_HIDDEN],
                                  struct of_bonds r[])
{
    for (int f = 0; f < n; f++) {
        struct of_bonds sum = {{0}};

        for (int k = 0; k < RADIAL_HIDDEN; k++)
            for (int i = 0; i < BONDS; i++)
                sum.at[i] += w[f * RADIAL_HIDDEN + k] * h[k].at[i];
        r[f] = sum;
    }
}

/* y += a x, the bond's a for both its edges; and y -= a x. */
static inline void add_product(const struct of_bonds *a,
                               const struct of_edges *x, struct of_edges *y)
{
    for (int i = 0; i < BONDS; i++) {
        y->at[i] += a->at[i] * x->at[i];
        y->at[BONDS + i] += a->at[i] * x->at[BONDS + i];
    }
}

static inline void subtract_product(const struct of_bonds *a,
                                    const struct of_edges *x,
                                    struct of_edges *y)
{
    for (int i = 0; i < BONDS; i++) {
        y->at[i] -= a->at[i] * x->at[i];
        y->at[BONDS + i] -= a->at[i] * x->at[BONDS + i];
    }
}

#endif
