/* SPDX-License-Identifier: MIT */
/* ckpt_file.h - what the files ckpt_*.c share. Internal to src/run. */
#ifndef CKPT_FILE_H
#define CKPT_FILE_H

#include "run/ckpt.h"

#include <stddef.h>

struct h5;

/* Everything but the arrays. */
enum err ckpt_put_head(struct h5 *f, const struct ckpt_head *h);

/* Behind the seal: opens a file of ours that this program can read.
 * ERR_CHECKPOINT; *format is set as soon as it is known. */
enum err ckpt_open(const char *path, int *is_model, int *format,
                   struct h5 **out);

/* The arrays by path in byte order: a new block of pointers (mem_free). */
enum err ckpt_order(const struct ckpt_state *s, const struct ckpt_array ***out);

size_t ckpt_bytes(const struct ckpt_array *a);

/* Room for the largest array (mem_free). */
enum err ckpt_room(const struct ckpt_state *s, void **out);

/* All that ckpt_load does short of changing the state: parse, names, shapes,
 * finite numbers, their digest. *found: of what was read. */
enum err ckpt_check(const char *path, const struct ckpt_state *s,
                    int only_weights, struct digest *found);

#endif
