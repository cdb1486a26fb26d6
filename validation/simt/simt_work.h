/* SPDX-License-Identifier: MIT */
/* simt_work.h - for what stands for a library of the GPU (cublas.cpp, nccl.c):
 * work in a stream that is not a kernel.
 */
#ifndef SIMT_WORK_H
#define SIMT_WORK_H

#include "simt/include/cuda_runtime_api.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Done when its turn comes, with the bytes that `self` has now. Within a
 * capture it becomes a node. */
void simt_work_add(cudaStream_t stream, void (*work)(void *self),
                   const void *self, size_t bytes);

/* Within work, n bytes of device memory that it reads, or writes: whether they
 * are a live object's. What nobody wrote, and what another stream may be at
 * work on, is reported as of a kernel. */
int simt_work_reads(const void *p, size_t n, const char *what);
int simt_work_writes(void *p, size_t n, const char *what);

/* A moment of a stream, and that another's next work does not run before it:
 * though the two are not ordered by it. */
uint64_t simt_work_turn(cudaStream_t stream);
void simt_work_not_before(cudaStream_t stream, cudaStream_t other,
                          uint64_t turn);

#ifdef __cplusplus
}
#endif

#endif
