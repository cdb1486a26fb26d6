/* SPDX-License-Identifier: MIT */
/* text.c - measured first, then printed. */
#include "deck/text.h"

#include "base/mem.h"

#include <stdarg.h>

void text_add(struct text *t, const char *format, ...)
{
    va_list args;
    void *data = t->data;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (t->err || n < 0)
        return;
    t->err = mem_grow(&data, &t->capacity, t->length + (size_t)n + 1, 1,
                      "the text of a deck");
    if (t->err)
        return;
    t->data = data;
    va_start(args, format);
    vsnprintf(t->data + t->length, (size_t)n + 1, format, args);
    va_end(args);
    t->length += (size_t)n;
}

enum err text_take(struct text *t, char **out)
{
    enum err err;

    text_add(t, "%s", "");
    err = t->err;
    if (err)
        mem_free(t->data);
    else
        *out = t->data;
    *t = (struct text){.data = NULL};
    return err;
}
