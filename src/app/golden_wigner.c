/* SPDX-License-Identifier: MIT */
/* golden_wigner.c - the file of coupling coefficients, harmonics, rotations and
 * generators: src/math in double, whatever the device.
 */
#include "app/golden_kinds.h"

#include "base/mem.h"
#include "math/wigner.h"

#include <stdio.h>
#include <string.h>

enum { M = 2 * FIBER_DEGREES - 1, LARGEST = 32 * M * M * M };

struct table {
    const struct golden *g;
    const struct golden_report *to;
    struct golden_array directions, turns; /* [n, 3], [n, 3, 3] */
    double *found;                         /* [LARGEST] */
};

static enum err compare(const struct table *t, const char *quantity,
                        int64_t count)
{
    struct golden_array expected;
    enum err err = OK;

    TRY(golden_read(t->g, quantity, &expected));
    if (expected.count == count)
        golden_compare_array(t->g, quantity, t->found, &expected, t->to);
    else
        err = err_set(ERR_DATA,
                      "%s: %s: another shape (expected %lld numbers, found "
                      "%lld); make the file anew",
                      t->g->path, quantity, (long long)count,
                      (long long)expected.count);
    golden_array_fini(&expected);
    return err;
}

/* Up to three digits between points; others -1. */
static void digits(const char *name, int out[3])
{
    for (int i = 0; i < 3; i++) {
        out[i] = *name >= '0' && *name <= '9' ? *name - '0' : -1;
        name += *name != '\0';
        name += *name == '.';
    }
}

static enum err compare_3j(void *self, struct h5 *f, const char *path)
{
    struct table *t = self;
    char quantity[GOLDEN_PATH];
    int k[3]; /* J, li, lo */

    (void)f;
    digits(path, k);
    snprintf(quantity, sizeof quantity, "wigner_3j/%s", path);
    if (k[1] < 0 || k[1] >= FIBER_DEGREES || k[2] < 0 ||
        k[2] >= FIBER_DEGREES || k[0] < 0 || k[0] > k[1] + k[2] ||
        k[0] < (k[1] > k[2] ? k[1] - k[2] : k[2] - k[1]))
        return compare(t, quantity, -1);
    wigner_3j(k[0], k[1], k[2], t->found);
    return compare(t, quantity,
                   (2 * k[0] + 1) * (2 * k[1] + 1) * (2 * k[2] + 1));
}

static enum err compare_harmonics(struct table *t, int l)
{
    const int n = 2 * l + 1, rows = (int)(t->directions.count / 3);
    double all[M * M];
    char quantity[GOLDEN_PATH];

    for (int r = 0; r < rows; r++) {
        wigner_harmonics(l, t->directions.x + 3 * r, all);
        memcpy(t->found + r * n, all + l * l, (size_t)n * sizeof *all);
    }
    snprintf(quantity, sizeof quantity, "harmonics/%d", l);
    return compare(t, quantity, rows * n);
}

static enum err compare_rotations(struct table *t, int l)
{
    const int square = (2 * l + 1) * (2 * l + 1);
    const int rows = (int)(t->turns.count / 9);
    char quantity[GOLDEN_PATH];

    for (int r = 0; r < rows; r++)
        wigner_d(l, t->turns.x + 9 * r, t->found + r * square);
    snprintf(quantity, sizeof quantity, "rotation/D.%d", l);
    return compare(t, quantity, rows * square);
}

static enum err compare_generators(struct table *t, int l)
{
    char quantity[GOLDEN_PATH];

    wigner_generators(l, t->found);
    snprintf(quantity, sizeof quantity, "generators/%d", l);
    return compare(t, quantity, 3 * (2 * l + 1) * (2 * l + 1));
}

/* Degrees of a group for as long as it has them. */
static enum err for_degrees(struct table *t, const char *prefix,
                            enum err (*one)(struct table *t, int l))
{
    char path[GOLDEN_PATH];

    for (int l = 0; l < FIBER_DEGREES; l++) {
        snprintf(path, sizeof path, "%s%d", prefix, l);
        if (h5_has(t->g->f, path))
            TRY(one(t, l));
    }
    return OK;
}

static enum err compare_all(struct table *t)
{
    TRY(golden_read(t->g, "directions", &t->directions));
    TRY(golden_read(t->g, "rotation/matrix", &t->turns));
    if (t->directions.count > 3 * 32 || t->turns.count > 9 * 32)
        return err_set(ERR_DATA,
                       "%s: directions, rotation/matrix (expected at most 32 "
                       "of each, found more); make the file anew",
                       t->g->path);
    TRY(h5_visit(t->g->f, "/wigner_3j", compare_3j, t));
    TRY(for_degrees(t, "/harmonics/", compare_harmonics));
    TRY(for_degrees(t, "/rotation/D.", compare_rotations));
    return for_degrees(t, "/generators/", compare_generators);
}

enum err golden_wigner(const struct golden *g, struct device *d,
                       const struct golden_report *to)
{
    struct table t = {.g = g, .to = to};
    enum err err;

    (void)d;
    if (to->real != sizeof(double))
        return OK;
    TRY(mem_alloc(LARGEST, sizeof *t.found, "a table", (void **)&t.found));
    err = compare_all(&t);
    golden_array_fini(&t.directions);
    golden_array_fini(&t.turns);
    mem_free(t.found);
    return err;
}
