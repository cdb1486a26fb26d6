/* SPDX-License-Identifier: MIT */
/* import_targets.h - what all ranks must know alike: the names of the targets,
 * and the refusals, which rank 0 collects.
 */
#ifndef IMPORT_TARGETS_H
#define IMPORT_TARGETS_H

#include "base/err.h"
#include "data/import_bag.h"

struct comm;
struct import_plan;
struct import_summary;

struct import_targets {
    int targets;
    struct dataset_target *target;
    int32_t *column; /* the column of each name of each rank, or -1 */
    size_t *begin;   /* [ranks]: a rank's first name */
};

/* Collective. Every rank's bytes on every rank, in order of ranks (mem_free);
 * sizes [ranks]. */
enum err import_share(struct comm *c, const void *mine, size_t bytes,
                      void **out, size_t sizes[]);

/* Collective. All names in the order in which they first stood, or those that
 * --target chooses. ERR_DECK: one that is not there. */
enum err import_targets_open(struct comm *c, const struct import_bag *mine,
                             const struct import_plan *plan,
                             struct import_targets *out);
void import_targets_fini(struct import_targets *t);

/* Collective. Sets the summary's refused, and on rank 0 its list. */
enum err import_gather_refusals(struct comm *c, const struct import_bag *mine,
                                struct import_summary *s);

#endif
