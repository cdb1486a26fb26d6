/* SPDX-License-Identifier: MIT */
/* bench.c - `se3t bench [DECK]`: what is timed, and in which order. */
#include "config.h"

#include "app/bench.h"
#include "app/commands.h"
#include "app/devices.h"
#include "app/setup.h"
#include "base/mem.h"
#include "base/num.h"
#include "comm/comm.h"

#include <string.h>

enum { STEPS = 20, WARMUP = 3, MOST_STEPS = 100000 };

static enum err number(const struct options *o, const char *name, int least,
                       int *out)
{
    const char *text = options_value(o, name);
    int64_t n;

    if (!text)
        return OK;
    if (!num_int64(text, strlen(text), &n) || n < least || n > MOST_STEPS)
        return err_set(ERR_DECK,
                       "--%s: no such number of steps (expected %d to %d, "
                       "found %s)",
                       name, least, MOST_STEPS, text);
    *out = (int)n;
    return OK;
}

static enum err time_all(struct bench *b)
{
    bench_machine(b);
    if (b->kernels)
        bench_kernels_begin(b);
    TRY(bench_train(b));
    return bench_inference(b);
}

static enum err work(struct comm *c, const struct options *o, struct bench *b,
                     const char **set)
{
    void *data = NULL;
    enum err err;

    options_values(o, "set", set);
    TRY(number(o, "steps", 0, &b->steps));
    TRY(number(o, "warmup", 0, &b->warmup));
    TRY(setup_open(c, o->words ? o->word[0] : NULL, options_count(o, "set"),
                   set, &b->setup));
    TRY(setup_device(b->setup, ""));
    device_log(b->setup->job.device, 1);
    err = mem_alloc((size_t)b->steps, sizeof *b->rate, "timings", &data);
    b->rate = data;
    TRY(comm_agree(c, err));
    TRY(bench_cores(b));
    if (b->steps > 0)
        TRY(time_all(b));
    /* last, for their data would count in the peak of memory */
    return b->peaks ? bench_peaks(b) : OK;
}

static enum err run(struct comm *c, const struct options *o)
{
    struct bench b = {.steps = STEPS,
                      .warmup = WARMUP,
                      .as_json = options_count(o, "json") > 0,
                      .kernels = options_count(o, "kernels") > 0,
                      .peaks = options_count(o, "peaks") > 0};
    void *set = NULL;
    enum err err = mem_alloc((size_t)options_count(o, "set"), sizeof(char *),
                             "--set", &set);

    err = comm_agree(c, err);
    if (!err)
        err = work(c, o, &b, set);
    mem_free(b.rate);
    mem_free(b.cores);
    setup_close(&b.setup);
    mem_free(set);
    return err;
}

static const struct option options[] = {
    {"kernels", NULL, 0}, {"peaks", NULL, 0}, {"set", "SECTION.KEY=VALUE", 1},
    {"steps", "N", 0},    {"warmup", "N", 0},
};

const struct command command_bench = {
    .name = "bench",
    .summary = "time steps of training and inference on this machine",
    .help =
        "se3t bench [DECK] [--steps N] [--warmup N] [--kernels] [--peaks]\n"
        "           [--set KEY=VALUE]... [--json]\n"
        "\n"
        "Whole training steps and inference of the deck's model on its data:\n"
        "molecules a second (median, least, most), latency of one molecule,\n"
        "share of each phase, peak memory, page faults. Without a deck: the\n"
        "default model on chains of carbon and hydrogen. --kernels: the time\n"
        "of each kernel in training, cycles an edge, share of the peak of\n"
        "its arithmetic. --peaks: clock, arithmetic, caches and memory of "
        "this\n"
        "machine; --steps 0: these alone.\n",
    .option = options,
    .options = sizeof options / sizeof *options,
    .least = 0,
    .most = 1,
    .run = run,
};
