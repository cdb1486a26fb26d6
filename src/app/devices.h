/* SPDX-License-Identifier: MIT */
/* devices.h - the only place that knows which devices there are.
 *
 * Resolves run.device and run.cpu_isa, says what a build or a machine lacks,
 * and sets the number of OpenMP threads of each rank.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "base/err.h"

struct comm;
struct deck;
struct device;
struct params;

/* Collective. kept: the instruction set that a checkpoint names, or "": with
 * auto it is taken again where all ranks have it, else that is said. Records
 * nothing in the deck. ERR_DECK: a precision or radial mode that this build
 * lacks; ERR_ENVIRONMENT: a device or an instruction set that it or a machine
 * lacks. Agreed. */
enum err device_choose(struct comm *c, const struct params *p, const char *kept,
                       struct device **out);

/* Mistakes of the first kind, for the deck (run with the other checks). */
void device_check(const struct params *p, struct deck *deck);

/* Collective. Threads of this rank: OMP_NUM_THREADS where it is a number, else
 * its share of the cores it may use; warns of an odd value and of more threads
 * than cores. Before a device is opened. */
void threads_choose(struct comm *c);

/* Ranks, threads and the affinity mask in one line, to log.txt. */
void threads_log(const struct comm *c);
int threads_of_rank(void);

/* Which kernels run, slot by slot, and why not a faster set: to log.txt, or as
 * notes on standard error. */
void device_log(const struct device *d, int notes);

#endif
