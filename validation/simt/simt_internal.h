/* SPDX-License-Identifier: MIT */
/* simt_internal.h - between the files of the harness. */
#ifndef SIMT_INTERNAL_H
#define SIMT_INTERNAL_H

#include "include/cuda_runtime.h"
#include "simt/simt.h"

#include <stdint.h>

/* Who runs. launch 0: the host. Two threads of a block are ordered by a
 * barrier, epoch counts them; nothing orders two blocks of a launch. */
struct simt_who {
    uint32_t launch, block, thread, epoch;
};
simt_who simt_now(void);

/* Whether the running thread may touch these bytes without being watched: its
 * stack, the arguments of its kernel. */
bool simt_is_own(const void *p);

/* Lets other threads run where the schedule says so. */
void simt_maybe_yield(void);

/* Runs a whole grid, now. */
void simt_run(unsigned blocks, unsigned threads, void (*body)(const void *),
              const void *arguments, size_t bytes);

/* Whether n bytes lie in one live object of device memory. */
bool simt_is_device(const void *p, size_t n);
/* Copies of the runtime: the bytes at p are as good as n written ones, or as
 * those at `from`. */
void simt_mark_written(void *p, size_t n);
void simt_mark_like(void *p, const void *from, size_t n);

/* pc: the instruction, or NULL. */
void simt_report(enum simt_kind kind, const void *pc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
