/* SPDX-License-Identifier: MIT */
/* conv.h - a tensor field convolution as a layer (theory.md section 3), from
 * features of the nodes to edges in the frames of their bonds.
 *
 * What follows (attention, a sum over edges) reads y and writes dy. Owns
 * nothing: all is slices of the memory it was built on. Must not move.
 */
#ifndef CONV_H
#define CONV_H

#include "model/radial.h"

struct conv_layer {
    const struct conv_kernels *k; /* borrowed from the device */
    const struct scratch *scratch;
    struct tensor *dedge, *dscalar; /* of all convolutions, borrowed */
    enum sharing sharing;
    struct conv conv;
    struct radial radial[CONV_PATHS];
    struct tensor y[FIBER_DEGREES];
    struct tensor dy[FIBER_DEGREES]; /* y itself, unless inputs */
    int is_kept;     /* points, trunks and plan stand until backward */
    int packs_again; /* the weights' copy does not */
    int wants_y;     /* backward reads y */
    int inputs;      /* gradients of positions and features */
};

struct conv_options {
    enum sharing ceiling;
    int degrees; /* of the model: the largest + 1 */
    int layer_norm;
    int wants_y;            /* whoever follows reads y in backward */
    const struct csr *each; /* tfn: every edge a row of its own; NULL: summed,
                               with self-interaction */
};

/* Called twice, see mem.h. Errors of memory. */
enum err conv_init(struct conv_layer *o, struct build *b,
                   const struct fiber *node, const struct fiber *out,
                   const struct conv_options *options);

/* After every change of the weights. */
void conv_prepare(struct conv_layer *o);

/* x [degrees] of the nodes: overwrites y. */
void conv_forward(struct conv_layer *o, const struct tensor x[]);

/* Before conv_backward, with the same x: what was not kept, once more. */
void conv_again(struct conv_layer *o, const struct tensor x[]);

/* After dy was written: adds to the gradients of the weights, to dx (NULL: not
 * wanted) and, if the model has them, to those of the inputs. */
void conv_backward(struct conv_layer *o, const struct tensor x[],
                   struct tensor dx[]);

#endif
