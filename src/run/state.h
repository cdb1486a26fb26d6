/* SPDX-License-Identifier: MIT */
/* state.h - the state of a trainer as the arrays of a checkpoint or model file
 * (ckpt.h): weights, moments and average under the weights' names, progress as
 * small arrays. */
#ifndef STATE_H
#define STATE_H

#include "base/err.h"
#include "run/ckpt.h"

struct comm;
struct device;
struct trainer;
struct weights;

/* Of a checkpoint: everything. ERR_ENVIRONMENT: memory. */
enum err state_of_trainer(struct trainer *t, struct ckpt_state *out);

/* Of a model file: weights only; the average where there is one. */
enum err state_of_model(struct trainer *t, struct ckpt_state *out);

/* Weights of any model, to load into (predict, init_from). base: of the arena.
 */
enum err state_of_weights(const struct weights *w, struct device *d, void *base,
                          struct ckpt_state *out);

/* Collective: rank 0's numbers to all. ERR_ENVIRONMENT: memory, agreed. */
enum err state_spread(struct comm *c, const struct ckpt_state *s);

void state_fini(struct ckpt_state *s);

#endif
