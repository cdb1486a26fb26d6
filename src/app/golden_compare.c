/* SPDX-License-Identifier: MIT */
/* golden_compare.c - a table of quantities: how each is measured, and which of
 * the reference's own errors its tolerance comes from. */
#include "app/golden_compare.h"

#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum measure {
    LARGEST, /* largest difference / largest entry */
    NORM     /* 2-norm of the difference / 2-norm, of one weight's gradient */
};

/* The first row whose prefix fits. measured: attributes measured_f32_*, the
 * first that is there. */
static const struct {
    const char *prefix;
    enum measure measure;
    const char *measured[3];
} rows[] = {
    {"output", LARGEST, {"output"}},
    {"loss", LARGEST, {"loss"}},
    {"grad/", NORM, {"grad_worst", "grad", "weight"}},
    {"grad_digest/", NORM, {"grad_worst", "grad"}},
    {"grad_norm", LARGEST, {"weight"}},
    {"grad_", LARGEST, {"grad_x", "grad"}},
    {"lr", LARGEST, {NULL}},
    {"intermediate", LARGEST, {"output"}},
    {"", LARGEST, {"weight", "output"}},
};

/* Gradients that are nearly nothing beside the others are measured against a
 * ten-thousandth of the largest: golden/README.md measured none below it. */
static const double least_gradient = 1e-4;

struct comparison {
    const struct golden *g;
    const struct golden_subject *subject;
    int subjects;
    const struct golden_report *to;
    double largest_gradient;
};

static size_t row_of(const char *quantity)
{
    size_t r = 0;

    while (strncmp(quantity, rows[r].prefix, strlen(rows[r].prefix)) != 0)
        r++;
    return r;
}

/* float64: 1e-10; float32: ten times the reference's own error, at least 1e-5.
 */
static enum err tolerance(const struct comparison *o, const char *quantity,
                          double *out)
{
    const size_t r = row_of(quantity);
    double measured = 0;

    if (o->to->real == sizeof(double)) {
        *out = 1e-10;
        return OK;
    }
    for (int i = 0; i < 3 && rows[r].measured[i] && !measured; i++) {
        char name[GOLDEN_WORD];

        snprintf(name, sizeof name, "measured_f32_%s", rows[r].measured[i]);
        TRY(golden_real(o->g, name, 0, &measured));
    }
    *out = fmax(1e-5, 10 * measured);
    return OK;
}

static void say(const struct golden *g, const struct golden_report *to,
                const char *quantity, double error, double limit)
{
    const struct golden_line line = {
        .golden = g->name,
        .quantity = quantity,
        .precision = to->real == sizeof(double) ? "fp64" : "fp32",
        .error = error <= DBL_MAX ? error : DBL_MAX, /* NaN too */
        .tolerance = limit,
        .pass = error <= limit};

    to->line(to->self, &line);
}

/* --- measures ------------------------------------------------------------ */

static double largest_difference(const double *found, const double *expected,
                                 int64_t n)
{
    double worst = 0, largest = 0;

    for (int64_t i = 0; i < n; i++) {
        const double d = fabs(found[i] - expected[i]);

        worst = d <= worst ? worst : d; /* not d > worst: NaN must stay */
        largest = fmax(largest, fabs(expected[i]));
        if (isnan(worst))
            return worst;
    }
    return largest > 0 ? worst / largest : worst;
}

static double norm_of(const double *x, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* What a gradient of this norm is measured against. */
static double scale(const struct comparison *o, enum measure m, double norm)
{
    const double least = m == NORM ? least_gradient * o->largest_gradient : 0;

    norm = fmax(norm, least);
    return norm > 0 ? norm : 1;
}

static double norm_difference(const struct comparison *o, const double *found,
                              const double *expected, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (found[i] - expected[i]) * (found[i] - expected[i]);
    return sqrt(sum) / scale(o, NORM, norm_of(expected, n));
}

/* --- one quantity -------------------------------------------------------- */

static double whole_error(const struct comparison *o, const char *quantity,
                          const struct golden_array *found,
                          const struct golden_array *expected)
{
    if (found->count != expected->count)
        return DBL_MAX;
    return rows[row_of(quantity)].measure == NORM
               ? norm_difference(o, found->x, expected->x, found->count)
               : largest_difference(found->x, expected->x, found->count);
}

static enum err digest_member(const struct golden *g, const char *quantity,
                              const char *name, struct golden_array *out)
{
    char path[2 * GOLDEN_PATH];

    snprintf(path, sizeof path, "/expect/%s/%s", quantity, name);
    return golden_read(g, path, out);
}

struct digest_arrays {
    struct golden_array norm, sum, index, value;
};

static enum err digest_read(const struct golden *g, const char *quantity,
                            struct digest_arrays *d)
{
    TRY(digest_member(g, quantity, "norm", &d->norm));
    TRY(digest_member(g, quantity, "sum", &d->sum));
    TRY(digest_member(g, quantity, "index", &d->index));
    TRY(digest_member(g, quantity, "value", &d->value));
    if (d->norm.count == 1 && d->sum.count == 1 &&
        d->index.count == d->value.count)
        return OK;
    return err_set(ERR_DATA,
                   "%s: /expect/%s: not a digest (expected one norm, one sum, "
                   "as many values as indices, found others); make the file "
                   "anew",
                   g->path, quantity);
}

static void digest_fini(struct digest_arrays *d)
{
    golden_array_fini(&d->norm);
    golden_array_fini(&d->sum);
    golden_array_fini(&d->index);
    golden_array_fini(&d->value);
}

/* The worst of norm, sum and samples. The samples stand for all numbers, so
 * their difference is taken up to that of the whole. */
static double digest_error(const struct comparison *o, const char *quantity,
                           const struct golden_array *found,
                           const struct digest_arrays *d)
{
    const double by = scale(o, rows[row_of(quantity)].measure, d->norm.x[0]);
    double norm = norm_of(found->x, found->count), sum = 0, samples = 0;
    double worst;

    for (int64_t i = 0; i < found->count; i++)
        sum += found->x[i];
    for (int64_t i = 0; i < d->index.count; i++) {
        const double at = d->index.x[i];
        double off;

        if (!(at >= 0 && at < (double)found->count))
            return DBL_MAX;
        off = found->x[(int64_t)at] - d->value.x[i];
        samples += off * off;
    }
    if (d->index.count > 0)
        samples = sqrt(samples * (double)found->count / (double)d->index.count);
    worst = fmax(fabs(norm - d->norm.x[0]), samples);
    worst = fmax(worst, fabs(sum - d->sum.x[0])) / by;
    return isnan(norm) ? DBL_MAX : worst;
}

/* The error of the worst subject; -1: none knows it. */
static enum err worst_error(const struct comparison *o, const char *quantity,
                            const struct golden_array *expected,
                            const struct digest_arrays *digest, double *out)
{
    *out = -1;
    for (int i = 0; i < o->subjects; i++) {
        struct golden_array found = {0};
        double error;

        TRY(o->subject[i].find(o->subject[i].self, quantity, &found));
        if (!found.x)
            continue;
        error = digest ? digest_error(o, quantity, &found, digest)
                       : whole_error(o, quantity, &found, expected);
        golden_array_fini(&found);
        if (!(error <= *out))
            *out = error <= DBL_MAX ? error : DBL_MAX;
    }
    return OK;
}

static enum err conclude(const struct comparison *o, const char *quantity,
                         double error)
{
    double limit;

    if (error < 0 && strncmp(quantity, "intermediate", 12) == 0)
        return OK;
    TRY(tolerance(o, quantity, &limit));
    say(o->g, o->to, quantity, error < 0 ? DBL_MAX : error, limit);
    return OK;
}

static enum err compare_digest(const struct comparison *o, const char *path)
{
    const char *last = strrchr(path, '/');
    struct digest_arrays d = {0};
    char quantity[GOLDEN_PATH];
    double error;
    enum err err;

    if (strcmp(last, "/norm") != 0)
        return OK;
    snprintf(quantity, sizeof quantity, "%.*s", (int)(last - path), path);
    TRY_GOTO(digest_read(o->g, quantity, &d), fini);
    TRY_GOTO(worst_error(o, quantity, NULL, &d, &error), fini);
    err = conclude(o, quantity, error);
fini:
    digest_fini(&d);
    return err;
}

static enum err compare_whole(const struct comparison *o, const char *path)
{
    struct golden_array expected = {0};
    char full[GOLDEN_PATH];
    double error;
    enum err err;

    snprintf(full, sizeof full, "/expect/%s", path);
    TRY(golden_read(o->g, full, &expected));
    TRY_GOTO(worst_error(o, path, &expected, NULL, &error), fini);
    err = conclude(o, path, error);
fini:
    golden_array_fini(&expected);
    return err;
}

static enum err visit(void *self, struct h5 *f, const char *path)
{
    const struct comparison *o = self;
    const int is_digest = strncmp(path, "grad_digest/", 12) == 0 ||
                          strncmp(path, "intermediate_digest/", 20) == 0;

    (void)f;
    return is_digest ? compare_digest(o, path) : compare_whole(o, path);
}

/* --- the file ------------------------------------------------------------ */

static enum err visit_gradient(void *self, struct h5 *f, const char *path)
{
    struct comparison *o = self;
    const char *last = strrchr(path, '/');
    char full[GOLDEN_PATH];
    struct golden_array a;

    (void)f;
    snprintf(full, sizeof full, "/expect/grad%s/%s", last ? "_digest" : "",
             path);
    if (last && strcmp(last, "/norm") != 0)
        return OK;
    TRY(golden_read(o->g, full, &a));
    o->largest_gradient = fmax(o->largest_gradient, norm_of(a.x, a.count));
    golden_array_fini(&a);
    return OK;
}

enum err golden_compare(const struct golden *g,
                        const struct golden_subject subject[], int n,
                        const struct golden_report *to)
{
    struct comparison o = {.g = g, .subject = subject, .subjects = n, .to = to};

    if (h5_has(g->f, "/expect/grad"))
        TRY(h5_visit(g->f, "/expect/grad", visit_gradient, &o));
    if (h5_has(g->f, "/expect/grad_digest"))
        TRY(h5_visit(g->f, "/expect/grad_digest", visit_gradient, &o));
    return h5_visit(g->f, "/expect", visit, &o);
}

void golden_compare_array(const struct golden *g, const char *quantity,
                          const double *found,
                          const struct golden_array *expected,
                          const struct golden_report *to)
{
    say(g, to, quantity,
        largest_difference(found, expected->x, expected->count),
        to->real == sizeof(double) ? 1e-10 : 1e-5);
}
