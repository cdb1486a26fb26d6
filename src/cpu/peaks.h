/* SPDX-License-Identifier: MIT */
/* peaks.h - the ceilings of this machine: clock, arithmetic, caches, memory.
 *
 * Loops that do nothing but what they count, in a file for each kind of
 * instruction: peaks_vector.c, peaks_dot.c, peaks_tile.c. A rate is the best of
 * several repeats in the threads' own CPU time, so that other programs on the
 * same cores hardly lower it. Not collective; OpenMP threads inside.
 */
#ifndef PEAKS_H
#define PEAKS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Does something `passes` times and returns how much: cycles, operations,
 * bytes. data: the thread's own, a multiple of 512 bytes, aligned to 64. */
typedef double peak_run(void *data, size_t bytes, int64_t passes);

/* Lists end with a name NULL. Of several sets that the machine has, the widest
 * one's row stands for all rows of a name. */
struct peak {
    const char *name, *unit; /* 1e9 of what is counted, a second */
    peak_run *run;
    int memory; /* sweeps over its data: measured in each level of memory */
};

/* Of the archives that have such loops; registry_peaks chooses. */
extern const struct peak peaks_vector_ref_f32[], peaks_vector_avx2_f32[],
    peaks_vector_avx512_f32[], peaks_dot_avx512_bf16[], peaks_tile_amx_bf16[];

struct peak_value {
    char name[32]; /* as "fp32_fma", "read_l2" */
    const char *unit;
    int threads;
    double one, all; /* of one thread; of all at once, together (clock: mean) */
};

/* All ceilings, in order, in some two seconds. Where the sum of the threads'
 * data goes past the caches it takes up to 512 MiB for the time being.
 * ERR_ENVIRONMENT: memory. */
enum err peaks_measure(int threads,
                       void (*visit)(void *self, const struct peak_value *v),
                       void *self);

/* One of those that need no memory ("clock", "fp32_fma"), in some 50 ms; 0:
 * there is no such row. */
double peaks_of(const char *name, int threads);

/* How many times one of those is as fast as another, on this thread: coarse, in
 * some 1 ms; 0: either is not there. */
double peaks_ratio(const char *name, const char *other);

#endif
