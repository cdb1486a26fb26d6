/* SPDX-License-Identifier: MIT */
/* loader.h - from rows of a data set to batches: features, standardised
 * targets, the order of an epoch, the largest batch of a run.
 *
 * Node features: one-hot over the model's elements, then Z (theory.md section
 * 1). Edge scalars: one-hot of single, double, triple, aromatic.
 */
#ifndef LOADER_H
#define LOADER_H

#include "base/err.h"
#include "data/batch.h"
#include "data/split.h"

#include <stdint.h>

struct dataset;

enum { LOADER_ELEMENTS = 119, LOADER_SCALARS = 4 };

/* The chemical elements that a model knows. */
struct elements {
    int n;
    uint8_t number[LOADER_ELEMENTS]; /* in one-hot order */
    int seen;                        /* by the training part */
    uint8_t seen_number[LOADER_ELEMENTS];
};

/* Of a training part: H C N O F where the whole data set has no others, else
 * those of the part by Z. */
void elements_of(const struct dataset *d, const int64_t rows[], int64_t n,
                 struct elements *out);
int elements_index(const struct elements *e, int z); /* -1: not known */

/* The first atomic number of a molecule that the model does not know, or 0. */
int elements_unknown(const struct elements *e, const struct dataset *d,
                     int64_t row);

enum { LOADER_TARGETS = 64 };

/* How targets become numbers of order one and back:
 * label = mean + std y + sum over atoms of reference[element]. */
struct target_scale {
    int n;
    char name[LOADER_TARGETS][64], unit[LOADER_TARGETS][64];
    double mean[LOADER_TARGETS], std[LOADER_TARGETS];
    int elements;
    uint8_t element[LOADER_ELEMENTS];
    double *reference; /* [n, elements] (mem_free) or NULL: none */
};

/* Auto: atoms for each target that has them, none for the others. */
enum scale_reference { SCALE_NONE, SCALE_ATOMS, SCALE_FIT, SCALE_AUTO };

/* From the training part, in double: per-element references (none, free atoms,
 * or least squares over the counts of elements), then mean and unbiased
 * standard deviation of what is left, over known labels. column[t]: of the data
 * set. ERR_DATA: a target without deviation; ERR_DECK: atoms for a target
 * without free-atom energies; ERR_ENVIRONMENT. */
enum err target_scale_make(const struct dataset *d, const struct split *s,
                           const int column[], int n,
                           enum scale_reference reference,
                           struct target_scale *out);
void target_scale_fini(struct target_scale *t);

/* The sum of element references of a molecule for target t; 0 without. */
double target_scale_reference(const struct target_scale *ts,
                              const struct dataset *d, int64_t row, int t);

/* Whether a target has free-atom energies: U0 U H G. */
int target_has_atoms(const char *name);

/* Why a target of this data set has no free-atom energies (name, unit,
 * elements); NULL: it has. Static text. */
const char *target_no_atoms(const struct dataset *d, int column);

struct loader {
    const struct dataset *d; /* borrowed */
    const struct elements *elements;
    const struct target_scale *scale;
    int column[LOADER_TARGETS]; /* of the data set; -1: not there */
};

/* target_scale_reference of a row. */
double loader_reference(const struct loader *l, int64_t row, int t);

/* Clears b and adds the molecules of these rows, all of known elements
 * (elements_unknown). */
void loader_fill(const struct loader *l, const int64_t rows[], int n,
                 struct batch *b);

/* Known labels among the rows: of each target [n], returns their sum. */
int64_t loader_known(const struct loader *l, const int64_t rows[], int n,
                     int64_t known[]);

/* Enlarges limits so that a batch of rows[0], rows[step], .., n of them, fits.
 */
void loader_measure(const struct dataset *d, const int64_t rows[], int64_t n,
                    int64_t step, struct batch_limits *limits);

/* The training rows of epoch 0, 1, .. in its order: out [n]. */
void loader_order(uint64_t seed, int64_t epoch, const int64_t rows[], int64_t n,
                  int64_t out[]);

/* Rows of part k of `parts` of a batch of n: first and count (may be 0). */
void loader_part(int n, int parts, int k, int *first, int *count);

#endif
