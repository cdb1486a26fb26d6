/* SPDX-License-Identifier: MIT */
/* selftest_world.h - models on made-up molecules.
 *
 * A sample is a molecule with features of any degree, a function of a seed. It
 * is put in a batch as it is, or turned, shifted, its atoms in another order.
 */
#ifndef SELFTEST_WORLD_H
#define SELFTEST_WORLD_H

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

/* On a device that is open, and closed with the world. The weights are initial
 * ones, each moved a little; the same for every precision and device up to
 * rounding. On failure world_close. */
enum err world_open(struct world *w, struct device *d,
                    const struct model_shape *shape,
                    const struct model_options *options, int samples);
void world_close(struct world *w);

/* The batch: samples first .. first + n - 1. */
void world_put(struct world *w, int first, int n, const struct motion *how);

/* Numbers of a tensor in use, without padding, on the host. */
int world_count(const struct world *w, const struct tensor *t);
enum err world_get(const struct world *w, const struct tensor *t, double out[]);

/* All outputs of a forward pass, degree by degree: a new block (mem_free). */
enum err world_outputs(struct world *w, double **out, int *n);

/* Sum of the outputs times cotangents that depend on their places; its
 * gradient, by model_backward. All gradients of weights start at zero. */
enum err world_loss(struct world *w, double *loss);
enum err world_backward(struct world *w);

#endif
