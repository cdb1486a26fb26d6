/* SPDX-License-Identifier: MIT */
/* calls.h - what is called of cuBLAS and NCCL.
 *
 * Both are opened when a GPU is used, so that one program runs with them and
 * without, and neither is needed to build it: names and numbers below are those
 * of their interfaces, which have not changed since cuBLAS 11 and NCCL 2.10;
 * where their headers are, validation/simt/gate.t compares. The harness of
 * validation/simt has tables of its own.
 */
#ifndef CALLS_H
#define CALLS_H

#include <cuda_runtime_api.h>
#include <stddef.h>

/* --- cuBLAS: matrices by column ---------------------------------------------
 */

enum calls_transpose { CALLS_N = 0, CALLS_T = 1 };
enum calls_number {
    CALLS_FP32 = 0,
    CALLS_FP64 = 1,
    CALLS_FP16 = 2,
    CALLS_BF16 = 14
};
enum calls_compute {
    CALLS_COMPUTE_FP32 = 68,
    CALLS_COMPUTE_FP64 = 70,
    CALLS_COMPUTE_TF32 = 77 /* of fp32 */
};
enum { CALLS_ANY_ALGORITHM = -1 };

typedef struct cublasContext *calls_blas;

/* 0 is success. alpha and beta: the host's, in the type of compute. */
struct cublas_calls {
    int (*create)(calls_blas *h);
    int (*destroy)(calls_blas h);
    int (*set_stream)(calls_blas h, cudaStream_t s);
    int (*set_workspace)(calls_blas h, void *device, size_t bytes);
    /* C = alpha op(A) op(B) + beta C, op(A) m x k, a batch of them `stride`
     * numbers apart. */
    int (*gemm)(calls_blas h, int op_a, int op_b, int m, int n, int k,
                const void *alpha, const void *a, int type_a, int ld_a,
                long long stride_a, const void *b, int type_b, int ld_b,
                long long stride_b, const void *beta, void *c, int type_c,
                int ld_c, long long stride_c, int batch, int compute,
                int algorithm);
};

/* --- NCCL -------------------------------------------------------------------
 */

enum calls_nccl_number {
    CALLS_NCCL_INT64 = 4,
    CALLS_NCCL_FP16 = 6,
    CALLS_NCCL_FP32 = 7,
    CALLS_NCCL_FP64 = 8,
    CALLS_NCCL_BF16 = 9
};
enum calls_nccl_sum { CALLS_NCCL_SUM = 0, CALLS_NCCL_MAX = 2 };

struct calls_nccl_id {
    char bytes[128];
};
typedef struct ncclComm *calls_comm;

/* 0 is success. */
struct nccl_calls {
    int (*get_unique_id)(struct calls_nccl_id *id);
    int (*comm_init_rank)(calls_comm *c, int ranks, struct calls_nccl_id id,
                          int rank);
    int (*comm_destroy)(calls_comm c);
    int (*comm_abort)(calls_comm c);
    int (*comm_get_async_error)(calls_comm c, int *error);
    int (*group_start)(void);
    int (*group_end)(void);
    int (*all_reduce)(const void *from, void *to, size_t n, int type, int op,
                      calls_comm c, cudaStream_t s);
    int (*broadcast)(const void *from, void *to, size_t n, int type, int root,
                     calls_comm c, cudaStream_t s);
    const char *(*error_string)(int error);
};

/* The process's; NULL: why, for a message. */
const struct cublas_calls *calls_cublas(const char **why);
const struct nccl_calls *calls_nccl(const char **why);

#endif
