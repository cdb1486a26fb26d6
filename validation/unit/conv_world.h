/* SPDX-License-Identifier: MIT */
/* conv_world.h - a graph of random bonds with everything that a convolution,
 * its attention need, in double, for tests of their kernels.
 *
 * The loss is the sum of z . dz, z of the attention. The first two bonds lie on
 * the polar axis, up and down; the last node has no edges; views have room for
 * SPARE more rows, where inputs are NaN and outputs must stay 0.
 */
#ifndef CONV_WORLD_H
#define CONV_WORLD_H

#include "device/kernels.h"

#include <stdint.h>

enum { SPARE = 3, NODES = 9, SCALARS = 2, BLOCKS = 512, MOST = 1 << 16 };
enum { TRUNKS = CONV_PATHS, L = FIBER_DEGREES, HIDDEN = RADIAL_HIDDEN };
enum sharing { FULL, PER_OUTPUT, PER_INPUT, NONE };

/* The weights' shapes, and how many bonds. */
struct scenario {
    const char *name;
    enum sharing sharing;
    int bonds;
    int directed; /* every so many bonds have one edge; 0: none has */
    int layer_norm;
    int heads;
    struct fiber node, edge, value, key;
};

struct world {
    const struct scenario *s;
    struct kernels k;
    void *block[BLOCKS];
    size_t bytes[BLOCKS];
    int blocks;
    uint64_t seed;

    int nodes, bonds, edges; /* in use */
    int *src, *dst, *bond, *bond_edge, *in_begin, *in_edge, *out_begin,
        *out_edge;
    struct graph g;
    struct geometry geo;
    struct conv conv;
    struct radial radial[TRUNKS];
    struct tensor e[L], de[L], x[L], dx[L], q[L], dq[L], y[L], dy[L], z[L],
        dz[L], a, dscore, dscalar, dpos;
    struct tensor value[L], dvalue[L], key[L], dkey[L]; /* columns of y, dy */
    int degrees;                                        /* all of them have */
};

/* Outputs that are summed into are zero, those that are overwritten NaN. Every
 * bond of the scenario has one or both edges or, unshared, each edge is a bond
 * of its own: the same edges and features. */
void world_build(struct world *w, const struct scenario *s, int unshared);
void world_destroy(struct world *w);

/* All kernels up to the loss, which it returns. */
double world_forward(struct world *w);

/* All gradients, after forward, once: sums start at the zeros of build. */
void world_backward(struct world *w);

struct heads world_heads(const struct world *w);
struct gather world_gather(const struct world *w);

/* The same shape, zero-filled. */
struct tensor world_like(struct world *w, const struct tensor *t);

/* Row n, component m. */
double *at(const struct tensor *t, int n, int m);
int used(const struct tensor *t);

#endif
