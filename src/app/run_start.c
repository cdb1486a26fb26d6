/* SPDX-License-Identifier: MIT */
/* run_start.c - deck and data first, then the model, then the folder: a mistake
 * leaves no file behind (doc/reliability.md R13). */
#include "config.h"

#include "app/run_start.h"

#include "app/devices.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/h5.h"
#include "data/dataset.h"
#include "device/device.h"
#include "run/ckpt.h"
#include "run/journal.h"
#include "run/lock.h"
#include "run/state.h"
#include "run/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the folder ---------------------------------------------------------- */

static enum err cannot_make(const char *path, int why)
{
    char here[FILE_PATH];

    if (*path == '/' || !getcwd(here, sizeof here))
        *here = 0;
    return err_set(ERR_IO,
                   "run.dir: %s%s%s cannot be made or written (%s); name a "
                   "folder where you may write",
                   here, *here ? "/" : "", path, strerror(why));
}

static enum err make_folder(const char *path)
{
    int why = file_make_folder(path);

    return why ? cannot_make(path, why) : OK;
}

/* 20260131 or 2026-01-31 somewhere in it. */
static int has_date(const char *s)
{
    while (*(s += strcspn(s, "0123456789"))) {
        size_t n = strspn(s, "0123456789-");

        if (n >= 8 && n <= 10 &&
            (strncmp(s, "19", 2) == 0 || strncmp(s, "20", 2) == 0))
            return 1;
        s += n;
    }
    return 0;
}

/* R26: the next job would look in another folder. */
static void warn_of_name(const char *dir)
{
    static const char *const jobs[] = {"SLURM_JOB_ID", "PBS_JOBID"};
    const char *name = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
    int bad = has_date(name);

    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        const char *job = getenv(jobs[i]);

        bad |= job && *job && strstr(name, job) != NULL;
    }
    if (bad)
        log_warn("run.dir: %s holds a job's number or a date; the next job "
                 "will not find it, choose a name that stays",
                 dir);
}

static enum err open_folder(struct run *r)
{
    const char *dir = r->setup->params.run.dir;
    char path[4096];

    TRY(make_folder(dir));
    run_path(dir, "checkpoints", path, sizeof path);
    TRY(make_folder(path));
    return lock_open(dir, &r->lock);
}

enum err run_look(const char *dir)
{
    int why = file_look_folder(dir);

    return why ? cannot_make(dir, why) : lock_look(dir);
}

/* --- what is said at the start ------------------------------------------- */

static void say_first_line(const struct run *r)
{
    const struct progress *p = &r->trainer->progress;

    if (r->started_at < 0)
        log_note("fresh start in %s: no checkpoint there",
                 r->setup->params.run.dir);
    else
        log_note("resumed from step %lld (epoch %lld) in %s, written %s by job "
                 "%s",
                 (long long)p->step, (long long)trainer_epoch(r->trainer),
                 r->setup->params.run.dir, journal_checkpoint_time(r->journal),
                 journal_checkpoint_job(r->journal));
}

/* R11: sums over another number of parts round otherwise. */
static void say_ranks(const struct run *r)
{
    int64_t was = journal_checkpoint_ranks(r->journal);
    int now = comm_size(r->setup->comm);

    if (was > 0 && was != now && !r->setup->params.run.any_ranks)
        log_note("%d ranks instead of %lld: the same molecules in the same "
                 "order, but not the same bits (run.deterministic: any_ranks "
                 "would keep them)",
                 now, (long long)was);
}

static void say_start(const struct run *r)
{
    const struct setup *s = r->setup;
    const struct memory *m = &r->trainer->memory;
    struct json *j = journal_begin(r->journal, "start");
    struct digest deck;

    if (!j)
        return;
    digest_bytes(s->portable, strlen(s->portable), &deck);
    json_int(j, "step", r->trainer->progress.step);
    json_string(j, "version", PACKAGE_VERSION);
    json_string(j, "mpi", comm_version());
    json_string(j, "hdf5", h5_version());
    json_string(j, "host", comm_host(s->comm));
    json_string(j, "device", s->job.device->name);
    json_string(j, "cpu_isa", s->job.device->isa);
    json_int(j, "ranks", comm_size(s->comm));
    json_int(j, "threads", threads_of_rank());
    json_string(j, "deck_digest", deck.hex);
    json_string(j, "data_digest", s->data->digest.hex);
    json_int(j, "parameters", model_weights(r->trainer->model)->parameters);
    json_int(j, "memory_bytes", (int64_t)memory_bytes(m));
    journal_end(r->journal);
}

static void say_memory(const struct run *r)
{
    const struct memory *m = &r->trainer->memory;
    const struct batch_limits *l = &r->trainer->limits;
    double mib = 1.0 / (1 << 20);

    log_note("%lld parameters; %.1f MiB a rank: weights %.1f, gradients %.1f, "
             "state %.1f, activations and workspace %.1f (%.2f a molecule, "
             "%d at once)",
             (long long)model_weights(r->trainer->model)->parameters,
             (double)memory_bytes(m) * mib, (double)m->weights.used * mib,
             (double)m->grads.used * mib, (double)m->state.used * mib,
             (double)m->work.used * mib,
             (double)m->work.used * mib / (double)l->molecules, l->molecules);
}

static void warning_to_journal(void *self, const char *text)
{
    struct json *j = journal_begin(self, "warning");

    if (!j)
        return;
    json_string(j, "text", text);
    journal_end(self);
}

/* --- weights ------------------------------------------------------------- */

static enum err load_init(struct run *r)
{
    const char *path = r->setup->params.model.init_from;
    struct trainer *t = r->trainer;
    struct ckpt_state state;
    enum err err;

    TRY(state_of_weights(model_weights(t->model), r->setup->job.device,
                         t->memory.weights.base, &state));
    err = ckpt_load(path, &state, 1);
    state_fini(&state);
    if (err == ERR_CHECKPOINT) {
        char why[1024];

        snprintf(why, sizeof why, "%s", err_message());
        err = err_set(ERR_DATA,
                      "model.init_from: %s cannot be the start of this model: "
                      "%s",
                      path, why);
    }
    return err;
}

static enum err fresh_weights(struct run *r)
{
    struct comm *c = r->setup->comm;
    enum err err = trainer_start(r->trainer);

    if (!err && r->setup->params.model.init_from && comm_rank(c) == 0)
        err = load_init(r);
    TRY(comm_agree(c, err));
    if (!r->setup->params.model.init_from)
        return OK;
    TRY(resume_spread(r->trainer));
    optimizer_start(&r->trainer->optimizer);
    trainer_resumed(r->trainer);
    return OK;
}

/* --- finished already? --------------------------------------------------- */

static int file_there(const char *dir, const char *name)
{
    char path[4096];

    run_path(dir, name, path, sizeof path);
    return access(path, F_OK) == 0;
}

/* Rank 0's view: the last step is saved, its products are there and said. */
static int is_finished(const struct run *r)
{
    const char *dir = r->setup->params.run.dir;
    char path[4096];
    struct ckpt_head head = {.format = 0};
    int same;

    if (r->trainer->progress.step < r->total_steps ||
        !file_there(dir, "predictions-test.csv"))
        return 0;
    run_path(dir, "journal.jsonl", path, sizeof path);
    if (!journal_is_done(path))
        return 0;
    run_path(dir, "model.h5", path, sizeof path);
    if (access(path, F_OK) != 0 || ckpt_read_head(path, &head) != OK)
        return 0;
    same = head.step == r->trainer->progress.best_step;
    ckpt_head_fini(&head);
    return same;
}

/* --- in order ------------------------------------------------------------ */

static void set_saver(struct run *r)
{
    struct setup *s = r->setup;
    struct trainer *t = r->trainer;

    r->saver = (struct saver){
        .trainer = t,
        .dir = s->params.run.dir,
        .head = {.deck = s->portable,
                 .isa = (char *)(uintptr_t)s->job.device->isa,
                 .data = s->data->digest,
                 .elements = s->job.elements,
                 .scale = s->job.scale},
        .lock = r->lock,
        .journal = r->journal,
        .every =
            recurring_start(s->params.checkpoint.every, t->steps_per_epoch),
        .keep = s->params.checkpoint.keep,
        .last_step = r->started_at,
        .linked = -1,
    };
}

/* Rank 0: log, journal, deck.yaml. */
static enum err open_files(struct run *r)
{
    const struct setup *s = r->setup;
    const char *dir = s->params.run.dir;
    char path[4096];

    run_path(dir, "log.txt", path, sizeof path);
    TRY(log_open(path));
    run_path(dir, "journal.jsonl", path, sizeof path);
    TRY(journal_open(path, r->started_at, &r->journal));
    log_on_warning(warning_to_journal, r->journal);
    return resume_write_deck(&s->params, &s->data->digest, &s->split.digest,
                             &s->init);
}

/* A lock guards what resume_find saw: with a folder it is taken before, else a
 * second look shows whether another job was here meanwhile. */
static enum err find_checkpoint(struct run *r, struct resumption *out)
{
    struct setup *s = r->setup;
    enum err err = OK;

    if (comm_rank(s->comm) == 0)
        err = access(s->params.run.dir, F_OK) == 0
                  ? open_folder(r)
                  : run_look(s->params.run.dir);
    TRY(comm_agree(s->comm, err));
    return resume_find(s->comm, &s->params, s->portable, &s->data->digest, out);
}

static enum err lock_fresh(struct run *r)
{
    struct setup *s = r->setup;
    struct ckpt_entry *list;
    int n;

    if (comm_rank(s->comm) != 0 || r->lock)
        return OK;
    TRY(open_folder(r));
    TRY(ckpt_list(s->params.run.dir, &n, &list));
    ckpt_list_free(n, list);
    if (n > 0)
        return err_set(ERR_ENVIRONMENT,
                       "%s: another job was here meanwhile (expected no "
                       "checkpoint, found %d); start again to resume it",
                       s->params.run.dir, n);
    return OK;
}

static enum err begin(struct run *r, struct resumption *from)
{
    struct comm *c = r->setup->comm;
    enum err err = OK;

    if (from->fresh)
        TRY(fresh_weights(r));
    else
        TRY(resume_load(from, r->trainer));
    r->started_at = from->fresh ? -1 : r->trainer->progress.step;
    TRY(comm_agree(c, lock_fresh(r)));
    if (comm_rank(c) == 0)
        r->finished = is_finished(r);
    comm_broadcast(c, &r->finished, sizeof r->finished, 0);
    if (r->finished)
        return OK;
    if (comm_rank(c) == 0)
        err = open_files(r);
    TRY(comm_agree(c, err));
    set_saver(r);
    say_first_line(r);
    say_ranks(r);
    if (from->applied && *from->applied)
        log_note("from now on: %s", from->applied);
    warn_of_name(r->setup->params.run.dir);
    threads_log(c);
    device_log(r->setup->job.device, 0);
    say_memory(r);
    say_start(r);
    return OK;
}

static enum err start(struct run *r)
{
    struct setup *s = r->setup;
    struct resumption from = {.candidates = 0};
    enum err err;

    TRY(find_checkpoint(r, &from));
    TRY_GOTO(setup_device(s, from.isa), fini);
    TRY_GOTO(trainer_create(&s->job, &r->trainer), fini);
    r->total_steps = r->trainer->steps_per_epoch * s->params.train.epochs;
    TRY_GOTO(
        comm_agree(s->comm, stop_open(&s->params, comm_rank(s->comm),
                                      r->trainer->steps_per_epoch, &r->stop)),
        fini);
    err = begin(r, &from);
fini:
    resume_fini(&from);
    return err;
}

/* Shards and checkpoints are read by one rank while the others wait. */
static const double start_bytes = 600e6;

enum err run_start(struct comm *c, const char *deck, int sets,
                   const char *const set[], struct run *out)
{
    *out = (struct run){.started_at = -1};
    comm_expect(c, start_bytes);
    TRY(setup_open(c, deck, sets, set, &out->setup));
    TRY(start(out));
    comm_expect(c, 0);
    return OK;
}

void run_end(struct run *r)
{
    log_on_warning(NULL, NULL);
    journal_close(&r->journal);
    log_close();
    stop_close(&r->stop);
    trainer_destroy(&r->trainer);
    lock_close(&r->lock);
    setup_close(&r->setup);
}
