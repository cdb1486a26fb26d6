/* SPDX-License-Identifier: MIT */
/* report.c - `se3t report RUN_DIR|CSV`: curves, parity, histograms and figures
 * on one page. Rank 0 works; what is missing is said and the rest shown. */
#include "config.h"

#include "app/commands.h"
#include "app/report_data.h"
#include "app/report_page.h"
#include "app/report_plots.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "deck/deck.h"
#include "deck/text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 4096 };

struct report {
    struct report_page page;
    struct text lacking;
    char path[PATHS]; /* what is reported, without slashes at the end */
    char real[PATHS]; /* the same without dots and links */
    char dir[PATHS];  /* where the report goes */
    char *text;       /* of the predictions, which borrow it */
    size_t text_bytes;
};

static void lacks(struct report *r, const char *format, ...) ERR_FORMAT(2, 3);

/* One line of what cannot be shown: on standard error and on the page. */
static void lacks(struct report *r, const char *format, ...)
{
    char line[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *s = line; *s; s++)
        if ((unsigned char)*s < ' ')
            *s = ' ';
    log_warn("%s", line);
    text_add(&r->lacking, "%s\n", line);
}

/* 1 when it is there. */
static int join(const char *dir, const char *name, char room[PATHS])
{
    return snprintf(room, PATHS, "%s/%s", dir, name) < PATHS &&
           access(room, F_OK) == 0;
}

/* --- reading a run ------------------------------------------------------- */

static enum err read_journal(struct report *r, const char *path)
{
    struct report_run *run = &r->page.run;
    char *text;
    size_t bytes;
    enum err err;

    TRY(report_file_read(path, &text, &bytes));
    err = report_run_read(text, bytes, run);
    mem_free(text);
    TRY(err);
    if (run->bad_lines > 0)
        lacks(r,
              "%s: %d lines that are no events (a killed job leaves one); "
              "passed over",
              path, run->bad_lines);
    if (run->events > 0 && run->points == 0)
        lacks(r, "%s: no epoch has ended yet; no learning curve", path);
    return report_run_speed(run, r->page.speed);
}

static enum err take_deck(struct report *r, const char *path)
{
    size_t bytes;

    TRY(report_file_read(path, &r->page.deck_text, &bytes));
    return deck_parse(r->page.deck_text, bytes, path, &r->page.deck);
}

/* The names of the run's targets: its journal has none. */
static void name_targets(struct report_page *p)
{
    const struct node *n = p->deck ? deck_child(p->deck->root, "data") : NULL;

    n = n && n->kind == NODE_MAP ? deck_child(n, "target") : NULL;
    if (n && n->kind == NODE_LIST)
        n = n->child;
    for (int t = 0; t < p->run.targets; t++) {
        if (n && n->kind == NODE_SCALAR)
            snprintf(p->name[t], DATASET_NAME, "%s", n->text);
        else
            snprintf(p->name[t], DATASET_NAME, "target_%d", t + 1);
        n = n ? n->next : NULL;
    }
}

/* A part of a run that cannot be used leaves the others to be shown. */
static enum err or_lacks(struct report *r, enum err err)
{
    char why[1024];

    if (err != ERR_DATA && err != ERR_DECK)
        return err;
    snprintf(why, sizeof why, "%s", err_message());
    lacks(r, "%s", why);
    return OK;
}

/* --- predictions --------------------------------------------------------- */

static void say_gaps(struct report *r, const char *path)
{
    const struct report_predictions *p = &r->page.predictions;

    if (p->rows == 0)
        lacks(r, "%s: holds no molecule; no parity plot, no histogram", path);
    for (int t = 0; p->rows > 0 && t < p->targets; t++) {
        const struct report_target *of = &p->target[t];

        if (of->unpredicted > 0)
            lacks(r,
                  "%s: %lld predictions of %s are no numbers; left out of "
                  "its figures",
                  path, (long long)of->unpredicted, of->name);
        if (of->known == 0)
            lacks(r,
                  "%s: no references of %s; no parity plot, and the "
                  "histogram is of the predictions",
                  path, of->name);
        else if (of->known < p->rows - of->unpredicted)
            lacks(r,
                  "%s: %lld of %lld molecules have no reference of %s; left "
                  "out of its figures",
                  path, (long long)(p->rows - of->unpredicted - of->known),
                  (long long)p->rows, of->name);
    }
}

static enum err read_predictions(struct report *r, const char *path)
{
    TRY(report_file_read(path, &r->text, &r->text_bytes));
    TRY(report_predictions_read(r->text, r->text_bytes, path,
                                &r->page.predictions));
    say_gaps(r, path);
    return OK;
}

/* Predictions of an earlier end of a run that went on since. */
static void compare_with_journal(struct report *r, const char *path)
{
    const struct report_run *run = &r->page.run;
    const struct report_predictions *p = &r->page.predictions;

    if (!run->done) {
        lacks(r, "%s: of an earlier end: the run has gone on since", path);
        return;
    }
    for (int t = 0; t < p->targets && t < run->targets; t++) {
        double a = p->target[t].mae, b = run->test_mae[t];

        /* the same sum in the same order: nothing but rounding is between */
        if (fabs(a - b) > 1e-9 * fabs(b)) {
            lacks(r,
                  "%s: the MAE of %s is not that of the journal (expected "
                  "%.9g, found %.9g); one of them is of another run",
                  path, p->target[t].name, b, a);
            return;
        }
    }
}

static enum err read_run(struct report *r, const char *dir)
{
    char path[PATHS];

    if (join(dir, "journal.jsonl", path))
        TRY(or_lacks(r, read_journal(r, path)));
    else
        lacks(r, "%s: not there; no learning curve, no time per phase", path);
    if (join(dir, "deck.yaml", path))
        TRY(or_lacks(r, take_deck(r, path)));
    else
        lacks(r, "%s: not there; the page lacks data and model", path);
    name_targets(&r->page);
    if (!join(dir, "predictions-test.csv", path)) {
        lacks(r,
              "%s: not there, the run has not finished; no parity plot, no "
              "histogram",
              path);
        return OK;
    }
    TRY(or_lacks(r, read_predictions(r, path)));
    if (r->page.run.events > 0 && r->page.predictions.rows > 0)
        compare_with_journal(r, path);
    return OK;
}

/* --- where it goes ------------------------------------------------------- */

static enum err make_folder(const char *dir)
{
    int why = file_make_folder(dir);

    if (why)
        return err_set(ERR_IO,
                       "%s: cannot be made (%s); choose another folder by "
                       "--out",
                       dir, strerror(why));
    return OK;
}

/* RUN_DIR/report, or NAME-report beside NAME.csv. */
static enum err choose_folder(struct report *r, const char *out)
{
    const char *path = r->page.path;
    int n = (int)strlen(path);
    int length;

    if (!out && r->page.is_run)
        length = snprintf(r->dir, PATHS, "%s/report", path);
    else if (!out) {
        if (n > 4 && strcmp(path + n - 4, ".csv") == 0)
            n -= 4;
        length = snprintf(r->dir, PATHS, "%.*s-report", n, path);
    } else
        length = snprintf(r->dir, PATHS, "%s", out);
    if (length < 1 || length >= PATHS)
        return err_set(ERR_DECK,
                       "--out: no name for a folder (expected 1 to %d "
                       "characters, found %d); choose another",
                       PATHS - 1, length);
    return OK;
}

/* --- what is printed ----------------------------------------------------- */

static void print_target(const struct report_target *t)
{
    static struct json j;

    json_begin(&j);
    json_string(&j, "target", t->name);
    json_string(&j, "unit", t->unit);
    json_int(&j, "molecules", t->known);
    json_real(&j, "mae", t->mae);
    json_real(&j, "rmse", t->rmse);
    json_real(&j, "max", t->max);
    json_real(&j, "r2", t->r2);
    json_real(&j, "mean_mae", t->mean_mae);
    json_print(&j, stdout);
}

static void print_result(const struct report *r, int as_json)
{
    const struct report_predictions *p = &r->page.predictions;
    static struct json j;
    int drawn = 0;

    for (size_t i = 0; i < r->page.pictures.n; i++)
        drawn += r->page.pictures.picture[i].drawn;
    if (!as_json) {
        printf("%s/index.html\n", r->dir);
        log_note("%d picture%s and a page: %s/index.html", drawn,
                 drawn == 1 ? "" : "s", r->dir);
        return;
    }
    for (int t = 0; t < p->targets; t++)
        if (p->target[t].known > 0)
            print_target(&p->target[t]);
    json_begin(&j);
    json_string(&j, "report", r->dir);
    json_int(&j, "pictures", drawn);
    json_print(&j, stdout);
}

/* --- in order ------------------------------------------------------------ */

static enum err set_path(struct report *r, const char *path)
{
    size_t n = strlen(path);

    if (n >= PATHS)
        return err_set(ERR_DECK,
                       "report: a name too long (expected fewer than %d "
                       "characters, found %zu); use a shorter one",
                       PATHS, n);
    memcpy(r->path, path, n + 1);
    while (n > 1 && r->path[n - 1] == '/')
        r->path[--n] = 0;
    return OK;
}

/* "." is no name to know a run by. */
static const char *title_of(struct report *r)
{
    const char *name = strrchr(r->path, '/');

    name = name ? name + 1 : r->path;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return r->path;
    name = realpath(r->path, r->real) ? strrchr(r->real, '/') : NULL;
    return name && name[1] ? name + 1 : r->path;
}

static enum err read_all(struct report *r)
{
    const char *path = r->path;
    struct stat s;

    r->page.path = path;
    r->page.title = title_of(r);
    if (stat(path, &s) != 0)
        return err_set(ERR_DECK,
                       "%s: no such file or folder (%s); name a run's folder "
                       "or a CSV of predictions",
                       path, strerror(errno));
    r->page.is_run = S_ISDIR(s.st_mode) != 0;
    if (r->page.is_run)
        TRY(read_run(r, path));
    else
        TRY(read_predictions(r, path));
    if (r->page.run.events == 0 && r->page.predictions.rows == 0)
        return err_set(ERR_DATA,
                       "%s: nothing to report (expected a journal with events, "
                       "or predictions); let the run begin first",
                       path);
    return OK;
}

static enum err write_all(struct report *r)
{
    struct report_page *p = &r->page;
    char why[2048];

    TRY(make_folder(r->dir));
    TRY(report_plot_run(&p->pictures, &p->run,
                        (const char(*)[DATASET_NAME])p->name));
    TRY(report_plot_predictions(&p->pictures, &p->predictions));
    report_draw(&p->pictures, why, sizeof why);
    if (*why)
        lacks(r, "%s", why);
    TRY(text_take(&r->lacking, &p->lacking));
    return report_page_write(p);
}

static void fini(struct report *r)
{
    report_run_fini(&r->page.run);
    report_predictions_fini(&r->page.predictions);
    report_pictures_fini(&r->page.pictures);
    deck_close(&r->page.deck);
    mem_free(r->page.deck_text);
    mem_free(r->page.lacking);
    mem_free(r->lacking.data);
    mem_free(r->text);
    mem_free(r);
}

static enum err work(const struct options *o)
{
    struct report *r;
    void *data;
    enum err err;

    TRY(mem_alloc(1, sizeof *r, "a report", &data));
    r = data;
    r->page.pictures.dir = r->dir;
    TRY_GOTO(set_path(r, o->word[0]), fini);
    TRY_GOTO(read_all(r), fini);
    TRY_GOTO(choose_folder(r, options_value(o, "out")), fini);
    TRY_GOTO(write_all(r), fini);
    print_result(r, options_count(o, "json") > 0);
fini:
    fini(r);
    return err;
}

static enum err run(struct comm *c, const struct options *o)
{
    /* gnuplot may take long: many targets, each given up after a while */
    comm_set_patience(c, 3600);
    return comm_agree(c, comm_rank(c) == 0 ? work(o) : OK);
}

static const struct option options[] = {{"out", "DIR", 0}};

const struct command command_report = {
    .name = "report",
    .summary = "show a run, or predictions: pictures and a page",
    .help =
        "se3t report RUN_DIR|CSV [--out DIR] [--json]\n"
        "\n"
        "RUN_DIR is the folder of a run (finished or not), CSV what se3t\n"
        "predict wrote. Learning curve, loss, time per phase (of a run), and\n"
        "of each target parity plot and histogram of errors: SVG, drawn by\n"
        "gnuplot where it is installed, the numbers as .dat with a script .gp\n"
        "beside them, and index.html, which shows all of it.\n"
        "\n"
        "  --out DIR   where they go; else RUN_DIR/report, or NAME-report\n"
        "              beside NAME.csv\n"
        "  --json      figures as JSON lines\n",
    .option = options,
    .options = sizeof options / sizeof *options,
    .needs = "RUN_DIR or CSV",
    .least = 1,
    .most = 1,
    .run = run,
};
