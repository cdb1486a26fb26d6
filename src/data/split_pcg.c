/* SPDX-License-Identifier: MIT */
/* split_pcg.c - the permutation of numpy's default_rng(1): PCG64 (O'Neill 2014,
 * XSL-RR), 128-bit steps state = state * multiplier + increment.
 */
#include "data/split.h"

struct wide {
    uint64_t high, low;
};

struct pcg {
    struct wide state;
    uint32_t kept; /* numpy hands out the low half of a number, then this */
    int has_kept;
};

static const struct wide multiplier = {0x2360ed051fc65da4u,
                                       0x4385df649fccf645u};

/* What numpy's SeedSequence(1) makes of the seed. */
static const struct wide start = {0x9c5b484bfedb756cu, 0x2a6e7d6f320fbc7eu};
static const struct wide increment = {0x922af2da2645f895u, 0xa19857b95740937bu};

static struct wide product(uint64_t a, uint64_t b)
{
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t low = al * bl;
    uint64_t one = ah * bl + (low >> 32);
    uint64_t two = al * bh + (uint32_t)one;

    return (struct wide){ah * bh + (one >> 32) + (two >> 32),
                         two << 32 | (uint32_t)low};
}

static struct wide next(struct wide s)
{
    struct wide p = product(s.low, multiplier.low);

    p.high += s.high * multiplier.low + s.low * multiplier.high;
    p.low += increment.low;
    p.high += increment.high + (p.low < increment.low);
    return p;
}

static uint32_t draw(struct pcg *g)
{
    uint64_t x;
    unsigned turn;

    if (g->has_kept) {
        g->has_kept = 0;
        return g->kept;
    }
    g->state = next(g->state);
    x = g->state.high ^ g->state.low;
    turn = (unsigned)(g->state.high >> 58);
    x = x >> turn | x << (-turn & 63);
    g->kept = (uint32_t)(x >> 32);
    g->has_kept = 1;
    return (uint32_t)x;
}

/* Downwards; numbers above i are drawn again. */
void split_t110k(int64_t n, int64_t out[])
{
    struct pcg g = {.state = start};

    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t mask = 1, j, held = out[i];

        while (mask < i)
            mask = 2 * mask + 1;
        do
            j = draw(&g) & mask;
        while (j > i);
        out[i] = out[j];
        out[j] = held;
    }
}
