/* SPDX-License-Identifier: MIT */
/* predictions.c - one row a molecule, numbers that read back the same. */
#include "config.h"

#include "run/predictions.h"

#include "base/num.h"
#include "data/dataset.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static void head(FILE *f, const struct target_scale *s, int deviation)
{
    static const char *const column[] = {"", "_reference", "_error",
                                         "_deviation"};

    fputs("id", f);
    for (int t = 0; t < s->n; t++)
        for (int k = 0; k < 3 + deviation; k++) {
            fprintf(f, ",%s%s", s->name[t], column[k]);
            if (*s->unit[t])
                fprintf(f, "[%s]", s->unit[t]);
        }
    fputs("\n", f);
}

static void field(FILE *f, double x)
{
    char text[NUM_CHARS];

    fputs(",", f);
    if (isnan(x))
        return;
    num_write(x, text);
    fputs(text, f);
}

static void write_rows(FILE *f, const struct loader *l, const int64_t rows[],
                       int64_t n, const double predicted[],
                       const double deviation[])
{
    int targets = l->scale->n;

    head(f, l->scale, deviation != NULL);
    for (int64_t i = 0; i < n; i++) {
        fprintf(f, "%lld", (long long)l->d->id[rows[i]]);
        for (int t = 0; t < targets; t++) {
            double y =
                l->column[t] < 0
                    ? (double)NAN
                    : l->d->label[rows[i] * l->d->targets + l->column[t]];
            double p = predicted[i * targets + t];

            field(f, p);
            field(f, y);
            field(f, p - y);
            if (deviation)
                field(f, deviation[i * targets + t]);
        }
        fputs("\n", f);
    }
}

enum err predictions_write(const char *path, const struct loader *l,
                           const int64_t rows[], int64_t n,
                           const double predicted[], const double deviation[])
{
    char fresh[4096];
    FILE *f;
    int bad;

    snprintf(fresh, sizeof fresh, "%s.tmp", path);
    f = fopen(fresh, "w");
    if (f) {
        write_rows(f, l, rows, n, predicted, deviation);
        bad = fflush(f) != 0 || fsync(fileno(f)) != 0 || ferror(f);
        bad |= fclose(f) != 0;
        if (!bad && rename(fresh, path) == 0)
            return OK;
    }
    err_set(ERR_IO, "%s: cannot be written (%s); make room", path,
            strerror(errno));
    unlink(fresh);
    return ERR_IO;
}
