/* SPDX-License-Identifier: MIT */
/* lock.h - one job in a run's folder (doc/reliability.md R10).
 *
 * `lock` is a file with a kernel lock (fcntl, open file description) that says
 * host, pid, job, restart count and generation of the holder. A stale lock is
 * taken over with a message; the generation grows, and a writer reads it again
 * before each rename. Rank 0 only.
 */
#ifndef LOCK_H
#define LOCK_H

#include "base/err.h"

struct lock;

/* ERR_ENVIRONMENT: another job holds it (host, pid and job are named). ERR_IO.
 */
enum err lock_open(const char *dir, struct lock **out);

/* Whether lock_open would be refused, without a trace. ERR_ENVIRONMENT, as it
 * says it. */
enum err lock_look(const char *dir);

/* Whether the lock is still ours. ERR_ENVIRONMENT: another generation. */
enum err lock_check(const struct lock *l);

/* Removes the file when it is still ours. NULL is fine. */
void lock_close(struct lock **l);

#endif
