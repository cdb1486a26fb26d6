/* SPDX-License-Identifier: MIT */
/* watchdog.h - a thread that ends the process when a wait lasts too long.
 *
 * Internal to src/comm. One thread arms and disarms; waits do not nest.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "base/err.h"

struct watchdog; /* opaque */

/* ERR_ENVIRONMENT: no thread, no memory. */
enum err watchdog_start(int rank, double patience, struct watchdog **out);

/* Sets *w to NULL; NULL is fine, here and below. */
void watchdog_stop(struct watchdog **w);

void watchdog_arm(struct watchdog *w);
void watchdog_disarm(struct watchdog *w);

void watchdog_set_patience(struct watchdog *w, double seconds);
double watchdog_patience(const struct watchdog *w);

/* What the process ends with; ERR_ENVIRONMENT at first. */
void watchdog_set_code(struct watchdog *w, enum err code);

#endif
