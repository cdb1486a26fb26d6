/* SPDX-License-Identifier: MIT */
/* golden_bench.h - what a layer needs around it to be run alone: a graph in
 * device memory, weights, scratch; for golden_layer.c and golden_attention.c.
 */
#ifndef GOLDEN_BENCH_H
#define GOLDEN_BENCH_H

#include "app/golden_read.h"
#include "base/mem.h"
#include "model/build.h"
#include "model/input.h"

struct golden_bench {
    const struct golden *g; /* borrowed */
    struct device *d;
    struct memory memory;
    struct golden_graph graph;
    struct batch *batch;
    int *at; /* [edges] */
    struct input input;
    struct geometry geo;
    struct weights weights;
    struct scratch scratch;
    double loss;
};

/* Builds the layer on b: called twice, see mem.h. */
typedef enum err golden_layout(void *self, struct build *b);

/* Graph with node features of this fiber, layer, weights of the file. degrees:
 * of frames, 0: none. On failure golden_bench_close. */
enum err golden_bench_open(struct golden_bench *o, const struct fiber *node,
                           int degrees, golden_layout *layout, void *self);
void golden_bench_close(struct golden_bench *o);

/* y with /graph/cotangent/L of the file: adds to the loss, puts the cotangent
 * in dy. rows of both. */
enum err golden_bench_product(struct golden_bench *o, const struct tensor *y,
                              const struct tensor *dy, int rows);

/* One number, as an array. */
enum err golden_bench_loss(const struct golden_bench *o,
                           struct golden_array *out);

#endif
