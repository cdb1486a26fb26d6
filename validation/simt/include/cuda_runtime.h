/* SPDX-License-Identifier: MIT */
/* cuda_runtime.h - CUDA for g++: found before the toolkit's header, it gives
 * an unchanged .cu the words of CUDA C++. Threads are fibers (threads.cpp),
 * memory is watched (memory.cpp, race.cpp), streams run late or in any order
 * (stream.cpp).
 *
 * What a kernel file may use is what stands here and in the headers below; a
 * kernel that needs more adds it, with a planted bug in planted*.cu where there
 * is something to catch.
 */
#ifndef SIMT_CUDA_RUNTIME_H
#define SIMT_CUDA_RUNTIME_H

#include "cuda_runtime_api.h"

#include <stdint.h>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
/* One block runs at a time: what is static is its block's. Has no guards on
 * its sides: kernel files say SHARED. */
#define __shared__ static thread_local

enum { SIMT_BLOCK_MAX = 1024, SIMT_LANES = 32 };

/* Vectors: as wide and as aligned as the toolkit's. */
#define SIMT_VECTORS(type, name)                                               \
    struct alignas(2 * sizeof(type)) name##2                                   \
    {                                                                          \
        type x, y;                                                             \
    };                                                                         \
    struct alignas(sizeof(type) > 4 ? 16 : 4 * sizeof(type)) name##4           \
    {                                                                          \
        type x, y, z, w;                                                       \
    };                                                                         \
    inline name##2 make_##name##2(type x, type y)                              \
    {                                                                          \
        return {x, y};                                                         \
    }                                                                          \
    inline name##4 make_##name##4(type x, type y, type z, type w)              \
    {                                                                          \
        return {x, y, z, w};                                                   \
    }
SIMT_VECTORS(float, float)
SIMT_VECTORS(double, double)
SIMT_VECTORS(int, int)
SIMT_VECTORS(unsigned, uint)
#undef SIMT_VECTORS

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1)
        : x(a), y(b), z(c)
    {
    }
};

/* Within a kernel. */
uint3 simt_thread_index(void);
uint3 simt_block_index(void);
dim3 simt_block_size(void);
dim3 simt_grid_size(void);
#define threadIdx (simt_thread_index())
#define blockIdx (simt_block_index())
#define blockDim (simt_block_size())
#define gridDim (simt_grid_size())
#define warpSize 32

/* A line of a kernel file; as a default argument, the caller's. */
struct simt_site {
    const char *file;
    int line;
};
constexpr simt_site simt_here(const char *file = __builtin_FILE(),
                              int line = __builtin_LINE())
{
    return {file, line};
}

/* Shared memory of the running block, the same at every call from one place;
 * the launch's own bytes. */
void *simt_shared(const void *place, size_t bytes, const char *name);
void *simt_shared_dynamic(void);

/* Launches: the arguments are copied at the call, as bytes. */
struct simt_launch_shape {
    dim3 grid, block;
    size_t shared;
    cudaStream_t stream;
};
void simt_enqueue(const simt_launch_shape &shape, const void *kernel,
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
void simt_launch(const simt_launch_shape &shape, void (*kernel)(P...),
                 A... arguments)
{
    static_assert((std::is_trivially_copyable<P>::value && ...),
                  "kernel arguments are passed as bytes");
    simt_call<P...> call = {kernel, std::tuple<P...>(arguments...)};

    simt_enqueue(shape, reinterpret_cast<const void *>(kernel),
                 simt_call<P...>::body, &call, sizeof call);
}

template <class... P>
cudaError_t cudaFuncSetAttribute(void (*kernel)(P...),
                                 cudaFuncAttribute attribute, int value)
{
    return cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                                attribute, value);
}

template <class T> cudaError_t cudaMalloc(T **data, size_t bytes)
{
    return cudaMalloc(reinterpret_cast<void **>(data), bytes);
}

template <class T> cudaError_t cudaMallocHost(T **data, size_t bytes)
{
    return cudaMallocHost(reinterpret_cast<void **>(data), bytes);
}

#include "simt_atomic.h"
#include "simt_math.h"
#include "simt_warp.h"

#endif
