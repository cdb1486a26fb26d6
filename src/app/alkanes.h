/* SPDX-License-Identifier: MIT */
/* alkanes.h - molecules to time with where no data are at hand: zigzag chains
 * of 4 to 7 carbons, as many atoms and bonds as a molecule of QM9 has, their
 * atoms moved a little at random so that no two bonds are equally long. The
 * target, homo, is a random number: nothing can be learnt from it. */
#ifndef ALKANES_H
#define ALKANES_H

#include "base/err.h"

#include <stdint.h>

struct comm;
struct dataset;

/* Collective. ERR_ENVIRONMENT: memory; agreed. */
enum err alkanes_make(struct comm *c, int64_t molecules, struct dataset **out);

#endif
