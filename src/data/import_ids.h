/* SPDX-License-Identifier: MIT */
/* import_ids.h - a list of numbers of molecules, for --exclude. */
#ifndef IMPORT_IDS_H
#define IMPORT_IDS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct import_ids {
    int64_t *id; /* ascending */
    size_t ids, room;
};

/* The number with which a line starts; other lines are passed over, so that the
 * published list of QM9 works. path NULL: an empty list. ERR_DECK: not there.
 */
enum err import_ids_read(const char *path, struct import_ids *out);
int import_ids_have(const struct import_ids *l, int64_t id);
void import_ids_fini(struct import_ids *l);

#endif
