/* SPDX-License-Identifier: MIT */
/* calls.c - see calls.h: the libraries by dlopen, by their own name (as the
 * system and LD_LIBRARY_PATH have them), then where configure found them.
 */
#include "cuda/calls.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct symbol {
    const char *name;
    void *at; /* the pointer to set */
};

static struct cublas_calls cublas;
static struct nccl_calls nccl;

static const char *const cublas_files[] = {"libcublas.so.13",
                                           "libcublas.so.12",
                                           "libcublas.so.11",
                                           CUDA_LIBDIR "/libcublas.so.13",
                                           CUDA_LIBDIR "/libcublas.so.12",
                                           NULL};
static const char *const nccl_files[] = {"libnccl.so.2",
                                         NCCL_LIBDIR "/libnccl.so.2",
                                         CUDA_LIBDIR "/libnccl.so.2", NULL};

static const struct symbol cublas_symbols[] = {
    {"cublasCreate_v2", &cublas.create},
    {"cublasDestroy_v2", &cublas.destroy},
    {"cublasSetStream_v2", &cublas.set_stream},
    {"cublasSetWorkspace_v2", &cublas.set_workspace},
    {"cublasGemmStridedBatchedEx", &cublas.gemm},
    {NULL, NULL}};
static const struct symbol nccl_symbols[] = {
    {"ncclGetUniqueId", &nccl.get_unique_id},
    {"ncclCommInitRank", &nccl.comm_init_rank},
    {"ncclCommDestroy", &nccl.comm_destroy},
    {"ncclCommAbort", &nccl.comm_abort},
    {"ncclCommGetAsyncError", &nccl.comm_get_async_error},
    {"ncclGroupStart", &nccl.group_start},
    {"ncclGroupEnd", &nccl.group_end},
    {"ncclAllReduce", &nccl.all_reduce},
    {"ncclBroadcast", &nccl.broadcast},
    {"ncclGetErrorString", &nccl.error_string},
    {NULL, NULL}};

static int load(const char *const *files, const struct symbol *symbols,
                const char **why)
{
    static char said[512];
    void *library = NULL;

    *why = said;
    said[0] = 0;
    for (int i = 0; files[i] && !library; i++) {
        library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
        if (!library && !said[0]) /* of the name that the system looks for */
            snprintf(said, sizeof said, "%s", dlerror());
    }
    for (; library && symbols->name; symbols++) {
        void *found = dlsym(library, symbols->name);

        if (!found) {
            snprintf(said, sizeof said, "no %s in it", symbols->name);
            return 0;
        }
        memcpy(symbols->at, &found, sizeof found);
    }
    return library != NULL;
}

const struct cublas_calls *calls_cublas(const char **why)
{
    return cublas.gemm || load(cublas_files, cublas_symbols, why) ? &cublas
                                                                  : NULL;
}

const struct nccl_calls *calls_nccl(const char **why)
{
    return nccl.error_string || load(nccl_files, nccl_symbols, why) ? &nccl
                                                                    : NULL;
}
