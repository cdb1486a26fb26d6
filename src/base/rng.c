/* SPDX-License-Identifier: MIT */
/* rng.c - splitmix64's finaliser over (key, index). */
#include "base/rng.h"

#include <math.h>

static const uint64_t golden = 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio */
static const double two_pi = 6.283185307179586476925;

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t absorb(uint64_t key, uint64_t word)
{
    return mix(key + golden + mix(word + golden));
}

struct rng rng_stream(uint64_t seed, enum rng_purpose purpose, uint64_t epoch)
{
    return (struct rng){absorb(absorb(absorb(0, seed), purpose), epoch)};
}

struct rng rng_named(struct rng r, const char *name)
{
    for (; *name; name++)
        r.key = absorb(r.key, (unsigned char)*name);
    return r;
}

uint64_t rng_bits(struct rng r, uint64_t index)
{
    return mix(r.key + (index + 1) * golden);
}

double rng_uniform(struct rng r, uint64_t index)
{
    return (double)(rng_bits(r, index) >> 11) * 0x1p-53;
}

double rng_normal(struct rng r, uint64_t index)
{
    double u = 1 - rng_uniform(r, 2 * index); /* never 0 */

    return sqrt(-2 * log(u)) * cos(two_pi * rng_uniform(r, 2 * index + 1));
}

/* A number below `bound`: the high half of a 128-bit product; its bias, at
 * most bound / 2^64, is below anything that could be measured. */
static uint64_t below(struct rng r, uint64_t index, uint64_t bound)
{
    uint64_t x = rng_bits(r, index);
    uint64_t low = (x & 0xffffffffu) * bound >> 32;

    return ((x >> 32) * bound + low) >> 32; /* bound < 2^32 */
}

void rng_permutation(struct rng r, int64_t n, int64_t out[])
{
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)below(r, (uint64_t)i, (uint64_t)i + 1);
        int64_t held = out[i];

        out[i] = out[j];
        out[j] = held;
    }
}
