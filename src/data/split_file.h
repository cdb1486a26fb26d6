/* SPDX-License-Identifier: MIT */
/* split_file.h - a split that a file names molecule by molecule: `id,part` and
 * a line for each, part = train, validation or test.
 */
#ifndef SPLIT_FILE_H
#define SPLIT_FILE_H

#include "base/err.h"
#include "data/split.h"

/* Fills *out, rows in the order of the file (split_fini), and the digest. What
 * is wrong with the file is recorded in the deck, at data.split, by its lines;
 * *out is empty then. ERR_ENVIRONMENT: memory. */
enum err split_read(const struct params *p, struct deck *deck,
                    const struct dataset *d, struct split *out);

/* Makes room for parts of these sizes, in one block. ERR_ENVIRONMENT. */
enum err split_room(const int64_t n[PARTS], struct split *out);

#endif
