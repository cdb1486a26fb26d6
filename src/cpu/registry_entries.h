/* SPDX-License-Identifier: MIT */
/* registry_entries.h - one entry for each kernel file of each archive: it
 * overwrites the slots that the file has. */
#ifndef REGISTRY_ENTRIES_H
#define REGISTRY_ENTRIES_H

struct kernels;

void k_attend_ref_f32(struct kernels *k);
void k_attend_ref_f64(struct kernels *k);
void k_conv_ref_f32(struct kernels *k);
void k_conv_ref_f64(struct kernels *k);
void k_conv_bwd_ref_f32(struct kernels *k);
void k_conv_bwd_ref_f64(struct kernels *k);
void k_geometry_ref_f32(struct kernels *k);
void k_geometry_ref_f64(struct kernels *k);
void k_trunk_ref_f32(struct kernels *k);
void k_trunk_ref_f64(struct kernels *k);

#endif
