/* SPDX-License-Identifier: MIT */
/* target_scale.c - element references and the moments of what they leave.
 *
 * Fit: least squares over counts of elements, x = argmin |y - A x|, by A'A x =
 * A'y: A'A holds whole numbers, exact in double, and an error e of x costs e^2
 * in what is left. Cholesky with pivoting leaves out elements whose counts
 * follow from the others': their reference is 0. Sums run in the order of the
 * training part.
 */
#include "base/log.h"
#include "base/mem.h"
#include "data/dataset.h"
#include "data/loader.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double hartree = 27.211386245988; /* eV, CODATA 2018 */

/* Free atoms in Hartree, from QM9's atomref (B3LYP/6-31G(2df,p)). */
enum { ATOMS = 5 };
static const uint8_t atom_number[ATOMS] = {1, 6, 7, 8, 9};
static const struct {
    const char *target;
    double energy[ATOMS]; /* H C N O F */
} atom_energies[] = {
    {"U0", {-0.500273, -37.846772, -54.583861, -75.064579, -99.718730}},
    {"U", {-0.498857, -37.845355, -54.582445, -75.063163, -99.717314}},
    {"H", {-0.497912, -37.844411, -54.581501, -75.062219, -99.716370}},
    {"G", {-0.510927, -37.861317, -54.598897, -75.079532, -99.733544}},
};
enum { ENERGIES = sizeof atom_energies / sizeof *atom_energies };

static int row_of_atoms(const char *name)
{
    for (int i = 0; i < ENERGIES; i++)
        if (strcmp(atom_energies[i].target, name) == 0)
            return i;
    return -1;
}

int target_has_atoms(const char *name)
{
    return row_of_atoms(name) >= 0;
}

const char *target_no_atoms(const struct dataset *d, int column)
{
    const struct dataset_target *target = &d->target[column];

    if (row_of_atoms(target->name) < 0)
        return "energies of free atoms are there for U0 U H G";
    if (target->unit[0] && strcmp(target->unit, "eV") != 0)
        return "energies of free atoms are in eV";
    for (int64_t i = 0; i < d->atoms; i++)
        if (!memchr(atom_number, d->number[i], ATOMS))
            return "energies of free atoms are there for H C N O F";
    return NULL;
}

static void count_elements(const struct target_scale *ts,
                           const struct dataset *d, int64_t row, double count[])
{
    int of[LOADER_ELEMENTS] = {0};

    for (int64_t i = d->atom_begin[row]; i < d->atom_begin[row + 1]; i++)
        of[d->number[i]]++;
    for (int e = 0; e < ts->elements; e++)
        count[e] = of[ts->element[e]];
}

double target_scale_reference(const struct target_scale *ts,
                              const struct dataset *d, int64_t row, int t)
{
    double count[LOADER_ELEMENTS], sum = 0;

    if (!ts->reference)
        return 0;
    count_elements(ts, d, row, count);
    for (int e = 0; e < ts->elements; e++)
        sum += count[e] * ts->reference[t * ts->elements + e];
    return sum;
}

/* The labels of one target in the training part. */
struct column {
    const struct dataset *d;
    const int64_t *row;
    int64_t n;
    int column;
};

static double label(const struct column *c, int64_t i)
{
    return c->d->label[c->row[i] * c->d->targets + c->column];
}

struct equations {
    int n;
    int order[LOADER_ELEMENTS]; /* pivots */
    int rank;
    double a[LOADER_ELEMENTS][LOADER_ELEMENTS]; /* A'A, then its factor */
    double whole[LOADER_ELEMENTS];              /* the diagonal of A'A */
    double b[LOADER_ELEMENTS];                  /* A'y, then x */
};

static void gather(const struct column *c, const struct target_scale *ts,
                   struct equations *q)
{
    *q = (struct equations){.n = ts->elements};
    for (int64_t i = 0; i < c->n; i++) {
        double count[LOADER_ELEMENTS], y = label(c, i);

        if (isnan(y))
            continue;
        count_elements(ts, c->d, c->row[i], count);
        for (int e = 0; e < q->n; e++) {
            q->b[e] += count[e] * y;
            for (int f = 0; f < q->n; f++)
                q->a[e][f] += count[e] * count[f];
        }
    }
}

/* What is left of a pivot, of what it was. */
static double left(const struct equations *q, int e)
{
    return q->a[e][e] / q->whole[e];
}

/* The pivot of which most is left goes to place k. */
static double choose(struct equations *q, int k)
{
    int best = k, held = q->order[k];

    for (int i = k; i < q->n; i++)
        if (left(q, q->order[i]) > left(q, q->order[best]))
            best = i;
    q->order[k] = q->order[best];
    q->order[best] = held;
    return left(q, q->order[k]);
}

/* A'A = L D L' in the order of the pivots; row k of a keeps D and the columns
 * of L. A pivot that should vanish is left with some roundings of what it was;
 * counts that differ in one molecule of 1e5 leave 1e-7. */
static void factor(struct equations *q)
{
    for (int e = 0; e < q->n; e++) {
        q->order[e] = e;
        q->whole[e] = q->a[e][e] > 0 ? q->a[e][e] : 1;
    }
    for (q->rank = 0; q->rank < q->n; q->rank++) {
        const double *row;

        if (!(choose(q, q->rank) > 1e-11))
            break;
        row = q->a[q->order[q->rank]];
        for (int i = q->rank + 1; i < q->n; i++)
            for (int j = q->rank + 1; j < q->n; j++) {
                int e = q->order[i], f = q->order[j];

                q->a[e][f] -= row[e] * row[f] / row[q->order[q->rank]];
            }
    }
}

static void solve(struct equations *q)
{
    for (int k = 0; k < q->rank; k++) {
        const double *row = q->a[q->order[k]];

        for (int i = k + 1; i < q->rank; i++)
            q->b[q->order[i]] -=
                row[q->order[i]] / row[q->order[k]] * q->b[q->order[k]];
    }
    for (int k = q->rank - 1; k >= 0; k--) {
        const double *row = q->a[q->order[k]];
        double sum = q->b[q->order[k]];

        for (int i = k + 1; i < q->rank; i++)
            sum -= row[q->order[i]] * q->b[q->order[i]];
        q->b[q->order[k]] = sum / row[q->order[k]];
    }
    for (int k = q->rank; k < q->n; k++)
        q->b[q->order[k]] = 0;
}

static enum err fit(const struct column *c, struct target_scale *ts, int t)
{
    struct equations *q;
    void *block;

    TRY(mem_alloc(1, sizeof *q, "the fit of element references", &block));
    q = block;
    gather(c, ts, q);
    factor(q);
    solve(q);
    for (int e = 0; e < q->n; e++)
        ts->reference[t * q->n + e] = q->b[e];
    mem_free(block);
    return OK;
}

static void set_atoms(struct target_scale *ts, int t)
{
    const double *energy = atom_energies[row_of_atoms(ts->name[t])].energy;

    for (int e = 0; e < ATOMS; e++)
        ts->reference[t * ATOMS + e] = energy[e] * hartree;
}

static enum err refer(const struct column *c, enum scale_reference reference,
                      struct target_scale *ts, int t)
{
    const struct dataset_target *target = &c->d->target[c->column];
    const char *why = target_no_atoms(c->d, c->column);

    if (reference == SCALE_FIT)
        return fit(c, ts, t);
    if (!why) {
        set_atoms(ts, t);
        return OK;
    }
    if (reference == SCALE_ATOMS)
        return err_set(ERR_DECK,
                       "data.reference: no atoms for target %s: %s (expected "
                       "auto, none or fit, found atoms); set fit or none",
                       target->name, why);
    if (target_has_atoms(target->name))
        log_note("data.reference: auto is none for target %s: %s", target->name,
                 why);
    return OK;
}

/* Around the first value, so that equal ones have exactly no deviation. */
static enum err moments(const struct column *c, struct target_scale *ts, int t)
{
    double first = 0, sum = 0, squares = 0, largest = 0, mean;
    int64_t n = 0;

    for (int64_t i = 0; i < c->n; i++) {
        double y = label(c, i);

        if (isnan(y))
            continue;
        largest = fmax(largest, fabs(y));
        y -= target_scale_reference(ts, c->d, c->row[i], t);
        if (n++ == 0)
            first = y;
        sum += y - first;
    }
    mean = n ? sum / (double)n : 0;
    for (int64_t i = 0; i < c->n; i++)
        if (!isnan(label(c, i))) {
            double y = label(c, i) -
                       target_scale_reference(ts, c->d, c->row[i], t) - first -
                       mean;

            squares += y * y;
        }
    ts->mean[t] = first + mean;
    ts->std[t] = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    /* labels less references round to some of the last digits of a label */
    if (!(ts->std[t] > 64 * DBL_EPSILON * largest))
        return err_set(ERR_DATA,
                       "%.400s: target %s has no deviation in the training "
                       "part (expected two or more different labels, found "
                       "%lld, standard deviation %g); choose another target, "
                       "reference or split",
                       c->d->path, ts->name[t], (long long)n, ts->std[t]);
    return OK;
}

/* Whose references there are: the atoms' five, or those of the part. */
static enum err open_references(const struct dataset *d, const struct split *s,
                                enum scale_reference reference,
                                struct target_scale *ts)
{
    struct elements part;
    void *block;

    if (reference == SCALE_NONE)
        return OK;
    ts->elements = ATOMS;
    memcpy(ts->element, atom_number, ATOMS);
    if (reference == SCALE_FIT) {
        elements_of(d, s->row[PART_TRAIN], s->n[PART_TRAIN], &part);
        ts->elements = part.seen;
        memcpy(ts->element, part.seen_number, (size_t)part.seen);
    }
    TRY(mem_alloc((size_t)ts->n * (size_t)ts->elements, sizeof(double),
                  "element references", &block));
    ts->reference = block;
    return OK;
}

/* auto that found atoms for no target is none. */
static void drop_zeros(struct target_scale *ts)
{
    int used = 0;

    for (int i = 0; ts->reference && i < ts->n * ts->elements; i++)
        used += ts->reference[i] != 0;
    if (used == 0) {
        mem_free(ts->reference);
        ts->reference = NULL;
        ts->elements = 0;
    }
}

enum err target_scale_make(const struct dataset *d, const struct split *s,
                           const int column[], int n,
                           enum scale_reference reference,
                           struct target_scale *out)
{
    struct target_scale ts = {.n = n};
    enum err err;

    CHECK(n <= LOADER_TARGETS);
    TRY(open_references(d, s, reference, &ts));
    for (int t = 0; t < n; t++) {
        const struct column c = {d, s->row[PART_TRAIN], s->n[PART_TRAIN],
                                 column[t]};
        const struct dataset_target *target = &d->target[column[t]];

        snprintf(ts.name[t], sizeof ts.name[t], "%s", target->name);
        snprintf(ts.unit[t], sizeof ts.unit[t], "%s", target->unit);
        if (reference != SCALE_NONE)
            TRY_GOTO(refer(&c, reference, &ts, t), free_references);
        TRY_GOTO(moments(&c, &ts, t), free_references);
    }
    drop_zeros(&ts);
    *out = ts;
    return OK;

free_references:
    target_scale_fini(&ts);
    return err;
}

void target_scale_fini(struct target_scale *t)
{
    mem_free(t->reference);
    *t = (struct target_scale){0};
}
