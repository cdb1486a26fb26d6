/* SPDX-License-Identifier: MIT */
/* tfn.h - a convolution with self-interaction, summed over the incoming edges
 * of each node: the layers of a plain Tensor Field Network, and the last
 * convolution of every model (theory.md sections 3 and 6).
 */
#ifndef TFN_H
#define TFN_H

#include "model/conv.h"
#include "model/linear.h"

struct tfn {
    struct conv_layer conv;
    struct linear self;     /* degrees that both fibers have */
    int degrees;            /* of out */
    const struct csr *rows; /* what is summed: edges into a node */
};

/* Weights conv.*, self.L.weight. Called twice, see mem.h. */
enum err tfn_init(struct tfn *o, struct build *b, const struct fiber *in,
                  const struct fiber *out, const struct conv_options *options);

/* x [degrees of in], y [degrees of out] of the nodes (per_edge: of the edges);
 * overwrites y. */
void tfn_forward(struct tfn *o, const struct tensor x[], struct tensor y[]);

/* After tfn_forward with the same x: adds to the gradients of the weights, to
 * dx (NULL: not wanted) and to those of the inputs. */
void tfn_backward(struct tfn *o, const struct tensor x[],
                  const struct tensor dy[], struct tensor dx[]);

#endif
