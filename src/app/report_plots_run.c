/* SPDX-License-Identifier: MIT */
/* report_plots_run.c - learning curves, loss and time per phase. */
#include "config.h"

#include "app/report_plots.h"

#include <math.h>

/* Points of the loss that are drawn; all are in the data. */
enum { LOSS_POINTS = 2000 };

/* --- logarithmic axis ---------------------------------------------------- */

struct range {
    double least, most; /* of numbers; INFINITY, -INFINITY: none */
};

static void widen(struct range *r, double x)
{
    if (!isfinite(x))
        return;
    r->least = fmin(r->least, x);
    r->most = fmax(r->most, x);
}

/* Labels at 1, 2, 5 of each decade, since gnuplot would label decades alone;
 * over many decades these are enough. */
static void put_scale(FILE *f, struct range r)
{
    static const int of_decade[] = {1, 2, 5};
    int all = r.most < 1e3 * r.least;
    int decade = (int)floor(log10(r.least));

    if (!(r.least > 0 && r.most > 5 * r.least))
        return;
    fputs("set logscale y\nset ytics (", f);
    for (int d = decade; d <= (int)ceil(log10(r.most)); d++)
        for (int k = 0; k < (all ? 3 : 1); k++)
            fprintf(f, "%s%de%d", d > decade || k ? ", " : "", of_decade[k], d);
    fprintf(f, ")\nset format y '%%g'\nset yrange [%.9g:%.9g]\n",
            r.least / 1.15, r.most * 1.15);
}

/* --- learning curve ------------------------------------------------------ */

static void put_points(FILE *f, const struct report_run *r)
{
    double steps = report_run_steps_per_epoch(r);

    fputs("# step epoch", f);
    for (int t = 0; t < r->targets; t++)
        fprintf(f, " train_%d validation_%d", t + 1, t + 1);
    fputs("\n", f);
    for (size_t i = 0; i < r->points; i++) {
        const struct report_point *p = &r->point[i];

        fprintf(f, "%lld", (long long)p->step);
        report_put_number(f, steps > 0 ? (double)p->step / steps : (double)NAN);
        for (int t = 0; t < r->targets; t++) {
            report_put_number(f, p->train[t]);
            report_put_number(f, p->validation[t]);
        }
        fputs("\n", f);
    }
}

static void put_curve(FILE *f, const struct report_run *r, int t)
{
    double steps = report_run_steps_per_epoch(r);
    struct range range = {(double)INFINITY, -(double)INFINITY};
    char label[2 * DATASET_NAME];
    int x = steps > 0 ? 2 : 1;

    for (size_t i = 0; i < r->points; i++) {
        widen(&range, r->point[i].train[t]);
        widen(&range, r->point[i].validation[t]);
    }
    put_scale(f, range);
    snprintf(label, sizeof label, *r->unit[t] ? "MAE [%s]" : "MAE", r->unit[t]);
    fputs("set ylabel ", f);
    report_put_quoted(f, label);
    fprintf(f,
            "\nset xlabel '%s'\nset xrange [0:*]\nset offsets 0, graph "
            "0.03, graph 0.05, graph 0.05\n",
            x == 2 ? "epoch" : "step");
    if (r->done && steps > 0 && r->best_step > 0)
        fprintf(f,
                "set arrow from first %.9g, graph 0 to first %.9g, graph 1 "
                "nohead dashtype 2 linecolor rgb '#009e73'\n"
                "set label 'best' at first %.9g, graph 1.03 center "
                "textcolor rgb '#009e73'\n",
                (double)r->best_step / steps, (double)r->best_step / steps,
                (double)r->best_step / steps);
    fprintf(f,
            "plot 'learning-curve.dat' using %d:%d with linespoints pointtype "
            "7 pointsize 0.6 linewidth 2 linecolor rgb '#0072b2' title "
            "'training', \\\n"
            "     '' using %d:%d with linespoints pointtype 7 pointsize 0.6 "
            "linewidth 2 linecolor rgb '#d55e00' title 'validation'\n",
            x, 3 + 2 * t, x, 4 + 2 * t);
}

static enum err learning_curve(struct report_pictures *p,
                               const struct report_run *r, int t,
                               const char *target)
{
    char name[REPORT_FILE] = "learning-curve", title[2 * REPORT_WORD];
    char word[DATASET_NAME + 8];
    struct report_picture_files f;
    enum err err, end;

    report_put_word(target, t, word, sizeof word);
    if (r->targets > 1)
        snprintf(name, sizeof name, "learning-curve-%s", word);
    snprintf(title, sizeof title, "Learning curve of %s", target);
    err = report_picture_begin(p, name, "learning-curve.dat", title,
                               REPORT_WIDE, &f);
    if (!err) {
        put_points(f.data, r);
        put_curve(f.script, r, t);
    }
    end = report_picture_end(&f);
    return err ? err : end;
}

/* --- loss ---------------------------------------------------------------- */

static void put_steps(const struct report_picture_files *f,
                      const struct report_run *r)
{
    struct range range = {(double)INFINITY, -(double)INFINITY};

    fputs("# step loss lr grad_norm molecules_per_s\n", f->data);
    for (size_t i = 0; i < r->steps; i++) {
        const struct report_step *s = &r->step[i];

        fprintf(f->data, "%lld", (long long)s->step);
        report_put_number(f->data, s->loss);
        report_put_number(f->data, s->lr);
        report_put_number(f->data, s->grad_norm);
        report_put_number(f->data, s->speed);
        fputs("\n", f->data);
        widen(&range, s->loss);
    }
    put_scale(f->script, range);
    fprintf(f->script,
            "set xlabel 'step'\nset ylabel 'loss (standardised)'\nunset key\n"
            "plot 'loss.dat' every %zu using 1:2 with linespoints pointtype 7 "
            "pointsize 0.2 linecolor rgb '#0072b2'\n",
            1 + r->steps / LOSS_POINTS);
}

static enum err loss(struct report_pictures *p, const struct report_run *r)
{
    struct report_picture_files f;
    enum err err, end;

    err = report_picture_begin(p, "loss", "loss.dat",
                               "Loss of the logged steps", REPORT_WIDE, &f);
    if (!err)
        put_steps(&f, r);
    end = report_picture_end(&f);
    return err ? err : end;
}

/* --- phases -------------------------------------------------------------- */

static void put_phases(const struct report_picture_files *f,
                       const struct report_run *r)
{
    double phase[REPORT_PHASES], seconds = report_run_seconds(r, phase);
    double rest = seconds;

    fputs("# phase seconds percent\n", f->data);
    for (int k = 0; k < r->phases; k++) {
        char word[REPORT_WORD + 8];

        report_put_word(r->phase[k], k, word, sizeof word);
        fputs(word, f->data);
        report_put_number(f->data, phase[k]);
        report_put_number(f->data, 100 * phase[k] / seconds);
        fputs("\n", f->data);
        rest -= phase[k];
    }
    fputs("other", f->data);
    report_put_number(f->data, fmax(rest, 0));
    report_put_number(f->data, 100 * fmax(rest, 0) / seconds);
    fputs("\n", f->data);
    fputs("set style fill solid 0.8\nset boxwidth 0.7\nset ylabel 'seconds'\n"
          "set yrange [0:*]\nset offsets 0, 0, graph 0.1, 0\nunset key\n"
          "set xtics rotate by -25\n"
          "plot 'phases.dat' using 0:2:xticlabels(1) with boxes linecolor rgb "
          "'#0072b2', \\\n"
          "     '' using 0:2:(sprintf('%.1f %%', $3)) with labels offset "
          "0,0.8\n",
          f->script);
}

static enum err time_per_phase(struct report_pictures *p,
                               const struct report_run *r)
{
    struct report_picture_files f;
    enum err err, end;

    err = report_picture_begin(p, "phases", "phases.dat",
                               "Time per phase, all epochs", REPORT_WIDE, &f);
    if (!err)
        put_phases(&f, r);
    end = report_picture_end(&f);
    return err ? err : end;
}

enum err report_plot_run(struct report_pictures *p, const struct report_run *r,
                         const char name[][DATASET_NAME])
{
    double phase[REPORT_PHASES];

    for (int t = 0; r->points > 0 && t < r->targets; t++)
        TRY(learning_curve(p, r, t, name[t]));
    if (r->steps > 0)
        TRY(loss(p, r));
    if (r->phases > 0 && report_run_seconds(r, phase) > 0)
        TRY(time_per_phase(p, r));
    return OK;
}
