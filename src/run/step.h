/* SPDX-License-Identifier: MIT */
/* step.h - a model in training: memory, batches, one optimiser step after the
 * other.
 *
 * A global batch is cut into parts (developers.md, "Determinism"); each rank
 * works through its own. Gradients are summed over parts and ranks by the
 * device, losses part by part, so that their order of summation does not depend
 * on the ranks. Everything is made by trainer_create; a step allocates nothing.
 * All calls are collective.
 */
#ifndef STEP_H
#define STEP_H

#include "base/err.h"
#include "base/mem.h"
#include "base/timer.h"
#include "data/loader.h"
#include "model/model.h"
#include "model/optim.h"
#include "run/buckets.h"

#include <stdint.h>

struct comm;
struct dataset;
struct device;

/* What a run works on; borrowed by the trainer. */
struct job {
    const struct params *params;
    struct comm *comm;
    struct device *device;
    const struct dataset *data;
    const struct split *split;
    struct elements elements;
    struct target_scale scale;
    int column[LOADER_TARGETS];
};

/* What a checkpoint holds beside arrays of the weights' layout. */
struct progress {
    int64_t step;    /* batches done: the number of the last step */
    int64_t updates; /* steps that changed the weights: Adam's t */
    int64_t skipped; /* left out in a row */
    double epoch_sum[LOADER_TARGETS]; /* of |d|, standardised, this epoch */
    int64_t epoch_known[LOADER_TARGETS];
    double best_score; /* least mean of MAE / std; INFINITY: none yet */
    double best_mae[LOADER_TARGETS];
    int64_t best_step, best_epoch; /* epochs count from 1 */
};

struct trainer {
    const struct job *job;
    struct memory memory;
    struct model *model;
    struct optimizer optimizer;
    struct buckets buckets; /* of the gradient, or of its grid */
    struct loader loader;
    struct batch *batch;
    struct batch_limits limits;
    struct progress progress;
    struct phases phases;
    int parts, first_part, own_parts;
    int64_t steps_per_epoch;
    int64_t order_epoch; /* of order; -1: none */
    int64_t *order;      /* [training molecules] */
    int sums;            /* numbers in sums: parts (1 + targets) + WISHES */
    double *sums_device, *sums_host;
    double *scale_device;
};

/* What ranks may wish for after a step; rides in its reduction. */
enum wish { WISH_STOP, WISH_SAVE, WISHES };

/* What one step did; the same on all ranks. */
struct step_result {
    double loss, lr, grad_norm;
    int molecules;
    int left_out;       /* not finite, and on_nonfinite: skip */
    int wanted[WISHES]; /* ranks that wished so */
};

/* Sizes the largest batch and every arena. ERR_DECK: fewer parts than ranks, a
 * model that cannot be. ERR_ENVIRONMENT: memory. Agreed. */
enum err trainer_create(const struct job *job, struct trainer **out);
void trainer_destroy(struct trainer **t);

/* What a run will need. */
struct trainer_plan {
    struct memory memory; /* measured only */
    struct batch_limits limits;
    int64_t parameters;
};
enum err trainer_measure(const struct job *job, struct trainer_plan *out);

/* Fresh weights (seed), fresh optimiser. */
enum err trainer_start(struct trainer *t);

/* After weights were loaded. */
void trainer_resumed(struct trainer *t);

/* The next step. wish [WISHES]: what this rank wants, 0 or 1 each.
 * ERR_NONFINITE: names step and molecules; the state is as before. */
enum err trainer_step(struct trainer *t, const int wish[],
                      struct step_result *out);

/* Whether the last step closed an epoch; its number, from 1. */
int trainer_epoch_done(const struct trainer *t);
int64_t trainer_epoch(const struct trainer *t);

/* Mean absolute error of the epoch so far, in the targets' units: out
 * [targets]; and a new epoch's sums. */
void trainer_train_mae(const struct trainer *t, double out[]);
void trainer_epoch_begin(struct trainer *t);

#endif
