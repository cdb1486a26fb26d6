/* SPDX-License-Identifier: MIT */
/* loader.c - what a batch holds of each molecule, and which molecules a batch
 * holds.
 */
#include "data/loader.h"

#include "base/rng.h"
#include "data/dataset.h"

#include <limits.h>
#include <math.h>

double loader_reference(const struct loader *l, int64_t row, int t)
{
    return target_scale_reference(l->scale, l->d, row, t);
}

static void set_nodes(const struct loader *l, int64_t row, double *x)
{
    int c = l->elements->n + 1;

    for (int64_t i = l->d->atom_begin[row]; i < l->d->atom_begin[row + 1];
         i++, x += c) {
        int z = l->d->number[i], k = elements_index(l->elements, z);

        CHECK(k >= 0);
        for (int j = 0; j < c - 1; j++)
            x[j] = j == k;
        x[c - 1] = z;
    }
}

static void add_bonds(const struct loader *l, int64_t row, int node,
                      struct batch *b)
{
    for (int64_t i = l->d->bond_begin[row]; i < l->d->bond_begin[row + 1];
         i++) {
        double type[LOADER_SCALARS] = {0};

        type[l->d->order[i] - 1] = 1;
        batch_add_bond(b, node + l->d->bond[2 * i],
                       node + l->d->bond[2 * i + 1], 1, type);
    }
}

/* NaN stays NaN. */
static double standardised(const struct loader *l, int64_t row, int t)
{
    double label;

    if (l->column[t] < 0)
        return (double)NAN;
    label = l->d->label[row * l->d->targets + l->column[t]];
    return (label - loader_reference(l, row, t) - l->scale->mean[t]) /
           l->scale->std[t];
}

void loader_fill(const struct loader *l, const int64_t rows[], int n,
                 struct batch *b)
{
    int targets = l->scale->n;

    CHECK(b->node_fiber.channels[0] == l->elements->n + 1);
    CHECK(b->scalars == LOADER_SCALARS && b->targets == targets);
    batch_clear(b);
    for (int i = 0; i < n; i++) {
        int64_t row = rows[i], first = l->d->atom_begin[row];
        int node = b->nodes;
        int m = batch_add_molecule(b, l->d->id[row],
                                   (int)(l->d->atom_begin[row + 1] - first),
                                   l->d->x + 3 * first);

        set_nodes(l, row, b->node[0] + (int64_t)node * (l->elements->n + 1));
        add_bonds(l, row, node, b);
        for (int t = 0; t < targets; t++)
            b->target[m * targets + t] = standardised(l, row, t);
    }
    batch_finish(b, NULL);
}

int64_t loader_known(const struct loader *l, const int64_t rows[], int n,
                     int64_t known[])
{
    int64_t sum = 0;

    for (int t = 0; t < l->scale->n; t++) {
        known[t] = 0;
        for (int i = 0; i < n && l->column[t] >= 0; i++)
            known[t] +=
                !isnan(l->d->label[rows[i] * l->d->targets + l->column[t]]);
        sum += known[t];
    }
    return sum;
}

/* What is beyond an int cannot be allocated either: batch_create says so. */
static void enlarge(int *limit, int64_t need)
{
    if (need > *limit)
        *limit = need < INT_MAX ? (int)need : INT_MAX;
}

void loader_measure(const struct dataset *d, const int64_t rows[], int64_t n,
                    int64_t step, struct batch_limits *limits)
{
    int64_t nodes = 0, bonds = 0;

    for (int64_t i = 0; i < n; i++) {
        int64_t row = rows[i * step];

        nodes += d->atom_begin[row + 1] - d->atom_begin[row];
        bonds += d->bond_begin[row + 1] - d->bond_begin[row];
    }
    enlarge(&limits->molecules, n);
    enlarge(&limits->nodes, nodes);
    enlarge(&limits->bonds, bonds);
    enlarge(&limits->edges, 2 * bonds);
}

void loader_order(uint64_t seed, int64_t epoch, const int64_t rows[], int64_t n,
                  int64_t out[])
{
    rng_permutation(rng_stream(seed, RNG_SHUFFLE, (uint64_t)epoch), n, out);
    for (int64_t i = 0; i < n; i++)
        out[i] = rows[out[i]];
}

void loader_part(int n, int parts, int k, int *first, int *count)
{
    int64_t begin = (int64_t)n * k / parts, end = (int64_t)n * (k + 1) / parts;

    *first = (int)begin;
    *count = (int)(end - begin);
}
