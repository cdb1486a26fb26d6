/* SPDX-License-Identifier: MIT */
/* bench_cores.c - which cores each rank may run on: timings of ranks that share
 * them, or wander, mean little. */
#include "config.h"

#include "app/bench.h"
#include "app/devices.h"
#include "app/setup.h"
#include "base/json.h"
#include "comm/comm.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { MASK = 256 };

/* "0-3,8", as taskset spells it; cut off where it is longer than the room. */
static void mask_text(char text[MASK])
{
    cpu_set_t set;
    size_t n = 0;

    text[0] = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (size_t first = 0; first < CPU_SETSIZE && n < MASK; first++) {
        size_t last = first;
        int size;

        if (!CPU_ISSET(first, &set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &set))
            last++;
        size =
            snprintf(text + n, MASK - n, last > first ? "%s%zu-%zu" : "%s%zu",
                     n ? "," : "", first, last);
        n += (size_t)size;
        first = last;
    }
}

enum err bench_cores(struct bench *b)
{
    struct comm *c = b->setup->comm;
    char text[MASK];
    const char *mask;
    void *all;

    mask_text(text);
    TRY(comm_gather(c, text, strlen(text) + 1, &all, NULL));
    mask = b->cores = all;
    if (b->as_json || comm_rank(c) != 0)
        return OK;
    printf("%-10s", "cores");
    for (int i = 0; i < comm_size(c); i++, mask += strlen(mask) + 1)
        printf("%s %s", i ? " |" : "", mask);
    printf(" (%d x %d threads)\n", comm_size(c), threads_of_rank());
    return OK;
}

void bench_put_cores(struct json *j, const struct bench *b)
{
    const char *mask = b->cores;

    if (!mask)
        return;
    json_list_begin(j, "cores");
    for (int i = 0; i < comm_size(b->setup->comm); i++) {
        json_string(j, NULL, mask);
        mask += strlen(mask) + 1;
    }
    json_list_end(j);
}
