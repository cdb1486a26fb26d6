/* SPDX-License-Identifier: MIT */
/* bench_peaks.c - the ceilings of the machine. All ranks measure at once, for
 * they compute at once; rank 0 prints its own. */
#include "config.h"

#include "app/bench.h"
#include "app/devices.h"
#include "app/setup.h"
#include "base/json.h"
#include "comm/comm.h"
#include "cpu/peaks.h"
#include "cpu/registry.h"
#include "device/device.h"

#include <stdio.h>
#include <string.h>

void bench_machine(struct bench *b)
{
    struct comm *c = b->setup->comm;

    comm_barrier(c);
    b->ghz = peaks_of("clock", 1);
    comm_barrier(c);
    b->rank_gflops = b->gflops = peaks_of("fp32_fma", threads_of_rank());
    comm_add(c, &b->gflops, 1, COMM_DOUBLE);
}

/* --- of kernels ----------------------------------------------------------- */

/* By the instruction set that a kernel is made of. */
static struct ceiling ceilings[ISAS] = {
    [ISA_REF] = {"fp32_fma", 0},    [ISA_AVX2] = {"fp32_fma", 0},
    [ISA_AVX512] = {"fp32_fma", 0}, [ISA_AVX512_BF16] = {"vdpbf16ps", 0},
    [ISA_AMX] = {"amx_bf16", 0},
};

static enum isa isa_of(const struct device *d)
{
    for (enum isa i = ISA_REF; i < ISAS; i++)
        if (strcmp(cpuid_name(i), d->isa) == 0)
            return i;
    return ISA_REF;
}

void bench_ceilings(const struct bench *b)
{
    enum isa most = isa_of(b->setup->job.device);

    for (enum isa i = ISA_REF; i <= most; i++) {
        ceilings[i].gflops = b->rank_gflops;
        if (i <= ISA_SINGLE)
            continue;
        comm_barrier(b->setup->comm);
        ceilings[i].gflops = peaks_of(ceilings[i].peak, threads_of_rank());
    }
}

struct wanted {
    const char *slot;
    enum isa isa;
};

static void find_slot(void *self, const char *slot, enum isa from)
{
    struct wanted *o = self;

    if (strcmp(slot, o->slot) == 0)
        o->isa = from;
}

const struct ceiling *bench_ceiling(const struct bench *b, const char *slot)
{
    const struct device *d = b->setup->job.device;
    struct wanted o = {slot, ISA_REF};

    registry_slots(d->k.real, isa_of(d), find_slot, &o);
    return &ceilings[o.isa];
}

/* --- of the machine ------------------------------------------------------- */

static void print_json(const struct peak_value *v, int threads, double value)
{
    static struct json j;

    json_begin(&j);
    json_string(&j, "bench", "peaks");
    json_string(&j, "name", v->name);
    json_string(&j, "unit", v->unit);
    json_int(&j, "threads", threads);
    json_real(&j, "value", value);
    json_print(&j, stdout);
}

static void print_peak(void *self, const struct peak_value *v)
{
    const struct bench *b = self;

    if (comm_rank(b->setup->comm) != 0)
        return;
    if (b->as_json) {
        print_json(v, 1, v->one);
        if (v->threads > 1)
            print_json(v, v->threads, v->all);
        return;
    }
    printf("%-20s %10.2f", v->name, v->one);
    if (v->threads > 1)
        printf(" %10.2f", v->all);
    printf(" %s\n", v->unit);
}

enum err bench_peaks(struct bench *b)
{
    struct comm *c = b->setup->comm;
    int threads = threads_of_rank();

    if (!b->as_json && comm_rank(c) == 0) {
        printf("%-20s %10s", "peaks", "1 thread");
        if (threads > 1)
            printf(" %2d threads", threads);
        printf("\n");
    }
    comm_barrier(c);
    return comm_agree(c, peaks_measure(threads, print_peak, b));
}
