/* SPDX-License-Identifier: MIT */
/* planted.cu - see planted.h: memory and barriers. Compiled as a kernel file
 * is. */
#include "simt/planted.h"

#include "cuda/dev.cuh"

/* Sums a block's numbers into its first, pair by pair. */
static __global__ void add_pairs(int *x, int n, int barriers)
{
    int *own = x + (int64_t)blockIdx.x * blockDim.x;
    int count = n - (int)(blockIdx.x * blockDim.x);
    int i = (int)threadIdx.x;

    for (int step = DEV_BLOCK / 2; step > 0; step /= 2) {
        if (i < step && i + step < count)
            own[i] += own[i + step];
        if (barriers)
            __syncthreads();
    }
}

static void sum_right(int *x, int n)
{
    dev_launch(n, add_pairs, x, n, 1);
}

static void sum_without_barriers(int *x, int n)
{
    dev_launch(n, add_pairs, x, n, 0);
}

static __global__ void set_all(int *x, int n)
{
    int64_t i = dev_thread();

    if (i < n)
        x[i] = 1;
}

static void set_right(int *x, int n)
{
    dev_launch(n, set_all, x, n);
    dev_launch(n, set_all, x, n); /* a launch is ordered behind the other */
}

static void set_one_too_many(int *x, int n)
{
    dev_launch(n + 1, set_all, x, n + 1);
}

static void set_host_memory(int *x, int n)
{
    static int host;

    (void)x;
    dev_launch(1, set_all, &host, n > 0);
}

static void set_freed(int *x, int n)
{
    int *gone;

    (void)x;
    cudaMalloc((void **)&gone, (size_t)n * sizeof *gone);
    dev_launch(n, set_all, gone, n);
    cudaFree(gone); /* before the launch has run */
}

static __global__ void add_to_first(int *x, int n)
{
    if (dev_thread() < n)
        x[0] += 1;
}

static void add_by_all(int *x, int n)
{
    dev_launch(n, add_to_first, x, n);
}

static void add_by_one(int *x, int n)
{
    dev_launch(n, add_to_first, x, 1);
}

/* The first thread of each block, so that no two are of one block. */
static __global__ void blocks_meet(int *x)
{
    if (threadIdx.x == 0)
        x[0] = (int)gridDim.x;
}

static void write_by_blocks(int *x, int n)
{
    dev_launch(n, blocks_meet, x);
}

static __global__ void copy_all(const int *from, int *to, int n)
{
    int64_t i = dev_thread();

    if (i < n)
        to[i] = from[i];
}

static void read_unwritten(int *x, int n)
{
    int *fresh;

    cudaMalloc((void **)&fresh, (size_t)n * sizeof *fresh);
    dev_launch(n, copy_all, fresh, x, n);
}

static __global__ void half_waits(int *x)
{
    if (threadIdx.x < DEV_BLOCK / 2)
        __syncthreads();
    x[dev_thread()] = 1;
}

static void barrier_of_half(int *x, int n)
{
    dev_launch(n / DEV_BLOCK * DEV_BLOCK, half_waits, x);
}

static void count_on_host(int *x, int n)
{
    dev_launch(x[0] > 0 ? n : 0, set_all, x, n);
}

static void copy_too_much(int *x, int n)
{
    cudaMemcpyAsync(x + 1, x, (size_t)n * sizeof *x, cudaMemcpyDeviceToDevice,
                    dev_stream);
}

static const struct plant plants[] = {
    {"sum with barriers", SIMT_KINDS, sum_right},
    {"one launch after another", SIMT_KINDS, set_right},
    {"one thread adds", SIMT_KINDS, add_by_one},
    {"sum without barriers", SIMT_RACE, sum_without_barriers},
    {"all threads add to one", SIMT_RACE, add_by_all},
    {"all blocks write one", SIMT_RACE, write_by_blocks},
    {"one number too many", SIMT_OUTSIDE, set_one_too_many},
    {"host memory", SIMT_OUTSIDE, set_host_memory},
    {"freed too early", SIMT_FREED, set_freed},
    {"nobody wrote it", SIMT_UNWRITTEN, read_unwritten},
    {"half a block waits", SIMT_BARRIER, barrier_of_half},
    {"the launcher looks behind data", SIMT_ON_HOST, count_on_host},
    {"a copy past the end", SIMT_CALL, copy_too_much},
};
const struct plant_list planted = {plants, sizeof plants / sizeof *plants};
