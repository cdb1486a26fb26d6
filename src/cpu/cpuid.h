/* SPDX-License-Identifier: MIT */
/* cpuid.h - the instruction sets that have kernels, in ascending order. */
#ifndef CPUID_H
#define CPUID_H

/* Kernels up to ISA_SINGLE have the precision of their numbers; those above
 * mix it, products of bf16 with sums in 32 bits. */
enum isa {
    ISA_REF,
    ISA_AVX2,
    ISA_AVX512,
    ISA_AVX512_BF16,
    ISA_AMX,
    ISAS,
    ISA_SINGLE = ISA_AVX512
};

/* As the deck spells it. */
const char *cpuid_name(enum isa isa);

/* Whether this binary has kernels for it and the CPU and the system run them;
 * else *why (or NULL) says what is missing, in a few words. The first question
 * for AMX asks the system for the process' permission, for all its threads. */
int cpuid_runs(enum isa isa, const char **why);

/* Whether this binary has kernels for it, wherever they run. */
int cpuid_is_built(enum isa isa);

/* The last that runs. */
enum isa cpuid_best(void);

/* Threads that kernels have places for: the process' cores, its threads, or a
 * few, whichever are most when it is asked first. */
int cpuid_workers(void);

#endif
