/* SPDX-License-Identifier: MIT */
/* planted_block.cu - see planted.h: shared memory, warps, atomics, fences. */
#include "simt/planted.h"

#include "cuda/dev.cuh"

enum { T = 64 };

static void one_block(void (*kernel)(int *), int *x)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, kernel, x);
}

#define LAUNCHER(name, kernel)                                                 \
    static void name(int *x, int)                                              \
    {                                                                          \
        one_block(kernel, x);                                                  \
    }

/* --- shared memory -------------------------------------------------------- */

static __global__ void beyond_shared(int *x)
{
    SHARED(int, s, [T]);

    *(&s[0] + threadIdx.x + 1) = 1;
    __syncthreads();
    x[threadIdx.x] = s[threadIdx.x ? threadIdx.x : 1];
}
LAUNCHER(run_beyond_shared, beyond_shared)

static __global__ void half_written(int *x)
{
    SHARED(int, s, [T]);

    if (threadIdx.x < T / 2)
        s[threadIdx.x] = 1;
    __syncthreads();
    x[threadIdx.x] = s[threadIdx.x];
}
LAUNCHER(run_half_written, half_written)

static __global__ void bare(int *x, int barriers)
{
    __shared__ int s[T];

    s[threadIdx.x] = (int)threadIdx.x;
    if (barriers)
        __syncthreads();
    x[threadIdx.x] = s[T - 1 - threadIdx.x];
}

static void bare_right(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, bare, x, 1);
    dev_launch_blocks({dim3(1), dim3(T), 0}, bare, x, 1);
}

static void bare_wrong(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, bare, x, 0);
}

/* Each block is the same, so all write the same place: only of shared memory
 * each has its own. */
static __global__ void dynamic_turn(int *x, int n)
{
    DEV_DYNAMIC(int, s);

    s[threadIdx.x] = (int)threadIdx.x;
    __syncthreads();
    x[blockIdx.x * T + threadIdx.x] = s[n - 1 - (int)threadIdx.x];
}

static void dynamic_right(int *x, int)
{
    dev_launch_blocks({dim3(4), dim3(T), T * sizeof(int)}, dynamic_turn, x, T);
}

static void dynamic_too_small(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), (T - 1) * sizeof(int)}, dynamic_turn,
                      x, T);
}

static void dynamic_not_allowed(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 64 * 1024}, dynamic_turn, x, T);
}

static void dynamic_allowed(int *x, int)
{
    dev_allow_shared(dynamic_turn, 64 * 1024);
    dev_launch_blocks({dim3(1), dim3(T), 64 * 1024}, dynamic_turn, x, T);
    dev_allow_shared(dynamic_turn, 0);
}

static void no_blocks(int *x, int)
{
    dev_launch_blocks({dim3(0), dim3(T), 0}, bare, x, 1);
}

static void too_many_threads(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(64, 17), 0}, bare, x, 1);
}

/* --- barriers ------------------------------------------------------------- */

static __global__ void two_barriers(int *x)
{
    if (threadIdx.x < T / 2) {
        __syncthreads();
        x[threadIdx.x] = 1;
    } else {
        __syncthreads();
        x[threadIdx.x] = 2;
    }
}
LAUNCHER(run_two_barriers, two_barriers)

static __global__ void barrier_before_shuffle(int *x)
{
    int v = 1;

    if (threadIdx.x < 16)
        v = __shfl_xor_sync(DEV_ALL, v, 1);
    __syncthreads();
    x[threadIdx.x] = v;
}
LAUNCHER(run_barrier_before_shuffle, barrier_before_shuffle)

/* --- warps ---------------------------------------------------------------- */

static __global__ void in_step(int *x)
{
    SHARED(int, s, [T]);
    int t = (int)threadIdx.x;

    s[t] = t;
    x[t] = s[t ^ 31];
}
LAUNCHER(run_in_step, in_step)

static __global__ void behind_syncwarp(int *x)
{
    SHARED(int, s, [T]);
    int t = (int)threadIdx.x;

    s[t] = t;
    __syncwarp();
    x[t] = s[t ^ 31];
}
LAUNCHER(run_behind_syncwarp, behind_syncwarp)

static __global__ void behind_shuffle(int *x)
{
    SHARED(int, s, [T]);
    int t = (int)threadIdx.x, v;

    s[t] = 1;
    v = __shfl_sync(DEV_ALL, 1, 0);
    x[t] = v + s[t ^ 31];
}
LAUNCHER(run_behind_shuffle, behind_shuffle)

static __global__ void from_absent_lane(int *x)
{
    int v = 1;

    if (dev_lane() < 24)
        v = __shfl_down_sync(0x00ffffffu, v, 8);
    x[threadIdx.x] = v;
}
LAUNCHER(run_from_absent_lane, from_absent_lane)

static __global__ void not_in_mask(int *x)
{
    int v = 1;

    if (threadIdx.x & 1)
        v = __shfl_xor_sync(0x55555555u, v, 2);
    x[threadIdx.x] = v;
}
LAUNCHER(run_not_in_mask, not_in_mask)

static __global__ void other_masks(int *x)
{
    unsigned mask = dev_lane() < 16 ? DEV_ALL : 0xffff0001u;

    x[threadIdx.x] = (int)__ballot_sync(mask | 1u, 1);
}
LAUNCHER(run_other_masks, other_masks)

/* --- memory --------------------------------------------------------------- */

static __global__ void local_of_another(int *x)
{
    SHARED(int *, p, [1]);
    int v = (int)threadIdx.x;

    if (v == 0)
        p[0] = &v;
    __syncthreads();
    x[threadIdx.x] = *p[0] + v;
    __syncthreads();
}
LAUNCHER(run_local_of_another, local_of_another)

static __global__ void misaligned(int *x)
{
    int4 v = *reinterpret_cast<const int4 *>(x + 1);

    x[threadIdx.x + 8] = v.x;
}
LAUNCHER(run_misaligned, misaligned)

static __global__ void beyond_local(int *x)
{
    int v[4] = {1, 2, 3, 4}, sum = 0;

    for (int i = 0; i < (int)threadIdx.x && i <= 4; i++)
        sum += v[i + x[0]];
    x[threadIdx.x + 1] = sum;
}
LAUNCHER(run_beyond_local, beyond_local)

static __global__ void shift_too_far(int *x)
{
    x[threadIdx.x] = (int)(1u << threadIdx.x);
}
LAUNCHER(run_shift_too_far, shift_too_far)

/* --- atomics and fences --------------------------------------------------- */

static __global__ void count_all(int *x)
{
    atomicAdd(&x[0], 1);
}
LAUNCHER(run_count_all, count_all)

static __global__ void count_shared(int *x, int barrier)
{
    SHARED(int, c, [1]);

    if (threadIdx.x == 0)
        c[0] = 0;
    if (barrier)
        __syncthreads();
    atomicAdd(&c[0], 1);
    __syncthreads();
    if (threadIdx.x == 0)
        x[0] = c[0];
}

static void count_shared_right(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, count_shared, x, 1);
}

static void count_shared_wrong(int *x, int)
{
    dev_launch_blocks({dim3(1), dim3(T), 0}, count_shared, x, 0);
}

/* The last block to come adds up what all have written. */
static __global__ void last_block(int *x, int fence_before, int fence_after)
{
    SHARED(int, last, [1]);
    int *sums = x + 8;

    sums[blockIdx.x * T + threadIdx.x] = 1;
    __syncthreads();
    if (threadIdx.x == 0) {
        if (fence_before)
            __threadfence();
        last[0] = atomicAdd(&x[0], 1) == (int)gridDim.x - 1;
        if (fence_after)
            __threadfence();
    }
    __syncthreads();
    if (!last[0] || threadIdx.x != 1)
        return;
    for (int i = 0; i < (int)gridDim.x * T; i++)
        x[1] += sums[i];
}

static void last_block_right(int *x, int)
{
    dev_launch_blocks({dim3(4), dim3(T), 0}, last_block, x, 1, 1);
}

static void last_block_unpublished(int *x, int)
{
    dev_launch_blocks({dim3(4), dim3(T), 0}, last_block, x, 0, 1);
}

static void last_block_unread(int *x, int)
{
    dev_launch_blocks({dim3(4), dim3(T), 0}, last_block, x, 1, 0);
}

/* --- all of it, right ----------------------------------------------------- */

static __device__ int of_warp(int t)
{
    int v = dev_warp_sum(t % 32);

    v += __shfl_up_sync(DEV_ALL, t, 1, 16) + __shfl_down_sync(DEV_ALL, t, 2);
    v += __popc(__match_any_sync(DEV_ALL, t / 4));
    v += __reduce_add_sync(DEV_ALL, 1) + __reduce_max_sync(DEV_ALL, t);
    v += __any_sync(DEV_ALL, t == 5) + __all_sync(DEV_ALL, t >= 0);
    if (t % 32 < 16)
        v += __shfl_xor_sync(0x0000ffffu, v, 8);
    else
        v += __shfl_xor_sync(0xffff0000u, v, 4);
    return v;
}

static __global__ void all_right(int *x)
{
    SHARED(int, s, [2][T]);
    int t = (int)(threadIdx.y * blockDim.x + threadIdx.x), count;

    s[0][t] = t;
    __syncthreads();
    s[1][t] = s[0][T - 1 - t] + of_warp(t);
    count = __syncthreads_count(t % 3 == 0);
    if (__syncthreads_or(t == 5) && __syncthreads_and(t >= 0))
        count += s[1][T - 1 - t];
    x[(blockIdx.z * gridDim.y + blockIdx.y) * T + (unsigned)t] = count;
}

static void run_all_right(int *x, int)
{
    dev_launch_blocks({dim3(1, 2, 2), dim3(8, 8), 0}, all_right, x);
}

static const struct plant plants[] = {
    {"shared memory, warps, 2-d", SIMT_KINDS, run_all_right},
    {"bare shared memory", SIMT_KINDS, bare_right},
    {"dynamic shared memory", SIMT_KINDS, dynamic_right},
    {"64 KiB of it, allowed", SIMT_KINDS, dynamic_allowed},
    {"a barrier of the warp", SIMT_KINDS, run_behind_syncwarp},
    {"atomics", SIMT_KINDS, run_count_all},
    {"a counter in shared memory", SIMT_KINDS, count_shared_right},
    {"the last block, with fences", SIMT_KINDS, last_block_right},
    {"beyond shared memory", SIMT_OUTSIDE, run_beyond_shared},
    {"too little dynamic memory", SIMT_OUTSIDE, dynamic_too_small},
    {"a local of another thread", SIMT_OUTSIDE, run_local_of_another},
    {"shared memory half written", SIMT_UNWRITTEN, run_half_written},
    {"bare shared memory, no barrier", SIMT_RACE, bare_wrong},
    {"lanes in lock step", SIMT_RACE, run_in_step},
    {"a shuffle is no barrier", SIMT_RACE, run_behind_shuffle},
    {"a counter not yet 0", SIMT_RACE, count_shared_wrong},
    {"the last block, unpublished", SIMT_RACE, last_block_unpublished},
    {"the last block, unread", SIMT_RACE, last_block_unread},
    {"two barriers", SIMT_BARRIER, run_two_barriers},
    {"a barrier before a shuffle", SIMT_DEADLOCK, run_barrier_before_shuffle},
    {"a shuffle from an absent lane", SIMT_WARP, run_from_absent_lane},
    {"a lane not in its mask", SIMT_WARP, run_not_in_mask},
    {"lanes disagree on the mask", SIMT_WARP, run_other_masks},
    {"misaligned", SIMT_MISALIGNED, run_misaligned},
    {"beyond a local array", SIMT_ARITHMETIC, run_beyond_local},
    {"a shift too far", SIMT_ARITHMETIC, run_shift_too_far},
    {"no blocks", SIMT_CALL, no_blocks},
    {"too many threads", SIMT_CALL, too_many_threads},
    {"64 KiB, not allowed", SIMT_CALL, dynamic_not_allowed},
};
const struct plant_list planted_block = {plants,
                                         sizeof plants / sizeof *plants};
