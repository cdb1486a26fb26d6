/* SPDX-License-Identifier: MIT */
/* planted.h - kernels and launchers with one bug each, which the harness must
 * report, and right ones, on which it must be silent.
 */
#ifndef PLANTED_H
#define PLANTED_H

#include "simt/simt.h"

struct plant {
    const char *name;
    enum simt_kind kind;        /* SIMT_KINDS: nothing is wrong */
    void (*run)(int *x, int n); /* x device memory, n numbers, all 0 */
};

struct plant_list {
    const struct plant *plants;
    int n;
};

extern const struct plant_list planted, planted_block, planted_tile,
    planted_stream;

#endif
