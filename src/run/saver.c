/* SPDX-License-Identifier: MIT */
/* saver.c - checkpoints/step-%010d.h5, and what follows a save. */
#include "config.h"

#include "run/saver.h"

#include "base/log.h"
#include "base/timer.h"
#include "comm/comm.h"
#include "deck/params.h"
#include "run/journal.h"
#include "run/state.h"
#include "run/step.h"
#include "run/stop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void run_path(const char *dir, const char *name, char *room, size_t bytes)
{
    snprintf(room, bytes, "%s/%s", dir, name);
}

static void checkpoint_path(const struct saver *s, int64_t step, char *room,
                            size_t bytes)
{
    snprintf(room, bytes, "%s/checkpoints/step-%010lld.h5", s->dir,
             (long long)step);
}

static int copy_bytes(FILE *from, FILE *to)
{
    char piece[1 << 16];
    size_t n;

    while ((n = fread(piece, 1, sizeof piece, from)) > 0)
        if (fwrite(piece, 1, n, to) != n)
            return 0;
    return !ferror(from) && fflush(to) == 0 && fsync(fileno(to)) == 0;
}

/* Where the file system has no second names. */
static int copy_file(const char *path, const char *to)
{
    FILE *in = fopen(path, "rb"), *out = fopen(to, "wb");
    int good = in && out && copy_bytes(in, out);

    if (in)
        fclose(in);
    if (out)
        good &= fclose(out) == 0;
    return good;
}

static int second_name(const char *path, const char *to)
{
    if (link(path, to) == 0)
        return 1;
    if (errno != EPERM && errno != ENOTSUP && errno != EOPNOTSUPP &&
        errno != EMLINK)
        return 0;
    return copy_file(path, to);
}

/* best.h5 is a second name of the best step's checkpoint: no byte is written
 * twice. A checkpoint that is gone had its second name before. */
static enum err link_best(struct saver *s)
{
    int64_t step = s->trainer->progress.best_step;
    char path[4096], fresh[4096], best[4096];

    if (step == 0 || step == s->linked)
        return OK;
    checkpoint_path(s, step, path, sizeof path);
    run_path(s->dir, "best.h5", best, sizeof best);
    run_path(s->dir, "best.h5.tmp", fresh, sizeof fresh);
    unlink(fresh);
    if (access(path, F_OK) == 0 &&
        (!second_name(path, fresh) || rename(fresh, best) != 0)) {
        enum err err = err_set(ERR_IO, "%s: cannot be made (%s); make room",
                               best, strerror(errno));

        unlink(fresh);
        return err;
    }
    s->linked = step;
    return OK;
}

static void say_saved(struct saver *s, const struct digest *digest,
                      double seconds)
{
    struct json *j = journal_begin(s->journal, "checkpoint");

    if (!j)
        return;
    json_int(j, "step", s->trainer->progress.step);
    json_string(j, "digest", digest->hex);
    json_real(j, "seconds", seconds);
    json_int(j, "ranks", comm_size(s->trainer->job->comm));
    journal_end(s->journal);
}

/* Rank 0's part. */
static enum err write_state(struct saver *s)
{
    static const struct digest none;
    int64_t step = s->trainer->progress.step;
    struct ckpt_state state;
    struct digest digest;
    char path[4096];
    double began = timer_now();
    enum err err;

    checkpoint_path(s, step, path, sizeof path);
    s->head.step = step;
    TRY(state_of_trainer(s->trainer, &state));
    err = ckpt_write(path, &s->head, &state, s->lock,
                     step > s->last_step ? &s->last : &none, &digest);
    state_fini(&state);
    TRY(err);
    s->last = digest;
    s->last_step = step;
    say_saved(s, &digest, timer_now() - began);
    TRY(link_best(s));
    ckpt_prune(s->dir, s->keep, step);
    return OK;
}

static void note_failure(struct saver *s, enum err err)
{
    s->error = err;
    snprintf(s->message, sizeof s->message, "%s", err_message());
    log_warn("%s; the run goes on and tries again", s->message);
}

/* What rank 0 knows and all need to decide alike. */
static void spread_outcome(struct saver *s, enum err *err)
{
    struct {
        int failed, err;
        int64_t last_step;
        double slowest;
    } o = {s->failed, (int)*err, s->last_step, s->slowest};

    comm_broadcast(s->trainer->job->comm, &o, sizeof o, 0);
    s->failed = o.failed;
    s->last_step = o.last_step;
    s->slowest = o.slowest;
    *err = (enum err)o.err;
}

enum err saver_save(struct saver *s)
{
    struct comm *c = s->trainer->job->comm;
    double began = timer_now();
    enum err err = OK;

    comm_expect(c, (double)memory_bytes(&s->trainer->memory));
    if (comm_rank(c) == 0) {
        err = write_state(s);
        s->failed = err != OK;
        if (err)
            note_failure(s, err);
        if (err != ERR_ENVIRONMENT)
            err = OK;
        if (timer_now() - began > s->slowest)
            s->slowest = timer_now() - began;
    }
    spread_outcome(s, &err);
    s->tried_step = s->trainer->progress.step;
    s->tried = timer_now();
    comm_set_patience(c, 2 * s->slowest);
    comm_expect(c, 0);
    timer_lap(&s->trainer->phases, PHASE_CHECKPOINT, began);
    return err;
}

int saver_wants(struct saver *s)
{
    if (s->every.every.unit != UNIT_SECONDS)
        return 0;
    if (s->failed && timer_now() - s->tried >= s->every.every.amount / 2)
        return 1;
    return recurring_due(&s->every, 0);
}

/* After a failure: half the interval, in steps. */
static int retry_due(const struct saver *s)
{
    const struct interval *every = &s->every.every;
    double steps = every->unit == UNIT_EPOCHS
                       ? every->amount * (double)s->every.steps_per_epoch
                       : every->amount;
    int64_t since = s->trainer->progress.step - s->tried_step;

    return s->failed && since > 0 && since >= (int64_t)(steps / 2);
}

int saver_due(struct saver *s, int wished)
{
    if (s->every.every.unit == UNIT_SECONDS)
        return wished;
    return recurring_due(&s->every, s->trainer->progress.step) || retry_due(s);
}

enum err saver_finish(struct saver *s)
{
    if (s->last_step == s->trainer->progress.step)
        return OK;
    return saver_save(s);
}

enum err saver_result(const struct saver *s)
{
    if (!s->failed)
        return OK;
    return err_set(ERR_IO, "%s", s->message);
}
