/* SPDX-License-Identifier: MIT */
/* shard.h - a data set on disk: shards and their manifest (formats.md, "A data
 * set").
 *
 * The same bytes for any number of ranks (doc/reliability.md has the recipe). A
 * data set appears as a whole: it is made in a temporary folder beside DIR,
 * then renamed.
 */
#ifndef SHARD_H
#define SHARD_H

#include "base/digest.h"
#include "base/err.h"

#include <stdint.h>

struct comm;
struct dataset;
struct import_summary;

enum { SHARD_MOST = 1000 }; /* shards of a data set */

/* Collective. ERR_DECK: DIR is something that shard_write would not replace; to
 * be asked before the work. */
enum err shard_check(struct comm *c, const char *dir);

/* Collective. Writes DIR (which must not be there, or be an empty folder, or a
 * data set of ours, which is replaced): `shards` shards (0: one for each 16,384
 * molecules), manifest.yaml, rejected.csv. *digest: of the manifest.
 * ERR_IO, ERR_DECK (something else stands there). */
enum err shard_write(struct comm *c, const struct dataset *d,
                     const struct import_summary *s, const char *dir,
                     int shards, struct digest *digest);

struct shard_entry {
    char *file;
    int64_t molecules, atoms, bonds;
    struct digest digest;
};

/* The manifest, as read. */
struct manifest {
    char *name;
    int64_t molecules, atoms, bonds;
    int targets;
    struct dataset_target *target;
    int shards;
    struct shard_entry *shard;
    struct digest digest; /* of the file */
};

/* One rank. ERR_DATA: not a manifest, counts that do not add up. */
enum err manifest_read(const char *dir, struct manifest *out);
void manifest_fini(struct manifest *m);

#endif
