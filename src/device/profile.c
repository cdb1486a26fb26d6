/* SPDX-License-Identifier: MIT */
/* profile.c - one wrapper a slot, between two looks at the clock. */
#include "device/profile.h"

#include "base/timer.h"
#include "device/profile_slots.h"

static struct kernels inner;

#define NAME(n, group, name, ...) {.slot = #name},
static struct profile table[PROFILE_SLOTS] = {KERNEL_LIST(NAME)};
static int64_t batches, edges;

#define RUN(group, slot, arguments)                                            \
    {                                                                          \
        double began = timer_now();                                            \
                                                                               \
        inner.group.slot arguments;                                            \
        table[AT_##slot].seconds += timer_now() - began;                       \
        table[AT_##slot].calls++;                                              \
    }

#define WRAP1(group, slot, A)                                                  \
    static void group##_##slot(A a) RUN(group, slot, (a))
#define WRAP2(group, slot, A, B)                                               \
    static void group##_##slot(A a, B b) RUN(group, slot, (a, b))
#define WRAP3(group, slot, A, B, C)                                            \
    static void group##_##slot(A a, B b, C c) RUN(group, slot, (a, b, c))
#define WRAP4(group, slot, A, B, C, D)                                         \
    static void group##_##slot(A a, B b, C c, D d)                             \
        RUN(group, slot, (a, b, c, d))
#define WRAP5(group, slot, A, B, C, D, E)                                      \
    static void group##_##slot(A a, B b, C c, D d, E e)                        \
        RUN(group, slot, (a, b, c, d, e))
#define WRAP6(group, slot, A, B, C, D, E, F)                                   \
    static void group##_##slot(A a, B b, C c, D d, E e, F f)                   \
        RUN(group, slot, (a, b, c, d, e, f))
#define WRAP(n, ...) WRAP##n(__VA_ARGS__)
KERNEL_LIST(WRAP)

#define ENTER(n, group, slot, ...)                                             \
    if (k->group.slot)                                                         \
        k->group.slot = group##_##slot;

void profile_wrap(struct kernels *k)
{
    inner = *k;
    KERNEL_LIST(ENTER)
}

void profile_clear(void)
{
    for (int i = 0; i < PROFILE_SLOTS; i++)
        table[i] = (struct profile){.slot = table[i].slot};
    batches = edges = 0;
}

int profile_get(const struct profile **out)
{
    *out = table;
    return PROFILE_SLOTS;
}

void profile_work(enum profile_slot at, double mac, double bytes)
{
    table[at].mac += mac;
    table[at].bytes += bytes;
}

void profile_batch(int n)
{
    batches++;
    edges += n;
}

double profile_edges(void)
{
    return batches ? (double)edges / (double)batches : 0;
}
