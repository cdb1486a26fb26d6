/* SPDX-License-Identifier: MIT */
/* kernel_list.h - all slots that run on device memory, with the types of their
 * operands: KERNEL_LIST(S) is S(operands, group, slot, types...) of each. For
 * what is put around every kernel. conv_size and norm_blocks touch no memory.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "device/kernels.h"

typedef struct tensor *T;
typedef const struct tensor *CT;
typedef const struct csr *CSR;
typedef const struct graph *G;
typedef struct geometry *GEO;
typedef const struct geometry *CGEO;
typedef const struct radial *RADIAL;
typedef struct conv *CONV;
typedef const struct heads *HEADS;
typedef const struct gather *GATHER;
typedef const struct attend_grad *DATTEND;
typedef const struct optim *OPTIM;
typedef enum loss_kind LOSS;
typedef const double *CD;
typedef const int64_t *CI64;
typedef const void *CV;
typedef const int *CI;
/* clang-format off */
#define KERNEL_LIST(S)                                                         \
    S(2, conv, geometry_fwd, G, GEO)                                           \
    S(3, conv, geometry_bwd, G, CGEO, T)                                       \
    S(2, conv, trunk_fwd, CT, RADIAL)                                          \
    S(4, conv, trunk_bwd, CT, RADIAL, T, T)                                    \
    S(1, conv, conv_prepare, CONV)                                             \
    S(1, conv, conv_points, CONV)                                              \
    S(1, conv, conv_plan, CONV)                                                \
    S(4, conv, conv_fwd, CONV, CT, CT, T)                                      \
    S(6, conv, conv_bwd_x, CONV, CT, CT, CT, T, T)                             \
    S(4, conv, conv_bwd_w, CONV, CT, CT, CT)                                   \
    S(5, conv, attend_fwd, G, CGEO, HEADS, GATHER, T)                          \
    S(6, conv, attend_bwd, G, GEO, HEADS, GATHER, CT, DATTEND)                 \
    S(4, conv, aggregate_fwd, G, CGEO, GATHER, T)                              \
    S(6, conv, aggregate_bwd, G, GEO, GATHER, CT, T, T)                        \
    S(4, node, norm_fwd, CT, CT, T, T)                                         \
    S(6, node, norm_bwd, CT, CT, CT, CT, T, T)                                 \
    S(3, node, softmax_fwd, CT, CSR, T)                                        \
    S(4, node, softmax_bwd, CT, CT, CSR, T)                                    \
    S(4, node, linear_fwd, CT, CT, CT, T)                                      \
    S(3, node, linear_add, CT, CT, T)                                          \
    S(6, node, linear_bwd, CT, CT, CT, T, T, T)                                \
    S(4, node, self_add, CT, CT, CSR, T)                                       \
    S(6, node, self_bwd, CT, CT, CSR, CT, T, T)                                \
    S(2, node, relu_fwd, CT, T)                                                \
    S(3, node, relu_bwd, CT, CT, T)                                            \
    S(4, node, pool_max_fwd, CT, CSR, T, int *)                                \
    S(4, node, pool_max_bwd, CT, CSR, CI, T)                                   \
    S(3, node, pool_avg_fwd, CT, CSR, T)                                       \
    S(3, node, pool_avg_bwd, CT, CSR, T)                                       \
    S(6, node, loss, LOSS, CT, CT, CD, T, double *)                            \
    S(4, step, grid_add, CV, int64_t, int, int64_t *)                          \
    S(3, step, grid_get, CI64, int64_t, void *)                                \
    S(4, step, grad_norm, CV, int64_t, double *, double *)                     \
    S(1, step, optim_step, OPTIM)
/* clang-format on */

#endif
