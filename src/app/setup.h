/* SPDX-License-Identifier: MIT */
/* setup.h - from a deck to a job: what train, check and bench have in common.
 *
 * deck, parameters, data, split, elements, targets; every mistake is said
 * before any file is made. The device is opened last, since a checkpoint may
 * name the instruction set. All calls are collective and agreed.
 */
#ifndef SETUP_H
#define SETUP_H

#include "base/digest.h"
#include "base/err.h"
#include "data/split.h"
#include "deck/params.h"
#include "run/step.h"

struct dataset;

struct setup {
    struct comm *comm; /* borrowed */
    struct deck *deck;
    struct params params;
    struct dataset *data;
    struct split split;        /* the test part in the order of the data */
    struct digest part[PARTS]; /* of the rows in the rule's order */
    struct job job;            /* without device until setup_device */
    struct digest init;        /* of model.init_from; "" without */
    char *portable;            /* deck as checkpoints hold it */
};

/* deck NULL: the default deck, on molecules of alkanes.h. */
enum err setup_open(struct comm *c, const char *deck, int sets,
                    const char *const set[], struct setup **out);

/* kept: instruction set of the checkpoint, or "". */
enum err setup_device(struct setup *s, const char *kept);

/* NULL is fine. */
void setup_close(struct setup **s);

#endif
