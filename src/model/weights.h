/* SPDX-License-Identifier: MIT */
/* weights.h - the named weights of a model: where they lie, how they start.
 *
 * Layers register their weights while they are built, twice as memory wants it
 * (mem.h); the list is that of the last time. Values lie in the arena `weights`
 * in published order, gradients in `grads` at the same offsets, so optimisers
 * work on flat arrays; the gaps between weights are zero and stay zero.
 */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "base/err.h"
#include "device/tensor.h"

#include <stdint.h>

struct device;
struct memory;

enum weight_init {
    WEIGHT_UNIFORM, /* in +-1/sqrt(fan_in): PyTorch's Linear */
    WEIGHT_NORMAL,  /* normal(0, 1)/sqrt(fan_in) */
    WEIGHT_ONE,
    WEIGHT_ZERO
};

enum { WEIGHT_NAME = 64 };

struct weight {
    char name[WEIGHT_NAME]; /* "block.0.query.1.weight", golden names */
    int rank;               /* 1: [c], 2: [n, c] */
    int n, c;
    enum weight_init init;
    int fan_in;
    int64_t offset; /* in numbers, from the start of the arenas */
};

struct weights {
    struct memory *m; /* borrowed; NULL data while it measures */
    size_t real;
    int count;
    size_t room;
    struct weight *list; /* [count], in the order of registration */
    int64_t parameters;  /* without gaps */
};

/* Starts the list anew; *w is zero before the first time. */
void weights_begin(struct weights *w, struct memory *m, size_t real);

/* Registers a weight; value and grad (NULL: none) get their data.
 * ERR_ENVIRONMENT: memory; errors of arena_take. */
enum err weights_add(struct weights *w, const struct weight *what,
                     struct tensor *value, struct tensor *grad);
void weights_fini(struct weights *w);

/* Index of a name, or -1. */
int weights_find(const struct weights *w, const char *name);

/* Numbers from the first to the end of the last weight, gaps included. */
int64_t weights_span(const struct weights *w);

/* The first weight's first number, and its gradient's; device memory. */
void *weights_base(const struct weights *w);
void *weights_grads(const struct weights *w);

/* Initial values, a function of seed and name, to the device. */
enum err weights_init(const struct weights *w, struct device *d, uint64_t seed);

/* One weight between the host [n, c], in `real`, and an array of the arena's
 * layout in device memory (values, gradients, a moment: its first number is
 * `base`). Waits for the device. */
void weights_put(const struct weights *w, struct device *d, int i, void *base,
                 const void *from);
void weights_get(const struct weights *w, struct device *d, int i,
                 const void *base, void *to);

#endif
