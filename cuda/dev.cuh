/* SPDX-License-Identifier: MIT */
/* dev.cuh - what a CUDA kernel file knows of its device.
 *
 * The only file that knows which compiler is at work: nvcc, or g++ with the
 * harness of validation/simt, whose cuda_runtime.h then stands for the
 * toolkit's. Kernel files are the same text for both: they launch through
 * dev_launch and dev_launch_blocks, keep to what both headers have, and what
 * needs PTX is here, twice. Nothing is newer than sm_80.
 */
#ifndef DEV_CUH
#define DEV_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>
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

enum {
    DEV_BLOCK = 128, /* threads of a block of dev_launch */
    DEV_WARP = 32
};
static const unsigned DEV_ALL = 0xffffffffu; /* lanes */

/* The process's one compute stream, in which every slot's work runs. */
extern cudaStream_t dev_stream;

/* --- launches and shared memory ------------------------------------------- */

struct dev_shape {
    dim3 grid, block;
    size_t shared; /* bytes of DEV_DYNAMIC */
};

/* The arguments are copied now, the kernel runs later. Errors of a launch are
 * those of the next wait. */
template <class... P, class... A>
static void dev_launch_blocks(const dev_shape &s, void (*kernel)(P...),
                              A... arguments)
{
#ifdef __CUDACC__
    kernel<<<s.grid, s.block, s.shared, dev_stream>>>(arguments...);
#else
    simt_launch({s.grid, s.block, s.shared, dev_stream}, kernel, arguments...);
#endif
}

/* At least so many threads of a kernel, in whole blocks: a kernel leaves those
 * beyond its work alone. Nothing to do is no launch. */
template <class... P, class... A>
static void dev_launch(int64_t threads, void (*kernel)(P...), A... arguments)
{
    int64_t blocks = (threads + DEV_BLOCK - 1) / DEV_BLOCK;

    if (blocks > 0)
        dev_launch_blocks({dim3((unsigned)blocks), dim3(DEV_BLOCK), 0}, kernel,
                          arguments...);
}

/* Lets a kernel have more than 48 KiB of DEV_DYNAMIC; once, at set-up. */
template <class... P>
static cudaError_t dev_allow_shared(void (*kernel)(P...), size_t bytes)
{
    return cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
}

/* SHARED(float, tile, [32][33]) declares `tile`, one a block;
 * DEV_DYNAMIC(float, x) a pointer to the launch's bytes. Both are aligned
 * to 16. */
#ifdef __CUDACC__
#define SHARED(type, name, dimensions)                                         \
    __shared__ __align__(16) type name dimensions
#define DEV_DYNAMIC(type, name)                                                \
    extern __shared__ __align__(16) unsigned char dev_dynamic_bytes[];         \
    type *name = reinterpret_cast<type *>(dev_dynamic_bytes)
#else
#define SHARED(type, name, dimensions)                                         \
    static const char name##_place = 0;                                        \
    using name##_shared = type dimensions;                                     \
    name##_shared &name = *static_cast<name##_shared *>(                       \
        simt_shared(&name##_place, sizeof(name##_shared), #name))
#define DEV_DYNAMIC(type, name)                                                \
    type *name = static_cast<type *>(simt_shared_dynamic())
#endif

/* --- this thread ---------------------------------------------------------- */

/* Its number in the whole launch. */
static __device__ inline int64_t dev_thread(void)
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

/* Its lane and warp, in blocks of one dimension. */
static __device__ inline int dev_lane(void)
{
    return (int)threadIdx.x % DEV_WARP;
}

static __device__ inline int dev_warp(void)
{
    return (int)threadIdx.x / DEV_WARP;
}

/* Over all 32 lanes, which all have it then, in an order that is fixed. */
template <class real> static __device__ inline real dev_warp_sum(real x)
{
    for (int o = DEV_WARP / 2; o > 0; o /= 2)
        x += __shfl_xor_sync(DEV_ALL, x, o);
    return x;
}

/* NaN goes through, if any lane has one. */
template <class real> static __device__ inline real dev_warp_max(real x)
{
    for (int o = DEV_WARP / 2; o > 0; o /= 2) {
        real other = __shfl_xor_sync(DEV_ALL, x, o);

        x = other > x || other != other ? other : x;
    }
    return x;
}

/* --- views: as in cpu/real.h. Counts in use stand in device memory: for
 * kernels only ------------------------------------------------------------- */

static __device__ inline int used_nodes(const struct csr *in)
{
    return in->used ? *in->used : in->n;
}

template <class real>
static __device__ inline real *row(const struct tensor *t, int n, int m)
{
    return (real *)t->data + ((int64_t)n * (2 * t->l + 1) + m) * t->ld;
}

/* --- numbers of 16 bits, two in a register; tf32 -------------------------- */

static __device__ inline uint32_t dev_pair_bf16(float low, float high)
{
    __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t bits;

    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

static __device__ inline uint32_t dev_pair_fp16(float low, float high)
{
    __half2 pair = __floats2half2_rn(low, high);
    uint32_t bits;

    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

/* Rounded to 10 bits behind the point, ties away from zero. */
static __device__ inline uint32_t dev_tf32(float x)
{
#ifdef __CUDACC__
    uint32_t bits;

    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
#else
    uint32_t bits = __float_as_uint(x);

    return isfinite(x) ? (bits + 0x1000) & 0xffffe000u : bits;
#endif
}

/* --- tensor cores: a warp, all lanes. d[16 x 8] += a[16 x k] b[k x 8], in the
 * registers of the PTX manual; k is 16, of tf32 8 -------------------------- */

#ifdef __CUDACC__
#define DEV_SITE
#define DEV_MMA(shape_and_numbers)                                             \
    asm volatile("mma.sync.aligned." shape_and_numbers                         \
                 " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"      \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])              \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),      \
                   "r"(b[1]))
#else
#define DEV_SITE , simt_site at = simt_here()
#endif

static __device__ inline void dev_mma_bf16(float (&d)[4],
                                           const uint32_t (&a)[4],
                                           const uint32_t (&b)[2] DEV_SITE)
{
#ifdef __CUDACC__
    DEV_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
#else
    simt_mma(SIMT_BF16, d, a, b, at);
#endif
}

static __device__ inline void dev_mma_fp16(float (&d)[4],
                                           const uint32_t (&a)[4],
                                           const uint32_t (&b)[2] DEV_SITE)
{
#ifdef __CUDACC__
    DEV_MMA("m16n8k16.row.col.f32.f16.f16.f32");
#else
    simt_mma(SIMT_FP16, d, a, b, at);
#endif
}

static __device__ inline void dev_mma_tf32(float (&d)[4],
                                           const uint32_t (&a)[4],
                                           const uint32_t (&b)[2] DEV_SITE)
{
#ifdef __CUDACC__
    DEV_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
#else
    simt_mma(SIMT_TF32, d, a, b, at);
#endif
}

/* ldmatrix: four, or two, 8 x 8 matrices of 2-byte numbers from shared memory;
 * `row` is row l % 8 of matrix l / 8, l the lane (of two: 16 lanes' are looked
 * at), aligned to 16. _t: transposed. */
#ifdef __CUDACC__
#define DEV_LOAD4(how)                                                         \
    asm volatile("ldmatrix.sync.aligned.m8n8.x4" how                           \
                 ".shared.b16 {%0,%1,%2,%3}, [%4];"                            \
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])              \
                 : "r"((uint32_t)__cvta_generic_to_shared(row))                \
                 : "memory")
#define DEV_LOAD2(how)                                                         \
    asm volatile("ldmatrix.sync.aligned.m8n8.x2" how                           \
                 ".shared.b16 {%0,%1}, [%2];"                                  \
                 : "=r"(r[0]), "=r"(r[1])                                      \
                 : "r"((uint32_t)__cvta_generic_to_shared(row))                \
                 : "memory")
#else
#define DEV_LOAD4(how) simt_ldmatrix(r, 4, *how, row, at)
#define DEV_LOAD2(how) simt_ldmatrix(r, 2, *how, row, at)
#endif

static __device__ inline void dev_load4(uint32_t (&r)[4],
                                        const void *row DEV_SITE)
{
    DEV_LOAD4("");
}

static __device__ inline void dev_load4_t(uint32_t (&r)[4],
                                          const void *row DEV_SITE)
{
    DEV_LOAD4(".trans");
}

static __device__ inline void dev_load2(uint32_t (&r)[2],
                                        const void *row DEV_SITE)
{
    DEV_LOAD2("");
}

static __device__ inline void dev_load2_t(uint32_t (&r)[2],
                                          const void *row DEV_SITE)
{
    DEV_LOAD2(".trans");
}

/* --- cp.async: a thread's copies to shared memory, in groups; both sides are
 * aligned to their size. Where `on` is 0 nothing is read and zeros are written.
 * After dev_copy_wait<n> all groups but the last n have come, for this thread;
 * for others after a barrier ----------------------------------------------- */

static __device__ inline void dev_copy16(void *shared, const void *global,
                                         bool on)
{
#ifdef __CUDACC__
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(shared)),
                 "l"(global), "r"(on ? 16 : 0)
                 : "memory");
#else
    simt_copy(shared, global, 16, on);
#endif
}

static __device__ inline void dev_copy4(void *shared, const void *global,
                                        bool on)
{
#ifdef __CUDACC__
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(shared)),
                 "l"(global), "r"(on ? 4 : 0)
                 : "memory");
#else
    simt_copy(shared, global, 4, on);
#endif
}

static __device__ inline void dev_copy_commit(void)
{
#ifdef __CUDACC__
    asm volatile("cp.async.commit_group;" ::: "memory");
#else
    simt_copy_commit();
#endif
}

template <int n> static __device__ inline void dev_copy_wait(void)
{
#ifdef __CUDACC__
    asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#else
    simt_copy_wait(n);
#endif
}

#endif
