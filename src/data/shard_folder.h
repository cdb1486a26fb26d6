/* SPDX-License-Identifier: MIT */
/* shard_folder.h - a folder that appears as a whole: made beside its place
 * under another name, then renamed. One rank's work; nothing here is
 * collective.
 */
#ifndef SHARD_FOLDER_H
#define SHARD_FOLDER_H

#include "base/err.h"

enum { FOLDER_PATH = 4096 };

struct shard_folder {
    char place[FOLDER_PATH]; /* where it is to appear, no slash at its end */
    char made[FOLDER_PATH];  /* where it is made */
    char old[FOLDER_PATH];   /* what stood there, moved aside meanwhile */
};

/* ERR_DECK: something stands there that is neither an empty folder nor a data
 * set of ours. */
enum err shard_folder_check(const char *dir);

/* The names; then the folder itself, with those above it. ERR_DECK as above,
 * ERR_IO. */
enum err shard_folder_names(const char *dir, struct shard_folder *out);
enum err shard_folder_make(const struct shard_folder *f);

/* All files are on the disk; then the folder takes its place. */
enum err shard_folder_show(const struct shard_folder *f);

/* Removes what was made. */
void shard_folder_drop(const struct shard_folder *f);

/* The last component. */
const char *shard_folder_name(const struct shard_folder *f);

#endif
