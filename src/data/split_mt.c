/* SPDX-License-Identifier: MIT */
/* split_mt.c - the permutations that torch.randperm and numpy's RandomState
 * draw from MT19937 (Matsumoto and Nishimura 1998), both seeded with 0.
 */
#include "data/split.h"

enum { WORDS = 624, MIDDLE = 397 };

struct twister {
    uint32_t word[WORDS];
    int next;
};

/* init_genrand(seed). */
static void seed_with(struct twister *t, uint32_t seed)
{
    t->word[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++) {
        uint32_t last = t->word[i - 1];

        t->word[i] = 1812433253u * (last ^ last >> 30) + i;
    }
    t->next = WORDS;
}

static void twist(struct twister *t)
{
    for (int i = 0; i < WORDS; i++) {
        uint32_t y = (t->word[i] & 0x80000000u) |
                     (t->word[(i + 1) % WORDS] & 0x7fffffffu);

        t->word[i] =
            t->word[(i + MIDDLE) % WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    t->next = 0;
}

static uint32_t draw(struct twister *t)
{
    uint32_t y;

    if (t->next == WORDS)
        twist(t);
    y = t->word[t->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

static void identity(int64_t n, int64_t out[])
{
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t held = *a;

    *a = *b;
    *b = held;
}

/* Upwards; a remainder, so slightly uneven, as the original is. */
void split_nvidia(int64_t n, int64_t out[])
{
    struct twister t;

    identity(n, out);
    seed_with(&t, 0);
    for (int64_t i = 0; i < n - 1; i++)
        swap(&out[i], &out[i + draw(&t) % (n - i)]);
}

/* Downwards; numbers above i are drawn again. */
void split_cormorant(int64_t n, int64_t out[])
{
    struct twister t;

    identity(n, out);
    seed_with(&t, 0);
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t mask = 1, j;

        while (mask < i)
            mask = 2 * mask + 1;
        do
            j = draw(&t) & mask;
        while (j > i);
        swap(&out[i], &out[j]);
    }
}
