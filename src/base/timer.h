/* SPDX-License-Identifier: MIT */
/* timer.h - the monotonic clock, and where the time of a step goes. */
#ifndef TIMER_H
#define TIMER_H

enum phase {
    PHASE_DATA,     /* building the batch, copying it to the device */
    PHASE_FORWARD,  /* geometry to loss */
    PHASE_BACKWARD, /* loss to gradients */
    PHASE_REDUCE,   /* all-reduce of gradients and sums */
    PHASE_OPTIMIZER,
    PHASE_EVALUATE,
    PHASE_CHECKPOINT,
    PHASES
};

struct phases {
    double seconds[PHASES];
};

/* "data", "forward", .. as the journal spells it. */
const char *phase_name(enum phase p);

/* Seconds since some fixed moment; never goes back. */
double timer_now(void);

/* Adds the time since `since` to a phase and returns now. */
double timer_lap(struct phases *p, enum phase phase, double since);

#endif
