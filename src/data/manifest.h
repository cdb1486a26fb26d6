/* SPDX-License-Identifier: MIT */
/* manifest.h - the writing side of manifest.yaml, and its layout's version. */
#ifndef MANIFEST_H
#define MANIFEST_H

#include "data/dataset.h"
#include "data/shard.h"

#include <stddef.h>

enum { MANIFEST_FORMAT = 1 };

/* m: name and shards. ERR_IO. */
enum err manifest_write(const char *path, const struct manifest *m,
                        const struct dataset *d,
                        const struct import_summary *s);

/* "shard-0000.h5" */
void shard_file_name(int i, char *room, size_t bytes);

#endif
