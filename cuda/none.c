/* SPDX-License-Identifier: MIT */
/* none.c - stands for all of cuda/ in a build without it. */
#include "cuda/device_cuda.h"

int device_cuda_count(const char **why)
{
    *why = "this build has no CUDA";
    return 0;
}

enum err device_cuda_open(struct comm *c, size_t real, struct device **out)
{
    (void)c;
    (void)real;
    (void)out;
    return err_set(ERR_ENVIRONMENT,
                   "run.device: this build has no CUDA (expected cpu, found "
                   "cuda); set run.device: auto");
}
