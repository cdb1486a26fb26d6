/* SPDX-License-Identifier: MIT */
/* evaluate.h - predictions of many molecules by a model, in the unit of the
 * labels, and their errors.
 *
 * Of b blocks, as few as a size allows, block k has rows k, k + b, ..: data
 * sets ascend by size, and the memory is that of the largest block. They are
 * dealt to the ranks in turn; the errors are summed molecule by molecule in
 * order: with blocks of one size the same figures for any number of ranks, else
 * to rounding. Collective.
 */
#ifndef EVALUATE_H
#define EVALUATE_H

#include "base/err.h"
#include "data/loader.h"

#include <stdint.h>

struct batch;
struct comm;
struct dataset;
struct device;
struct model;

struct evaluation {
    struct model *model;
    struct device *device;
    struct comm *comm;
    const struct loader *loader;
    struct batch *batch;
    int block; /* molecules at once */
};

/* Enlarges limits to those of all blocks of rows [n]. */
void evaluate_measure(const struct dataset *d, const int64_t rows[], int64_t n,
                      int block, struct batch_limits *limits);

/* Predictions of rows [n]: out [n, targets], in the labels' units, the same on
 * all ranks. ERR_ENVIRONMENT: memory, agreed. */
enum err evaluate_predict(const struct evaluation *e, const int64_t rows[],
                          int64_t n, double out[]);

/* Mean absolute error of each target over its known labels (NaN: none). */
void evaluate_mae(const struct loader *l, const int64_t rows[], int64_t n,
                  const double predicted[], double out[]);

/* Figures of one target: predictions against labels. */
struct evaluate_figures {
    int64_t molecules;
    double mae, rmse, max, r2;
};
void evaluate_figures(const struct loader *l, const int64_t rows[], int64_t n,
                      const double predicted[], int target,
                      struct evaluate_figures *out);

#endif
