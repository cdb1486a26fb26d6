/* SPDX-License-Identifier: MIT */
/* simt.h - what a test asks of the harness: an order of threads and of streams,
 * and what was found. One OS thread.
 */
#ifndef SIMT_H
#define SIMT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks run one after another, their threads forwards, backwards, in random
 * order, or taking turns at random memory accesses as well. */
enum simt_order { SIMT_FORWARD, SIMT_BACKWARD, SIMT_RANDOM, SIMT_PREEMPT };
void simt_schedule(enum simt_order order, uint64_t seed);

/* When work of streams is done: at the latest moment, at the call, or at any
 * legal moment in between. */
enum simt_when { SIMT_LAZY, SIMT_EAGER, SIMT_ANY_TIME };
void simt_async(enum simt_when when, uint64_t seed);

enum simt_kind {
    SIMT_OUTSIDE,    /* a kernel outside of all device and shared memory */
    SIMT_FREED,      /* .. in memory that was freed */
    SIMT_UNWRITTEN,  /* .. reads what nobody wrote */
    SIMT_RACE,       /* two threads of a launch, one writes, no barrier */
    SIMT_ORDER,      /* two launches or copies, one writes, no event */
    SIMT_BARRIER,    /* not all threads of a block come to one __syncthreads */
    SIMT_WARP,       /* lanes disagree, or are not there */
    SIMT_DEADLOCK,   /* no thread of a block can go on */
    SIMT_PENDING,    /* an asynchronous copy was not waited for */
    SIMT_MISALIGNED, /* an access at no multiple of its size */
    SIMT_ARITHMETIC, /* overflow, a shift too far, an index beyond an array */
    SIMT_ON_HOST,    /* the host touches device memory */
    SIMT_CALL,       /* a call that CUDA would refuse */
    SIMT_KINDS
};

/* How many of a kind since the last simt_clear; SIMT_KINDS: of all. The first
 * of each place go to stderr. simt_clear forgets the error of a launch, too. */
int simt_reports(enum simt_kind kind);
void simt_clear(void);
void simt_quiet(int on);
const char *simt_kind_name(enum simt_kind kind);

/* Memory accesses of kernels seen so far: 0 where they are not instrumented. */
uint64_t simt_accesses(void);

/* Whether the environment's SIMT_MUTANT is n: mutate.awk writes the calls. */
int simt_mutant(int n);

#ifdef __cplusplus
}
#endif

#endif
