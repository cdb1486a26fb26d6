/* SPDX-License-Identifier: MIT */
/* calls_simt_test.c - products of cuBLAS and sums of NCCL on the harness, on
 * any number of ranks, with streams that run late, at once, or in any order.
 */
#include "cuda/calls.h"
#include "simt/simt.h"

#include <math.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { M = 3, N = 4, K = 5, BATCH = 2 };

static int rank, ranks, failures;

static void expect(int good, const char *what)
{
    if (good)
        return;
    printf("rank %d: %s\n", rank, what);
    failures++;
}

static void *put(const void *from, size_t bytes, cudaStream_t s)
{
    void *p = NULL;

    cudaMalloc(&p, bytes);
    cudaMemcpyAsync(p, from, bytes, cudaMemcpyHostToDevice, s);
    return p;
}

static float number(int i)
{
    return (float)((i * 7 + 3) % 11 - 5);
}

/* Small whole numbers: sums are exact. */
static double product(int op_a, int op_b, int i, int j, int batch)
{
    double sum = 0;

    for (int k = 0; k < K; k++) {
        int a = op_a == CALLS_T ? k + i * K : i + k * M;
        int b = op_b == CALLS_T ? j + k * N : k + j * K;

        sum += number(a + batch * M * K) * number(b + batch * K * N);
    }
    return sum;
}

static void multiply(const struct cublas_calls *calls, cudaStream_t s, int op_a,
                     int op_b)
{
    float x[BATCH * K * (M > N ? M : N)], c[BATCH * M * N], two = 2, one = 1;
    float *a, *b, *y;
    calls_blas h;
    int wrong = 0;

    for (int i = 0; i < (int)(sizeof x / sizeof *x); i++)
        x[i] = number(i);
    for (int i = 0; i < BATCH * M * N; i++)
        c[i] = 1;
    a = put(x, BATCH * M * K * sizeof *x, s);
    b = put(x, BATCH * K * N * sizeof *x, s);
    y = put(c, sizeof c, s);
    calls->create(&h);
    calls->set_stream(h, s);
    wrong += calls->gemm(h, op_a, op_b, M, N, K, &two, a, CALLS_FP32,
                         op_a == CALLS_T ? K : M, M * K, b, CALLS_FP32,
                         op_b == CALLS_T ? N : K, K * N, &one, y, CALLS_FP32, M,
                         M * N, BATCH, CALLS_COMPUTE_TF32, CALLS_ANY_ALGORITHM);
    expect(wrong == 0, "gemm is refused");
    expect(calls->gemm(h, op_a, op_b, M, N, K, &two, a, CALLS_FP32, 1, 0, b,
                       CALLS_FP32, K, 0, &one, y, CALLS_FP32, M, 0, 1,
                       CALLS_COMPUTE_FP32, CALLS_ANY_ALGORITHM) != 0,
           "a leading dimension that is too small is taken");
    cudaMemcpyAsync(c, y, sizeof c, cudaMemcpyDeviceToHost, s);
    cudaStreamSynchronize(s);
    for (int i = 0; i < BATCH * M * N; i++)
        wrong +=
            c[i] != 2 * product(op_a, op_b, i % M, i / M % N, i / M / N) + 1;
    expect(wrong == 0, "gemm");
    calls->destroy(h);
    cudaFree(a);
    cudaFree(b);
    cudaFree(y);
}

/* Two sums in two streams, which no event orders, and a broadcast. */
static void sum(const struct nccl_calls *calls, calls_comm c)
{
    float mine[3] = {(float)rank, 1, 0.5f};
    int64_t count = rank + 1, most = -rank;
    cudaStream_t s[2];
    float *x;
    int64_t *n, *m;
    int wrong = 0;

    cudaStreamCreateWithFlags(&s[0], cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&s[1], cudaStreamNonBlocking);
    x = put(mine, sizeof mine, s[0]);
    n = put(&count, sizeof count, s[1]);
    m = put(&most, sizeof most, s[1]);
    calls->group_start();
    wrong +=
        calls->all_reduce(x, x, 3, CALLS_NCCL_FP32, CALLS_NCCL_SUM, c, s[0]);
    wrong +=
        calls->all_reduce(n, n, 1, CALLS_NCCL_INT64, CALLS_NCCL_SUM, c, s[1]);
    wrong +=
        calls->all_reduce(m, m, 1, CALLS_NCCL_INT64, CALLS_NCCL_MAX, c, s[1]);
    calls->group_end();
    wrong += calls->broadcast(x, x, 3, CALLS_NCCL_FP32, ranks - 1, c, s[0]);
    cudaMemcpyAsync(&count, n, sizeof count, cudaMemcpyDeviceToHost, s[1]);
    cudaMemcpyAsync(&most, m, sizeof most, cudaMemcpyDeviceToHost, s[1]);
    cudaMemcpyAsync(mine, x, sizeof mine, cudaMemcpyDeviceToHost, s[0]);
    cudaStreamSynchronize(s[1]); /* the other way round */
    cudaStreamSynchronize(s[0]);
    expect(wrong == 0, "a call of NCCL is refused");
    expect(mine[0] == (float)(ranks * (ranks - 1) / 2) &&
               mine[1] == (float)ranks && mine[2] == 0.5f * (float)ranks,
           "sum of fp32");
    expect(count == ranks * (ranks + 1) / 2 && most == 0, "sums of int64");
    cudaFree(x);
    cudaFree(n);
    cudaFree(m);
    cudaStreamDestroy(s[0]);
    cudaStreamDestroy(s[1]);
}

static calls_comm open_comm(const struct nccl_calls *calls)
{
    struct calls_nccl_id id;
    calls_comm c = NULL;

    if (rank == 0)
        calls->get_unique_id(&id);
    MPI_Bcast(&id, sizeof id, MPI_BYTE, 0, MPI_COMM_WORLD);
    expect(calls->comm_init_rank(&c, ranks, id, rank) == 0, "init");
    return c;
}

static void try_all(const struct cublas_calls *blas,
                    const struct nccl_calls *nccl)
{
    calls_comm c = open_comm(nccl);
    cudaStream_t s;
    int error = -1;

    cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
    for (int t = 0; t < 4; t++)
        multiply(blas, s, t & 1 ? CALLS_T : CALLS_N, t & 2 ? CALLS_T : CALLS_N);
    sum(nccl, c);
    expect(nccl->comm_get_async_error(c, &error) == 0 && error == 0,
           "an error that nobody made");
    nccl->comm_destroy(c);
    cudaStreamDestroy(s);
}

int main(int argc, char **argv)
{
    const char *why;
    const struct cublas_calls *blas = calls_cublas(&why);
    const struct nccl_calls *nccl = calls_nccl(&why);

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    try_all(blas, nccl);
    simt_async(SIMT_EAGER, 0);
    try_all(blas, nccl);
    for (uint64_t seed = 0; seed < 5; seed++) {
        simt_async(SIMT_ANY_TIME, seed + 100 * (uint64_t)rank);
        try_all(blas, nccl);
    }
    expect(simt_reports(SIMT_KINDS) == 0, "reports");
    printf("rank %d of %d: %d failures\n", rank, ranks, failures);
    MPI_Finalize();
    return failures > 0;
}
