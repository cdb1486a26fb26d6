/* SPDX-License-Identifier: MIT */
/* dev.cuh - what a CUDA kernel file knows of its device.
 *
 * The only file that knows which compiler is at work: nvcc, or g++ with the
 * harness of validation/simt, whose cuda_runtime.h then stands for the
 * toolkit's. Kernel files are the same text for both: they launch through
 * dev_launch and keep to what both headers have.
 */
#ifndef DEV_CUH
#define DEV_CUH

#include <cuda_runtime.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The contract is C. System headers stand above: they are not to be read
 * within these braces. */
extern "C" {
#include "device/kernels.h"
}

enum { DEV_BLOCK = 128 }; /* threads of a block */

/* The process's one compute stream, in which every slot's work runs. */
extern cudaStream_t dev_stream;

/* At least so many threads of a kernel, in whole blocks: a kernel leaves those
 * beyond its work alone. The arguments are copied now, the kernel runs later;
 * nothing to do is no launch. Errors of a launch are those of the next wait. */
template <class... P, class... A>
static void dev_launch(int64_t threads, void (*kernel)(P...), A... arguments)
{
    int64_t blocks = (threads + DEV_BLOCK - 1) / DEV_BLOCK;

    if (blocks <= 0)
        return;
#ifdef __CUDACC__
    kernel<<<(unsigned)blocks, DEV_BLOCK, 0, dev_stream>>>(arguments...);
#else
    simt_launch((unsigned)blocks, DEV_BLOCK, dev_stream, kernel, arguments...);
#endif
}

/* This thread's number in the whole launch. */
static __device__ inline int64_t dev_thread(void)
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

/* As in cpu/real.h. Counts in use stand in device memory: for kernels only. */
static __device__ inline int used_nodes(const struct csr *in)
{
    return in->used ? *in->used : in->n;
}

template <class real>
static __device__ inline real *row(const struct tensor *t, int n, int m)
{
    return (real *)t->data + ((int64_t)n * (2 * t->l + 1) + m) * t->ld;
}

#endif
