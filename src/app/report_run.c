/* SPDX-License-Identifier: MIT */
/* report_run.c - a journal, line by line. JSON as a journal has it is YAML in
 * flow style, so the deck's parser, with its limits, gives the tree. */
#include "config.h"

#include "app/report_data.h"

#include "base/mem.h"
#include "base/num.h"
#include "deck/deck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- members ------------------------------------------------------------- */

static double number_of(const struct node *n)
{
    double x;

    if (!n || n->kind != NODE_SCALAR || n->quoted ||
        !num_double(n->text, strlen(n->text), &x))
        return (double)NAN;
    return x;
}

static double real(const struct node *event, const char *key)
{
    return number_of(deck_child(event, key));
}

static int64_t whole(const struct node *event, const char *key)
{
    const struct node *n = deck_child(event, key);
    int64_t x;

    if (!n || n->kind != NODE_SCALAR ||
        !num_int64(n->text, strlen(n->text), &x))
        return -1;
    return x;
}

/* Stays as it was when the event does not say. */
static void word(const struct node *event, const char *key,
                 char room[REPORT_WORD])
{
    const struct node *n = deck_child(event, key);

    if (n && n->kind == NODE_SCALAR)
        snprintf(room, REPORT_WORD, "%s", n->text);
}

/* A number or a list of them; how many there are. */
static int reals(const struct node *event, const char *key, double out[])
{
    const struct node *n = deck_child(event, key);
    int count = 0;

    for (int i = 0; i < LOADER_TARGETS; i++)
        out[i] = (double)NAN;
    if (n && n->kind == NODE_SCALAR)
        out[count++] = number_of(n);
    else if (n && n->kind == NODE_LIST)
        for (n = n->child; n && count < LOADER_TARGETS; n = n->next)
            out[count++] = number_of(n);
    return count;
}

static void units(struct report_run *r, const struct node *event)
{
    const struct node *n = deck_child(event, "unit");
    int i = 0;

    if (n && n->kind == NODE_SCALAR)
        snprintf(r->unit[0], DATASET_NAME, "%s", n->text);
    else if (n && n->kind == NODE_LIST)
        for (n = n->child; n && i < LOADER_TARGETS; n = n->next, i++)
            if (n->kind == NODE_SCALAR)
                snprintf(r->unit[i], DATASET_NAME, "%s", n->text);
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* --- events -------------------------------------------------------------- */

/* What was said behind the step that a job resumes from is not this run's any
 * more (a resumed run's journal has been cut there; others' may not). */
static void cut_back(struct report_run *r, int64_t step)
{
    while (r->points > 0 && r->point[r->points - 1].step > step)
        r->points--;
    while (r->steps > 0 && r->step[r->steps - 1].step > step)
        r->steps--;
}

static enum err on_start(struct report_run *r, const struct node *e)
{
    word(e, "version", r->version);
    word(e, "host", r->host);
    word(e, "device", r->device);
    word(e, "cpu_isa", r->cpu_isa);
    word(e, "deck_digest", r->deck_digest);
    word(e, "data_digest", r->data_digest);
    r->ranks = whole(e, "ranks");
    r->threads = whole(e, "threads");
    r->parameters = whole(e, "parameters");
    r->memory_bytes = whole(e, "memory_bytes");
    cut_back(r, whole(e, "step"));
    if (!*r->began)
        word(e, "time", r->began);
    r->done = 0;
    *r->stopped = 0;
    return OK;
}

static enum err on_step(struct report_run *r, const struct node *e)
{
    void *data = r->step;

    TRY(mem_grow(&data, &r->step_room, r->steps + 1, sizeof *r->step,
                 "the steps of a journal"));
    r->step = data;
    r->step[r->steps++] =
        (struct report_step){.step = whole(e, "step"),
                             .loss = real(e, "loss"),
                             .lr = real(e, "lr"),
                             .grad_norm = real(e, "grad_norm"),
                             .speed = real(e, "molecules_per_s")};
    return OK;
}

/* The place of a phase's name; -1: no room for one more. */
static int phase_place(struct report_run *r, const char *name)
{
    int i = 0;

    while (i < r->phases && strcmp(r->phase[i], name) != 0)
        i++;
    if (i == REPORT_PHASES)
        return -1;
    if (i == r->phases)
        snprintf(r->phase[r->phases++], REPORT_WORD, "%s", name);
    return i;
}

static void phases(struct report_run *r, const struct node *e, double out[])
{
    const struct node *n = deck_child(e, "phases");

    if (!n || n->kind != NODE_MAP)
        return;
    for (n = n->child; n; n = n->next) {
        double seconds = number_of(n);
        int i = phase_place(r, n->key);

        if (i >= 0 && seconds >= 0)
            out[i] = seconds;
    }
}

static enum err add_point(struct report_run *r, const struct node *e, int ended)
{
    struct report_point *p;
    void *data = r->point;
    double seconds = real(e, "seconds");

    TRY(mem_grow(&data, &r->point_room, r->points + 1, sizeof *p,
                 "the epochs of a journal"));
    r->point = data;
    p = &r->point[r->points++];
    *p = (struct report_point){
        .step = whole(e, "step"), .epoch = whole(e, "epoch"), .whole = ended};
    r->targets = most(r->targets, reals(e, "train_mae", p->train));
    r->targets = most(r->targets, reals(e, "validation_mae", p->validation));
    units(r, e);
    if (ended && seconds >= 0)
        p->seconds = seconds;
    if (ended)
        phases(r, e, p->phase);
    return OK;
}

static enum err on_epoch(struct report_run *r, const struct node *e)
{
    return add_point(r, e, 1);
}

static enum err on_evaluation(struct report_run *r, const struct node *e)
{
    return add_point(r, e, 0);
}

static enum err on_stop(struct report_run *r, const struct node *e)
{
    snprintf(r->stopped, REPORT_WORD, "unknown");
    word(e, "reason", r->stopped);
    return OK;
}

static enum err on_done(struct report_run *r, const struct node *e)
{
    r->done = 1;
    r->best_epoch = whole(e, "best_epoch");
    r->best_step = whole(e, "best_step");
    r->targets =
        most(r->targets, reals(e, "validation_mae", r->validation_mae));
    r->targets = most(r->targets, reals(e, "test_mae", r->test_mae));
    units(r, e);
    return OK;
}

static const struct {
    const char *name;
    enum err (*take)(struct report_run *r, const struct node *e);
} kinds[] = {{"start", on_start}, {"step", on_step},
             {"epoch", on_epoch}, {"evaluation", on_evaluation},
             {"stop", on_stop},   {"done", on_done}};

static enum err take(struct report_run *r, const struct node *event)
{
    char name[REPORT_WORD] = "";

    word(event, "event", name);
    if (!*name) {
        r->bad_lines++;
        return OK;
    }
    r->events++;
    word(event, "time", r->last);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].take(r, event);
    return OK;
}

static enum err take_line(struct report_run *r, struct slice line)
{
    struct deck *d;
    enum err err;

    if (slice_blank(line))
        return OK;
    err = deck_parse(line.s, line.n, "journal.jsonl", &d);
    if (err == ERR_DECK) {
        r->bad_lines++;
        return OK;
    }
    TRY(err);
    err = take(r, d->root);
    deck_close(&d);
    return err;
}

enum err report_run_read(const char *text, size_t bytes, struct report_run *out)
{
    struct slice rest = {text, bytes}, line;
    enum err err = OK;

    *out = (struct report_run){.ranks = -1,
                               .threads = -1,
                               .parameters = -1,
                               .memory_bytes = -1,
                               .best_epoch = -1,
                               .best_step = -1};
    while (!err && slice_line(&rest, &line))
        err = take_line(out, line);
    if (err)
        report_run_fini(out);
    return err;
}

void report_run_fini(struct report_run *r)
{
    mem_free(r->point);
    mem_free(r->step);
    *r = (struct report_run){.events = 0};
}

/* --- figures ------------------------------------------------------------- */

double report_run_seconds(const struct report_run *r, double phase[])
{
    double seconds = 0;

    for (int k = 0; k < REPORT_PHASES; k++)
        phase[k] = 0;
    for (size_t i = 0; i < r->points; i++) {
        seconds += r->point[i].seconds;
        for (int k = 0; k < REPORT_PHASES; k++)
            phase[k] += r->point[i].phase[k];
    }
    return seconds;
}

double report_run_steps_per_epoch(const struct report_run *r)
{
    for (size_t i = r->points; i-- > 0;)
        if (r->point[i].whole && r->point[i].epoch > 0)
            return (double)r->point[i].step / (double)r->point[i].epoch;
    return 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum err report_run_speed(const struct report_run *r, double out[])
{
    double *speed;
    void *data;
    size_t n = 0;

    out[0] = out[1] = out[2] = (double)NAN;
    TRY(mem_alloc(r->steps, sizeof *speed, "speeds", &data));
    speed = data;
    for (size_t i = 0; i < r->steps; i++)
        if (isfinite(r->step[i].speed))
            speed[n++] = r->step[i].speed;
    if (n > 0) {
        qsort(speed, n, sizeof *speed, compare);
        out[0] = speed[0];
        out[1] = (speed[(n - 1) / 2] + speed[n / 2]) / 2;
        out[2] = speed[n - 1];
    }
    mem_free(data);
    return OK;
}
