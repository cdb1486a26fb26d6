/* SPDX-License-Identifier: MIT */
/* paranoid.h - between the two files of the paranoid device: its memory
 * (device_paranoid.c) and the wrappers around kernels (paranoid_kernels.c).
 * There is one open device a process, so neither names it.
 */
#ifndef PARANOID_H
#define PARANOID_H

struct kernels;

/* Device memory is within reach between the two. */
void paranoid_enter(void);
void paranoid_leave(void);

/* Whether p is in device memory, or NULL. */
int paranoid_owns(const void *p);

/* *k becomes kernels that check where their operands are and run what *k was
 * between enter and leave. */
void paranoid_wrap(struct kernels *k);

#endif
