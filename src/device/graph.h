/* SPDX-License-Identifier: MIT */
/* graph.h - a batch of molecules as kernels see it: one block-diagonal graph.
 *
 * Bonds stand in the order of (type, distance), so that neighbours have nearly
 * the same radial weights. Bond b has one or two directed edges, number
 * bond_edge[b] .. bond_edge[b+1]-1; the first points from src to dst and sets
 * the bond's direction u, a second one is its reverse. What depends on the
 * edge scalars alone (radial network) or on u alone (frames) is per bond.
 *
 * All pointers are device memory, borrowed; counts in the struct are those of
 * the largest batch, counts in use stand behind used_*.
 */
#ifndef GRAPH_H
#define GRAPH_H

#include "device/tensor.h"
#include "math/fiber.h"

/* Rows that are summed into one: those of row i are edge[begin[i]] ..
 * edge[begin[i+1]-1], ascending. edge NULL: begin[i], begin[i]+1, .. */
struct csr {
    int n;            /* rows summed into: nodes, molecules */
    const int *used;  /* how many of them are in use; NULL: all */
    const int *begin; /* [n+1] */
    const int *edge;  /* [begin[n]] */
};

struct graph {
    int molecules, nodes, bonds, edges; /* of the largest batch */
    const int *used_molecules, *used_nodes, *used_bonds, *used_edges;
    const int *src, *dst;              /* [edges] nodes */
    const int *bond;                   /* [edges] */
    const int *bond_edge;              /* [bonds+1] */
    struct csr in;                     /* edges by destination */
    struct csr out;                    /* edges by source */
    struct csr atoms;                  /* nodes by molecule; edge NULL */
    struct tensor x;                   /* [nodes, 3] Angstrom, not padded */
    struct tensor scalar;              /* [bonds, edge scalars], not padded */
    struct tensor node[FIBER_DEGREES]; /* [nodes, 2l+1, c] node features */
    struct tensor edge[FIBER_DEGREES]; /* [edges, 2l+1, c], l > 0 */
    struct tensor target; /* [molecules, targets], not padded; NaN: none */
};

/* Distances and frames of the bonds (frame.h), and their gradients. Rows are
 * not padded. */
struct geometry {
    int degrees;                       /* D^l for l = 0 .. degrees-1 */
    struct tensor distance;            /* [bonds, 1] Angstrom */
    struct tensor unit;                /* [bonds, 3] u */
    struct tensor d[FIBER_DEGREES];    /* [bonds, (2l+1)^2] D^l, row by row */
    struct tensor turn[FIBER_DEGREES]; /* [1, (2l+1)^2] K_l of frame.h */
    struct tensor generator[FIBER_DEGREES]; /* [3, (2l+1)^2] of wigner.h */
    /* data NULL: gradients with respect to positions are not wanted */
    struct tensor ddistance; /* [bonds, 1] dloss / d distance */
    struct tensor torque;    /* [bonds, 3], theory.md section 9 */
};

#endif
