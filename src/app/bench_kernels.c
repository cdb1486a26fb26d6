/* SPDX-License-Identifier: MIT */
/* bench_kernels.c - what each kernel takes of rank 0's training steps, and how
 * near it is to the ceiling: that of the arithmetic which the slot's kernel is
 * made of.
 *
 * Cycles are those of all threads of the rank, so that figures of different
 * numbers of threads compare. */
#include "config.h"

#include "app/bench.h"
#include "app/devices.h"
#include "app/setup.h"
#include "base/json.h"
#include "comm/comm.h"
#include "device/device.h"
#include "device/profile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of one step, but cycles_per_edge: of an edge and call. NAN: not known. */
struct row {
    const char *slot;
    double calls, ms, share, cycles_per_edge;
    double gflop, of_ceiling, bytes;
    const char *ceiling; /* as --peaks names it */
};

void bench_kernels_begin(struct bench *b)
{
    struct device *d = b->setup->job.device;

    profile_wrap(&d->k);
    if (strcmp(d->name, "cpu") == 0)
        profile_count(&d->k);
    bench_ceilings(b);
}

static struct row row_of(const struct bench *b, const struct profile *p,
                         double all_seconds)
{
    double n = b->steps, edges = profile_edges() * (double)p->calls;
    double cycles = 1e9 * b->ghz * p->seconds * threads_of_rank();
    const struct ceiling *c = bench_ceiling(b, p->slot);

    return (struct row){
        .slot = p->slot,
        .calls = (double)p->calls / n,
        .ms = 1e3 * p->seconds / n,
        .share = p->seconds / all_seconds,
        .cycles_per_edge = edges > 0 ? cycles / edges : NAN,
        .gflop = p->mac > 0 ? 2e-9 * p->mac / n : NAN,
        .of_ceiling = p->mac > 0 && c->gflops > 0
                          ? 2e-9 * p->mac / p->seconds / c->gflops
                          : NAN,
        .ceiling = c->peak,
        .bytes = p->bytes > 0 ? p->bytes / n : NAN,
    };
}

static void print_json(const struct row *r)
{
    static struct json j;

    json_begin(&j);
    json_string(&j, "bench", "kernels");
    json_string(&j, "slot", r->slot);
    json_real(&j, "calls", r->calls);
    json_real(&j, "ms", r->ms);
    json_real(&j, "share", r->share);
    json_real(&j, "cycles_per_edge", r->cycles_per_edge);
    json_real(&j, "gflop", r->gflop);
    json_real(&j, "of_ceiling", r->of_ceiling);
    json_string(&j, "ceiling", r->ceiling);
    json_real(&j, "bytes", r->bytes);
    json_print(&j, stdout);
}

static void print_number(const char *format, double x)
{
    char text[32] = "-";

    if (!isnan(x))
        snprintf(text, sizeof text, format, x);
    printf(" %9s", text);
}

static void print_text(const struct row *r)
{
    printf("%-14s", r->slot);
    print_number("%.0f", r->calls);
    print_number("%.3f", r->ms);
    print_number("%.2f %%", 100 * r->share);
    print_number("%.1f", r->cycles_per_edge);
    print_number("%.4f", r->gflop);
    print_number("%.1f %%", 100 * r->of_ceiling);
    print_number("%.2f", 1e-6 * r->bytes);
    printf("%s%s\n", isnan(r->of_ceiling) ? "" : "  ",
           isnan(r->of_ceiling) ? "" : r->ceiling);
}

void bench_kernels(const struct bench *b)
{
    const struct profile *p;
    int n = profile_get(&p);
    double sum = 0;

    if (comm_rank(b->setup->comm) != 0)
        return;
    for (int i = 0; i < n; i++)
        sum += p[i].seconds;
    if (!b->as_json)
        printf("%-14s %9s %9s %9s %9s %9s %9s %9s  ceiling of\n", "kernels",
               "calls", "ms", "share", "cycles/e", "GFLOP", "ceiling", "MB");
    for (int i = 0; i < n; i++) {
        struct row r = row_of(b, &p[i], sum);

        if (p[i].calls > 0)
            (b->as_json ? print_json : print_text)(&r);
    }
    if (!b->as_json)
        printf("%-14s %9s %9.3f\n", "all kernels", "", 1e3 * sum / b->steps);
}
