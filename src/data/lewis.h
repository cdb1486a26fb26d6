/* SPDX-License-Identifier: MIT */
/* lewis.h - bond orders and charges on a given connectivity (bonds.md, step 5).
 *
 * Searches orders 1..3 so that every atom has an allowed valence, with the
 * least 4 sum|q| + 20 |sum q| + 6 per charged C + 30 sum (d - d0)^2.
 */
#ifndef LEWIS_H
#define LEWIS_H

#include "base/err.h"

struct molecule;

/* m has its connectivity (orders are overwritten). *found 1, 0: nothing fits,
 * or -1: too many forms to search. ERR_ENVIRONMENT: memory. */
enum err lewis_orders(struct molecule *m, int *found);

#endif
