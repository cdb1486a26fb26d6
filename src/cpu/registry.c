/* SPDX-License-Identifier: MIT */
/* registry.c - the table of variants: a new one is a new row. */
#include "config.h"

#include "cpu/registry.h"

#include "cpu/peaks.h"
#include "cpu/registry_entries.h"
#include "device/kernel_list.h"

#include <string.h>

struct variant {
    size_t real;
    enum isa isa;
    void (*enter)(struct kernels *k);
};

#define REFERENCE(family)                                                      \
    {sizeof(double), ISA_REF, family##_ref_f64},                               \
    {                                                                          \
        sizeof(float), ISA_REF, family##_ref_f32                               \
    }

/* In the order in which they overwrite each other: ascending isa. */
static const struct variant variants[] = {
    REFERENCE(k_geometry),
    REFERENCE(k_trunk),
    REFERENCE(k_conv),
    REFERENCE(k_conv_bwd),
    REFERENCE(k_attend),
    REFERENCE(k_norm),
    REFERENCE(k_softmax),
    REFERENCE(k_linear),
    REFERENCE(k_pool),
    REFERENCE(k_loss),
    REFERENCE(k_grid),
    REFERENCE(k_optim),
#ifdef HAVE_AVX2
    {sizeof(float), ISA_AVX2, k_geometry_lanes_avx2_f32},
    {sizeof(float), ISA_AVX2, k_attend_lanes_avx2_f32},
    {sizeof(float), ISA_AVX2, k_conv_points_avx2_f32},
    {sizeof(float), ISA_AVX2, k_conv_runs_avx2_f32},
    {sizeof(float), ISA_AVX2, k_conv_runs_w_avx2_f32},
    {sizeof(float), ISA_AVX2, k_norm_lanes_avx2_f32},
    {sizeof(float), ISA_AVX2, k_softmax_lanes_avx2_f32},
    {sizeof(float), ISA_AVX2, k_linear_lanes_avx2_f32},
    {sizeof(float), ISA_AVX2, k_grid_avx2_f32},
    {sizeof(float), ISA_AVX2, k_optim_avx2_f32},
#endif
#ifdef HAVE_AVX512
    {sizeof(float), ISA_AVX512, k_geometry_lanes_avx512_f32},
    {sizeof(float), ISA_AVX512, k_attend_lanes_avx512_f32},
    {sizeof(float), ISA_AVX512, k_conv_points_avx512_f32},
    {sizeof(float), ISA_AVX512, k_conv_runs_avx512_f32},
    {sizeof(float), ISA_AVX512, k_conv_runs_w_avx512_f32},
    {sizeof(float), ISA_AVX512, k_norm_lanes_avx512_f32},
    {sizeof(float), ISA_AVX512, k_softmax_lanes_avx512_f32},
    {sizeof(float), ISA_AVX512, k_linear_lanes_avx512_f32},
    {sizeof(float), ISA_AVX512, k_grid_avx512_f32},
    {sizeof(float), ISA_AVX512, k_optim_avx512_f32},
#endif
#ifdef HAVE_AVX512_BF16
    {sizeof(float), ISA_AVX512_BF16, k_conv_avx512_bf16},
    {sizeof(float), ISA_AVX512_BF16, k_conv_w_avx512_bf16},
#endif
#ifdef HAVE_AMX
    {sizeof(float), ISA_AMX, k_conv_tiles_amx_bf16},
    {sizeof(float), ISA_AMX, k_conv_tiles_w_amx_bf16},
#endif
};
enum { VARIANTS = sizeof variants / sizeof *variants };

#define SLOT(operands, group, name, ...)                                       \
    {#name, offsetof(struct kernels, group.name)},

static const struct {
    const char *name;
    size_t offset;
} slots[] = {SLOT(3, conv, conv_size, int) KERNEL_LIST(SLOT)
                 SLOT(1, step, norm_blocks, int)};
enum { SLOTS = sizeof slots / sizeof *slots };

enum err registry_fill(size_t real, enum isa isa, struct kernels *out)
{
    const char *why;

    if (!cpuid_runs(isa, &why))
        return err_set(ERR_ENVIRONMENT,
                       "run.cpu_isa: %s (expected at most %s, found %s); "
                       "set run.cpu_isa: auto",
                       why, cpuid_name(cpuid_best()), cpuid_name(isa));
    *out = (struct kernels){.real = real};
    for (int i = 0; i < VARIANTS; i++)
        if (variants[i].real == real && variants[i].isa <= isa)
            variants[i].enter(out);
    return OK;
}

/* The instruction set of the last row that fills the slot. */
static enum isa filled_by(size_t offset, size_t real, enum isa isa)
{
    static const struct kernels empty;
    enum isa from = ISA_REF;

    for (int i = 0; i < VARIANTS; i++) {
        struct kernels k = empty;

        if (variants[i].real != real || variants[i].isa > isa)
            continue;
        variants[i].enter(&k);
        if (memcmp((char *)&k + offset, (const char *)&empty + offset,
                   sizeof(void (*)(void))) != 0)
            from = variants[i].isa;
    }
    return from;
}

void registry_slots(size_t real, enum isa isa,
                    void (*visit)(void *self, const char *slot, enum isa from),
                    void *self)
{
    for (int i = 0; i < SLOTS; i++)
        visit(self, slots[i].name, filled_by(slots[i].offset, real, isa));
}

static const struct peak *const peaks[ISAS] = {
    [ISA_REF] = peaks_vector_ref_f32,
#ifdef HAVE_AVX2
    [ISA_AVX2] = peaks_vector_avx2_f32,
#endif
#ifdef HAVE_AVX512
    [ISA_AVX512] = peaks_vector_avx512_f32,
#endif
#ifdef HAVE_AVX512_BF16
    [ISA_AVX512_BF16] = peaks_dot_avx512_bf16,
#endif
#ifdef HAVE_AMX
    [ISA_AMX] = peaks_tile_amx_bf16,
#endif
};

const struct peak *registry_peaks(enum isa isa)
{
    return cpuid_runs(isa, NULL) ? peaks[isa] : NULL;
}
