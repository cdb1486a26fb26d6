/* SPDX-License-Identifier: MIT */
/* schedule.c - cosine by epochs, constant; linear warm-up by steps. */
#include "run/schedule.h"

#include "base/timer.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

static double steps_of(struct interval i, int64_t steps_per_epoch)
{
    return i.unit == UNIT_EPOCHS ? i.amount * (double)steps_per_epoch
                                 : i.amount;
}

double schedule_rate(const struct params *p, int64_t step,
                     int64_t steps_per_epoch)
{
    double lr = p->train.lr, low = p->train.min_lr, rate = lr;

    if (p->train.schedule == SCHEDULE_COSINE) {
        double epoch = (double)((step - 1) / steps_per_epoch);

        rate = low +
               (lr - low) * (1 + cos(pi * epoch / (double)p->train.epochs)) / 2;
    }
    if (p->train.warmup.unit != UNIT_NONE) {
        double w = steps_of(p->train.warmup, steps_per_epoch);

        if ((double)step < w)
            rate *= (double)step / w;
    }
    return rate;
}

struct recurring recurring_start(struct interval every, int64_t steps_per_epoch)
{
    return (struct recurring){.every = every,
                              .steps_per_epoch = steps_per_epoch,
                              .last = timer_now()};
}

int recurring_due(struct recurring *r, int64_t step)
{
    if (r->every.unit == UNIT_NONE)
        return 0;
    if (r->every.unit == UNIT_SECONDS) {
        double now = timer_now();

        if (now - r->last < r->every.amount)
            return 0;
        r->last = now;
        return 1;
    }
    return step % (int64_t)steps_of(r->every, r->steps_per_epoch) == 0;
}
