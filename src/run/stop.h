/* SPDX-License-Identifier: MIT */
/* stop.h - why a run ends early: a signal, the time, run.stop_after
 * (doc/reliability.md R7, R8).
 *
 * stop_install is the first thing in main. Each rank looks at its own flag;
 * the flags of all are added in a reduction that a step has anyway.
 */
#ifndef STOP_H
#define STOP_H

#include "base/err.h"
#include "deck/params.h"

#include <stdint.h>

/* SIGUSR1, SIGTERM and SIGINT set the flag; SIGPIPE and SIGXFSZ are ignored;
 * forked children ignore the signals again. */
void stop_install(void);

/* Puts the default actions back, and takes the one that came meanwhile: for
 * what has nothing to save. */
void stop_uninstall(void);

/* The signal that came, or 0. */
int stop_signal(void);

struct stop;

/* Rank 0 knows the time: run.time_limit, else SE3T_END_TIME, else the
 * scheduler's answer (squeue, asked again every few minutes by a child, off the
 * step path). ERR_DECK: SE3T_END_TIME is no number. ERR_ENVIRONMENT: memory. */
enum err stop_open(const struct params *p, int rank, int64_t steps_per_epoch,
                   struct stop **out);
void stop_close(struct stop **s);

/* A save took so long: leaves early enough for one under way, one more and 2 s.
 */
void stop_saw_save(struct stop *s, double seconds);
/* A step took so long. */
void stop_saw_step(struct stop *s, double seconds);

/* 1: this rank wants to leave after this step; why: "signal USR1", "time
 * limit". `done`: steps of this call. */
int stop_wanted(struct stop *s, int64_t done, const char **why);

/* Seconds left by the clock; INFINITY without limit. */
double stop_left(const struct stop *s);

#endif
