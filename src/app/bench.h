/* SPDX-License-Identifier: MIT */
/* bench.h - what the files of `se3t bench` share.
 *
 * Rank 0 prints; all calls but bench_put_cores are collective.
 * doc/performance.md explains each figure.
 */
#ifndef BENCH_H
#define BENCH_H

#include "base/err.h"

#include <stdint.h>

struct json;
struct setup;

struct bench {
    struct setup *setup;
    int steps, warmup, as_json, kernels, peaks;
    double *rate;       /* [steps] molecules/s, or seconds */
    int64_t faults;     /* page faults of all ranks within the timed steps */
    double gflops;      /* fp32 FMA peak of all ranks together */
    double rank_gflops; /* of this rank's threads */
    double ghz;
    char *cores; /* rank 0: the ranks' affinity masks, one after the other, each
                    ended by 0 */
};

/* Learns the ranks' affinity masks, and prints them. */
enum err bench_cores(struct bench *b);
void bench_put_cores(struct json *j, const struct bench *b);

/* Measures gflops and ghz. */
void bench_machine(struct bench *b);

/* What a slot's arithmetic can do at most, by all threads of this rank. */
struct ceiling {
    const char *peak; /* as --peaks names it */
    double gflops;    /* 0: not measured */
};

/* Measures them, after bench_machine; then gives that of a slot ("conv_fwd").
 */
void bench_ceilings(const struct bench *b);
const struct ceiling *bench_ceiling(const struct bench *b, const char *slot);

enum err bench_train(struct bench *b);
enum err bench_inference(struct bench *b);

/* Before the first step, and after those of training. */
void bench_kernels_begin(struct bench *b);
void bench_kernels(const struct bench *b);

enum err bench_peaks(struct bench *b);

#endif
