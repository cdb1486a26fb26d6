/* SPDX-License-Identifier: MIT */
/* simt_test.cpp - the harness finds every planted bug in every order of
 * threads, reports nothing else, and is silent on right kernels; its streams
 * wait for the host.
 */
#include "simt/include/cuda_runtime.h"
#include "simt/planted.h"

#include <stdio.h>

enum { N = 300 }; /* two blocks and a part of one */

cudaStream_t dev_stream;
static int failures;

static void expect(bool good, const char *name, const char *what)
{
    if (good)
        return;
    printf("%s: %s\n", name, what);
    failures++;
}

static void plant_and_look(const struct plant *p)
{
    int *x, numbers[N] = {0};
    int all, wanted;

    simt_clear();
    cudaMalloc((void **)&x, sizeof numbers);
    cudaMemcpyAsync(x, numbers, sizeof numbers, cudaMemcpyHostToDevice,
                    dev_stream);
    cudaStreamSynchronize(dev_stream);
    p->run(x, N);
    cudaStreamSynchronize(dev_stream);
    all = simt_reports(SIMT_KINDS);
    wanted = p->kind == SIMT_KINDS ? 0 : simt_reports(p->kind);
    expect((wanted > 0) == (p->kind != SIMT_KINDS), p->name, "not reported");
    expect(all == wanted, p->name, "something else is reported");
    cudaFree(x);
}

/* What was put may change only after the wait, what is got is there then. */
static void streams_wait(void)
{
    int from = 1, to = 0, *x;

    simt_clear();
    cudaMalloc((void **)&x, sizeof *x);
    cudaMemcpyAsync(x, &from, sizeof *x, cudaMemcpyHostToDevice, dev_stream);
    cudaMemcpyAsync(&to, x, sizeof *x, cudaMemcpyDeviceToHost, dev_stream);
    from = 2;
    expect(to == 0, "streams", "work is done before the wait");
    cudaStreamSynchronize(dev_stream);
    expect(to == 2, "streams", "a source that changed too early is not seen");
    cudaMemsetAsync(x, 0, sizeof *x, dev_stream);
    cudaMemcpyAsync(&to, x, sizeof *x, cudaMemcpyDeviceToHost, dev_stream);
    cudaStreamSynchronize(dev_stream);
    expect(to == 0 && simt_reports(SIMT_KINDS) == 0, "streams", "memset");
    cudaFree(x);
}

int main(void)
{
    static const enum simt_order orders[] = {SIMT_FORWARD, SIMT_BACKWARD,
                                             SIMT_RANDOM, SIMT_PREEMPT};

    cudaStreamCreate(&dev_stream);
    simt_quiet(1);
    for (enum simt_order order : orders) {
        simt_schedule(order, 1);
        for (int i = 0; i < plants_n; i++)
            plant_and_look(&plants[i]);
    }
    streams_wait();
    cudaStreamDestroy(dev_stream);
    printf("%d bugs and right kernels, 4 orders: %d failures\n", plants_n,
           failures);
    return failures > 0;
}
