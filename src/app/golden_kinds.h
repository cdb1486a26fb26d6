/* SPDX-License-Identifier: MIT */
/* golden_kinds.h - the kinds of golden files, one function each; golden_run.c
 * has the table. */
#ifndef GOLDEN_KINDS_H
#define GOLDEN_KINDS_H

#include "app/golden_compare.h"

struct device;

typedef enum err golden_kind(const struct golden *g, struct device *d,
                             const struct golden_report *to);

golden_kind golden_model, golden_train, golden_conv; /* golden_net */
golden_kind golden_layer;                            /* linear, norm, pool */
golden_kind golden_attention; /* keys, values and queries given */
golden_kind golden_wigner;    /* src/math */

#endif
