/* SPDX-License-Identifier: MIT */
/* radial.h - radial networks of a convolution: which paths share a trunk
 * (theory.md section 3), where a path finds its rows of the last layer, and the
 * published names.
 */
#ifndef RADIAL_H
#define RADIAL_H

#include "deck/params.h"
#include "device/kernels_conv.h"
#include "model/build.h"

/* What the rule gives a convolution from in (edge channels included) to out
 * under a ceiling, in a model with degrees 0..degrees-1. */
enum sharing radial_sharing(enum sharing ceiling, const struct fiber *in,
                            const struct fiber *out, int degrees);

/* Paths and trunks of a convolution, from node (and of edge what has a degree
 * of node above 0) to out. */
struct conv_shape radial_shape(enum sharing sharing, const struct fiber *node,
                               const struct fiber *edge,
                               const struct fiber *out);

/* The name of a trunk: "full", "out.LO", "in.LI", "path.LI.LO". */
enum { RADIAL_NAME = 16 };
void radial_name(enum sharing sharing, const struct conv_shape *s, int trunk,
                 char out[RADIAL_NAME]);

/* Weights of all trunks, h and dh; out [s->trunks]. */
enum err radial_init(struct radial out[], struct build *b, enum sharing sharing,
                     const struct conv_shape *s, int layer_norm);

#endif
