/* SPDX-License-Identifier: MIT */
/* measure.h - one batch through a deck's model in one mode: outputs, and
 * gradients of all weights.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "app/setup.h"
#include "base/err.h"

enum { CONVOLUTIONS = 64 };

struct mode {
    const char *name;
    enum precision precision;
    double tolerance; /* of the radial networks; 0: exact */
};

/* Weights of a deck's model: x has those of list[0], then those of list[1], ..
 */
struct weight_set {
    int count;
    struct weight *list;
    double *x;
};

/* After so many steps of training in the deck's own mode, 0: the initial ones;
 * or of a model file (path not NULL). On success weights_drop. */
enum err weights_make(const struct setup *s, int steps, const char *path,
                      struct weight_set *out);
void weights_drop(struct weight_set *o);

/* What is measured: all but the mode. */
struct subject {
    const struct setup *setup;
    const struct weight_set *weights;
    int molecules; /* the first ones of the first epoch */
};

/* Of one run. held, layer: see held.h; the reference has none. */
struct numbers {
    int outputs, weights; /* numbers of each */
    double *y, *dy;       /* [outputs] standardised; gradient of the loss */
    double *free, *held, *layer; /* [weights] gradients */
    double layer_y, layer_dx;    /* the worst layer */
    int bonds, convolutions, points[CONVOLUTIONS];
    double reached[CONVOLUTIONS];
};
void numbers_fini(struct numbers *o);

/* reference NULL: this is it; its decisions stand until held_fini.
 * ERR_ENVIRONMENT: the mode does not run here, or memory. */
enum err measure(const struct subject *s, const struct mode *mode,
                 const struct numbers *reference, struct numbers *out);

#endif
