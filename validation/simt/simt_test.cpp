/* SPDX-License-Identifier: MIT */
/* simt_test.cpp - the harness finds every planted bug in every order of
 * threads and of streams, reports nothing else, and is silent on right kernels;
 * its streams wait for the host.
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

/* What one bug is besides: who reads too early may read what is not there, and
 * lanes that disagree wait for ever. */
static bool may_be(enum simt_kind kind, enum simt_kind reported)
{
    return kind == reported ||
           (kind == SIMT_RACE && reported == SIMT_UNWRITTEN) ||
           (kind == SIMT_WARP && reported == SIMT_DEADLOCK);
}

static void look_at_others(const struct plant *p)
{
    for (int i = 0; i < SIMT_KINDS; i++) {
        enum simt_kind k = (enum simt_kind)i;

        expect(simt_reports(k) == 0 || may_be(p->kind, k), p->name,
               simt_kind_name(k));
    }
}

static void plant_and_look(const struct plant *p)
{
    int *x, numbers[N] = {0};

    simt_clear();
    cudaMalloc((void **)&x, sizeof numbers);
    cudaMemcpyAsync(x, numbers, sizeof numbers, cudaMemcpyHostToDevice,
                    dev_stream);
    cudaStreamSynchronize(dev_stream);
    p->run(x, N);
    cudaStreamSynchronize(dev_stream);
    expect(p->kind == SIMT_KINDS || simt_reports(p->kind) > 0, p->name,
           "not reported");
    look_at_others(p);
    cudaFree(x);
}

/* What was put may change only after the wait, what is got is there then. */
static void streams_wait(void)
{
    int from = 1, to = 0, *x;

    simt_clear();
    simt_async(SIMT_LAZY, 0);
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

static int plants_of(const struct plant_list *list)
{
    for (int i = 0; i < list->n; i++)
        plant_and_look(&list->plants[i]);
    return list->n;
}

int main(void)
{
    static const enum simt_order orders[] = {SIMT_FORWARD, SIMT_BACKWARD,
                                             SIMT_RANDOM, SIMT_PREEMPT};
    static const enum simt_when moments[] = {SIMT_LAZY, SIMT_EAGER,
                                             SIMT_ANY_TIME};
    int plants = 0;

    cudaStreamCreate(&dev_stream);
    simt_quiet(1);
    simt_async(SIMT_LAZY, 0);
    for (enum simt_order order : orders) {
        simt_schedule(order, 1);
        plants = plants_of(&planted) + plants_of(&planted_block) +
                 plants_of(&planted_tile);
    }
    for (enum simt_when when : moments)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            simt_async(when, seed);
            plants_of(&planted_stream);
        }
    plants += planted_stream.n;
    streams_wait();
    cudaStreamDestroy(dev_stream);
    printf("%d bugs and right kernels, 4 orders: %d failures\n", plants,
           failures);
    return failures > 0;
}
