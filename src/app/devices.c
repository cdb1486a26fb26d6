/* SPDX-License-Identifier: MIT */
/* devices.c - one row a device. */
#include "config.h"

#include "app/devices.h"

#include "base/log.h"
#include "base/num.h"
#include "comm/comm.h"
#include "cpu/cpuid.h"
#include "cpu/device_cpu.h"
#include "cpu/device_paranoid.h"
#include "cpu/peaks.h"
#include "cpu/registry.h"
#include "cuda/device_cuda.h"
#include "deck/params.h"
#include "device/device.h"

#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

typedef enum err open_device(struct comm *c, enum isa isa, size_t real,
                             struct device **out);

static enum err open_cuda(struct comm *c, enum isa isa, size_t real,
                          struct device **out)
{
    (void)isa;
    return device_cuda_open(c, real, out);
}

/* Why run.device: auto did not take a GPU; NULL: it was not auto. */
static const char *no_gpu;

static enum err open_auto(struct comm *c, enum isa isa, size_t real,
                          struct device **out)
{
    no_gpu = "is for run.device: cuda";
    device_cuda_count(&no_gpu);
    return device_cpu_open(c, isa, real, out);
}

static open_device *const openers[] = {
    [DEVICE_AUTO] = open_auto,
    [DEVICE_CPU] = device_cpu_open,
    [DEVICE_CUDA] = open_cuda,
    [DEVICE_PARANOID] = device_paranoid_open,
};

/* Bytes of a number, 0: in no build; and the instruction sets that serve it. */
static const struct served {
    size_t real;
    enum isa least, most;
} precisions[] = {
    [PRECISION_FP32] = {sizeof(float), ISA_REF, ISA_SINGLE},
    [PRECISION_FP64] = {sizeof(double), ISA_REF, ISA_SINGLE},
    [PRECISION_TF32] = {0, ISA_REF, ISA_REF},
    [PRECISION_BF16] = {sizeof(float), ISA_AVX512_BF16, ISA_AMX},
    [PRECISION_FP16] = {0, ISA_REF, ISA_REF},
};

/* Where products of bf16 are not this much faster, single precision loses
 * little and is exact. */
static const double worth_it = 1.3;

/* On the matrix unit each term of a run is a product of its own, and features
 * are written once more for each: an estimate, none of it was measured. */
static const double tiles_worth_it = 4;

/* Measured when the device was chosen; 0: was not. */
static double dot_gain, tile_gain;

static const struct served *precision_of(const struct params *p)
{
    return &precisions[p->compute.precision];
}

static enum err lacks_precision(const struct params *p)
{
    return err_set(ERR_DECK,
                   "compute.precision: not in this build (expected fp32 or "
                   "fp64%s, found %s); change compute.precision",
                   cpuid_is_built(ISA_AVX512_BF16) ? ", or bf16" : "",
                   params_word("compute.precision", (int)p->compute.precision));
}

static int has_precision(const struct params *p)
{
    return precision_of(p)->real && cpuid_is_built(precision_of(p)->least);
}

/* An instruction set of the deck that is another precision's. */
static int is_beside(const struct params *p)
{
    return p->run.cpu_isa >= 0 &&
           ((enum isa)p->run.cpu_isa < precision_of(p)->least ||
            (enum isa)p->run.cpu_isa > precision_of(p)->most);
}

static enum err isa_beside(const struct params *p)
{
    const struct served *r = precision_of(p);

    return err_set(
        ERR_DECK,
        "run.cpu_isa: no kernels of compute.precision: %s (expected %s %s, "
        "found %s); set run.cpu_isa: auto",
        params_word("compute.precision", (int)p->compute.precision),
        r->least > ISA_SINGLE ? "avx512_bf16 or" : "at most",
        cpuid_name(r->most), cpuid_name((enum isa)p->run.cpu_isa));
}

void device_check(const struct params *p, struct deck *deck)
{
    if (!has_precision(p)) {
        lacks_precision(p);
        deck_mistake(deck, params_node(deck, "compute.precision"), "%s",
                     err_message());
    } else if (is_beside(p)) {
        isa_beside(p);
        deck_mistake(deck, params_node(deck, "run.cpu_isa"), "%s",
                     err_message());
    }
}

/* The last instruction set that every rank runs, of those the precision has.
 */
static enum isa best_of_all(struct comm *c, const struct params *p)
{
    enum isa most = precision_of(p)->most, best = cpuid_best();
    int64_t worst = -(int64_t)(best < most ? best : most);

    comm_max(c, &worst, 1);
    return (enum isa) - worst;
}

static enum isa choose_isa(struct comm *c, const struct params *p,
                           const char *kept)
{
    const struct served *r = precision_of(p);
    enum isa best = best_of_all(c, p);

    if (p->run.cpu_isa >= 0)
        return (enum isa)p->run.cpu_isa;
    for (enum isa i = r->least; *kept && i <= r->most; i++) {
        if (strcmp(cpuid_name(i), kept) != 0)
            continue;
        if (i <= best)
            return i;
        log_note("this machine lacks %s, which the checkpoint was made with: "
                 "%s instead, the bits will differ",
                 kept, cpuid_name(best));
    }
    return best;
}

/* Products of bf16, by the name of their peak, against multiply-adds, on the
 * rank where they do worst. */
static double least_gain(struct comm *c, const char *name)
{
    int64_t worst = -(int64_t)(1000 * peaks_ratio(name, "fp32_fma"));

    comm_max(c, &worst, 1);
    return -1e-3 * (double)worst;
}

/* Products of bf16 where there are none, or where they gain too little; asked
 * for by name they are taken. */
static enum err check_bf16(enum isa isa, int is_auto)
{
    const char *why = "another rank's machine has none";

    if (isa < ISA_AVX512_BF16) {
        cpuid_runs(ISA_AVX512_BF16, &why);
        return err_set(ERR_ENVIRONMENT,
                       "compute.precision: %s (expected a CPU with AVX-512 "
                       "BF16, found %s at most); set compute.precision: fp32",
                       why, cpuid_name(isa));
    }
    if (is_auto && isa == ISA_AVX512_BF16 && dot_gain < worth_it)
        return err_set(ERR_ENVIRONMENT,
                       "compute.precision: bf16 gains nothing here (expected "
                       "vdpbf16ps at least %.1f times as fast as fp32, found "
                       "%.2f); set compute.precision: fp32",
                       worth_it, dot_gain);
    return OK;
}

static enum err open_own(struct comm *c, const struct params *p, enum isa isa,
                         struct device **out)
{
    if (!has_precision(p))
        return lacks_precision(p);
    if (is_beside(p))
        return isa_beside(p);
    if (precision_of(p)->least == ISA_AVX512_BF16)
        TRY(check_bf16(isa, p->run.cpu_isa < 0));
    return openers[p->run.device](c, isa, precision_of(p)->real, out);
}

/* The matrix unit where it gains enough, or where vectors gain too little. */
static enum isa measured(struct comm *c, enum isa isa, const char *kept)
{
    if (isa == ISA_AMX)
        tile_gain = least_gain(c, "amx_bf16");
    if (isa == ISA_AMX &&
        (tile_gain >= tiles_worth_it || strcmp(kept, cpuid_name(ISA_AMX)) == 0))
        return isa;
    dot_gain = least_gain(c, "vdpbf16ps");
    if (isa == ISA_AMX && tile_gain >= worth_it && dot_gain < worth_it)
        return isa;
    return ISA_AVX512_BF16;
}

enum err device_choose(struct comm *c, const struct params *p, const char *kept,
                       struct device **out)
{
    enum isa isa = choose_isa(c, p, kept);
    struct device *d = NULL;
    enum err err;

    dot_gain = tile_gain = 0;
    no_gpu = NULL;
    if (isa >= ISA_AVX512_BF16 && p->run.cpu_isa < 0) /* so it is everywhere */
        isa = measured(c, isa, kept);
    err = comm_agree(c, open_own(c, p, isa, &d));
    if (err)
        device_close(&d);
    else
        *out = d;
    return err;
}

/* --- threads ------------------------------------------------------------ */

/* CPUs that this rank may run on. */
static int cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* Ranks bound apart have their own cores; else they share them. */
static int share(const struct comm *c)
{
    int n = cores(), ranks = comm_node_size(c);
    int online = omp_get_num_procs();

    if (n < online || ranks == 1)
        return n;
    return n / ranks > 0 ? n / ranks : 1;
}

void threads_choose(struct comm *c)
{
    const char *word = getenv("OMP_NUM_THREADS");
    int64_t asked = 0;
    int threads = share(c);

    if (word && *word) {
        if (num_int64(word, strcspn(word, ","), &asked) && asked > 0 &&
            asked <= 4096)
            threads = (int)asked;
        else
            log_warn("OMP_NUM_THREADS: no number of threads (expected 1 or "
                     "more, found %s); %d a rank instead, its cores",
                     word, threads);
    }
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
    if (threads > cores())
        log_warn("OMP_NUM_THREADS: more threads than cores a rank (expected at "
                 "most %d, found %d); bind ranks to more cores, or set it",
                 cores(), threads);
}

void threads_log(const struct comm *c)
{
    log_detail("%d ranks, %d on this node, %d threads each, %d cores in the "
               "affinity mask",
               comm_size(c), comm_node_size(c), threads_of_rank(), cores());
}

int threads_of_rank(void)
{
    return omp_get_max_threads();
}

/* The slots of each archive. */
struct slots {
    char names[ISAS][1024];
};

static void note_slot(void *self, const char *slot, enum isa from)
{
    struct slots *s = self;
    char *names = s->names[from];
    size_t n = strlen(names);

    snprintf(names + n, sizeof s->names[from] - n, " %s", slot);
}

static void say_slots(size_t real, enum isa isa, int notes)
{
    struct slots s = {.names = {""}};

    registry_slots(real, isa, note_slot, &s);
    for (int i = 0; i < ISAS; i++)
        if (*s.names[i] && notes)
            log_note("kernels %s:%s", cpuid_name((enum isa)i), s.names[i]);
        else if (*s.names[i])
            log_detail("kernels %s:%s", cpuid_name((enum isa)i), s.names[i]);
}

void device_log(const struct device *d, int notes)
{
    enum isa isa = ISA_REF;
    const char *why = "";

    while (isa < ISAS - 1 && strcmp(cpuid_name(isa), d->isa) != 0)
        isa++;
    log_detail("device %s, kernels up to %s", d->name, d->isa);
    if (no_gpu)
        log_detail("device cuda: not taken, %s", no_gpu);
    if (tile_gain > 0)
        log_detail("kernels %s: amx_bf16 is %.1f times as fast as fp32%s",
                   cpuid_name(ISA_AMX), tile_gain,
                   isa < ISA_AMX ? ", not taken" : "");
    if (dot_gain > 0)
        log_detail("kernels %s: vdpbf16ps is %.2f times as fast as fp32",
                   d->isa, dot_gain);
    if (isa == ISA_SINGLE)
        log_detail("kernels %s: for compute.precision: bf16 only",
                   cpuid_name(isa + 1));
    else if (isa < ISAS - 1 && !cpuid_runs(isa + 1, &why))
        log_detail("kernels %s: not taken, %s", cpuid_name(isa + 1), why);
    say_slots(d->k.real, isa, notes);
}
