/* SPDX-License-Identifier: MIT */
/* device_paranoid.h - a CPU device that imitates a GPU's memory: device memory
 * is out of the host's reach between calls, what get moves is there only after
 * sync, what put moves must not change before, kernels take no host memory. So
 * a missing transfer fails on a laptop: with a fault, or with what CHECK says.
 */
#ifndef DEVICE_PARANOID_H
#define DEVICE_PARANOID_H

#include "base/err.h"
#include "cpu/cpuid.h"

#include <stddef.h>

struct comm;
struct device;

/* As device_cpu_open; one at a time in a process, memory freed before close. */
enum err device_paranoid_open(struct comm *c, enum isa isa, size_t real,
                              struct device **out);

/* For tests: stale bytes (NaN in every precision), where nothing may be taken
 * for granted. */
void device_paranoid_poison(struct device *d, void *data, size_t bytes);

#endif
