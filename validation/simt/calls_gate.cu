/* SPDX-License-Identifier: MIT */
/* calls_gate.cu - cuda/calls.h against the headers of cuBLAS and NCCL: the same
 * numbers, and functions of the same arguments. Compiled by gate.t alone.
 */
#include <cublas_v2.h>
#include <nccl.h>

extern "C" {
#include "cuda/calls.h"
}

#include <type_traits>

#define SAME(a, b) static_assert((int)a == (int)b, #a)
SAME(CALLS_N, CUBLAS_OP_N);
SAME(CALLS_T, CUBLAS_OP_T);
SAME(CALLS_FP32, CUDA_R_32F);
SAME(CALLS_FP64, CUDA_R_64F);
SAME(CALLS_FP16, CUDA_R_16F);
SAME(CALLS_BF16, CUDA_R_16BF);
SAME(CALLS_COMPUTE_FP32, CUBLAS_COMPUTE_32F);
SAME(CALLS_COMPUTE_FP64, CUBLAS_COMPUTE_64F);
SAME(CALLS_COMPUTE_TF32, CUBLAS_COMPUTE_32F_FAST_TF32);
SAME(CALLS_ANY_ALGORITHM, CUBLAS_GEMM_DEFAULT);
SAME(CALLS_NCCL_INT64, ncclInt64);
SAME(CALLS_NCCL_FP16, ncclFloat16);
SAME(CALLS_NCCL_FP32, ncclFloat32);
SAME(CALLS_NCCL_FP64, ncclFloat64);
SAME(CALLS_NCCL_BF16, ncclBfloat16);
SAME(CALLS_NCCL_SUM, ncclSum);
SAME(CALLS_NCCL_MAX, ncclMax);
SAME(sizeof(calls_nccl_id), sizeof(ncclUniqueId));

/* Enumerations are int, pointers are pointers, the rest is what it is. */
template <class T>
using plain = std::conditional_t<
    std::is_enum<T>::value, int,
    std::conditional_t<std::is_pointer<T>::value, void *,
                       std::conditional_t<std::is_same<T, ncclUniqueId>::value,
                                          calls_nccl_id, T>>>;
template <class F> struct shape;
template <class R, class... P> struct shape<R (*)(P...)> {
    using type = plain<R>(plain<P>...);
};
#define SAME_CALL(table, member, function)                                     \
    static_assert(std::is_same<shape<decltype(table::member)>::type,           \
                               shape<decltype(&function)>::type>::value,       \
                  #function)
SAME_CALL(cublas_calls, create, cublasCreate_v2);
SAME_CALL(cublas_calls, destroy, cublasDestroy_v2);
SAME_CALL(cublas_calls, set_stream, cublasSetStream_v2);
SAME_CALL(cublas_calls, set_workspace, cublasSetWorkspace_v2);
using gemm = cublasStatus_t (*)(cublasHandle_t, cublasOperation_t,
                                cublasOperation_t, int, int, int, const void *,
                                const void *, cudaDataType, int, long long,
                                const void *, cudaDataType, int, long long,
                                const void *, void *, cudaDataType, int,
                                long long, int, cublasComputeType_t,
                                cublasGemmAlgo_t);
static const gemm real_gemm = cublasGemmStridedBatchedEx; /* of its overloads */
static_assert(std::is_same<shape<decltype(cublas_calls::gemm)>::type,
                           shape<gemm>::type>::value,
              "cublasGemmStridedBatchedEx");
SAME_CALL(nccl_calls, get_unique_id, ncclGetUniqueId);
SAME_CALL(nccl_calls, comm_init_rank, ncclCommInitRank);
SAME_CALL(nccl_calls, comm_destroy, ncclCommDestroy);
SAME_CALL(nccl_calls, comm_abort, ncclCommAbort);
SAME_CALL(nccl_calls, comm_get_async_error, ncclCommGetAsyncError);
SAME_CALL(nccl_calls, group_start, ncclGroupStart);
SAME_CALL(nccl_calls, group_end, ncclGroupEnd);
SAME_CALL(nccl_calls, all_reduce, ncclAllReduce);
SAME_CALL(nccl_calls, broadcast, ncclBroadcast);
SAME_CALL(nccl_calls, error_string, ncclGetErrorString);

const void *calls_gate(void)
{
    return (const void *)real_gemm;
}
