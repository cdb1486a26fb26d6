/* SPDX-License-Identifier: MIT */
/* device_cpu.h - the CPU as a device: host memory, kernels of the registry with
 * OpenMP threads inside, sums over ranks by MPI. */
#ifndef DEVICE_CPU_H
#define DEVICE_CPU_H

#include "base/err.h"
#include "cpu/cpuid.h"

#include <stddef.h>

struct comm;
struct device;

/* real: 4 or 8 bytes. c is borrowed until device_close; NULL: a sum over ranks
 * is the value itself. ERR_ENVIRONMENT: isa does not run here, memory. */
enum err device_cpu_open(struct comm *c, enum isa isa, size_t real,
                         struct device **out);

#endif
