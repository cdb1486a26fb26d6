/* SPDX-License-Identifier: MIT */
/* simt.h - what a test asks of the harness: an order of threads, and what was
 * found. One OS thread.
 */
#ifndef SIMT_H
#define SIMT_H

#include <stdint.h>

/* Blocks run one after another, their threads forwards, backwards, in random
 * order, or taking turns at random memory accesses as well. */
enum simt_order { SIMT_FORWARD, SIMT_BACKWARD, SIMT_RANDOM, SIMT_PREEMPT };
void simt_schedule(enum simt_order order, uint64_t seed);

enum simt_kind {
    SIMT_OUTSIDE,   /* a kernel outside of all device memory */
    SIMT_FREED,     /* .. in memory that was freed */
    SIMT_UNWRITTEN, /* .. reads what nobody wrote */
    SIMT_RACE,      /* two threads, one writes, no barrier between them */
    SIMT_BARRIER,   /* not all threads of a block come to one __syncthreads */
    SIMT_ON_HOST,   /* the host touches device memory */
    SIMT_CALL,      /* a launch or a copy that CUDA would refuse */
    SIMT_KINDS
};

/* How many of a kind since the last simt_clear; SIMT_KINDS: of all. The first
 * of each place go to stderr. */
int simt_reports(enum simt_kind kind);
void simt_clear(void);
void simt_quiet(int on);
const char *simt_kind_name(enum simt_kind kind);

/* Memory accesses of kernels seen so far: 0 where they are not instrumented. */
uint64_t simt_accesses(void);

#endif
