/* SPDX-License-Identifier: MIT */
/* device_paranoid.h - a CPU device that imitates a GPU's memory: device memory
 * is out of the host's reach between calls, what get and put move is there only
 * after sync, and fresh workspace is poison. So a missing transfer fails on a
 * laptop. */
#ifndef DEVICE_PARANOID_H
#define DEVICE_PARANOID_H

#include "base/err.h"
#include "cpu/cpuid.h"

#include <stddef.h>

struct comm;
struct device;

/* As device_cpu_open. */
enum err device_paranoid_open(struct comm *c, enum isa isa, size_t real,
                              struct device **out);

#endif
