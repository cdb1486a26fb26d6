/* SPDX-License-Identifier: MIT */
/* ckpt.h - checkpoints and model files (formats.md "The folder of a run",
 * doc/reliability.md).
 *
 * A file is a head (deck, elements, targets) and named arrays. Where arrays
 * come from and go to is the caller's: ckpt asks for one after the other. The
 * file is made in memory (one more copy of the state while it is saved),
 * written to PATH.tmp with its seal, fsynced, read back by what ckpt_load does
 * and compared by digest, renamed, the folder fsynced. Rank 0 only.
 */
#ifndef CKPT_H
#define CKPT_H

#include "base/digest.h"
#include "base/err.h"
#include "data/loader.h"

#include <stddef.h>
#include <stdint.h>

struct lock;

enum { CKPT_FORMAT = 1, CKPT_PATH = 128 };

/* What model files and checkpoints say beside numbers. Strings are borrowed
 * when written, owned (ckpt_head_fini) when read. */
struct ckpt_head {
    int is_model;       /* kind: model, else checkpoint */
    int format;         /* read: also of a newer file that is refused */
    int64_t step;       /* optimiser steps done */
    char *deck;         /* portable */
    char *isa;          /* instruction set chosen; checkpoints */
    struct digest data; /* of the data set */
    struct elements elements;
    struct target_scale scale;
};
void ckpt_head_fini(struct ckpt_head *h);

enum ckpt_kind { CKPT_F32, CKPT_F64, CKPT_I64 };

struct ckpt_array {
    char path[CKPT_PATH]; /* "/weights/block.0.norm.bias", "/state/step" */
    enum ckpt_kind kind;
    int rank; /* 1 or 2 */
    int64_t n[2];
};

/* The state of a run, array by array. */
struct ckpt_state {
    int arrays;
    const struct ckpt_array *array;
    void (*get)(void *self, int i, void *out);      /* state -> out */
    void (*put)(void *self, int i, const void *in); /* in -> state */
    void *self;
};

/* Writes `path`. previous: the digest of the save before, when steps were done
 * since ("" otherwise): an equal one is an error (R21). *digest: state_digest.
 * ERR_IO with the file's name and the system's reason; ERR_ENVIRONMENT: the
 * lock is another's; nothing is left but the old files. */
enum err ckpt_write(const char *path, const struct ckpt_head *head,
                    const struct ckpt_state *state, const struct lock *lock,
                    const struct digest *previous, struct digest *digest);

/* The head alone, behind the seal (every byte of the file is checked).
 * ERR_CHECKPOINT: damaged, no such kind, a newer format (both named). */
enum err ckpt_read_head(const char *path, struct ckpt_head *out);

/* All arrays, after seal, names and shapes were checked: state is changed only
 * when all is well. only_weights: arrays outside /weights are left alone (model
 * files; a float file into a double state and back is converted).
 * ERR_CHECKPOINT. */
enum err ckpt_load(const char *path, const struct ckpt_state *state,
                   int only_weights);

/* The checkpoints of a run's folder, newest first. */
struct ckpt_entry {
    int64_t step;
    char *path;
};
enum err ckpt_list(const char *dir, int *n, struct ckpt_entry **out);
void ckpt_list_free(int n, struct ckpt_entry *list);

/* Leaves the newest `keep` of those up to the newest good one known (`sure`),
 * and removes *.tmp of dead writers from the folder: who calls has the lock. */
void ckpt_prune(const char *dir, int keep, int64_t sure);

#endif
