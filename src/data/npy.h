/* SPDX-License-Identifier: MIT */
/* npy.h - one array of a .npz, number by number: any width of integer and
 * float, both byte orders, C and Fortran order; no objects, no strings.
 */
#ifndef NPY_H
#define NPY_H

#include "base/err.h"

#include <stdint.h>

struct source;

struct npy {
    char kind;       /* 'i' 'u' 'f' 'b' */
    int width, swap; /* bytes of a number; not this machine's order */
    int fortran;
    int rank;              /* 1 or 2 */
    int64_t rows, columns; /* columns 1 when rank is 1 */
};

/* Reads the header of the member at hand. ERR_DATA: not an array of numbers
 * that this program reads. */
enum err npy_header(struct source *s, struct npy *out);

/* Hands out every number with its place; ERR_DATA when the member is shorter or
 * longer than its header says. put returns an error to stop. */
enum err npy_numbers(struct source *s, const struct npy *a,
                     enum err (*put)(void *self, int64_t row, int64_t column,
                                     double x),
                     void *self);

#endif
