/* SPDX-License-Identifier: MIT */
/* import_merge.h - the bags of all ranks become one data set. */
#ifndef IMPORT_MERGE_H
#define IMPORT_MERGE_H

#include "base/err.h"
#include "data/import_bag.h"

struct comm;
struct dataset;
struct import_options;
struct import_summary;

/* What to make of the bags. */
struct import_plan {
    const struct import_options *options;
    int qm9;
    const char *path; /* of the data set, for messages */
};

/* Collective. Order, duplicates, targets; fills in the summary's refusals and
 * how bonds were found. ERR_DECK: a target that is not there. ERR_DATA: no
 * molecule is left. */
enum err import_merge(struct comm *c, struct import_bag *mine,
                      const struct import_plan *plan, struct dataset **out,
                      struct import_summary *s);

#endif
