/* SPDX-License-Identifier: MIT */
/* timer.c - CLOCK_MONOTONIC: wall clocks are set back by administrators. */
#include "config.h"

#include "base/timer.h"

#include <time.h>

static const char *const names[PHASES] = {
    [PHASE_DATA] = "data",
    [PHASE_FORWARD] = "forward",
    [PHASE_BACKWARD] = "backward",
    [PHASE_REDUCE] = "reduce",
    [PHASE_OPTIMIZER] = "optimizer",
    [PHASE_EVALUATE] = "evaluate",
    [PHASE_CHECKPOINT] = "checkpoint",
};

const char *phase_name(enum phase p)
{
    return names[p];
}

double timer_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double timer_lap(struct phases *p, enum phase phase, double since)
{
    double now = timer_now();

    p->seconds[phase] += now - since;
    return now;
}
