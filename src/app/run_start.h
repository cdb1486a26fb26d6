/* SPDX-License-Identifier: MIT */
/* run_start.h - from a set-up to a run that can step: folder, lock, log,
 * journal, checkpoint or fresh weights. */
#ifndef RUN_START_H
#define RUN_START_H

#include "app/setup.h"
#include "base/err.h"
#include "run/resume.h"
#include "run/saver.h"
#include "run/stop.h"

struct journal;
struct lock;
struct trainer;

struct run {
    struct setup *setup;
    struct trainer *trainer;
    struct saver saver;
    struct lock *lock;       /* rank 0 */
    struct journal *journal; /* rank 0 */
    struct stop *stop;
    int64_t total_steps;
    int64_t started_at; /* the step that was resumed from */
    int finished;       /* nothing is left to do */
};

/* Collective. Everything up to the first step; what the folder holds is left as
 * it is when it fails, or when the run is finished already. */
enum err run_start(struct comm *c, const char *deck, int sets,
                   const char *const set[], struct run *out);

/* Rank 0. Whether run_start could make the folder and take its lock, without a
 * trace. ERR_IO, ERR_ENVIRONMENT. */
enum err run_look(const char *dir);

/* Collective. Harmless on a run that only half started. */
void run_end(struct run *r);

#endif
