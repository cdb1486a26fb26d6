/* SPDX-License-Identifier: MIT */
/* train.c - `se3t train DECK`: steps, evaluations and saves until the last
 * epoch, or until somebody wants to stop. */
#include "config.h"

#include "app/commands.h"
#include "app/options.h"
#include "app/run_start.h"
#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "device/device.h"
#include "model/model.h"
#include "run/evaluate.h"
#include "run/journal.h"
#include "run/lock.h"
#include "run/predictions.h"
#include "run/state.h"
#include "run/step.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* Between steps: what is reported since when. */
struct pace {
    struct recurring log, evaluate;
    double began, shown, epoch_began;
    int64_t molecules, all_molecules; /* since `began`, since the start */
    double start;
    int terminal;
};

/* --- evaluation ---------------------------------------------------------- */

/* Exchanges weights and average, where there is one; the gradients are free to
 * hold one of them meanwhile. */
static void exchange(struct trainer *t)
{
    struct device *d = t->job->device;
    void *p = t->optimizer.o.p, *a = t->optimizer.o.average;
    void *g = t->optimizer.o.g;
    size_t bytes = (size_t)t->optimizer.o.n * d->k.real;

    if (!a)
        return;
    d->copy(d, g, p, bytes);
    d->copy(d, p, a, bytes);
    d->copy(d, a, g, bytes);
    model_prepare(t->model);
}

static enum err predict_part(struct trainer *t, enum part part, double out[])
{
    int parts = t->parts, batch = t->job->params->train.batch;
    struct evaluation e = {.model = t->model,
                           .device = t->job->device,
                           .comm = t->job->comm,
                           .loader = &t->loader,
                           .batch = t->batch,
                           .block = (batch + parts - 1) / parts};
    double now = timer_now();
    enum err err;

    exchange(t);
    err = evaluate_predict(&e, t->job->split->row[part], t->job->split->n[part],
                           out);
    exchange(t);
    timer_lap(&t->phases, PHASE_EVALUATE, now);
    return err;
}

/* Predictions of a part, in a new block. */
static enum err predictions_of(struct trainer *t, enum part part, double **out)
{
    size_t n = (size_t)(t->job->split->n[part] * t->job->scale.n);
    void *data = NULL;
    enum err err = mem_alloc(n, sizeof **out, "predictions", &data);

    err = comm_agree(t->job->comm, err);
    if (!err)
        err = predict_part(t, part, data);
    if (err)
        mem_free(data);
    else
        *out = data;
    return err;
}

static enum err mae_of(struct trainer *t, enum part part, double mae[])
{
    double *predicted;

    TRY(predictions_of(t, part, &predicted));
    evaluate_mae(&t->loader, t->job->split->row[part], t->job->split->n[part],
                 predicted, mae);
    mem_free(predicted);
    return OK;
}

/* Mean over targets of MAE / standard deviation. */
static double score(const struct trainer *t, const double mae[])
{
    double sum = 0;

    for (int i = 0; i < t->job->scale.n; i++)
        sum += mae[i] / t->job->scale.std[i];
    return sum / t->job->scale.n;
}

/* Whether this is the best so far; then it is noted. */
static int note_best(struct trainer *t, const double mae[])
{
    struct progress *p = &t->progress;
    double s = score(t, mae);

    if (!(s < p->best_score))
        return 0;
    p->best_score = s;
    p->best_step = p->step;
    p->best_epoch = trainer_epoch(t);
    memcpy(p->best_mae, mae, (size_t)t->job->scale.n * sizeof *mae);
    return 1;
}

/* --- the journal --------------------------------------------------------- */

static void put_units(struct json *j, const struct target_scale *s)
{
    if (s->n == 1) {
        json_string(j, "unit", s->unit[0]);
        return;
    }
    json_list_begin(j, "unit");
    for (int i = 0; i < s->n; i++)
        json_string(j, NULL, s->unit[i]);
    json_list_end(j);
}

static void say_step(struct run *r, struct pace *p, const struct step_result *s)
{
    struct json *j = journal_begin(r->journal, "step");
    double now = timer_now();

    if (!j)
        return;
    json_int(j, "step", r->trainer->progress.step);
    json_int(j, "epoch", trainer_epoch(r->trainer));
    json_real(j, "loss", s->loss);
    json_real(j, "lr", s->lr);
    json_real(j, "grad_norm", s->grad_norm);
    json_real(j, "molecules_per_s", (double)p->molecules / (now - p->began));
    if (s->left_out)
        json_bool(j, "left_out", 1);
    journal_end(r->journal);
    log_detail("step %lld: loss %.6g, lr %.4g, gradient %.4g, %.0f molecules/s",
               (long long)r->trainer->progress.step, s->loss, s->lr,
               s->grad_norm, (double)p->molecules / (now - p->began));
    p->began = now;
    p->molecules = 0;
}

static void put_phases(struct json *j, const struct phases *p)
{
    json_object_begin(j, "phases");
    for (int i = 0; i < PHASES; i++)
        json_real(j, phase_name((enum phase)i), p->seconds[i]);
    json_object_end(j);
}

/* Of this rank's last batch: points of each convolution, and how far off h of
 * the worst bond is. */
static void put_radial(struct json *j, struct model *m)
{
    double reached = 0;

    json_list_begin(j, "radial_points");
    for (int i = 0; i < model_convolutions(m); i++) {
        const struct model_radial r = model_radial(m, i);

        json_int(j, NULL, r.points);
        reached = r.reached > reached ? r.reached : reached;
    }
    json_list_end(j);
    json_real(j, "radial_error", reached);
}

/* validation NULL: not evaluated at its end. */
static void say_epoch(struct run *r, struct pace *p, const char *event,
                      const double validation[])
{
    struct trainer *t = r->trainer;
    struct json *j = journal_begin(r->journal, event);
    double train[LOADER_TARGETS], now = timer_now();
    int n = t->job->scale.n;

    if (!j)
        return;
    trainer_train_mae(t, train);
    json_int(j, "epoch", trainer_epoch(t));
    json_int(j, "step", t->progress.step);
    json_reals(j, "train_mae", n, train);
    if (validation)
        json_reals(j, "validation_mae", n, validation);
    put_units(j, &t->job->scale);
    json_real(j, "seconds", now - p->epoch_began);
    put_phases(j, &t->phases);
    put_radial(j, t->model);
    journal_end(r->journal);
}

static void say_stop(struct run *r, const char *reason, enum err code)
{
    struct json *j = journal_begin(r->journal, "stop");

    if (!j)
        return;
    json_string(j, "reason", reason);
    json_int(j, "step", r->trainer->progress.step);
    json_int(j, "exit", (int)code);
    journal_end(r->journal);
}

/* --- progress ------------------------------------------------------------ */

static void duration(double seconds, char *room, size_t bytes)
{
    long s = seconds < 1e9 ? (long)seconds : 0;

    if (s >= 3600)
        snprintf(room, bytes, "%ld h %02ld min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(room, bytes, "%ld min %02ld s", s / 60, s % 60);
    else
        snprintf(room, bytes, "%ld s", s);
}

static void show(const struct run *r, struct pace *p,
                 const struct step_result *s)
{
    const struct trainer *t = r->trainer;
    double now = timer_now(), elapsed = now - p->start;
    int64_t done = t->progress.step - (r->started_at > 0 ? r->started_at : 0);
    int64_t left = r->total_steps - t->progress.step;
    char rest[64];

    if (now - p->shown < (p->terminal ? 0.5 : 10))
        return;
    p->shown = now;
    duration(elapsed / (double)done * (double)left, rest, sizeof rest);
    log_progress("epoch %lld/%d  step %lld/%lld  loss %.4f  %.0f molecules/s  "
                 "%s left",
                 (long long)trainer_epoch(t), t->job->params->train.epochs,
                 (long long)t->progress.step, (long long)r->total_steps,
                 s->loss, (double)p->all_molecules / elapsed, rest);
}

static void note_epoch(const struct run *r, const struct pace *p,
                       const double validation[])
{
    const struct trainer *t = r->trainer;
    double train[LOADER_TARGETS], elapsed = timer_now() - p->start;
    int64_t done = t->progress.step - (r->started_at > 0 ? r->started_at : 0);
    char valid[64] = "", rest[64];

    trainer_train_mae(t, train);
    if (validation)
        snprintf(valid, sizeof valid, ", validation %.4f", validation[0]);
    duration(elapsed / (double)done *
                 (double)(r->total_steps - t->progress.step),
             rest, sizeof rest);
    log_note("epoch %lld/%d: MAE of %s train %.4f%s %s, %.0f molecules/s, %s "
             "left",
             (long long)trainer_epoch(t), t->job->params->train.epochs,
             t->job->scale.name[0], train[0], valid, t->job->scale.unit[0],
             (double)p->all_molecules / elapsed, rest);
}

/* --- the loop ------------------------------------------------------------ */

static struct pace pace_start(const struct run *r)
{
    const struct params *p = &r->setup->params;
    int64_t steps = r->trainer->steps_per_epoch;
    double now = timer_now();

    return (struct pace){.log = recurring_start(p->log.every, steps),
                         .evaluate = recurring_start(p->log.evaluate, steps),
                         .began = now,
                         .shown = now,
                         .epoch_began = now,
                         .start = now,
                         .terminal = isatty(STDERR_FILENO)};
}

/* An evaluation by the clock is rank 0's to call. */
static int evaluation_due(struct run *r, struct pace *p)
{
    int due = recurring_due(&p->evaluate, r->trainer->progress.step);

    if (p->evaluate.every.unit == UNIT_SECONDS)
        comm_broadcast(r->setup->comm, &due, sizeof due, 0);
    return due || r->trainer->progress.step == r->total_steps;
}

/* After a step: evaluation, the end of an epoch, saves. */
static enum err after_step(struct run *r, struct pace *p,
                           const struct step_result *s)
{
    struct trainer *t = r->trainer;
    double mae[LOADER_TARGETS];
    int evaluated = evaluation_due(r, p), best = 0;

    if (evaluated) {
        TRY(mae_of(t, PART_VALIDATION, mae));
        best = note_best(t, mae);
    }
    if (trainer_epoch_done(t)) {
        say_epoch(r, p, "epoch", evaluated ? mae : NULL);
        note_epoch(r, p, evaluated ? mae : NULL);
        trainer_epoch_begin(t);
        p->epoch_began = timer_now();
    } else if (evaluated) {
        say_epoch(r, p, "evaluation", mae);
    }
    if (best || saver_due(&r->saver, s->wanted[WISH_SAVE] > 0)) {
        TRY(saver_save(&r->saver));
        stop_saw_save(r->stop, r->saver.slowest);
    }
    return OK;
}

/* What this rank wishes for after the step to come. */
static void wishes(struct run *r, int64_t done, int wish[], const char **why)
{
    wish[WISH_STOP] = stop_wanted(r->stop, done, why);
    wish[WISH_SAVE] = comm_rank(r->setup->comm) == 0 && saver_wants(&r->saver);
}

static enum err leave(struct run *r, const char *why)
{
    enum err err;

    TRY(saver_finish(&r->saver));
    stop_saw_save(r->stop, r->saver.slowest);
    err = saver_result(&r->saver);
    err = comm_agree(r->setup->comm, err);
    say_stop(r, why, err ? err : ERR_STOPPED);
    if (!err)
        log_note("stopped after step %lld: %s; start again to go on",
                 (long long)r->trainer->progress.step, why);
    return err ? err : ERR_STOPPED;
}

/* A signal before the first step: nothing is done but a checkpoint. */
static int stopped_before(struct run *r)
{
    int64_t signal = stop_signal();

    comm_max(r->setup->comm, &signal, 1);
    return signal != 0;
}

static enum err steps(struct run *r)
{
    struct trainer *t = r->trainer;
    struct pace p = pace_start(r);
    struct step_result s = {.loss = 0};
    const char *why = "another rank was asked to";
    int64_t done = 0;

    while (t->progress.step < r->total_steps) {
        int wish[WISHES];
        double began = timer_now();

        wishes(r, done + 1, wish, &why);
        TRY(trainer_step(t, wish, &s));
        done++;
        stop_saw_step(r->stop, timer_now() - began);
        p.molecules += s.molecules;
        p.all_molecules += s.molecules;
        if (recurring_due(&p.log, t->progress.step))
            say_step(r, &p, &s);
        show(r, &p, &s);
        TRY(after_step(r, &p, &s));
        if (s.wanted[WISH_STOP] && t->progress.step < r->total_steps)
            return leave(r, why);
    }
    return OK;
}

/* --- the end ------------------------------------------------------------- */

/* Best state into the trainer: from best.h5, or the checkpoint itself. */
static enum err load_best(struct run *r)
{
    struct ckpt_state state;
    char path[4096];
    enum err err;

    TRY(state_of_trainer(r->trainer, &state));
    snprintf(path, sizeof path, "%s/checkpoints/step-%010lld.h5",
             r->setup->params.run.dir,
             (long long)r->trainer->progress.best_step);
    if (access(path, R_OK) != 0)
        run_path(r->setup->params.run.dir, "best.h5", path, sizeof path);
    err = ckpt_load(path, &state, 0);
    state_fini(&state);
    return err;
}

static enum err to_best(struct run *r)
{
    struct trainer *t = r->trainer;
    enum err err = OK;

    if (t->progress.best_step == t->progress.step)
        return OK;
    if (comm_rank(r->setup->comm) == 0)
        err = load_best(r);
    TRY(comm_agree(r->setup->comm, err));
    TRY(resume_spread(t));
    trainer_resumed(t);
    return OK;
}

static enum err write_products(struct run *r, const double predicted[])
{
    static const struct digest none;
    const struct split *s = r->trainer->job->split;
    const char *dir = r->setup->params.run.dir;
    struct ckpt_head head = r->saver.head;
    struct ckpt_state state;
    struct digest digest;
    char path[4096];
    enum err err;

    TRY(lock_check(r->lock));
    run_path(dir, "predictions-test.csv", path, sizeof path);
    TRY(predictions_write(path, &r->trainer->loader, s->row[PART_TEST],
                          s->n[PART_TEST], predicted, NULL));
    head.is_model = 1;
    head.step = r->trainer->progress.step;
    run_path(dir, "model.h5", path, sizeof path);
    TRY(state_of_model(r->trainer, &state));
    err = ckpt_write(path, &head, &state, r->lock, &none, &digest);
    state_fini(&state);
    return err;
}

static void put_done(struct json *j, const struct run *r, const double test[])
{
    const struct progress *p = &r->trainer->progress;
    int n = r->trainer->job->scale.n;

    json_reals(j, "validation_mae", n, p->best_mae);
    json_reals(j, "test_mae", n, test);
    put_units(j, &r->trainer->job->scale);
    json_int(j, "best_epoch", p->best_epoch);
    json_int(j, "best_step", p->best_step);
}

static void say_done(struct run *r, const double test[], int as_json)
{
    const struct target_scale *s = &r->trainer->job->scale;
    struct json *j = journal_begin(r->journal, "done");
    static struct json line;

    if (!j)
        return;
    put_done(j, r, test);
    journal_end(r->journal);
    for (int t = 0; t < s->n; t++)
        log_note("done: MAE of %s validation %.4f, test %.4f %s (epoch %lld); "
                 "%s/model.h5",
                 s->name[t], r->trainer->progress.best_mae[t], test[t],
                 s->unit[t], (long long)r->trainer->progress.best_epoch,
                 r->setup->params.run.dir);
    if (!as_json)
        return;
    json_begin(&line);
    put_done(&line, r, test);
    json_print(&line, stdout);
}

/* A run whose last step was taken without an evaluation (fewer epochs on
 * resume) is evaluated now. */
static enum err evaluate_at_last(struct run *r)
{
    struct trainer *t = r->trainer;
    double mae[LOADER_TARGETS];

    if (t->progress.best_step > 0)
        return OK;
    TRY(mae_of(t, PART_VALIDATION, mae));
    if (!note_best(t, mae))
        return err_set(ERR_NONFINITE,
                       "validation: the error is not finite (expected a "
                       "number); lower train.optimizer.lr");
    return saver_save(&r->saver);
}

/* The last checkpoint, then the best model: test part, model.h5. */
static enum err finish(struct run *r, int as_json)
{
    struct trainer *t = r->trainer;
    const struct split *s = t->job->split;
    double test[LOADER_TARGETS], *predicted;
    enum err err;

    TRY(evaluate_at_last(r));
    TRY(saver_finish(&r->saver));
    TRY(comm_agree(r->setup->comm, saver_result(&r->saver)));
    TRY(to_best(r));
    TRY(predictions_of(t, PART_TEST, &predicted));
    evaluate_mae(&t->loader, s->row[PART_TEST], s->n[PART_TEST], predicted,
                 test);
    comm_expect(r->setup->comm, (double)memory_bytes(&t->memory) +
                                    100.0 * (double)s->n[PART_TEST]);
    err = comm_rank(r->setup->comm) == 0 ? write_products(r, predicted) : OK;
    mem_free(predicted);
    TRY(comm_agree(r->setup->comm, err));
    comm_expect(r->setup->comm, 0);
    say_done(r, test, as_json);
    return OK;
}

static enum err go(struct run *r, int as_json)
{
    enum err err;

    if (r->finished) {
        log_note("%s is finished: nothing to do (more train.epochs go on)",
                 r->setup->params.run.dir);
        return OK;
    }
    if (stopped_before(r))
        return leave(r, "a signal");
    err = steps(r);
    if (!err)
        err = finish(r, as_json);
    if (err && err != ERR_STOPPED)
        say_stop(r,
                 *err_message() ? err_message()
                                : "a failure on another rank, see its message",
                 err);
    return err;
}

static enum err run(struct comm *c, const struct options *o)
{
    int sets = options_count(o, "set");
    const char **set = NULL;
    void *data = NULL;
    struct run r = {.setup = NULL};
    enum err err = mem_alloc((size_t)sets, sizeof *set, "--set", &data);

    set = data;
    err = comm_agree(c, err);
    if (!err) {
        options_values(o, "set", set);
        err = run_start(c, o->word[0], sets, set, &r);
    }
    if (!err)
        err = go(&r, options_count(o, "json") > 0);
    run_end(&r);
    mem_free(data);
    return err;
}

static const struct option options[] = {{"set", "SECTION.KEY=VALUE", 1}};

const struct command command_train = {
    .name = "train",
    .summary = "train a model as a deck says, or go on with it",
    .help =
        "se3t train DECK [--set SECTION.KEY=VALUE]... [--json] [--quiet]\n"
        "\n"
        "Trains as the deck says and goes on by itself from run.dir when a\n"
        "checkpoint is there. --set changes a key of the deck for this call.\n"
        "\n"
        "Exit codes: 0 done; 10 stopped early with a good checkpoint, start\n"
        "again; 20 no loadable checkpoint; 30 data; 40 deck or command line;\n"
        "50 environment, launcher or lock; 60 numbers not finite; 70 I/O.\n",
    .option = options,
    .options = 1,
    .needs = "DECK",
    .least = 1,
    .most = 1,
    .run = run,
};
