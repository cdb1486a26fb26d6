/* SPDX-License-Identifier: MIT */
/* import_odd.h - values beside molecules that are no numbers ("7,25", "7.25
 * eV"): counted by name, and warned of where the name is a target.
 */
#ifndef IMPORT_ODD_H
#define IMPORT_ODD_H

#include "base/err.h"
#include "data/dataset.h"
#include "data/slice.h"

#include <stddef.h>
#include <stdint.h>

struct comm;

/* One name's: how many, and the first. */
struct import_odd {
    char name[DATASET_NAME];
    char text[SLICE_SHOWN];
    char source[128];
    int64_t count, seq, line;
};

/* Collective. Those of all ranks, one entry a name (mem_free). */
enum err import_odd_share(struct comm *c, const struct import_odd *mine,
                          size_t n, struct import_odd **out, size_t *all);

void import_odd_warn(const struct import_odd *odd);

#endif
