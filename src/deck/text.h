/* SPDX-License-Identifier: MIT */
/* text.h - a string that grows. The first failure stays, so that a writer of
 * many pieces asks once, at the end.
 */
#ifndef TEXT_H
#define TEXT_H

#include "base/err.h"

#include <stddef.h>

struct text {
    char *data; /* NULL while empty */
    size_t length, capacity;
    enum err err;
};

void text_add(struct text *t, const char *format, ...) ERR_FORMAT(2, 3);

/* Hands the string over (mem_free); *t is empty again. ERR_ENVIRONMENT. */
enum err text_take(struct text *t, char **out);

#endif
