/* SPDX-License-Identifier: MIT */
/* kcheck_variant.c - the instruction sets, and tiles of C. */
#include "config.h"

#include "kcheck/kcheck.h"

#include "cpu/registry_entries.h"

#ifdef HAVE_AVX512_BF16
static void enter_tiles(struct kernels *k)
{
    k_conv_tiles_c_bf16(k);
    k_conv_tiles_w_c_bf16(k);
}
#else
static void enter_tiles(struct kernels *k)
{
    (void)k;
}
#endif

/* Their other work is done by the set below, also within them. */
enum isa variant_below(enum isa isa)
{
    return isa == ISAS ? ISA_AVX512_BF16 : isa - 1;
}

int variant_runs(enum isa isa)
{
    return cpuid_runs(isa == ISAS ? variant_below(isa) : isa, NULL);
}

const char *variant_name(enum isa isa)
{
    return isa == ISAS ? "amx in C" : cpuid_name(isa);
}

enum err variant_fill(size_t real, enum isa isa, struct kernels *out)
{
    TRY(registry_fill(real, isa == ISAS ? variant_below(isa) : isa, out));
    if (isa == ISAS)
        enter_tiles(out);
    return OK;
}
