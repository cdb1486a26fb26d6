/* SPDX-License-Identifier: MIT */
/* attn.h - the attention block (theory.md section 4).
 *
 * One convolution makes values and keys together: in each degree the value
 * channels come first. Both stay in the frames of their bonds.
 */
#ifndef ATTN_H
#define ATTN_H

#include "model/conv.h"
#include "model/linear.h"

struct attn {
    const struct kernels *k; /* borrowed from the device */
    const struct scratch *scratch;
    struct fiber in, value, key; /* key: value, in the degrees of in */
    int heads;
    struct conv_layer conv;
    struct linear query;
    struct linear project;        /* of [z, x]; its two parts: */
    struct linear from_z, from_x; /* views of project's weights */
    /* parts of the convolution's y and dy */
    struct tensor value_y[FIBER_DEGREES], key_y[FIBER_DEGREES];
    struct tensor value_dy[FIBER_DEGREES], key_dy[FIBER_DEGREES];
    struct tensor q[FIBER_DEGREES], dq[FIBER_DEGREES];
    struct tensor z[FIBER_DEGREES], dz[FIBER_DEGREES];
    struct tensor a, da; /* [edges, 0, heads] */
};

/* Weights conv.*, query.L.weight, project.L.weight. Called twice, see mem.h.
 * channels_div and heads divide what they have to: the model checks. */
struct attn_options {
    int heads, channels_div;
    struct conv_options conv;
};
enum err attn_init(struct attn *o, struct build *b, const struct fiber *in,
                   const struct fiber *out, const struct attn_options *options);

/* x [degrees of in], y [degrees of out] of the nodes; overwrites y. */
void attn_forward(struct attn *o, const struct tensor x[], struct tensor y[]);

/* After attn_forward with the same x: adds to the gradients of the weights, to
 * dx (NULL: not wanted) and to those of the inputs. */
void attn_backward(struct attn *o, const struct tensor x[],
                   const struct tensor dy[], struct tensor dx[]);

#endif
