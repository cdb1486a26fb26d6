/* SPDX-License-Identifier: MIT */
/* profile.h - the time and the work of each kernel, for `se3t bench --kernels`.
 * One table of kernels at a time in a process. */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdint.h>

struct kernels;

/* Of one slot, since profile_clear. */
struct profile {
    const char *slot; /* as "conv_fwd" */
    double seconds;
    int64_t calls;
    double mac;   /* useful multiply-adds; 0: not counted */
    double bytes; /* that must be read or written; 0: not counted */
};

/* Replaces every slot of the table by one that calls it and takes the time;
 * right for devices whose kernels are done when they return. The table itself
 * is changed: copy it before, to undo. */
void profile_wrap(struct kernels *k);

/* Counts work beside it, from shapes. Where the host can read the counts in
 * use, which are device memory. After profile_wrap, so that counting is not
 * timed. */
void profile_count(struct kernels *k);

void profile_clear(void);

/* Edges of a batch since profile_clear, on the average; 0: not counted. */
double profile_edges(void);

/* Returns the number of slots; *out is their list, of the process. */
int profile_get(const struct profile **out);

#endif
