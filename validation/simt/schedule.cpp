/* SPDX-License-Identifier: MIT */
/* schedule.cpp - the order of threads and of streams of a program that does not
 * choose one itself: SIMT_ORDER=forward, backward, random:SEED or preempt:SEED;
 * SIMT_ASYNC=lazy, eager or any:SEED.
 */
#include "simt/simt_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find(const char *variable, const char *const *names, int n,
                uint64_t *seed)
{
    const char *word = getenv(variable);
    size_t length = word ? strcspn(word, ":") : 0;

    if (!word)
        return -1;
    *seed = word[length] ? strtoull(word + length + 1, nullptr, 10) : 1;
    for (int i = 0; i < n; i++)
        if (strlen(names[i]) == length && strncmp(names[i], word, length) == 0)
            return i;
    fprintf(stderr, "simt: %s=%s: not known\n", variable, word);
    exit(1);
}

void simt_read_environment(void)
{
    static const char *const orders[] = {"forward", "backward", "random",
                                         "preempt"};
    static const char *const moments[] = {"lazy", "eager", "any"};
    uint64_t seed;
    int order = find("SIMT_ORDER", orders, 4, &seed);

    if (order >= 0)
        simt_schedule((enum simt_order)order, seed);
    order = find("SIMT_ASYNC", moments, 3, &seed);
    if (order >= 0)
        simt_async((enum simt_when)order, seed);
}
