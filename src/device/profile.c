/* SPDX-License-Identifier: MIT */
/* profile.c - one wrapper a slot, between two looks at the clock. */
#include "device/profile.h"

#include "base/timer.h"
#include "device/kernel_list.h"

static struct kernels inner;

#define NUMBER(n, group, slot, ...) AT_##slot,
enum { KERNEL_LIST(NUMBER) SLOTS };

#define NAME(n, group, name, ...) {.slot = #name},
static struct profile table[SLOTS] = {KERNEL_LIST(NAME)};

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
    for (int i = 0; i < SLOTS; i++) {
        table[i].seconds = 0;
        table[i].calls = 0;
    }
}

int profile_get(const struct profile **out)
{
    *out = table;
    return SLOTS;
}
