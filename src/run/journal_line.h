/* SPDX-License-Identifier: MIT */
/* journal_line.h - one line of a journal read back. Internal to src/run. */
#ifndef JOURNAL_LINE_H
#define JOURNAL_LINE_H

#include <stddef.h>
#include <stdio.h>

/* The next line without its end, zero-terminated, in room for `bytes`.
 * 1: a whole line; 0: no whole line is left. *bad: it is too long or holds a
 * zero byte. */
int journal_line_read(FILE *f, char *line, size_t bytes, int *bad);

/* Whether it is one JSON object, as far as brackets and strings tell. */
int journal_line_good(const char *line);

/* A member of the object itself, not of one in it: its text (of a string what
 * is between the quotes, as it stands). 1: it is there and fits. */
int journal_line_member(const char *line, const char *key, char *out,
                        size_t bytes);

#endif
