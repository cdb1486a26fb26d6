/* SPDX-License-Identifier: MIT */
/* schedule.h - the learning rate, and when something recurs. */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "deck/params.h"

#include <stdint.h>

/* The rate of step 1, 2, .. (theory.md section 7). */
double schedule_rate(const struct params *p, int64_t step,
                     int64_t steps_per_epoch);

/* Something that recurs: due after `step`, or when its time is over. */
struct recurring {
    struct interval every;
    int64_t steps_per_epoch;
    double last; /* timer_now of the last time */
};

struct recurring recurring_start(struct interval every,
                                 int64_t steps_per_epoch);

/* Whether it is due now, after this step; starts its time anew when so. Times
 * differ between ranks: rank 0 decides. */
int recurring_due(struct recurring *r, int64_t step);

#endif
