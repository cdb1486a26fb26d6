/* SPDX-License-Identifier: MIT */
/* pool.h - from atoms to molecules, and the two-layer head behind it
 * (theory.md section 6).
 */
#ifndef POOL_H
#define POOL_H

#include "deck/params.h"
#include "model/build.h"

/* One degree of the nodes, pooled over the atoms of each molecule. */
struct pool {
    const struct node_kernels *k; /* borrowed from the device */
    const struct csr *atoms;
    enum pooling kind;   /* max: degree 0 only */
    struct tensor y, dy; /* [molecules, 2l+1, c] */
    int *arg;            /* device, of the maximum */
};

enum err pool_init(struct pool *o, struct build *b, enum pooling kind, int l,
                   int c);
void pool_forward(struct pool *o, const struct tensor *x);

/* dy to dx, which is overwritten. */
void pool_backward(struct pool *o, struct tensor *dx);

/* Linear(c -> c), ReLU, Linear(c -> targets). */
struct head {
    const struct node_kernels *k; /* borrowed from the device */
    const struct scratch *scratch;
    struct tensor w[2], dw[2]; /* [out, in] */
    struct tensor b[2], db[2]; /* [1, out] */
    struct tensor h, dh;       /* [molecules, 0, c] */
    struct tensor y, dy;       /* [molecules, 0, targets] */
};

/* Weights fc0.*, fc1.*. */
enum err head_init(struct head *o, struct build *b, int c, int targets);
void head_forward(struct head *o, const struct tensor *x);

/* dy to dx, which is overwritten; adds to the gradients of the weights. */
void head_backward(struct head *o, const struct tensor *x, struct tensor *dx);

#endif
