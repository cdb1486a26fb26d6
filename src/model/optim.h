/* SPDX-License-Identifier: MIT */
/* optim.h - optimiser state over the flat arenas, and one step of it.
 */
#ifndef MODEL_OPTIM_H
#define MODEL_OPTIM_H

#include "base/err.h"
#include "deck/params.h"
#include "device/kernels_step.h"
#include "model/weights.h"

struct device;
struct memory;

struct optimizer {
    struct optim o;    /* what the kernel sees */
    double *norm_work; /* device, of grad_norm */
    int64_t *grid;     /* device [n + 1], any_ranks only, else NULL */
    const struct step_kernels *k;
    struct device *d;
    struct optim_scalars host; /* of the last step, on its way to the device */
};

/* Moments, average and grid from the arena `state`; called twice like the
 * layers, after the model (weights_span is known). any_ranks: with a grid. */
enum err optimizer_init(struct optimizer *o, const struct params *p,
                        struct device *d, const struct weights *w,
                        struct memory *m);

/* Rates and constants that may change on resume. */
void optimizer_set(struct optimizer *o, const struct params *p);

/* The average starts as the initial weights. */
void optimizer_start(struct optimizer *o);

/* The norm of the reduced gradient, into the device's scalars. */
void optimizer_norm(struct optimizer *o);

/* Step t = 1, 2, .. of the optimiser at rate lr, after optimizer_norm. */
void optimizer_step(struct optimizer *o, int64_t t, double lr);

/* Waits for the device: the norm of the last optimizer_norm. */
double optimizer_last_norm(struct optimizer *o);

/* Arrays that a checkpoint holds: name ("m", "v", "ema", ..) and the device
 * array in the arena's layout; returns how many, at most 3. */
struct optimizer_state {
    const char *name;
    void *data;
};
int optimizer_states(const struct optimizer *o, struct optimizer_state s[3]);

#endif
