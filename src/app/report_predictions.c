/* SPDX-License-Identifier: MIT */
/* report_predictions.c - predictions as CSV, back into columns. A target is a
 * column whose name does not go on an earlier one's with _reference, _error or
 * _deviation. */
#include "config.h"

#include "app/report_data.h"

#include "base/mem.h"
#include "base/num.h"
#include "data/csv.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { FIELDS = 4 * LOADER_TARGETS + 1 };

/* --- the head ------------------------------------------------------------ */

/* "homo_error[eV]": name and unit, cut to their room. */
static void take_apart(struct slice field, char name[DATASET_NAME],
                       char unit[DATASET_NAME])
{
    size_t n = field.n, open;

    *unit = 0;
    if (n > 0 && field.s[n - 1] == ']') {
        for (open = n; open > 0 && field.s[open - 1] != '[';)
            open--;
        if (open > 0) {
            snprintf(unit, DATASET_NAME, "%.*s", (int)(n - 1 - open),
                     field.s + open);
            n = open - 1;
        }
    }
    snprintf(name, DATASET_NAME, "%.*s", (int)(n < 1000 ? n : 1000), field.s);
}

/* 1: the column belongs to a target that is there already. */
static int goes_on(struct report_predictions *p, const char *name, int column)
{
    static const char *const tail[] = {"_reference", "_error", "_deviation"};

    for (int t = 0; t < p->targets; t++) {
        struct report_target *target = &p->target[t];
        size_t n = strlen(target->name);

        if (strncmp(name, target->name, n) != 0)
            continue;
        for (int k = 0; k < 3; k++)
            if (strcmp(name + n, tail[k]) == 0) {
                if (k == 0)
                    target->column[1] = column;
                return 1;
            }
    }
    return 0;
}

static enum err read_head(struct slice line, const char *path,
                          struct report_predictions *p, int *fields)
{
    static struct slice field[FIELDS];
    char shown[SLICE_SHOWN];

    *fields = csv_fields(line, field, FIELDS);
    if (*fields < 2 || *fields > FIELDS || !slice_equal(field[0], "id"))
        return err_set(ERR_DATA,
                       "%s:1: no predictions (expected id,TARGET[UNIT],.., "
                       "found %s); give the CSV that se3t predict wrote",
                       path, slice_show(line, shown));
    for (int i = 1; i < *fields; i++) {
        char name[DATASET_NAME], unit[DATASET_NAME];
        struct report_target *t = &p->target[p->targets];

        take_apart(slice_trim(field[i]), name, unit);
        if (goes_on(p, name, i))
            continue;
        if (p->targets == LOADER_TARGETS)
            return err_set(ERR_DATA,
                           "%s:1: too many targets (expected at most %d, found "
                           "more); leave some out",
                           path, LOADER_TARGETS);
        *t = (struct report_target){.column = {i, -1}};
        memcpy(t->name, name, sizeof name);
        memcpy(t->unit, unit, sizeof unit);
        p->targets++;
    }
    return OK;
}

/* --- rows ---------------------------------------------------------------- */

static enum err make_room(struct report_predictions *p, struct slice rows)
{
    size_t n = 0;
    struct slice line;
    void *data;

    while (slice_line(&rows, &line))
        n++;
    TRY(mem_alloc(n, sizeof *p->id, "the rows of predictions", &data));
    p->id = data;
    for (int t = 0; t < p->targets; t++) {
        TRY(mem_alloc(n, sizeof(double), "predictions", &data));
        p->target[t].predicted = data;
        TRY(mem_alloc(n, sizeof(double), "references", &data));
        p->target[t].reference = data;
    }
    return OK;
}

/* Empty, or a word such as nan or inf: no number, but no mistake. */
static int read_number(struct slice s, double *out)
{
    static const char *const words[] = {"", "nan", "-nan", "inf", "-inf"};

    s = slice_trim(s);
    if (slice_double(s, out))
        return 1;
    *out = (double)NAN;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_equal_case(s, words[i]))
            return 1;
    return 0;
}

static int read_row(struct report_predictions *p, struct slice field[])
{
    for (int t = 0; t < p->targets; t++) {
        struct report_target *target = &p->target[t];
        int reference = target->column[1];

        if (!read_number(field[target->column[0]], &target->predicted[p->rows]))
            return 0;
        target->reference[p->rows] = (double)NAN;
        if (reference >= 0 &&
            !read_number(field[reference], &target->reference[p->rows]))
            return 0;
    }
    p->id[p->rows++] = field[0];
    return 1;
}

static enum err read_rows(struct slice rest, int fields, const char *path,
                          struct report_predictions *p)
{
    static struct slice field[FIELDS];
    char shown[SLICE_SHOWN];
    struct slice line;
    long number = 1;

    while (slice_line(&rest, &line)) {
        number++;
        if (slice_blank(line))
            continue;
        if (csv_fields(line, field, FIELDS) != fields || !read_row(p, field))
            return err_set(ERR_DATA,
                           "%s:%ld: no row of predictions (expected %d fields, "
                           "numbers but the first, found %s); write the file "
                           "anew",
                           path, number, fields, slice_show(line, shown));
    }
    return OK;
}

/* --- figures ------------------------------------------------------------- */

static int is_known(const struct report_target *t, int64_t i)
{
    return isfinite(t->predicted[i]) && isfinite(t->reference[i]);
}

/* Two passes, as run/evaluate.c has them. */
static void find_figures(struct report_target *t, int64_t rows)
{
    double sum = 0, square = 0, labels = 0, spread = 0, away = 0, n;

    for (int64_t i = 0; i < rows; i++) {
        double d = t->predicted[i] - t->reference[i];

        t->unpredicted += !isfinite(t->predicted[i]);
        if (!is_known(t, i))
            continue;
        t->known++;
        sum += fabs(d);
        square += d * d;
        t->max = fmax(t->max, fabs(d));
        labels += t->reference[i];
    }
    n = (double)t->known;
    for (int64_t i = 0; i < rows; i++) {
        double d = t->reference[i] - labels / n;

        if (!is_known(t, i))
            continue;
        spread += d * d;
        away += fabs(d);
    }
    if (t->known == 0)
        t->max = (double)NAN;
    t->mae = sum / n;
    t->rmse = sqrt(square / n);
    t->r2 = 1 - square / spread;
    t->mean_mae = away / n;
}

enum err report_predictions_read(const char *text, size_t bytes,
                                 const char *path,
                                 struct report_predictions *out)
{
    struct slice rest = {text, bytes}, line = {text, 0};
    int fields;
    enum err err;

    *out = (struct report_predictions){.rows = 0};
    slice_line(&rest, &line);
    TRY(read_head(line, path, out, &fields));
    TRY_GOTO(make_room(out, rest), fini);
    TRY_GOTO(read_rows(rest, fields, path, out), fini);
    for (int t = 0; t < out->targets; t++)
        find_figures(&out->target[t], out->rows);
    return OK;
fini:
    report_predictions_fini(out);
    return err;
}

void report_predictions_fini(struct report_predictions *p)
{
    for (int t = 0; t < p->targets; t++) {
        mem_free(p->target[t].predicted);
        mem_free(p->target[t].reference);
    }
    mem_free(p->id);
    *p = (struct report_predictions){.rows = 0};
}

/* --- files --------------------------------------------------------------- */

static enum err read_all(FILE *f, char **text, size_t *bytes)
{
    size_t room = 0, n;
    void *data = NULL;

    *bytes = 0;
    do {
        enum err err =
            mem_grow(&data, &room, *bytes + 65536, 1, "a file to report");

        if (err) {
            mem_free(data);
            return err;
        }
        n = fread((char *)data + *bytes, 1, room - *bytes - 1, f);
        *bytes += n;
    } while (n > 0);
    ((char *)data)[*bytes] = 0;
    *text = data;
    return OK;
}

enum err report_file_read(const char *path, char **text, size_t *bytes)
{
    struct stat st;
    FILE *f;
    enum err err;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return err_set(ERR_DATA,
                       "%s: cannot be read (expected a file, found a folder, "
                       "a pipe or a device); check the path",
                       path);
    f = fopen(path, "rb");
    if (!f)
        return err_set(ERR_DATA, "%s: cannot be read (%s); look at its rights",
                       path, strerror(errno));
    err = read_all(f, text, bytes);
    if (!err && ferror(f)) {
        mem_free(*text);
        err = err_set(ERR_DATA, "%s: cannot be read (%s); look at the disk",
                      path, strerror(errno));
    }
    fclose(f);
    return err;
}
