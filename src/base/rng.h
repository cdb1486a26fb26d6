/* SPDX-License-Identifier: MIT */
/* rng.h - random numbers as a function of (seed, purpose, epoch, index).
 *
 * There is no generator and hence no state to save: number `index` of a stream
 * is computed from its name. Philox-free: a 64-bit mixer (splitmix64's
 * finaliser, Steele et al. 2014) over a hashed key.
 */
#ifndef RNG_H
#define RNG_H

#include <stdint.h>

enum rng_purpose { RNG_WEIGHTS = 1, RNG_SHUFFLE, RNG_SPLIT, RNG_TEST };

struct rng {
    uint64_t key;
};

struct rng rng_stream(uint64_t seed, enum rng_purpose purpose, uint64_t epoch);

/* A stream of its own for a name, such as a weight's. */
struct rng rng_named(struct rng r, const char *name);

/* Uniform over all 64 bits. */
uint64_t rng_bits(struct rng r, uint64_t index);

/* In [0, 1), a multiple of 2^-53. */
double rng_uniform(struct rng r, uint64_t index);

/* Standard normal (Box-Muller on the numbers 2 index and 2 index + 1). */
double rng_normal(struct rng r, uint64_t index);

/* A permutation of 0..n-1 (Fisher-Yates). */
void rng_permutation(struct rng r, int64_t n, int64_t out[]);

#endif
