/* SPDX-License-Identifier: MIT */
/* golden_run.h - one golden file on one device: everything under /expect.
 */
#ifndef GOLDEN_RUN_H
#define GOLDEN_RUN_H

#include "app/golden_compare.h"

struct device;

/* to->real is that of the device. ERR_DATA: not a golden file, or damaged. */
enum err golden_run(const char *path, struct device *d,
                    const struct golden_report *to);

#endif
