/* SPDX-License-Identifier: MIT */
/* selftest_machine.h - what `se3t selftest` checks without files: networks on
 * made-up molecules, in every kernel variant that runs here.
 */
#ifndef SELFTEST_MACHINE_H
#define SELFTEST_MACHINE_H

#include "app/golden_compare.h"

struct comm;
struct params;

/* Collective. Of the precision in p, each variant against the reference in
 * double; in fp64 also turned molecules and finite differences. */
enum err selftest_machine(struct comm *c, const struct params *p,
                          const struct golden_report *to);

#endif
