/* SPDX-License-Identifier: MIT */
/* alkanes.c - C_i at (1.27 i, +-0.43, 0), two hydrogens above and below, one
 * more at each end. */
#include "app/alkanes.h"

#include "base/rng.h"
#include "comm/comm.h"
#include "comm/window.h"
#include "data/dataset.h"

#include <string.h>

enum { SHORTEST = 4, LENGTHS = 4 };

static const double step_x = 1.268, half_y = 0.428; /* C-C 1.53, 112 degrees */
static const double h_y = 0.63, h_z = 0.89;         /* C-H 1.09 */
static const double end_x = 0.904, end_y = 0.61;
static const double jitter = 0.03; /* Angstrom */

static int carbons(int64_t molecule)
{
    return SHORTEST + (int)(molecule % LENGTHS);
}

/* Where the next atom and bond go. */
struct pen {
    struct dataset *d;
    struct rng rng;
    int64_t atom, bond, first;
};

static void put_bond(struct pen *p, int i, int j)
{
    int32_t *to = (int32_t *)(uintptr_t)p->d->bond + 2 * p->bond;

    to[0] = i;
    to[1] = j;
    ((uint8_t *)(uintptr_t)p->d->order)[p->bond++] = 1;
}

static void put_atom(struct pen *p, int z, double x, double y, double height)
{
    double *to = (double *)(uintptr_t)p->d->x + 3 * p->atom;
    const double at[3] = {x, y, height};

    for (int k = 0; k < 3; k++)
        to[k] =
            at[k] + jitter * rng_normal(p->rng, (uint64_t)(3 * p->atom + k));
    ((uint8_t *)(uintptr_t)p->d->number)[p->atom++] = (uint8_t)z;
}

static void put_hydrogen(struct pen *p, int carbon, double x, double y,
                         double height)
{
    put_bond(p, carbon, (int)(p->atom - p->first));
    put_atom(p, 1, x, y, height);
}

static void put_chain(struct pen *p, int n)
{
    p->first = p->atom;
    for (int i = 0; i < n; i++) {
        if (i > 0)
            put_bond(p, i - 1, i);
        put_atom(p, 6, step_x * i, i % 2 ? -half_y : half_y, 0);
    }
    for (int i = 0; i < n; i++) {
        double x = step_x * i, side = i % 2 ? -1 : 1, y = side * half_y;

        put_hydrogen(p, i, x, y + side * h_y, h_z);
        put_hydrogen(p, i, x, y + side * h_y, -h_z);
        if (i == 0 || i == n - 1)
            put_hydrogen(p, i, x + (i ? end_x : -end_x), y - side * end_y, 0);
    }
}

static void fill(struct dataset *d)
{
    struct pen p = {.d = d, .rng = rng_stream(0, RNG_TEST, 0)};
    int64_t *id = (int64_t *)(uintptr_t)d->id;
    int64_t *atom_begin = (int64_t *)(uintptr_t)d->atom_begin;
    int64_t *bond_begin = (int64_t *)(uintptr_t)d->bond_begin;
    double *label = (double *)(uintptr_t)d->label;

    for (int64_t m = 0; m < d->molecules; m++) {
        id[m] = m + 1;
        label[m] = rng_normal(rng_stream(0, RNG_TEST, 1), (uint64_t)m);
        put_chain(&p, carbons(m));
        atom_begin[m + 1] = p.atom;
        bond_begin[m + 1] = p.bond;
    }
}

enum err alkanes_make(struct comm *c, int64_t molecules, struct dataset **out)
{
    struct dataset_target target = {"homo", "eV"};
    char path[] = "alkanes";
    struct dataset sizes = {
        .molecules = molecules, .targets = 1, .target = &target, .path = path};

    for (int64_t m = 0; m < molecules; m++) {
        sizes.atoms += 3 * carbons(m) + 2;
        sizes.bonds += 3 * carbons(m) + 1;
    }
    TRY(dataset_new(c, &sizes, out));
    if (window_is_mine((*out)->window))
        fill(*out);
    window_fence(c, (*out)->window);
    return OK;
}
