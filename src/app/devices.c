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
#include "cpu/registry.h"
#include "deck/params.h"
#include "device/device.h"

#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

typedef enum err open_device(struct comm *c, enum isa isa, size_t real,
                             struct device **out);

static open_device *const openers[] = {
    [DEVICE_AUTO] = device_cpu_open,
    [DEVICE_CPU] = device_cpu_open,
    [DEVICE_CUDA] = NULL,
    [DEVICE_PARANOID] = device_paranoid_open,
};

/* Bytes of a number; 0: not in this build. */
static const size_t reals[] = {
    [PRECISION_FP32] = sizeof(float),
    [PRECISION_FP64] = sizeof(double),
    [PRECISION_TF32] = 0,
    [PRECISION_BF16] = 0,
    [PRECISION_FP16] = 0,
};

static enum err lacks_precision(const struct params *p)
{
    return err_set(ERR_DECK,
                   "compute.precision: not in this build (expected fp32 or "
                   "fp64, found %s); change compute.precision",
                   params_word("compute.precision", (int)p->compute.precision));
}

void device_check(const struct params *p, struct deck *deck)
{
    if (!reals[p->compute.precision]) {
        lacks_precision(p);
        deck_mistake(deck, params_node(deck, "compute.precision"), "%s",
                     err_message());
    }
}

/* The last instruction set that every rank runs. */
static enum isa best_of_all(struct comm *c)
{
    int64_t worst = -(int64_t)cpuid_best();

    comm_max(c, &worst, 1);
    return (enum isa) - worst;
}

static enum isa choose_isa(struct comm *c, const struct params *p,
                           const char *kept)
{
    enum isa best = best_of_all(c);

    if (p->run.cpu_isa >= 0)
        return (enum isa)p->run.cpu_isa;
    for (int i = 0; *kept && i < ISAS; i++)
        if (strcmp(cpuid_name((enum isa)i), kept) == 0 && (enum isa)i <= best)
            return (enum isa)i;
    if (*kept)
        log_note("this machine lacks %s, which the checkpoint was made with: "
                 "%s instead, the bits will differ",
                 kept, cpuid_name(best));
    return best;
}

static enum err open_own(struct comm *c, const struct params *p, enum isa isa,
                         struct device **out)
{
    open_device *open = openers[p->run.device];
    size_t real = reals[p->compute.precision];

    if (!real)
        return lacks_precision(p);
    if (!open)
        return err_set(ERR_ENVIRONMENT,
                       "run.device: this build has no CUDA (expected cpu, "
                       "found cuda); set run.device: auto");
    return open(c, isa, real, out);
}

enum err device_choose(struct comm *c, const struct params *p, const char *kept,
                       struct device **out)
{
    enum isa isa = choose_isa(c, p, kept);
    struct device *d = NULL;
    enum err err = comm_agree(c, open_own(c, p, isa, &d));

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
    if (isa < ISAS - 1 && !cpuid_runs(isa + 1, &why))
        log_detail("kernels %s: not taken, %s", cpuid_name(isa + 1), why);
    say_slots(d->k.real, isa, notes);
}
