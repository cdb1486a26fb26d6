/* SPDX-License-Identifier: MIT */
/* registry.h - which kernels the CPU device runs. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "base/err.h"
#include "cpu/cpuid.h"

#include <stddef.h>

struct kernels;
struct peak;

/* Fills *out with the kernels of numbers of `real` bytes, up to isa: reference
 * first, each faster set overwrites what it has. Above ISA_SINGLE products are
 * of bf16: compute.precision: bf16.
 * ERR_ENVIRONMENT: isa does not run here. */
enum err registry_fill(size_t real, enum isa isa, struct kernels *out);

/* Which archive a slot comes from, for logs: calls visit for every slot in
 * order with its name ("conv_fwd") and the instruction set that fills it. */
void registry_slots(size_t real, enum isa isa,
                    void (*visit)(void *self, const char *slot, enum isa from),
                    void *self);

/* The loops that measure ceilings (peaks.h) of an instruction set; NULL: none
 * that run here. */
const struct peak *registry_peaks(enum isa isa);

#endif
