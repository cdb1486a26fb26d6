/* SPDX-License-Identifier: MIT */
/* selftest.c - `se3t selftest`: golden files, or checks of this machine.
 *
 * Every rank works through the whole list, so that none waits for another;
 * rank 0 speaks.
 */
#include "app/commands.h"
#include "app/devices.h"
#include "app/golden_run.h"
#include "app/selftest_machine.h"
#include "base/json.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "deck/deck.h"
#include "cpu/cpuid.h"
#include "deck/params.h"
#include "device/device.h"

#include <string.h>

struct selftest {
    struct comm *comm;
    struct deck *deck; /* nothing but what --set says */
    struct params params;
    int as_json;
    int lines, failed;
    struct json j;
};

/* --- lines --------------------------------------------------------------- */

static void print_text(const struct golden_line *l)
{
    printf("%-20s %s  %-44s error %8.1e  tolerance %8.1e  %s\n", l->golden,
           l->precision, l->quantity, l->error, l->tolerance,
           l->pass ? "ok" : "FAILED");
}

static void print_json(struct json *j, const struct golden_line *l)
{
    json_begin(j);
    json_string(j, "golden", l->golden);
    json_string(j, "quantity", l->quantity);
    json_string(j, "precision", l->precision);
    json_real(j, "error", l->error);
    json_real(j, "tolerance", l->tolerance);
    json_bool(j, "pass", l->pass);
    json_print(j, stdout);
}

static void on_line(void *self, const struct golden_line *line)
{
    struct selftest *t = self;

    t->lines++;
    t->failed += !line->pass;
    if (comm_rank(t->comm) != 0)
        return;
    if (t->as_json)
        print_json(&t->j, line);
    else
        print_text(line);
}

/* --- what runs ----------------------------------------------------------- */

static enum err read_sets(struct selftest *t, const char *const set[], int n)
{
    TRY(deck_parse("{}", 2, "se3t selftest", &t->deck));
    for (int i = 0; i < n; i++)
        TRY(deck_set(t->deck, set[i]));
    TRY(params_read(t->deck, 0, &t->params));
    device_check(&t->params, t->deck);
    return deck_result(t->deck);
}

/* The files on one device after the other, precision by precision; with the
 * reference kernels unless others are asked for: variants are measured against
 * those (kcheck), and a training of a few steps leaves a published trajectory
 * as soon as one ReLU or maximum falls on its other side by rounding. */
static enum err run_files(struct selftest *t, enum precision precision,
                          const char *const file[], int n)
{
    struct golden_report to = {.line = on_line, .self = t};
    struct device *d;
    enum err err = OK;

    t->params.compute.precision = precision;
    if (!params_node(t->deck, "run.cpu_isa"))
        t->params.run.cpu_isa = ISA_REF;
    TRY(device_choose(t->comm, &t->params, "", &d));
    to.real = d->k.real;
    for (int i = 0; i < n && !err; i++)
        err = golden_run(file[i], d, &to);
    device_close(&d);
    return comm_agree(t->comm, err);
}

static enum err run_machine(struct selftest *t, enum precision precision)
{
    struct golden_report to = {.line = on_line, .self = t};

    t->params.compute.precision = precision;
    to.real = precision == PRECISION_FP64 ? sizeof(double) : sizeof(float);
    return comm_agree(t->comm, selftest_machine(t->comm, &t->params, &to));
}

/* fp64 and fp32, or the one that was set. */
static enum err run_precisions(struct selftest *t, const char *const file[],
                               int n)
{
    static const enum precision both[] = {PRECISION_FP64, PRECISION_FP32};
    const int is_set = params_node(t->deck, "compute.precision") != NULL;
    const enum precision one = t->params.compute.precision;

    for (int i = 0; i < 2; i++)
        if (!is_set || both[i] == one)
            TRY(n ? run_files(t, both[i], file, n) : run_machine(t, both[i]));
    if (t->failed)
        return err_set(ERR_OTHER,
                       "selftest: %d of %d quantities are off (expected none); "
                       "do not trust this build on this machine",
                       t->failed, t->lines);
    return OK;
}

/* Files are what --golden names and every word behind it. */
static enum err list_files(const struct options *o, const char *file[])
{
    const int named = options_count(o, "golden");

    if (o->words && !named)
        return err_set(ERR_DECK,
                       "selftest: %s: a word that is no option (expected none, "
                       "or files behind --golden); see se3t selftest --help",
                       o->word[0]);
    options_values(o, "golden", file);
    for (int i = 0; i < o->words; i++)
        file[named + i] = o->word[i];
    return OK;
}

static enum err work(struct selftest *t, const struct options *o)
{
    const int n = options_count(o, "golden") + o->words;
    const int sets = options_count(o, "set");
    const char **word;
    enum err err;

    TRY(mem_alloc((size_t)(n + sets), sizeof *word, "the command line",
                  (void **)&word));
    options_values(o, "set", word + n);
    TRY_GOTO(list_files(o, word), free);
    TRY_GOTO(read_sets(t, word + n, sets), free);
    err = run_precisions(t, word, n);
free:
    mem_free(word);
    return err;
}

static enum err run(struct comm *c, const struct options *o)
{
    struct selftest *t;
    enum err err = mem_alloc(1, sizeof *t, "selftest", (void **)&t);

    TRY(comm_agree(c, err));
    t->comm = c;
    t->as_json = options_count(o, "json") > 0;
    threads_choose(c);
    err = work(t, o);
    params_fini(&t->params);
    deck_close(&t->deck);
    mem_free(t);
    return comm_agree(c, err);
}

static const struct option options[] = {
    {"golden", "FILE", 1},
    {"set", "SECTION.KEY=VALUE", 1},
};

const struct command command_selftest = {
    .name = "selftest",
    .summary = "check this build on this machine, or against golden files",
    .help =
        "se3t selftest [--golden FILE...] [--set compute.precision=fp64]\n"
        "              [--json]\n"
        "\n"
        "Networks in every kernel variant that this machine runs against the\n"
        "reference in double, turned molecules, finite differences; or, with\n"
        "--golden, the numbers of these files alone: a line a quantity with\n"
        "its error and tolerance, by the reference kernels unless run.cpu_isa\n"
        "is set. Both fp64 and fp32 unless the precision is set. Exit 1 when\n"
        "one is off.\n",
    .option = options,
    .options = sizeof options / sizeof *options,
    .least = 0,
    .most = -1,
    .run = run,
};
