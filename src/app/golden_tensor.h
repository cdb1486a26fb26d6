/* SPDX-License-Identifier: MIT */
/* golden_tensor.h - device tensors as arrays of golden files, and back:
 * [rows, 2l+1, c], padded, against [rows, c, 2l+1] in double.
 */
#ifndef GOLDEN_TENSOR_H
#define GOLDEN_TENSOR_H

#include "app/golden_read.h"
#include "device/graph.h"

struct device;

/* Row r of the array is row at[r] of the tensor (NULL: r). Waits for the
 * device. ERR_ENVIRONMENT: memory. */
enum err golden_get(struct device *d, const struct tensor *t, int rows,
                    const int at[], struct golden_array *out);
enum err golden_put(struct device *d, const struct tensor *t, int rows,
                    const int at[], const double *x);

/* Numbers without layout. */
enum err golden_get_flat(struct device *d, const void *data, int64_t n,
                         double out[]);
enum err golden_put_flat(struct device *d, void *data, int64_t n,
                         const double x[]);

/* Turns x [edges, c, 2l+1] into the frames of the edges' bonds, or out of
 * them (back); edge e of the array is edge at[e] of the batch. */
struct golden_frames {
    struct device *d;
    const struct geometry *geo;
    const struct batch *batch;
    const int *at;
};
enum err golden_turn(const struct golden_frames *f, int back, int l,
                     struct golden_array *x);

#endif
