/* SPDX-License-Identifier: MIT */
/* report_plots_predictions.c - parity and histogram of each target.
 *
 * Of the points that fall on one spot of the picture one is drawn, so that a
 * picture of many molecules stays small; the data have all. */
#include "config.h"

#include "app/report_plots.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPOTS = 500 }; /* a side: about a pixel each */
enum { BINS_LEAST = 5, BINS_MOST = 61 };

static int is_known(const struct report_target *t, int64_t i)
{
    return isfinite(t->predicted[i]) && isfinite(t->reference[i]);
}

static void label_of(const struct report_target *t, const char *what,
                     char *room, size_t bytes)
{
    snprintf(room, bytes, *t->unit ? "%s %s [%s]" : "%s %s", what, t->name,
             t->unit);
}

static void put_label(FILE *f, const char *axis, const struct report_target *t,
                      const char *what)
{
    char label[3 * DATASET_NAME];

    label_of(t, what, label, sizeof label);
    fprintf(f, "set %slabel ", axis);
    report_put_quoted(f, label);
    fputs("\n", f);
}

/* --- parity -------------------------------------------------------------- */

struct axis {
    double least, most; /* least < most */
};

static struct axis axis_of(const struct report_target *t, int64_t rows)
{
    struct axis a = {(double)INFINITY, -(double)INFINITY};
    double more;

    for (int64_t i = 0; i < rows; i++)
        if (is_known(t, i)) {
            a.least = fmin(a.least, fmin(t->predicted[i], t->reference[i]));
            a.most = fmax(a.most, fmax(t->predicted[i], t->reference[i]));
        }
    more = 0.03 * (a.most - a.least);
    if (!(more > 0))
        more = fmax(fabs(a.most), 1) * 0.01;
    a.least -= more;
    a.most += more;
    return a;
}

static int spot_of(const struct axis *a, double x)
{
    int k = (int)((x - a->least) / (a->most - a->least) * SPOTS);

    return k < 0 ? 0 : k < SPOTS ? k : SPOTS - 1;
}

static void put_pairs(FILE *f, const struct report_predictions *of,
                      const struct report_target *t, const struct axis *a,
                      unsigned char spot[])
{
    fputs("# reference predicted drawn id\n", f);
    for (int64_t i = 0; i < of->rows; i++) {
        unsigned char *taken;

        if (!is_known(t, i))
            continue;
        taken = &spot[spot_of(a, t->reference[i]) * SPOTS +
                      spot_of(a, t->predicted[i])];
        report_put_number(f, t->reference[i]);
        report_put_number(f, t->predicted[i]);
        fprintf(f, " %d %.*s\n", !*taken, (int)of->id[i].n, of->id[i].s);
        *taken = 1;
    }
}

static void put_parity(const struct report_picture_files *f,
                       const struct report_target *t, const struct axis *a)
{
    put_label(f->script, "x", t, "reference");
    put_label(f->script, "y", t, "predicted");
    fprintf(f->script,
            "set size ratio 1\n"
            "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n"
            "set key bottom right\n"
            "plot '%s' using 1:($3 > 0 ? $2 : NaN) with points pointtype 7 "
            "pointsize %s linecolor rgb '#0072b2' title 'molecules', \\\n"
            "     x with lines linewidth 1.5 linecolor rgb '#d55e00' title "
            "'identity'\n",
            a->least, a->most, a->least, a->most, f->of->data,
            t->known < 200    ? "0.8"
            : t->known < 2000 ? "0.5"
                              : "0.35");
}

static enum err parity(struct report_pictures *p,
                       const struct report_predictions *of,
                       const struct report_target *t, const char *word)
{
    char name[REPORT_FILE], data[REPORT_FILE], title[2 * REPORT_WORD];
    struct axis a = axis_of(t, of->rows);
    struct report_picture_files f;
    void *spot;
    enum err err, end;

    snprintf(name, sizeof name, "parity-%s", word);
    snprintf(data, sizeof data, "parity-%s.dat", word);
    snprintf(title, sizeof title, "Parity of %s: %lld molecules, R2 %.4f",
             t->name, (long long)t->known, t->r2);
    TRY(mem_alloc(SPOTS, SPOTS, "the spots of a picture", &spot));
    err = report_picture_begin(p, name, data, title, REPORT_SQUARE, &f);
    if (!err) {
        put_pairs(f.data, of, t, &a, spot);
        put_parity(&f, t, &a);
    }
    end = report_picture_end(&f);
    mem_free(spot);
    return err ? err : end;
}

/* --- histogram ----------------------------------------------------------- */

struct histogram {
    double least, width;
    int bins;
    int64_t count[BINS_MOST], below, above;
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* x [n] ascending, n > 0. Errors: symmetric, without the half percent at
 * either end where it is farther out: outliers must not leave one bar. */
static struct axis range_of_errors(const double x[], int64_t n)
{
    int64_t tail = n / 200;
    double far = fmax(fabs(x[tail]), fabs(x[n - 1 - tail]));

    far = far > 0 ? far * 1.0001 : 1;
    return (struct axis){-far, far};
}

static struct axis range_of_all(const double x[], int64_t n)
{
    double more = 1e-4 * (x[n - 1] - x[0]);

    if (!(more > 0))
        more = fmax(fabs(x[0]), 1) * 0.01;
    return (struct axis){x[0] - more, x[n - 1] + more};
}

static void count(struct histogram *h, struct axis a, const double x[],
                  int64_t n)
{
    double wish = 2 * sqrt((double)n);

    /* odd: one bar about zero */
    h->bins = wish < BINS_LEAST  ? BINS_LEAST
              : wish > BINS_MOST ? BINS_MOST
                                 : (int)wish | 1;
    h->least = a.least;
    h->width = (a.most - a.least) / h->bins;
    for (int64_t i = 0; i < n; i++) {
        double k = floor((x[i] - h->least) / h->width);

        if (k < 0)
            h->below++;
        else if (!(k < h->bins)) /* NaN where the range is infinite, too */
            h->above++;
        else
            h->count[(int)k]++;
    }
}

static void put_histogram(const struct report_picture_files *f,
                          const struct report_target *t,
                          const struct histogram *h)
{
    fprintf(f->data, "# from to molecules; below: %lld, above: %lld\n",
            (long long)h->below, (long long)h->above);
    for (int k = 0; k < h->bins; k++) {
        report_put_number(f->data, h->least + k * h->width);
        report_put_number(f->data, h->least + (k + 1) * h->width);
        fprintf(f->data, " %lld\n", (long long)h->count[k]);
    }
    put_label(f->script, "x", t, t->known ? "error of" : "predicted");
    fprintf(f->script,
            "set ylabel 'molecules'\nunset key\nset yrange [0:*]\n"
            "set offsets 0, 0, graph 0.05, 0\n"
            "set style fill solid 0.8 border linecolor rgb '#ffffff'\n"
            "set xrange [%.9g:%.9g]\n",
            h->least, h->least + h->bins * h->width);
    if (t->known)
        fputs("set arrow from first 0, graph 0 to first 0, graph 1 nohead "
              "dashtype 2 linecolor rgb '#d55e00' front\n",
              f->script);
    fprintf(f->script,
            "plot '%s' using (($1 + $2) / 2):3:($2 - $1) with boxes linecolor "
            "rgb '#0072b2'\n",
            f->of->data);
}

static void title_of(const struct report_target *t, const struct histogram *h,
                     char *room, size_t bytes)
{
    char beyond[64] = "";

    if (h->below + h->above > 0)
        snprintf(beyond, sizeof beyond, " (%lld beyond the axis)",
                 (long long)(h->below + h->above));
    if (t->known)
        snprintf(room, bytes, "Errors of %s: MAE %.4g%s%s%s", t->name, t->mae,
                 *t->unit ? " " : "", t->unit, beyond);
    else
        snprintf(room, bytes, "Predictions of %s%s", t->name, beyond);
}

/* Errors where references are, else the predictions themselves. */
static int64_t values_of(const struct report_predictions *of,
                         const struct report_target *t, double x[])
{
    int64_t n = 0;

    for (int64_t i = 0; i < of->rows; i++) {
        double y = t->known ? t->reference[i] : 0;

        if (isfinite(t->predicted[i]) && isfinite(y))
            x[n++] = t->predicted[i] - y;
    }
    qsort(x, (size_t)n, sizeof *x, compare);
    return n;
}

static enum err write_histogram(struct report_pictures *p,
                                const struct report_target *t, const char *word,
                                const double x[], int64_t n)
{
    char name[REPORT_FILE], data[REPORT_FILE], title[2 * REPORT_WORD];
    struct report_picture_files f;
    struct histogram h = {.bins = 0};
    enum err err, end;

    count(&h, t->known ? range_of_errors(x, n) : range_of_all(x, n), x, n);
    snprintf(name, sizeof name, "histogram-%s", word);
    snprintf(data, sizeof data, "histogram-%s.dat", word);
    title_of(t, &h, title, sizeof title);
    err = report_picture_begin(p, name, data, title, REPORT_WIDE, &f);
    if (!err)
        put_histogram(&f, t, &h);
    end = report_picture_end(&f);
    return err ? err : end;
}

static enum err histogram(struct report_pictures *p,
                          const struct report_predictions *of,
                          const struct report_target *t, const char *word)
{
    void *x;
    int64_t n;
    enum err err = OK;

    TRY(mem_alloc((size_t)of->rows, sizeof(double), "errors", &x));
    n = values_of(of, t, x);
    if (n > 0)
        err = write_histogram(p, t, word, x, n);
    mem_free(x);
    return err;
}

enum err report_plot_predictions(struct report_pictures *p,
                                 const struct report_predictions *of)
{
    for (int t = 0; t < of->targets; t++) {
        const struct report_target *target = &of->target[t];
        char word[DATASET_NAME + 8];

        report_put_word(target->name, t, word, sizeof word);
        if (target->known > 0)
            TRY(parity(p, of, target, word));
        TRY(histogram(p, of, target, word));
    }
    return OK;
}
