/* SPDX-License-Identifier: MIT */
/* predictor.h - a trained model, ready to predict: memory, weights, batches.
 * Collective. */
#ifndef PREDICTOR_H
#define PREDICTOR_H

#include "base/err.h"
#include "base/mem.h"
#include "data/loader.h"
#include "run/evaluate.h"

#include <stdint.h>

struct ckpt_head;
struct comm;
struct dataset;
struct device;
struct params;

struct predictor {
    struct comm *comm; /* borrowed */
    struct device *device;
    struct memory memory;
    struct model *model;
    struct batch *batch;
    struct loader loader;
    struct evaluation evaluation;
};

/* For these rows of d, `block` molecules at once. head, p: of the model file
 * (its deck); path: where its weights are, NULL: fresh ones (bench). ERR_DATA,
 * ERR_CHECKPOINT, ERR_ENVIRONMENT; agreed. */
struct predictor_of {
    const struct ckpt_head *head; /* borrowed by the predictor */
    const struct params *params;
    const struct dataset *data;
    const int64_t *rows;
    int64_t n;
    int block;
    const struct batch_limits *limits; /* NULL: those of the rows */
    const char *path;
};
enum err predictor_create(struct comm *c, struct device *d,
                          const struct predictor_of *of,
                          struct predictor **out);
void predictor_destroy(struct predictor **p);

#endif
