/* SPDX-License-Identifier: MIT */
/* golden_compare.h - every number under /expect against what was computed:
 * errors as golden/README.md measures them, tolerances as it grants them.
 */
#ifndef GOLDEN_COMPARE_H
#define GOLDEN_COMPARE_H

#include "app/golden_read.h"

#include <stddef.h>

struct golden_line {
    const char *golden, *quantity, *precision;
    double error, tolerance; /* finite; DBL_MAX for what is not */
    int pass;
};

/* Who takes the lines. */
struct golden_report {
    void (*line)(void *self, const struct golden_line *line);
    void *self;
    size_t real; /* of the device: 4 or 8 bytes */
};

/* Something that was computed. find gives the numbers of a path under /expect,
 * in the file's layout (a digest: of its whole array); out->x NULL: it does not
 * know them. */
struct golden_subject {
    enum err (*find)(void *self, const char *path, struct golden_array *out);
    void *self;
};

/* Of several subjects the worst counts. A quantity that none knows fails, but
 * an intermediate that none keeps is passed over. */
enum err golden_compare(const struct golden *g,
                        const struct golden_subject subject[], int n,
                        const struct golden_report *to);

/* One line outside /expect: largest difference over largest entry. */
void golden_compare_array(const struct golden *g, const char *quantity,
                          const double *found,
                          const struct golden_array *expected,
                          const struct golden_report *to);

#endif
