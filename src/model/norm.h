/* SPDX-License-Identifier: MIT */
/* norm.h - the equivariant norm as a layer (theory.md section 5).
 *
 * With equal channels the published program calls this a group norm, otherwise
 * a layer norm per degree: the same function, so there is one layer. It owns
 * nothing: weights, gradients and what backward needs are slices of the memory
 * it was built on, hence no norm_fini.
 */
#ifndef NORM_H
#define NORM_H

#include "model/build.h"

struct norm {
    const struct node_kernels *k; /* borrowed from the device */
    int degrees;
    struct tensor w[FIBER_DEGREES];    /* [2, c] gain, bias: rows far apart */
    struct tensor dw[FIBER_DEGREES];   /* the same */
    struct tensor stat[FIBER_DEGREES]; /* [2, nodes], kept by forward */
};

/* Weights norm.weight and norm.bias, degree outer. Called twice, see mem.h. */
enum err norm_init(struct norm *o, struct build *b, const struct fiber *fiber);

/* x, y [degrees] of [nodes, 2l+1, c]; overwrites y. */
void norm_forward(struct norm *o, const struct tensor x[], struct tensor y[]);

/* After norm_forward with the same x: overwrites dx, adds to the gradients of
 * the weights; dx may be dy. */
void norm_backward(struct norm *o, const struct tensor x[],
                   const struct tensor dy[], struct tensor dx[]);

#endif
