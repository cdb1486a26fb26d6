/* SPDX-License-Identifier: MIT */
/* cpuid.c - one row an instruction set, with what is missing for it. */
#include "config.h"

#include "cpu/cpuid.h"

#include <omp.h>
#include <stddef.h>

#ifdef HAVE_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char not_built[] = "no kernels for it in this binary";

/* NULL, or what is missing. */
static const char *lacks_nothing(void)
{
    return NULL;
}

static const char *lacks_for_avx2(void)
{
#ifdef HAVE_AVX2
    if (!__builtin_cpu_supports("avx2"))
        return "the CPU has no AVX2";
    return __builtin_cpu_supports("fma") ? NULL : "the CPU has no FMA";
#else
    return not_built;
#endif
}

/* x86-64-v4 */
static const char *lacks_for_avx512(void)
{
#ifdef HAVE_AVX512
    if (lacks_for_avx2())
        return lacks_for_avx2();
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return NULL;
    return "the CPU has no AVX-512 F, BW, CD, DQ and VL";
#else
    return not_built;
#endif
}

static const char *lacks_for_avx512_bf16(void)
{
#ifdef HAVE_AVX512_BF16
    if (lacks_for_avx512())
        return lacks_for_avx512();
    return __builtin_cpu_supports("avx512bf16") ? NULL
                                                : "the CPU has no AVX-512 BF16";
#else
    return not_built;
#endif
}

/* Linux keeps the tiles of a thread only after a process asked for it. */
static const char *lacks_for_amx(void)
{
#ifdef HAVE_AMX
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 }; /* of leaf 7 */
    unsigned a, b, c, d;

    if (lacks_for_avx512_bf16())
        return lacks_for_avx512_bf16();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & AMX_BF16) ||
        !(d & AMX_TILE))
        return "the CPU has no AMX with BF16";
    if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) != 0)
        return "the system does not grant AMX";
    return NULL;
#else
    return not_built;
#endif
}

static const struct {
    const char *name;
    const char *(*lacks)(void);
} isas[ISAS] = {
    [ISA_REF] = {"ref", lacks_nothing},
    [ISA_AVX2] = {"avx2", lacks_for_avx2},
    [ISA_AVX512] = {"avx512", lacks_for_avx512},
    [ISA_AVX512_BF16] = {"avx512_bf16", lacks_for_avx512_bf16},
    [ISA_AMX] = {"amx", lacks_for_amx},
};

const char *cpuid_name(enum isa isa)
{
    return isas[isa].name;
}

int cpuid_runs(enum isa isa, const char **why)
{
    const char *lacks = isas[isa].lacks();

    if (lacks && why)
        *why = lacks;
    return lacks == NULL;
}

int cpuid_is_built(enum isa isa)
{
    return isas[isa].lacks() != not_built;
}

enum isa cpuid_best(void)
{
    enum isa best = ISAS - 1;

    while (!cpuid_runs(best, NULL))
        best--;
    return best;
}

enum { FEW = 4 };

int cpuid_workers(void)
{
    static int workers;
    int cores = omp_get_num_procs(), threads = omp_get_max_threads();

    if (workers == 0) {
        workers = threads > cores ? threads : cores;
        workers = workers > FEW ? workers : FEW;
    }
    return workers;
}
