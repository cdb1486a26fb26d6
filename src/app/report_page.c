/* SPDX-License-Identifier: MIT */
/* report_page.c - HTML without scripts or anything from elsewhere. Pictures
 * have a white ground of their own, so they are readable in the dark too. */
#include "config.h"

#include "app/report_page.h"

#include "deck/deck.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
    ":root { color-scheme: light dark; --ink: #1a1a1a; --ground: #fafafa;\n"
    "  --line: #cccccc; --dim: #595959; --warn: #8a3b00; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --ink: #e6e6e6; --ground: #16181b; --line: #44484d;\n"
    "    --dim: #a8adb3; --warn: #ffb37a; }\n  a { color: #8ab8ff; }\n}\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 76em;\n"
    "  margin: 2em auto; padding: 0 1em; color: var(--ink);\n"
    "  background: var(--ground); }\n"
    "h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2em; }\n"
    ".wide { overflow-x: auto; }\n"
    "table { border-collapse: collapse; }\n"
    "th, td { text-align: left; padding: 0.25em 1em 0.25em 0;\n"
    "  border-bottom: 1px solid var(--line); vertical-align: top; }\n"
    "td { overflow-wrap: anywhere; }\n"
    "td.n, th.n { text-align: right; font-variant-numeric: tabular-nums;\n"
    "  white-space: nowrap; overflow-wrap: normal; }\n"
    ".pictures { display: flex; flex-wrap: wrap; gap: 1.5em; }\n"
    "figure { margin: 0; max-width: 100%; }\n"
    "img { background: #ffffff; border-radius: 4px; max-width: 100%;\n"
    "  height: auto; border: 1px solid var(--line); }\n"
    "figcaption, .dim { color: var(--dim); font-size: 0.9em; }\n"
    ".lacking { color: var(--warn); }\n"
    "pre { overflow-x: auto; }\n"
    "</style>\n";

/* --- text ---------------------------------------------------------------- */

static void put(FILE *f, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '&':
            fputs("&amp;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            putc(*text, f);
        }
}

static void row(FILE *f, const char *label, const char *format, ...)
    ERR_FORMAT(3, 4);

/* One fact of the table; an empty one is left out. */
static void row(FILE *f, const char *label, const char *format, ...)
{
    char value[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (!*value)
        return;
    fprintf(f, "<tr><th scope=\"row\">%s</th><td>", label);
    put(f, value);
    fputs("</td></tr>\n", f);
}

static void count_row(FILE *f, const char *label, int64_t n)
{
    if (n >= 0)
        row(f, label, "%lld", (long long)n);
}

static void cell(FILE *f, double x)
{
    if (isfinite(x))
        fprintf(f, "<td class=\"n\">%.5g</td>", x);
    else
        fputs("<td class=\"n\">-</td>", f);
}

/* --- the run ------------------------------------------------------------- */

/* "type se3_transformer, channels [32, 16], .."; appends, as far as there is
 * room. */
static void flatten(const struct node *n, char *room, size_t bytes)
{
    size_t used = strlen(room);

    if (n->kind == NODE_SCALAR) {
        snprintf(room + used, bytes - used, "%s", n->text);
        return;
    }
    if (n->kind == NODE_LIST)
        snprintf(room + used, bytes - used, "[");
    for (const struct node *c = n->child; c; c = c->next) {
        used = strlen(room);
        snprintf(room + used, bytes - used, "%s%s%s", c == n->child ? "" : ", ",
                 c->key ? c->key : "", c->key ? " " : "");
        flatten(c, room, bytes);
    }
    used = strlen(room);
    if (n->kind == NODE_LIST)
        snprintf(room + used, bytes - used, "]");
}

static void deck_row(FILE *f, const struct deck *d, const char *label,
                     const char *section, const char *key)
{
    const struct node *n = d ? deck_child(d->root, section) : NULL;
    char text[2048] = "";

    if (n && key)
        n = n->kind == NODE_MAP ? deck_child(n, key) : NULL;
    if (!n)
        return;
    flatten(n, text, sizeof text);
    row(f, label, "%s", text);
}

static void state_rows(FILE *f, const struct report_run *r)
{
    int64_t step = r->points ? r->point[r->points - 1].step : 0;
    int64_t epoch = r->points ? r->point[r->points - 1].epoch : 0;

    if (r->steps > 0 && r->step[r->steps - 1].step > step)
        step = r->step[r->steps - 1].step;
    if (r->done)
        row(f, "State", "done");
    else if (*r->stopped)
        row(f, "State", "stopped: %s", r->stopped);
    else
        row(f, "State", "not finished: running, or ended without a word");
    row(f, "Reached", "step %lld, epoch %lld", (long long)step,
        (long long)epoch);
    count_row(f, "Best epoch", r->done ? r->best_epoch : -1);
}

static void pace_rows(FILE *f, const struct report_page *p)
{
    double phase[REPORT_PHASES], seconds = report_run_seconds(&p->run, phase);

    if (isfinite(p->speed[1]))
        row(f, "Speed", "%.5g molecules/s (median; %.5g to %.5g)", p->speed[1],
            p->speed[0], p->speed[2]);
    if (seconds > 0)
        row(f, "Time of the epochs", "%.5g s (%.2f h)", seconds,
            seconds / 3600);
    row(f, "First start", "%s", p->run.began);
    row(f, "Last event", "%s", p->run.last);
}

static void run_table(FILE *f, const struct report_page *p)
{
    const struct report_run *r = &p->run;

    fputs("<h2>The run</h2>\n<div class=\"wide\"><table>\n", f);
    state_rows(f, r);
    deck_row(f, p->deck, "Data", "data", "path");
    deck_row(f, p->deck, "Split", "data", "split");
    row(f, "Data digest", "%s", r->data_digest);
    row(f, "Deck digest", "%s", r->deck_digest);
    deck_row(f, p->deck, "Model", "model", NULL);
    count_row(f, "Model parameters", r->parameters);
    deck_row(f, p->deck, "Epochs planned", "train", "epochs");
    deck_row(f, p->deck, "Batch", "train", "batch");
    deck_row(f, p->deck, "Precision", "compute", "precision");
    pace_rows(f, p);
    count_row(f, "Ranks", r->ranks);
    count_row(f, "Threads a rank", r->threads);
    if (r->memory_bytes >= 0)
        row(f, "Memory a rank", "%.1f MiB",
            (double)r->memory_bytes / (1 << 20));
    row(f, "Device", "%s%s%s", r->device, *r->cpu_isa ? ", " : "", r->cpu_isa);
    row(f, "Host", "%s", r->host);
    row(f, "se3t", "%s", r->version);
    fputs("</table></div>\n", f);
}

/* --- figures of targets -------------------------------------------------- */

/* The run's figures of target t; NaN where it has none. */
static void run_cells(FILE *f, const struct report_run *r, int t)
{
    double nan = (double)NAN;
    int has = r->done && t < r->targets;

    cell(f, has ? r->validation_mae[t] : nan);
    cell(f, has ? r->test_mae[t] : nan);
}

static void name_cells(FILE *f, const char *name, const char *unit)
{
    fputs("<tr><th scope=\"row\">", f);
    put(f, name);
    fputs("</th><td>", f);
    put(f, unit);
    fputs("</td>", f);
}

static void target_row(FILE *f, const struct report_page *p, int t)
{
    static const struct report_target none = {.known = 0};
    int predicted = t < p->predictions.targets;
    const struct report_target *of =
        predicted ? &p->predictions.target[t] : &none;

    name_cells(f, predicted ? of->name : p->name[t],
               predicted ? of->unit : p->run.unit[t]);
    if (p->is_run)
        run_cells(f, &p->run, t);
    if (of->known > 0) {
        fprintf(f, "<td class=\"n\">%lld</td>", (long long)of->known);
        cell(f, of->mae);
        cell(f, of->mean_mae);
        cell(f, of->rmse);
        cell(f, of->max);
        cell(f, of->r2);
    } else
        for (int k = 0; k < 6; k++)
            cell(f, (double)NAN);
    fputs("</tr>\n", f);
}

static void target_table(FILE *f, const struct report_page *p)
{
    int targets = p->predictions.targets > p->run.targets
                      ? p->predictions.targets
                      : p->run.targets;

    if (targets == 0)
        return;
    fputs("<h2>Figures</h2>\n<div class=\"wide\"><table>\n<tr><th>Target</th>"
          "<th>Unit</th>",
          f);
    if (p->is_run)
        fputs("<th class=\"n\">Validation MAE</th>"
              "<th class=\"n\">Test MAE</th>",
              f);
    fputs("<th class=\"n\">Molecules</th><th class=\"n\">MAE</th>"
          "<th class=\"n\">MAE of the mean</th><th class=\"n\">RMSE</th>"
          "<th class=\"n\">Largest error</th><th class=\"n\">R2</th></tr>\n",
          f);
    for (int t = 0; t < targets; t++)
        target_row(f, p, t);
    fputs("</table></div>\n<p class=\"dim\">", f);
    if (p->is_run)
        fputs("Validation and test MAE: as the run says, of its best epoch. "
              "The columns behind: of predictions-test.csv. ",
              f);
    fputs("MAE of the mean: of always answering the mean of these "
          "references.</p>\n",
          f);
}

/* --- the page ------------------------------------------------------------ */

static void picture(FILE *f, const struct report_picture *p)
{
    fputs("<figure>\n", f);
    if (p->drawn) {
        fprintf(f, "<img src=\"%s.svg\" alt=\"", p->name);
        put(f, p->title);
        fputs("\">\n", f);
    }
    fputs("<figcaption>", f);
    put(f, p->title);
    fprintf(f,
            "%s: <a href=\"%s\">%s</a>, <a href=\"%s.gp\">%s.gp</a>"
            "</figcaption>\n</figure>\n",
            p->drawn ? "" : " (no picture)", p->data, p->data, p->name,
            p->name);
}

static void lacking(FILE *f, const char *lines)
{
    if (!lines || !*lines)
        return;
    fputs("<h2>What is missing</h2>\n<ul class=\"lacking\">\n", f);
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        char line[2048];

        snprintf(line, sizeof line, "%.*s", (int)n, lines);
        fputs("<li>", f);
        put(f, line);
        fputs("</li>\n", f);
        lines += n + (lines[n] == '\n');
    }
    fputs("</ul>\n", f);
}

static void put_page(FILE *f, const struct report_page *p)
{
    fputs(head, f);
    fputs("<title>se3t report: ", f);
    put(f, p->title);
    fputs("</title>\n</head>\n<body>\n<h1>Report of ", f);
    put(f, p->title);
    fputs("</h1>\n", f);
    target_table(f, p);
    lacking(f, p->lacking);
    fputs("<h2>Pictures</h2>\n<div class=\"pictures\">\n", f);
    for (size_t i = 0; i < p->pictures.n; i++)
        picture(f, &p->pictures.picture[i]);
    fputs("</div>\n", f);
    if (p->run.events > 0)
        run_table(f, p);
    if (p->deck_text) {
        fputs("<h2>The deck</h2>\n<details><summary>deck.yaml</summary><pre>",
              f);
        put(f, p->deck_text);
        fputs("</pre></details>\n", f);
    }
    fputs("</body>\n</html>\n", f);
}

enum err report_page_write(const struct report_page *p)
{
    FILE *f;

    TRY(report_file_begin(p->pictures.dir, "index.html", &f));
    put_page(f, p);
    return report_file_end(p->pictures.dir, "index.html", f);
}
