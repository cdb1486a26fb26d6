/* SPDX-License-Identifier: MIT */
/* import_source.h - the bytes of one source, whatever it is packed in.
 *
 * A source is a path: a file, plain or .gz .bz2 .xz; an archive of files (tar,
 * itself compressed or not; zip, as a wheel or .npz is); or a folder, whose
 * .xyz files are taken in order of their names. Its files are its members. They
 * are streamed: memory does not depend on sizes that a header declares, and a
 * source that expands beyond all reason is refused. Links are not followed.
 */
#ifndef IMPORT_SOURCE_H
#define IMPORT_SOURCE_H

#include "base/digest.h"
#include "base/err.h"
#include "data/slice.h"

#include <stddef.h>
#include <stdint.h>

enum { SOURCE_LINE = 4 << 20 }; /* bytes of a line that are kept */

struct source; /* opaque */

/* ERR_DECK: not there. ERR_DATA: neither a file nor a folder, or cannot be
 * read. */
enum err source_open(const char *path, struct source **out);

/* The same over bytes in memory, which the caller keeps (tests, fuzzing). */
enum err source_open_memory(const void *data, size_t bytes, const char *name,
                            struct source **out);

/* The next member; *more 0: there is none. What was left of the one before is
 * passed over. ERR_DATA: damaged. */
enum err source_next(struct source *s, int *more);

/* Of the member at hand: "PATH" or "PATH:MEMBER", and the file's own name. */
const char *source_label(const struct source *s);
struct slice source_member(const struct source *s);

/* 1: an archive or a folder, whose members need not all be molecules. */
int source_is_many(const struct source *s);

/* The next line, borrowed until the next call; *more 0: the member is at its
 * end. cut 1: it was longer than SOURCE_LINE and is not whole. A byte order
 * mark is dropped. ERR_DATA: damaged. */
struct source_line {
    struct slice text;
    int64_t number; /* from 1 */
    int cut;
};
enum err source_line(struct source *s, struct source_line *line, int *more);

/* Makes the next source_line return the last line once more. */
void source_unread(struct source *s);

/* Up to `want` bytes; *got < want only at the member's end. */
enum err source_read(struct source *s, void *data, size_t want, size_t *got);

/* Bytes that members of a .zip may still have, however well they shrink. */
int64_t source_most(const struct source *s);

void source_close(struct source **s);

/* SHA-256 of the file; of a folder: over each .xyz file's name, a zero byte and
 * its own SHA-256 in hexadecimal. */
enum err source_digest(const char *path, struct digest *out);

#endif
