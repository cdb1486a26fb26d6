/* SPDX-License-Identifier: MIT */
/* buckets.c - a bucket is closed when all so far have their share of the
 * numbers; what is summed last waits for nobody's computation, so the bucket at
 * the end of the backward pass is what remains. */
#include "run/buckets.h"

/* Fewer numbers are not worth a sum of their own. */
static const int64_t least = 1 << 16;

struct buckets buckets_of(int64_t numbers, int steps, const int64_t from[])
{
    int64_t share = (numbers + BUCKETS - 1) / BUCKETS, end = numbers;
    struct buckets b = {.n = 0};

    for (int i = 0; i < steps; i++) {
        int64_t done = numbers - from[i];
        int is_due = done >= (b.n + 1) * share && end - from[i] >= least &&
                     b.n < BUCKETS - 1;

        if (!is_due && i < steps - 1)
            continue;
        b.first[b.n] = from[i];
        b.end[b.n++] = end;
        end = from[i];
    }
    return b;
}

enum err buckets_room(const struct buckets *b, struct device *d,
                      enum device_sum kind)
{
    for (int i = 0; i < b->n; i++)
        TRY(d->reduce_room(d, i, b->end[i] - b->first[i], kind));
    return OK;
}

void buckets_begin(struct buckets *b, struct device *d, void *data, size_t size,
                   enum device_sum kind, int64_t from)
{
    for (; b->begun < b->n && b->first[b->begun] >= from; b->begun++) {
        int64_t first = b->first[b->begun];

        d->reduce_begin(d, b->begun, (char *)data + (size_t)first * size,
                        b->end[b->begun] - first, kind);
    }
}

void buckets_finish(struct buckets *b, struct device *d)
{
    for (int i = 0; i < b->begun; i++)
        d->reduce_finish(d, i);
    b->begun = 0;
}
