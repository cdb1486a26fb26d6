/* SPDX-License-Identifier: MIT */
/* log.h - what a run says on standard error and in log.txt.
 *
 * Process-wide; set up by the command. Only rank 0 speaks, except log_rank.
 * Lines are whole: one write each. A line that log.txt cannot take is dropped,
 * with one warning a run. Results go to standard output by the commands
 * themselves, never through here.
 */
#ifndef LOG_H
#define LOG_H

#include "base/err.h"

/* Before the first line. quiet: notes do not reach standard error. */
void log_init(int rank, int quiet);

/* Appends to this file from now on (rank 0). ERR_IO: it cannot be opened. */
enum err log_open(const char *path);
void log_close(void);

/* A note: standard error (unless quiet) and log.txt. */
void log_note(const char *format, ...) ERR_FORMAT(1, 2);

/* Only to log.txt. */
void log_detail(const char *format, ...) ERR_FORMAT(1, 2);

/* "se3t: warning: WHERE: WHAT; DO", standard error and log.txt, even when
 * quiet. */
void log_warn(const char *format, ...) ERR_FORMAT(1, 2);

/* A warning from any rank, with its number. */
void log_rank(const char *format, ...) ERR_FORMAT(1, 2);

/* A line that replaces itself on a terminal and is a line elsewhere; standard
 * error only, unless quiet. */
void log_progress(const char *format, ...) ERR_FORMAT(1, 2);

/* Called with the text of every warning of rank 0 (the journal); NULL: none. */
void log_on_warning(void (*hook)(void *self, const char *text), void *self);

#endif
