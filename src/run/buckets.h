/* SPDX-License-Identifier: MIT */
/* buckets.h - the gradient in ranges that are summed over ranks behind the
 * backward pass: each as soon as it is complete.
 *
 * The backward pass completes the arena of gradients from its end to its
 * beginning, layer by layer. Buckets are neighbouring layers, of about equal
 * size, in slots 0, 1, .. of the device; they depend on the model alone, so
 * that all ranks have the same.
 */
#ifndef BUCKETS_H
#define BUCKETS_H

#include "device/device.h"

#include <stdint.h>

enum { BUCKETS = DEVICE_REDUCTIONS - 1 }; /* at most: one slot is for sums */

struct buckets {
    int n;
    int64_t end[BUCKETS], first[BUCKETS]; /* bucket 0 is the arena's end */
    int begun;                            /* of this step */
};

/* from [steps]: from which number on the gradient is complete after each step
 * of the backward pass; it falls, the last is 0. numbers: of the arena. */
struct buckets buckets_of(int64_t numbers, int steps, const int64_t from[]);

/* Collective. Room for all sums, of this kind. ERR_ENVIRONMENT, agreed. */
enum err buckets_room(const struct buckets *b, struct device *d,
                      enum device_sum kind);

/* Begins the sums of those buckets that are complete from this number on and
 * not begun. data: the arena's first number, of `size` bytes. */
void buckets_begin(struct buckets *b, struct device *d, void *data, size_t size,
                   enum device_sum kind, int64_t from);

/* Waits for all, in order, and starts anew. */
void buckets_finish(struct buckets *b, struct device *d);

#endif
