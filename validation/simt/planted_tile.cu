/* SPDX-License-Identifier: MIT */
/* planted_tile.cu - see planted.h: cp.async, ldmatrix, mma.sync. */
#include "simt/planted.h"

#include "cuda/dev.cuh"

enum { T = 32 };

/* What is left out, by bit. */
enum { WAIT = 1, BARRIER = 2, FIRST_BARRIER = 4, EXACT = 8 };

/* Turns 4 T numbers round, twice, through the same shared memory. */
static __global__ void turn(int *x, int without)
{
    SHARED(int, s, [4 * T]);
    int t = 4 * (int)threadIdx.x;

    for (int k = 0; k < 2; k++) {
        dev_copy16(s + t, x + t, true);
        dev_copy_commit();
        if (without & EXACT)
            dev_copy_wait<1>();
        else if (!(without & WAIT))
            dev_copy_wait<0>();
        if (!(without & BARRIER))
            __syncthreads();
        x[4 * T + (int)threadIdx.x] = s[4 * T - 1 - t];
        if (!(without & FIRST_BARRIER))
            __syncthreads();
    }
    dev_copy_wait<0>();
}

static void turn_without(int *x, int without)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, turn, x, without);
}

static void turn_right(int *x, int)
{
    turn_without(x, 0);
}

static void turn_without_wait(int *x, int)
{
    turn_without(x, WAIT);
}

static void turn_waits_for_too_few(int *x, int)
{
    turn_without(x, EXACT);
}

static void turn_without_barrier(int *x, int)
{
    turn_without(x, BARRIER);
}

static void turn_without_second(int *x, int)
{
    turn_without(x, FIRST_BARRIER);
}

static __global__ void copy_and_end(int *x)
{
    SHARED(int, s, [4 * T]);

    dev_copy16(s + 4 * threadIdx.x, x, true);
    dev_copy_commit();
}

static __global__ void copy_off_by_one(int *x)
{
    SHARED(int, s, [4 * T]);

    dev_copy16(s + 4 * threadIdx.x, x + 1, true);
    dev_copy_commit();
    dev_copy_wait<0>();
    x[4 * T + threadIdx.x] = s[4 * threadIdx.x];
}

static __global__ void copy_to_global(int *x)
{
    dev_copy4(x + threadIdx.x, x + T + threadIdx.x, true);
    dev_copy_commit();
    dev_copy_wait<0>();
}

/* Off: the source is not looked at, zeros come. */
static __global__ void copy_nothing(int *x)
{
    SHARED(int, s, [4 * T]);

    dev_copy16(s + 4 * threadIdx.x, nullptr, false);
    dev_copy_commit();
    dev_copy_wait<0>();
    x[threadIdx.x] = s[4 * threadIdx.x + 3];
}

/* --- matrices ------------------------------------------------------------- */

static __global__ void load(int *x, int shift, int barrier)
{
    SHARED(uint16_t, s, [32 * 8 + 8]);
    uint32_t r[4];

    for (int i = 0; i < 8; i++)
        s[8 * (int)threadIdx.x + i] = 1;
    if (threadIdx.x == 0)
        for (int i = 0; i < 8; i++)
            s[32 * 8 + i] = 1;
    if (barrier)
        __syncwarp();
    dev_load4(r, s + 8 * threadIdx.x + shift);
    x[threadIdx.x] = (int)(r[0] + r[1] + r[2] + r[3]);
}

static void load_right(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, load, x, 0, 1);
}

static void load_misaligned(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, load, x, 2, 1);
}

static void load_racing(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, load, x, 8, 0);
}

static __global__ void load_global(int *x)
{
    uint32_t r[2];

    dev_load2_t(r, x + 4 * (threadIdx.x % 16));
    x[128 + threadIdx.x] = (int)(r[0] + r[1]);
}

static __global__ void half_multiplies(int *x)
{
    uint32_t a[4] = {0}, b[2] = {0};
    float d[4] = {0};

    if (threadIdx.x < T)
        dev_mma_bf16(d, a, b);
    x[threadIdx.x] = (int)d[0];
}

#define LAUNCHER(kernel, threads)                                              \
    static void run_##kernel(int *x, int)                                      \
    {                                                                          \
        dev_launch_blocks({dim3(1), dim3(threads), 0}, kernel, x);             \
    }
LAUNCHER(copy_and_end, T)
LAUNCHER(copy_off_by_one, T)
LAUNCHER(copy_to_global, T)
LAUNCHER(copy_nothing, T)
LAUNCHER(load_global, T)
LAUNCHER(half_multiplies, T - 8)

static const struct plant plants[] = {
    {"cp.async", SIMT_KINDS, turn_right},
    {"cp.async of nothing", SIMT_KINDS, run_copy_nothing},
    {"ldmatrix", SIMT_KINDS, load_right},
    {"cp.async without a wait", SIMT_PENDING, turn_without_wait},
    {"a wait for too few", SIMT_PENDING, turn_waits_for_too_few},
    {"cp.async up to the end", SIMT_PENDING, run_copy_and_end},
    {"cp.async without a barrier", SIMT_RACE, turn_without_barrier},
    {"cp.async over what is read", SIMT_RACE, turn_without_second},
    {"cp.async off by one", SIMT_MISALIGNED, run_copy_off_by_one},
    {"cp.async to global memory", SIMT_OUTSIDE, run_copy_to_global},
    {"ldmatrix misaligned", SIMT_MISALIGNED, load_misaligned},
    {"ldmatrix without a barrier", SIMT_RACE, load_racing},
    {"ldmatrix of global memory", SIMT_OUTSIDE, run_load_global},
    {"mma.sync of part of a warp", SIMT_WARP, run_half_multiplies},
};
const struct plant_list planted_tile = {plants, sizeof plants / sizeof *plants};
