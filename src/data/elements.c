/* SPDX-License-Identifier: MIT */
/* elements.c - the chemical elements of a training part. */
#include "data/dataset.h"
#include "data/loader.h"

#include <string.h>

static const uint8_t organic[] = {1, 6, 7, 8, 9}; /* H C N O F: QM9's */
enum { ORGANIC = sizeof organic };

static void mark(const uint8_t number[], int64_t n, char there[])
{
    for (int64_t i = 0; i < n; i++)
        if (number[i] < LOADER_ELEMENTS)
            there[number[i]] = 1;
}

static int list(const char there[], uint8_t number[])
{
    int n = 0;

    for (int z = 1; z < LOADER_ELEMENTS; z++)
        if (there[z])
            number[n++] = (uint8_t)z;
    return n;
}

static int is_organic(const struct dataset *d)
{
    for (int64_t i = 0; i < d->atoms; i++)
        if (!memchr(organic, d->number[i], ORGANIC))
            return 0;
    return 1;
}

void elements_of(const struct dataset *d, const int64_t rows[], int64_t n,
                 struct elements *out)
{
    char there[LOADER_ELEMENTS] = {0};

    for (int64_t i = 0; i < n; i++) {
        int64_t first = d->atom_begin[rows[i]];

        mark(d->number + first, d->atom_begin[rows[i] + 1] - first, there);
    }
    *out = (struct elements){0};
    out->seen = list(there, out->seen_number);
    if (is_organic(d)) {
        out->n = ORGANIC;
        memcpy(out->number, organic, ORGANIC);
    } else {
        out->n = out->seen;
        memcpy(out->number, out->seen_number, (size_t)out->seen);
    }
}

int elements_index(const struct elements *e, int z)
{
    for (int i = 0; i < e->n; i++)
        if (e->number[i] == z)
            return i;
    return -1;
}

int elements_unknown(const struct elements *e, const struct dataset *d,
                     int64_t row)
{
    for (int64_t i = d->atom_begin[row]; i < d->atom_begin[row + 1]; i++)
        if (elements_index(e, d->number[i]) < 0)
            return d->number[i];
    return 0;
}
