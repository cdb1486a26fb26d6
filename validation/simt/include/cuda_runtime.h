/* SPDX-License-Identifier: MIT */
/* cuda_runtime.h - CUDA for g++: found before the toolkit's header, it gives
 * an unchanged .cu the words of CUDA C++ and the part of the runtime that is
 * in use. Threads are fibers (threads.cpp), memory is watched (memory.cpp),
 * streams run at the latest legal moment (stream.cpp).
 *
 * What a kernel file may use is what stands here; a new kernel that needs more
 * adds it, with a planted bug in planted.cu where there is something to catch.
 * One-dimensional grids and blocks only.
 */
#ifndef SIMT_CUDA_RUNTIME_H
#define SIMT_CUDA_RUNTIME_H

#include <stddef.h>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)

enum { SIMT_BLOCK_MAX = 1024 };

/* The runtime. */
enum cudaError_t {
    cudaSuccess,
    cudaErrorInvalidValue,
    cudaErrorMemoryAllocation
};
enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3
};
typedef struct simt_stream *cudaStream_t;

cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaMalloc(void **data, size_t bytes);
cudaError_t cudaFree(void *data);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes,
                            cudaStream_t stream);

/* Within a kernel. */
struct simt_index {
    unsigned x;
};
simt_index simt_thread_index(void);
simt_index simt_block_index(void);
simt_index simt_block_size(void);
simt_index simt_grid_size(void);
#define threadIdx (simt_thread_index())
#define blockIdx (simt_block_index())
#define blockDim (simt_block_size())
#define gridDim (simt_grid_size())

void simt_barrier(int line);
#define __syncthreads() simt_barrier(__LINE__)

/* Launches: the arguments are copied at the call, as bytes */
void simt_enqueue(unsigned blocks, unsigned threads, cudaStream_t stream,
                  void (*body)(const void *), const void *arguments,
                  size_t bytes);

template <class... P> struct simt_call {
    void (*kernel)(P...);
    std::tuple<P...> arguments;

    static void body(const void *self)
    {
        const simt_call *call = static_cast<const simt_call *>(self);

        std::apply(call->kernel, call->arguments);
    }
};

template <class... P, class... A>
void simt_launch(unsigned blocks, unsigned threads, cudaStream_t stream,
                 void (*kernel)(P...), A... arguments)
{
    static_assert((std::is_trivially_copyable<P>::value && ...),
                  "kernel arguments are passed as bytes");
    simt_call<P...> call = {kernel, std::tuple<P...>(arguments...)};

    simt_enqueue(blocks, threads, stream, simt_call<P...>::body, &call,
                 sizeof call);
}

#endif
