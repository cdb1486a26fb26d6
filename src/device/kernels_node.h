/* SPDX-License-Identifier: MIT */
/* kernels_node.h - slots that work node by node, or on the few rows of a
 * molecule: norm, softmax, linear maps, pooling, loss. Rules for all slots:
 * kernels.h.
 */
#ifndef KERNELS_NODE_H
#define KERNELS_NODE_H

#include "device/graph.h"

enum loss_kind { LOSS_KIND_L1, LOSS_KIND_L2, LOSS_KIND_HUBER };

struct node_kernels {
    /* Equivariant norm of one degree, theory.md section 5; the gradient is
     * derived in k_norm.c.
     *
     *   x y dy dx  [nodes, 2l+1, c]
     *   w dw       [2, c]  row 0 gain, row 1 bias; rows ld apart, not padded
     *   stat       [2, nodes or more]  of the node's clamped norms: row 0 the
     *              mean, row 1 1/sqrt(variance + 1e-5)
     *
     * fwd overwrites y and stat. bwd takes the stat of fwd, overwrites dx and
     * adds to dw; dx may be dy. Sums run over components, over channels, and,
     * for dw, over nodes, all ascending. */
    void (*norm_fwd)(const struct tensor *x, const struct tensor *w,
                     struct tensor *y, struct tensor *stat);
    void (*norm_bwd)(const struct tensor *x, const struct tensor *w,
                     const struct tensor *stat, const struct tensor *dy,
                     struct tensor *dx, struct tensor *dw);

    /* Softmax over the edges into each node, head by head, the largest score
     * subtracted first; theory.md section 4. The 1/sqrt(F) is in the scores.
     *
     *   score a da dscore  [edges, 0, heads]
     *
     * fwd overwrites a, bwd overwrites dscore, on the rows that `in` names;
     * nodes without edges have none. a may be score, dscore may be da. Sums
     * run over the edges of a node in the order of `in`. */
    void (*softmax_fwd)(const struct tensor *score, const struct csr *in,
                        struct tensor *a);
    void (*softmax_bwd)(const struct tensor *a, const struct tensor *da,
                        const struct csr *in, struct tensor *dscore);

    /* y[n, m, o] = sum over i of w[o, i] x[n, m, i], plus b[o]; one degree.
     *
     *   x dx  [n, 2l+1, in]     w dw  [out, in]  rows ld apart, not padded
     *   y dy  [n, 2l+1, out]    b db  [1, out]   or NULL: no bias; l = 0 only
     *
     * fwd overwrites y, add adds to it. bwd adds to dx (NULL: not wanted), to
     * dw and to db; sums over n ascending. */
    void (*linear_fwd)(const struct tensor *x, const struct tensor *w,
                       const struct tensor *b, struct tensor *y);
    void (*linear_add)(const struct tensor *x, const struct tensor *w,
                       struct tensor *y);
    void (*linear_bwd)(const struct tensor *x, const struct tensor *w,
                       const struct tensor *dy, struct tensor *dx,
                       struct tensor *dw, struct tensor *db);

    /* Self-interaction, summed over a node's incoming edges: the same with
     * every row n times its number of edges in `in` (theory.md section 3). */
    void (*self_add)(const struct tensor *x, const struct tensor *w,
                     const struct csr *in, struct tensor *y);
    void (*self_bwd)(const struct tensor *x, const struct tensor *w,
                     const struct csr *in, const struct tensor *dy,
                     struct tensor *dx, struct tensor *dw);

    /* y = max(x, 0), dx = dy where y > 0 (NaN goes through), else 0; y may be
     * x, dx may be dy. */
    void (*relu_fwd)(const struct tensor *x, struct tensor *y);
    void (*relu_bwd)(const struct tensor *y, const struct tensor *dy,
                     struct tensor *dx);

    /* Over the atoms of each molecule, x dx [nodes, 2l+1, c], y dy [molecules,
     * 2l+1, c]. max: l = 0 only; arg [molecules, c] int, row c apart, the first
     * node that has the maximum. fwd overwrites y (and arg), bwd overwrites
     * dx. */
    void (*pool_max_fwd)(const struct tensor *x, const struct csr *atoms,
                         struct tensor *y, int *arg);
    void (*pool_max_bwd)(const struct tensor *dy, const struct csr *atoms,
                         const int *arg, struct tensor *dx);
    void (*pool_avg_fwd)(const struct tensor *x, const struct csr *atoms,
                         struct tensor *y);
    void (*pool_avg_bwd)(const struct tensor *dy, const struct csr *atoms,
                         struct tensor *dx);

    /* d = y - target where the target is known (not NaN), y [molecules,
     * targets] padded, target not padded. Adds the sum of the loss (theory.md
     * section 7) to sums[0] and that of |d| of target t to sums[1 + t], in
     * double, molecules ascending; overwrites dy with dloss/dy times *scale
     * (one over the known labels of the whole batch), 0 where unknown. */
    void (*loss)(enum loss_kind kind, const struct tensor *y,
                 const struct tensor *target, const double *scale,
                 struct tensor *dy, double *sums);
};

#endif
