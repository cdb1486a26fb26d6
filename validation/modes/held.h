/* SPDX-License-Identifier: MIT */
/* held.h - one run of a model beside another: what of its error comes from
 * decisions that fall the other way, and what from one layer.
 *
 * A decision is which channels a norm's ReLU lets through, which units that of
 * the head, which atom is the largest in the pooling. Forward is continuous
 * where they change, backward is not. The sign of a loss is held by who puts
 * the gradient of the output.
 *
 * A layer is a block without its norm, or the last convolution. Errors go from
 * layer to layer, enlarged where a norm divides by features that nearly vanish;
 * so a layer is also run with the other run's inputs and gradient of outputs.
 *
 * One device at a time, whose memory is the host's.
 */
#ifndef HELD_H
#define HELD_H

struct kernels;

enum held {
    HELD_FREE, /* as it is */
    HELD_NOTE, /* as it is, and noted, backward too */
    HELD_KEEP, /* backward decides as noted */
    HELD_LAYER /* every layer gets the inputs and gradients that were noted */
};

/* Wraps the slots in question. */
void held_wrap(struct kernels *k);

/* Before a forward and its backward, of the same model and batch as noted. */
void held_begin(enum held how);

/* After HELD_LAYER: the worst of all layers, relative 2-norm of the difference
 * of outputs, and of gradients of the inputs. */
void held_worst(double *y, double *dx);

void held_fini(void);

#endif
