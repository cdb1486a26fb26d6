/* SPDX-License-Identifier: MIT */
/* resume.h - which checkpoint a run goes on from (doc/reliability.md).
 *
 * A run is known by its deck and data digest: deck.yaml in its folder, whose
 * comments hold the digests of data, split file and init_from. Rank 0 looks at
 * files; calls are collective and agreed.
 */
#ifndef RESUME_H
#define RESUME_H

#include "base/digest.h"
#include "base/err.h"

#include <stdint.h>

struct comm;
struct params;
struct trainer;

struct resumption {
    int candidates; /* on rank 0; newest first, heads checked */
    struct resume_candidate *candidate;
    char isa[32]; /* of the first; "" when none: a fresh start */
    int fresh;
    char *applied; /* keys that changed and apply from now on; rank 0 */
};

/* Looks at dir. portable: the deck of this call, as checkpoints hold it.
 * ERR_DECK: another deck or other data; checkpoints are there and run.resume is
 * never. ERR_CHECKPOINT: all are bad, one is newer than this program, or none
 * is there and run.resume is require. Damaged ones are warned of. */
enum err resume_find(struct comm *c, const struct params *p,
                     const char *portable, const struct digest *data,
                     struct resumption *out);
void resume_fini(struct resumption *r);

/* Loads the newest that loads into every rank's trainer; *step. Warns of those
 * that do not. ERR_CHECKPOINT: none does. */
enum err resume_load(struct resumption *r, struct trainer *t);

/* Rank 0's state to all. */
enum err resume_spread(struct trainer *t);

/* Writes deck.yaml of a run: comments with digests, then the resolved deck.
 * Rank 0. ERR_IO. */
enum err resume_write_deck(const struct params *p, const struct digest *data,
                           const struct digest *split,
                           const struct digest *init);

#endif
