/* SPDX-License-Identifier: MIT */
/* slice.h - pieces of text that are not ended by a zero: what importers read.
 *
 * A slice borrows its bytes. Blanks are space, tab, CR, vertical tab and form
 * feed; lines end with LF, CRs before it are dropped.
 */
#ifndef SLICE_H
#define SLICE_H

#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *s;
    size_t n;
};

struct slice slice_of(const char *s);

/* Takes the next line off *text; 0 at its end. */
int slice_line(struct slice *text, struct slice *line);

/* Takes the next blank-separated word off *line; 0 when there is none. */
int slice_word(struct slice *line, struct slice *word);

/* Up to `most` words; how many there are, one more than most when too many. */
int slice_words(struct slice line, struct slice word[], int most);

struct slice slice_trim(struct slice s);
int slice_blank(struct slice s);
int slice_equal(struct slice s, const char *text);
int slice_equal_case(struct slice s, const char *text); /* ASCII, any case */
int slice_ends(struct slice s, const char *tail);       /* any case */
int slice_compare(struct slice a, struct slice b);      /* byte order */

/* The columns [first, first + n) of a line, trimmed; those that are there. */
struct slice slice_columns(struct slice line, size_t first, size_t n);

/* num.h on the whole slice. */
int slice_int(struct slice s, int64_t *out);
int slice_double(struct slice s, double *out);

/* For messages: at most 40 characters, what cannot be printed as '?'. Returns
 * room (SLICE_SHOWN bytes). */
enum { SLICE_SHOWN = 48 };
const char *slice_show(struct slice s, char *room);

#endif
