/* SPDX-License-Identifier: MIT */
/* device_cuda.cu - see device_cuda.h. Finds GPUs; the kernels that would serve
 * every slot are not there yet, and so is no device.
 */
#include "cuda/dev.cuh"

extern "C" {
#include "base/err.h"
#include "cuda/device_cuda.h"
}

cudaStream_t dev_stream;

extern "C" int device_cuda_count(const char **why)
{
    int n = 0, driver = 0;
    cudaError_t e = cudaGetDeviceCount(&n);

    if (e == cudaSuccess && n > 0)
        return n;
    cudaGetLastError(); /* it would be the next call's as well */
    *why = e == cudaSuccess ? "the driver shows none" : cudaGetErrorString(e);
    if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
        *why = "no NVIDIA driver";
    return 0;
}

extern "C" enum err device_cuda_open(struct comm *c, size_t real,
                                     struct device **out)
{
    const char *why;

    (void)c;
    (void)real;
    (void)out;
    if (device_cuda_count(&why) == 0)
        return err_set(ERR_ENVIRONMENT,
                       "run.device: no GPU (expected one, found none: %s); set "
                       "run.device: auto, or cpu",
                       why);
    return err_set(ERR_ENVIRONMENT,
                   "run.device: this version's GPU kernels are not complete "
                   "(expected cpu, found cuda); set run.device: auto");
}
