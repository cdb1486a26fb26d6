/* SPDX-License-Identifier: MIT */
/* scheduler.h - when the scheduler will end this job: squeue, asked again every
 * few minutes.
 *
 * A child asks; whoever wants to know looks whether it has said something, and
 * never waits. One that hangs is ended. Without a Slurm job nobody is asked.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include "base/err.h"

#include <stddef.h>

struct scheduler;

/* Asks for the first time. *out is NULL without SLURM_JOB_ID.
 * ERR_ENVIRONMENT: memory. */
enum err scheduler_open(struct scheduler **out);
void scheduler_close(struct scheduler **s);

/* 1: a new answer has come: *end in seconds since 1970. */
int scheduler_answer(struct scheduler *s, double *end);

/* "2026-01-31T12:00:00" in local time, blanks around. 0: something else. */
int scheduler_time(const char *text, size_t bytes, double *out);

#endif
