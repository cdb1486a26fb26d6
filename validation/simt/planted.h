/* SPDX-License-Identifier: MIT */
/* planted.h - kernels with one bug each, which the harness must report, and
 * right ones, on which it must be silent.
 */
#ifndef PLANTED_H
#define PLANTED_H

#include "simt/simt.h"

struct plant {
    const char *name;
    enum simt_kind kind;        /* SIMT_KINDS: nothing is wrong */
    void (*run)(int *x, int n); /* x device memory, n numbers, written */
};

extern const struct plant plants[];
extern const int plants_n;

#endif
