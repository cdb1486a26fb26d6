/* SPDX-License-Identifier: MIT */
/* split.h - which molecules train, which validate, which test
 * (deck.md, data.split); and the molecules that can be used.
 *
 * nvidia: MT19937 as torch.randperm, seed 0. cormorant: numpy RandomState(0).
 * t110k: numpy default_rng(1) (PCG64). Fractions: our own permutation of fixed
 * seed; sizes rounded. FILE: `id,part` lines.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include "base/digest.h"
#include "base/err.h"

#include <stdint.h>

struct dataset;
struct deck;
struct params;

enum part { PART_TRAIN, PART_VALIDATION, PART_TEST, PARTS };
const char *part_name(enum part p);

struct split {
    int64_t n[PARTS];
    int64_t *row[PARTS];  /* rows of the data set, in the rule's order; one
                           * block from row[0] on */
    struct digest digest; /* of the file; "" for rules */
};

/* The columns of the run's targets: column [p->data.targets], -1 for one that
 * is not there. ERR_DECK: an unknown target, reference atoms for one without;
 * recorded, and split_make says them with its own. ERR_ENVIRONMENT: memory. */
enum err split_targets(const struct params *p, struct deck *deck,
                       const struct dataset *d, int column[]);

/* One rank (the same on each). deck: where mistakes are recorded; targets 0:
 * only the rule counts, labels and sizes do not matter.
 * ERR_DECK: a rule for other data, a bad file, an empty training or validation
 * part, a batch larger than the training part. ERR_DATA: molecules of a part
 * without any label of the targets. ERR_ENVIRONMENT: memory. */
enum err split_make(const struct params *p, struct deck *deck,
                    const struct dataset *d, const int target[], int targets,
                    struct split *out);
void split_fini(struct split *s);

/* SHA-256 of a part's rows as little-endian int64. */
void split_digest(const struct split *s, enum part p, struct digest *out);

/* The permutations alone, for tests: out [n] rows. */
void split_nvidia(int64_t n, int64_t out[]);
void split_cormorant(int64_t n, int64_t out[]);
void split_t110k(int64_t n, int64_t out[]);

#endif
