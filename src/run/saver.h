/* SPDX-License-Identifier: MIT */
/* saver.h - when and what a run saves: checkpoints, best.h5, model.h5.
 *
 * A failed save is a warning; the run goes on, tries again within half the
 * interval, and ends with 70 when the last save failed too (reliability.md R4).
 * Files are rank 0's; calls are collective and agreed.
 */
#ifndef SAVER_H
#define SAVER_H

#include "base/digest.h"
#include "base/err.h"
#include "run/ckpt.h"
#include "run/schedule.h"

#include <stdint.h>

struct journal;
struct lock;
struct trainer;

struct saver {
    struct trainer *trainer;
    const char *dir;         /* of the run; borrowed, like the rest */
    struct ckpt_head head;   /* of checkpoints; a shallow copy */
    struct lock *lock;       /* rank 0 */
    struct journal *journal; /* rank 0 */
    struct recurring every;
    int keep;
    struct digest last; /* state_digest of the last save */
    int64_t last_step;  /* of the last good save; -1: none yet */
    int64_t linked;     /* the step that best.h5 is of; -1: not known */
    int failed;         /* the last try */
    int64_t tried_step; /* of the last try */
    double tried;       /* timer_now of it */
    double slowest;     /* seconds a save took */
    enum err error;     /* of the last failed try, with its message */
    char message[1024];
};

/* Saves the state now; the checkpoint of the best step gets its second name,
 * best.h5. Never fails for the disk's sake: see failed. ERR_ENVIRONMENT: the
 * lock is another job's. */
enum err saver_save(struct saver *s);

/* Rank 0: whether the clock asks for a save after the step to come; a wish that
 * rides with it (step.h). */
int saver_wants(struct saver *s);

/* Whether a save is due after this step: its wish, checkpoint.every in steps or
 * epochs, or sooner after a failure. The same on all ranks. */
int saver_due(struct saver *s, int wished);

/* Saves if the last good save is not of this step. */
enum err saver_finish(struct saver *s);

/* ERR_IO with the message of the last failed save, when the last try failed;
 * else OK. */
enum err saver_result(const struct saver *s);

/* DIR/name, in room of `bytes`. */
void run_path(const char *dir, const char *name, char *room, size_t bytes);

#endif
