/* SPDX-License-Identifier: MIT */
/* model_world.h - models in double on made-up molecules, for tests.
 *
 * A sample is a molecule with features of any degree, a function of a seed. It
 * is put in a batch as it is, or turned, shifted, its atoms in another order.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "base/mem.h"
#include "device/device.h"
#include "model/model.h"

enum { WORLD_ATOMS = 6, WORLD_BONDS = 7, WORLD_SCALARS = 3 };

struct world {
    struct device *d;
    struct memory memory;
    struct batch *batch;
    struct model *m;
    struct model_shape shape;
};

/* What is done to a sample before it is put in the batch. */
struct motion {
    double turn[9], shift[3];
    double sign;           /* -1: inverted */
    int move[WORLD_ATOMS]; /* atom i becomes atom move[i] */
};
struct motion world_rest(void);
struct motion world_moved(void); /* turned, shifted, in another order */

/* In double on the CPU's reference kernels, or on a device that is open. The
 * weights are initial ones, each moved a little. */
enum err world_open(struct world *w, struct device *d,
                    const struct model_shape *shape,
                    const struct model_options *options, int samples);
void world_close(struct world *w);

/* The batch: samples first .. first + n - 1. */
void world_put(struct world *w, int first, int n, const struct motion *how);

/* Host copies, without padding: new blocks (mem_free). */
double *world_get(struct world *w, const struct tensor *t);

/* Cotangent of the outputs (a function of molecule or atom, component and
 * channel), as gradient; back. Returns the loss. */
double world_loss(struct world *w);
void world_backward(struct world *w);

/* Numbers of a tensor without padding, for rows in use. */
int world_count(const struct world *w, const struct tensor *t);

#endif
