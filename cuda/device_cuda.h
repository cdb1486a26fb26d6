/* SPDX-License-Identifier: MIT */
/* device_cuda.h - the device of one NVIDIA GPU a rank (device/device.h).
 *
 * In a build without CUDA none.c stands behind this header; on a machine
 * without a driver, or without a GPU, the runtime says so when it is asked.
 */
#ifndef DEVICE_CUDA_H
#define DEVICE_CUDA_H

#include "base/err.h"

#include <stddef.h>

struct comm;
struct device;

/* GPUs that this process sees; 0: why, a phrase for a message. Does not touch
 * them: a run on the CPU may ask. */
int device_cuda_count(const char **why);

/* Collective, agreed by the caller; real: bytes of a number in views.
 * ERR_ENVIRONMENT: no CUDA in this build, or no GPU for this rank. */
enum err device_cuda_open(struct comm *c, size_t real, struct device **out);

#endif
