/* SPDX-License-Identifier: MIT */
/* product.cu - see product.h. A block of four warps has a tile of 64 x 64, each
 * warp a quarter of it; the next 32 of k come while those before are
 * multiplied.
 */
#include "cuda/dev.cuh"
#include "simt/product.h"

enum {
    TILE = 64,
    DEPTH = 32,
    QUARTER = 32,
    MI = QUARTER / 16,
    NI = QUARTER / 8
};
/* Rows of the tiles in shared memory: so that those that ldmatrix reads at once
 * lie in different banks. */
enum { LD_A = DEPTH + 8, LD_B = TILE + 8 };
enum { A_TILE = TILE * LD_A, B_TILE = DEPTH * LD_B };

struct bf16 {
    static __device__ void multiply(float (&d)[4], const uint32_t (&a)[4],
                                    const uint32_t (&b)[2])
    {
        dev_mma_bf16(d, a, b);
    }
};

struct fp16 {
    static __device__ void multiply(float (&d)[4], const uint32_t (&a)[4],
                                    const uint32_t (&b)[2])
    {
        dev_mma_fp16(d, a, b);
    }
};

struct job {
    product_shape s;
    const uint16_t *a, *b;
    float *c;
};

/* Step `step` of k, into the tiles; what lies outside of a and b is 0. */
static __device__ void fetch(const job *j, int step, uint16_t *a, uint16_t *b)
{
    int m0 = (int)blockIdx.y * TILE, n0 = (int)blockIdx.x * TILE;
    int k0 = step * DEPTH;

    for (int i = (int)threadIdx.x; i < TILE * DEPTH / 8; i += DEV_BLOCK) {
        int m = i / (DEPTH / 8), k = i % (DEPTH / 8) * 8;
        bool on = m0 + m < j->s.m && k0 + k < j->s.k;

        dev_copy16(a + m * LD_A + k,
                   on ? j->a + (int64_t)(m0 + m) * j->s.k + k0 + k : j->a, on);
    }
    for (int i = (int)threadIdx.x; i < DEPTH * TILE / 8; i += DEV_BLOCK) {
        int k = i / (TILE / 8), n = i % (TILE / 8) * 8;
        bool on = k0 + k < j->s.k && n0 + n < j->s.n;

        dev_copy16(b + k * LD_B + n,
                   on ? j->b + (int64_t)(k0 + k) * j->s.n + n0 + n : j->b, on);
    }
    dev_copy_commit();
}

template <class number>
static __device__ void multiply_tiles(float (&sum)[MI][NI][4],
                                      const uint16_t *a, const uint16_t *b)
{
    int m0 = dev_warp() / 2 * QUARTER, n0 = dev_warp() % 2 * QUARTER;
    int lane = dev_lane();

    for (int k = 0; k < DEPTH; k += 16) {
        uint32_t fa[MI][4], fb[NI][2];

        for (int i = 0; i < MI; i++)
            dev_load4(fa[i],
                      a + (m0 + 16 * i + lane % 16) * LD_A + k + lane / 16 * 8);
        for (int i = 0; i < NI; i++)
            dev_load2_t(fb[i], b + (k + lane % 16) * LD_B + n0 + 8 * i);
        for (int i = 0; i < MI; i++)
            for (int n = 0; n < NI; n++)
                number::multiply(sum[i][n], fa[i], fb[n]);
    }
}

static __device__ void store(const job *j, const float (&sum)[MI][NI][4])
{
    int m0 = (int)blockIdx.y * TILE + dev_warp() / 2 * QUARTER + dev_lane() / 4;
    int n0 =
        (int)blockIdx.x * TILE + dev_warp() % 2 * QUARTER + dev_lane() % 4 * 2;

    for (int i = 0; i < 2 * MI; i++)
        for (int n = 0; n < NI; n++) {
            int row = m0 + 8 * i, column = n0 + 8 * n;
            const float *two = &sum[i / 2][n][i % 2 * 2];

            if (row < j->s.m && column < j->s.n)
                *(float2 *)(j->c + (int64_t)row * j->s.n + column) =
                    make_float2(two[0], two[1]);
        }
}

template <class number>
static __global__ void __launch_bounds__(DEV_BLOCK) product(job j)
{
    DEV_DYNAMIC(uint16_t, tiles);
    uint16_t *b = tiles + 2 * A_TILE;
    float sum[MI][NI][4] = {};
    int steps = (j.s.k + DEPTH - 1) / DEPTH;

    fetch(&j, 0, tiles, b);
    for (int s = 0; s < steps; s++) {
        int now = s % 2, next = 1 - now;

        if (s + 1 < steps) {
            fetch(&j, s + 1, tiles + next * A_TILE, b + next * B_TILE);
            dev_copy_wait<1>();
        } else {
            dev_copy_wait<0>();
        }
        __syncthreads();
        multiply_tiles<number>(sum, tiles + now * A_TILE, b + now * B_TILE);
        __syncthreads();
    }
    store(&j, sum);
}

template <class number>
static void run(const struct product_shape *s, const void *a, const void *b,
                float *c)
{
    job j = {*s, (const uint16_t *)a, (const uint16_t *)b, c};
    dim3 grid((unsigned)(s->n + TILE - 1) / TILE,
              (unsigned)(s->m + TILE - 1) / TILE);

    if (s->m > 0 && s->n > 0)
        dev_launch_blocks(
            {grid, dim3(DEV_BLOCK), 2 * (A_TILE + B_TILE) * sizeof(uint16_t)},
            product<number>, j);
}

void product_bf16(const struct product_shape *s, const void *a, const void *b,
                  float *c)
{
    run<bf16>(s, a, b, c);
}

void product_fp16(const struct product_shape *s, const void *a, const void *b,
                  float *c)
{
    run<fp16>(s, a, b, c);
}

/* One warp a tile of 16 x 8, without shared memory. */
static __device__ uint32_t element(const float *x, int i, int j, int rows,
                                   int columns)
{
    return dev_tf32(i < rows && j < columns ? x[(int64_t)i * columns + j] : 0);
}

static __global__ void product_of_tf32(product_shape s, const float *a,
                                       const float *b, float *c)
{
    int m = (int)blockIdx.y * 16 + dev_lane() / 4, q = dev_lane() % 4;
    int n = (int)blockIdx.x * 8;
    float sum[4] = {};

    for (int k = q; k - q < s.k; k += 8) {
        uint32_t fa[4] = {
            element(a, m, k, s.m, s.k), element(a, m + 8, k, s.m, s.k),
            element(a, m, k + 4, s.m, s.k), element(a, m + 8, k + 4, s.m, s.k)};
        uint32_t fb[2] = {element(b, k, n + dev_lane() / 4, s.k, s.n),
                          element(b, k + 4, n + dev_lane() / 4, s.k, s.n)};

        dev_mma_tf32(sum, fa, fb);
    }
    for (int i = 0; i < 4; i++)
        if (m + i / 2 * 8 < s.m && n + 2 * q + i % 2 < s.n)
            c[(int64_t)(m + i / 2 * 8) * s.n + n + 2 * q + i % 2] = sum[i];
}

void product_tf32(const struct product_shape *s, const float *a, const float *b,
                  float *c)
{
    dim3 grid((unsigned)(s->n + 7) / 8, (unsigned)(s->m + 15) / 16);

    if (s->m > 0 && s->n > 0)
        dev_launch_blocks({grid, dim3(DEV_WARP), 0}, product_of_tf32, *s, a, b,
                          c);
}
