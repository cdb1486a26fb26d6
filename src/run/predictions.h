/* SPDX-License-Identifier: MIT */
/* predictions.h - predictions as CSV (commands.md):
 *
 *     id,homo[eV],homo_reference[eV],homo_error[eV],homo_deviation[eV]
 *
 * for each target in turn; without deviation for one model; fields are empty
 * where a label is not known. Rank 0 only. */
#ifndef PREDICTIONS_H
#define PREDICTIONS_H

#include "base/err.h"
#include "data/loader.h"

#include <stdint.h>

/* predicted, deviation [n, targets]; deviation NULL: one model. The file is
 * replaced as a whole. Without reference columns when no target is in the data.
 * ERR_IO. */
enum err predictions_write(const char *path, const struct loader *l,
                           const int64_t rows[], int64_t n,
                           const double predicted[], const double deviation[]);

#endif
