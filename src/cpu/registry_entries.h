/* SPDX-License-Identifier: MIT */
/* registry_entries.h - one function for each kernel file of each archive: it
 * overwrites the slots it has. */
#ifndef REGISTRY_ENTRIES_H
#define REGISTRY_ENTRIES_H

struct kernels;

/* A file of the reference: both precisions. */
#define REFERENCE_ENTRIES(family)                                              \
    void family##_ref_f32(struct kernels *k);                                  \
    void family##_ref_f64(struct kernels *k)

REFERENCE_ENTRIES(k_geometry);
REFERENCE_ENTRIES(k_trunk);
REFERENCE_ENTRIES(k_conv);
REFERENCE_ENTRIES(k_conv_bwd);
REFERENCE_ENTRIES(k_attend);
REFERENCE_ENTRIES(k_norm);
REFERENCE_ENTRIES(k_softmax);
REFERENCE_ENTRIES(k_linear);
REFERENCE_ENTRIES(k_pool);
REFERENCE_ENTRIES(k_loss);
REFERENCE_ENTRIES(k_grid);
REFERENCE_ENTRIES(k_optim);

void k_attend_lanes_avx2_f32(struct kernels *k);
void k_conv_points_avx2_f32(struct kernels *k);
void k_conv_runs_avx2_f32(struct kernels *k);
void k_conv_runs_w_avx2_f32(struct kernels *k);
void k_geometry_lanes_avx2_f32(struct kernels *k);
void k_linear_lanes_avx2_f32(struct kernels *k);
void k_norm_lanes_avx2_f32(struct kernels *k);
void k_grid_avx2_f32(struct kernels *k);
void k_optim_avx2_f32(struct kernels *k);
void k_softmax_lanes_avx2_f32(struct kernels *k);
void k_attend_lanes_avx512_f32(struct kernels *k);
void k_conv_points_avx512_f32(struct kernels *k);
void k_conv_runs_avx512_f32(struct kernels *k);
void k_conv_runs_w_avx512_f32(struct kernels *k);
void k_geometry_lanes_avx512_f32(struct kernels *k);
void k_linear_lanes_avx512_f32(struct kernels *k);
void k_norm_lanes_avx512_f32(struct kernels *k);
void k_grid_avx512_f32(struct kernels *k);
void k_optim_avx512_f32(struct kernels *k);
void k_softmax_lanes_avx512_f32(struct kernels *k);

/* compute.precision: bf16 */
void k_conv_avx512_bf16(struct kernels *k);
void k_conv_w_avx512_bf16(struct kernels *k);
void k_conv_tiles_amx_bf16(struct kernels *k);
void k_conv_tiles_w_amx_bf16(struct kernels *k);

/* The same with tiles of C, for tests: in no program but theirs. */
void k_conv_tiles_c_bf16(struct kernels *k);
void k_conv_tiles_w_c_bf16(struct kernels *k);

#endif
