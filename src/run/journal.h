/* SPDX-License-Identifier: MIT */
/* journal.h - journal.jsonl: one JSON object a line (formats.md, "The folder of
 * a run"). Rank 0 only; other ranks pass NULL and nothing happens. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "base/err.h"
#include "base/json.h"

#include <stdint.h>

struct journal;

/* Opens for appending. On resume (step >= 0) the file is replaced by one that
 * is cut back to what was known at that step (steps and epochs after it go,
 * R14), by rename, so that an old writer's lines go nowhere. step -1: a fresh
 * run; an old file is replaced. ERR_IO. */
enum err journal_open(const char *path, int64_t step, struct journal **out);
void journal_close(struct journal **j);

/* Whether `done` stands behind its last start. A file that is not there is not
 * done. */
int journal_is_done(const char *path);

/* Seconds that the last save took; 0: none is known. */
double journal_last_save(const char *path);

/* Starts an event: "event", "time" (UTC, ISO 8601), "job" are there. */
struct json *journal_begin(struct journal *j, const char *event);

/* Writes it at once, whole or not at all; a line that cannot be written is one
 * warning a run. */
void journal_end(struct journal *j);

/* The last event of this kind with this step, as found when the journal was
 * opened: a member's text ("unknown" when there is none), for "written when
 * and by which job". */
const char *journal_checkpoint_time(const struct journal *j);
const char *journal_checkpoint_job(const struct journal *j);

/* On how many ranks it was written; 0: unknown. */
int64_t journal_checkpoint_ranks(const struct journal *j);

#endif
