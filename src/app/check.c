/* SPDX-License-Identifier: MIT */
/* check.c - `se3t check DECK`: everything that train would find wrong, and what
 * it would take, without a step and without a file. */
#include "config.h"

#include "app/commands.h"
#include "app/devices.h"
#include "app/run_start.h"
#include "app/setup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "device/device.h"
#include "run/journal.h"
#include "run/resume.h"
#include "run/saver.h"
#include "run/step.h"

#include <string.h>

/* Where each rank runs. */
struct place {
    char host[64];
    int rank, node_rank, threads;
};

static void put_split(struct json *j, const struct setup *s)
{
    json_object_begin(j, "split");
    for (int part = 0; part < PARTS; part++) {
        json_object_begin(j, part_name((enum part)part));
        json_int(j, "molecules", s->split.n[part]);
        json_string(j, "sha256", s->part[part].hex);
        json_object_end(j);
    }
    json_object_end(j);
}

static void put_places(struct json *j, const struct setup *s,
                       const struct place place[])
{
    json_list_begin(j, "devices");
    for (int i = 0; i < comm_size(s->comm); i++) {
        json_object_begin(j, NULL);
        json_int(j, "rank", place[i].rank);
        json_string(j, "host", place[i].host);
        json_string(j, "device", s->job.device->name);
        json_string(j, "cpu_isa", s->job.device->isa);
        json_int(j, "threads", place[i].threads);
        json_object_end(j);
    }
    json_list_end(j);
}

/* A grace (from signal to kill) or a limit below this saves nothing. */
static double save_seconds(const struct setup *s)
{
    char path[FILE_PATH];
    double seconds;

    run_path(s->params.run.dir, "journal.jsonl", path, sizeof path);
    seconds = journal_last_save(path);
    if (s->params.run.time_limit > 0 && s->params.run.time_limit < seconds)
        log_warn("run.time_limit: shorter than a save (expected more than %.1f "
                 "s, found %.1f); raise it",
                 seconds, s->params.run.time_limit);
    return seconds;
}

static void print_json(const struct setup *s, const struct trainer_plan *plan,
                       const struct resumption *from,
                       const struct place place[])
{
    static struct json j;

    json_begin(&j);
    json_int(&j, "parameters", plan->parameters);
    json_int(&j, "memory_bytes", (int64_t)memory_bytes(&plan->memory));
    json_string(&j, "data_digest", s->data->digest.hex);
    put_split(&j, s);
    put_places(&j, s, place);
    json_bool(&j, "resumes", !from->fresh);
    json_real(&j, "save_seconds", save_seconds(s));
    json_print(&j, stdout);
}

static void print_memory(const struct trainer_plan *plan)
{
    const struct memory *m = &plan->memory;
    double mib = 1.0 / (1 << 20);

    printf("model     %lld parameters\n", (long long)plan->parameters);
    printf("memory    %.1f MiB a rank: weights %.1f, gradients %.1f, state "
           "%.1f, activations and workspace %.1f\n",
           (double)memory_bytes(m) * mib, (double)m->weights.used * mib,
           (double)m->grads.used * mib, (double)m->state.used * mib,
           (double)m->work.used * mib);
    printf("          at most %d molecules at once (%d atoms, %d bonds), %.2f "
           "MiB each\n",
           plan->limits.molecules, plan->limits.nodes, plan->limits.bonds,
           (double)m->work.used * mib / (double)plan->limits.molecules);
}

static void print_text(const struct setup *s, const struct trainer_plan *plan,
                       const struct resumption *from,
                       const struct place place[])
{
    double seconds = save_seconds(s);

    printf("deck      in order\n");
    printf("data      %s: %lld molecules, digest %.12s.., in order\n",
           s->data->path, (long long)s->data->molecules, s->data->digest.hex);
    printf("split    ");
    for (int part = 0; part < PARTS; part++)
        printf(" %s %lld", part_name((enum part)part),
               (long long)s->split.n[part]);
    printf("\n");
    for (int t = 0; t < s->job.scale.n; t++)
        printf("target    %s: mean %.6g, standard deviation %.6g %s\n",
               s->job.scale.name[t], s->job.scale.mean[t], s->job.scale.std[t],
               s->job.scale.unit[t]);
    print_memory(plan);
    for (int i = 0; i < comm_size(s->comm); i++)
        printf("rank %-4d %s: %s (%s), %d threads\n", place[i].rank,
               place[i].host, s->job.device->name, s->job.device->isa,
               place[i].threads);
    printf("run       %s: %s\n", s->params.run.dir,
           from->fresh ? "a fresh start" : "will be resumed");
    if (!from->fresh && seconds > 0)
        printf("save      %.2f s, the last one; a scheduler's grace must be "
               "longer\n",
               seconds);
}

static enum err gather_places(struct comm *c, struct place **out)
{
    struct place mine = {.rank = comm_rank(c),
                         .node_rank = comm_node_rank(c),
                         .threads = threads_of_rank()};
    void *all;

    snprintf(mine.host, sizeof mine.host, "%s", comm_host(c));
    TRY(comm_gather(c, &mine, sizeof mine, &all, NULL));
    *out = all;
    return OK;
}

static enum err report(struct setup *s, const struct resumption *from,
                       int as_json)
{
    struct trainer_plan plan;
    struct place *place;

    TRY(setup_device(s, from->isa));
    TRY(comm_agree(s->comm, trainer_measure(&s->job, &plan)));
    TRY(gather_places(s->comm, &place));
    if (comm_rank(s->comm) != 0)
        return OK;
    if (as_json)
        print_json(s, &plan, from, place);
    else
        print_text(s, &plan, from, place);
    mem_free(place);
    return OK;
}

static enum err check(struct comm *c, const struct options *o, int sets,
                      const char *const set[])
{
    struct resumption from = {.candidates = 0};
    struct setup *s = NULL;
    enum err err;

    TRY(setup_open(c, o->word[0], sets, set, &s));
    err = comm_rank(c) == 0 ? run_look(s->params.run.dir) : OK;
    TRY_GOTO(comm_agree(c, err), close);
    TRY_GOTO(resume_find(c, &s->params, s->portable, &s->data->digest, &from),
             close);
    err = report(s, &from, options_count(o, "json") > 0);
    resume_fini(&from);
close:
    setup_close(&s);
    return err;
}

static enum err run(struct comm *c, const struct options *o)
{
    int sets = options_count(o, "set");
    void *data = NULL;
    const char **set;
    enum err err = mem_alloc((size_t)sets, sizeof *set, "--set", &data);

    set = data;
    err = comm_agree(c, err);
    if (!err) {
        options_values(o, "set", set);
        err = check(c, o, sets, set);
    }
    mem_free(data);
    return err;
}

static const struct option options[] = {{"set", "SECTION.KEY=VALUE", 1}};

const struct command command_check = {
    .name = "check",
    .summary = "say what train would find wrong, and what it would take",
    .help =
        "se3t check DECK [--set SECTION.KEY=VALUE]... [--json] [--quiet]\n"
        "\n"
        "Reads deck and data as train does, and says what is wrong, how the\n"
        "molecules are split, how much memory a rank needs, where the ranks\n"
        "run, and whether the run would be resumed. Makes no file.\n",
    .option = options,
    .options = 1,
    .needs = "DECK",
    .least = 1,
    .most = 1,
    .run = run,
};
