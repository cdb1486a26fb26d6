/* SPDX-License-Identifier: MIT */
/* bench_steps.c - whole steps of training and of inference, as molecules a
 * second.
 *
 * A step is timed as train takes it: batch, forward, backward, reduction,
 * optimiser. Every rate is of one step; median, least and most are given. */
#include "config.h"

#include "app/bench.h"
#include "app/devices.h"
#include "app/setup.h"
#include "base/json.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "device/device.h"
#include "device/profile.h"
#include "run/ckpt.h"
#include "run/predictor.h"
#include "run/step.h"

#include <stdlib.h>
#include <sys/resource.h>

static int64_t page_faults(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_minflt + u.ru_majflt;
}

/* Of the rank that has most. */
static int64_t peak_bytes(struct comm *c)
{
    struct rusage u;
    int64_t peak;

    getrusage(RUSAGE_SELF, &u);
    peak = (int64_t)u.ru_maxrss * 1024;
    comm_max(c, &peak, 1);
    return peak;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of sorted numbers, 0 <= q <= 1; between two neighbours in proportion. */
static double quantile(const double x[], int n, double q)
{
    double at = q * (n - 1);
    int i = (int)at;

    return i + 1 < n ? x[i] + (at - i) * (x[i + 1] - x[i]) : x[n - 1];
}

static void put_rates(struct json *j, double rate[], int n)
{
    qsort(rate, (size_t)n, sizeof *rate, ascending);
    json_object_begin(j, "molecules_per_s");
    json_real(j, "median", quantile(rate, n, 0.5));
    json_real(j, "min", rate[0]);
    json_real(j, "max", rate[n - 1]);
    json_object_end(j);
}

static void put_head(struct json *j, const struct bench *b, const char *what)
{
    const struct params *p = &b->setup->params;

    json_begin(j);
    json_string(j, "bench", what);
    json_int(j, "batch", p->train.batch);
    json_string(j, "precision",
                params_word("compute.precision", (int)p->compute.precision));
    json_string(j, "radial",
                params_word("compute.radial", (int)p->compute.radial));
    json_string(j, "memory", p->compute.low_memory ? "low" : "normal");
    json_int(j, "ranks", comm_size(b->setup->comm));
    json_int(j, "threads", threads_of_rank());
    json_string(j, "cpu_isa", b->setup->job.device->isa);
    bench_put_cores(j, b);
}

/* rate sorted, as put_rates leaves it. */
static void put_usage(struct json *j, const struct bench *b, int64_t peak)
{
    json_int(j, "peak_bytes", peak);
    json_int(j, "page_faults", b->faults);
    json_real(j, "gflops", b->gflops);
    json_real(j, "molecules_per_s_per_gflops",
              quantile(b->rate, b->steps, 0.5) / b->gflops);
}

static double phases_sum(const struct phases *p)
{
    double sum = 0;

    for (int i = 0; i < PHASES; i++)
        sum += p->seconds[i];
    return sum;
}

static void put_phases(struct json *j, const struct phases *p)
{
    double sum = phases_sum(p);

    json_object_begin(j, "phases");
    for (int i = 0; i < PHASES; i++)
        if (p->seconds[i] > 0)
            json_real(j, phase_name((enum phase)i), p->seconds[i] / sum);
    json_object_end(j);
}

static void print_phases(const struct bench *b, const struct phases *p)
{
    double sum = phases_sum(p);

    if (comm_rank(b->setup->comm) != 0)
        return;
    printf("%-10s", "phases");
    for (int i = 0; i < PHASES; i++)
        if (p->seconds[i] > 0)
            printf(" %s %.1f %%", phase_name((enum phase)i),
                   100 * p->seconds[i] / sum);
    printf("\n");
}

static void print_line(const struct bench *b, struct json *j)
{
    if (comm_rank(b->setup->comm) == 0)
        json_print(j, stdout);
}

static void print_text(const struct bench *b, const char *what, int64_t peak)
{
    const double *r = b->rate;

    if (comm_rank(b->setup->comm) != 0)
        return;
    printf("%-10s %10.1f molecules/s (least %.1f, most %.1f; %d steps of %d), "
           "peak %.0f MiB, %lld page faults\n",
           what, quantile(r, b->steps, 0.5), r[0], r[b->steps - 1], b->steps,
           b->setup->params.train.batch, (double)peak / (1 << 20),
           (long long)b->faults);
    printf("%-10s %10.4f molecules/s per GFLOP/s of the fp32 FMA peak, %.1f\n",
           "ratio", quantile(r, b->steps, 0.5) / b->gflops, b->gflops);
}

/* --- training ------------------------------------------------------------ */

static enum err time_steps(struct bench *b, struct trainer *t)
{
    static const int no_wish[WISHES];
    int64_t total = t->steps_per_epoch * b->setup->params.train.epochs;

    for (int i = -b->warmup; i < b->steps; i++) {
        struct step_result s;
        double began = timer_now();
        int64_t faults = page_faults();

        if (t->progress.step == total) /* starts over */
            t->progress.step = 0;
        if (i == 0) {
            t->phases = (struct phases){.seconds = {0}};
            profile_clear();
        }
        TRY(trainer_step(t, no_wish, &s));
        if (i < 0)
            continue;
        b->faults += page_faults() - faults;
        b->rate[i] = s.molecules / (timer_now() - began);
    }
    comm_add(b->setup->comm, &b->faults, 1, COMM_INT64);
    return OK;
}

enum err bench_train(struct bench *b)
{
    static struct json j;
    struct trainer *t;
    int64_t peak;
    enum err err;

    b->faults = 0;
    TRY(trainer_create(&b->setup->job, &t));
    TRY_GOTO(comm_agree(b->setup->comm, trainer_start(t)), destroy);
    TRY_GOTO(time_steps(b, t), destroy);
    peak = peak_bytes(b->setup->comm);
    put_head(&j, b, "train");
    put_rates(&j, b->rate, b->steps);
    put_usage(&j, b, peak);
    put_phases(&j, &t->phases);
    if (b->as_json) {
        print_line(b, &j);
    } else {
        print_text(b, "training", peak);
        print_phases(b, &t->phases);
    }
    if (b->kernels)
        bench_kernels(b);
destroy:
    b->setup->job.device->sync(b->setup->job.device); /* what was put */
    trainer_destroy(&t);
    return err;
}

/* --- inference ----------------------------------------------------------- */

/* Evaluates blocks of n molecules; out: seconds of each. */
static enum err time_blocks(struct bench *b, struct predictor *p, int n,
                            double out[])
{
    const struct split *s = &b->setup->split;
    int64_t train = s->n[PART_TRAIN], at = 0;
    double *predicted;
    void *data = NULL;
    enum err err = mem_alloc((size_t)n * (size_t)b->setup->job.scale.n,
                             sizeof *predicted, "predictions", &data);

    predicted = data;
    err = comm_agree(b->setup->comm, err);
    for (int i = -b->warmup; !err && i < b->steps; i++) {
        double began = timer_now();
        int64_t faults = page_faults();

        at = at + n > train ? 0 : at;
        err = evaluate_predict(&p->evaluation, s->row[PART_TRAIN] + at, n,
                               predicted);
        at += n;
        if (i < 0)
            continue;
        b->faults += page_faults() - faults;
        out[i] = timer_now() - began;
    }
    mem_free(data);
    return err;
}

static void put_latency(struct json *j, double seconds[], int n)
{
    static const struct {
        const char *name;
        double q;
    } row[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}};
    double sum = 0;

    qsort(seconds, (size_t)n, sizeof *seconds, ascending);
    for (int i = 0; i < n; i++)
        sum += seconds[i];
    json_object_begin(j, "latency_ms");
    json_real(j, "mean", 1e3 * sum / n);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        json_real(j, row[i].name, 1e3 * quantile(seconds, n, row[i].q));
    json_object_end(j);
}

static enum err time_inference(struct bench *b, struct predictor *p,
                               double latency[])
{
    int batch = b->setup->params.train.batch;

    b->faults = 0;
    p->evaluation.block =
        (batch + comm_size(b->setup->comm) - 1) / comm_size(b->setup->comm);
    TRY(time_blocks(b, p, batch, b->rate));
    for (int i = 0; i < b->steps; i++)
        b->rate[i] = batch / b->rate[i];
    comm_add(b->setup->comm, &b->faults, 1, COMM_INT64);
    return time_blocks(b, p, 1, latency);
}

static enum err report_inference(struct bench *b, double latency[])
{
    static struct json j;
    int64_t peak = peak_bytes(b->setup->comm);

    put_head(&j, b, "inference");
    put_rates(&j, b->rate, b->steps);
    put_latency(&j, latency, b->steps);
    put_usage(&j, b, peak);
    json_object_begin(&j, "phases");
    json_object_end(&j);
    if (b->as_json) {
        print_line(b, &j);
        return OK;
    }
    print_text(b, "inference", peak);
    if (comm_rank(b->setup->comm) == 0)
        printf("%-10s %10.3f ms a molecule (p90 %.3f, p99 %.3f)\n", "latency",
               1e3 * quantile(latency, b->steps, 0.5),
               1e3 * quantile(latency, b->steps, 0.9),
               1e3 * quantile(latency, b->steps, 0.99));
    return OK;
}

/* Of the batches that time_blocks takes, one after the other. */
static struct batch_limits limits_of_blocks(const struct setup *s)
{
    struct batch_limits limits = {.molecules = 0};
    int64_t n = s->split.n[PART_TRAIN], batch = s->params.train.batch;

    for (int64_t at = 0; at < n; at += batch)
        loader_measure(s->data, s->split.row[PART_TRAIN] + at,
                       n - at < batch ? n - at : batch, 1, &limits);
    return limits;
}

enum err bench_inference(struct bench *b)
{
    struct setup *s = b->setup;
    struct ckpt_head head = {.elements = s->job.elements,
                             .scale = s->job.scale};
    const struct batch_limits limits = limits_of_blocks(s);
    struct predictor_of of = {.head = &head,
                              .params = &s->params,
                              .data = s->data,
                              .rows = s->split.row[PART_TRAIN],
                              .n = s->split.n[PART_TRAIN],
                              .block = s->params.train.batch,
                              .limits = &limits};
    struct predictor *p;
    void *latency = NULL;
    enum err err =
        mem_alloc((size_t)b->steps, sizeof(double), "timings", &latency);

    TRY_GOTO(comm_agree(s->comm, err), free_latency);
    TRY_GOTO(predictor_create(s->comm, s->job.device, &of, &p), free_latency);
    err = time_inference(b, p, latency);
    if (!err)
        err = report_inference(b, latency);
    predictor_destroy(&p);
free_latency:
    mem_free(latency);
    return err;
}
