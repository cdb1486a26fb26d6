/* SPDX-License-Identifier: MIT */
/* stream.cpp - streams at their laziest: work is done when the host waits for
 * it, not before. So a copy whose source changes too early, or a result that is
 * read too early, is wrong every time instead of now and then.
 */
#include "simt/simt_internal.h"

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

struct simt_stream {
    std::vector<std::function<void()>> work;
};

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    *stream = new simt_stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    for (auto &work : stream->work)
        work();
    stream->work.clear();
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    cudaStreamSynchronize(stream);
    delete stream;
    return cudaSuccess;
}

static cudaError_t refuse(const char *what)
{
    simt_report(SIMT_CALL, nullptr, "%s", what);
    return cudaErrorInvalidValue;
}

static void copy(void *to, const void *from, size_t bytes, bool put, bool get)
{
    if ((!get && !simt_is_device(to, bytes)) ||
        (!put && !simt_is_device(from, bytes))) {
        refuse("a copy outside of device memory");
        return;
    }
    memcpy(to, from, bytes);
    if (put)
        simt_mark_written(to, bytes);
    else if (!get)
        simt_mark_like(to, from, bytes);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream)
{
    bool put = kind == cudaMemcpyHostToDevice;
    bool get = kind == cudaMemcpyDeviceToHost;

    stream->work.push_back([=] { copy(to, from, bytes, put, get); });
    return cudaSuccess;
}

static void set(void *to, int byte, size_t bytes)
{
    if (!simt_is_device(to, bytes)) {
        refuse("cudaMemsetAsync outside of device memory");
        return;
    }
    memset(to, byte, bytes);
    simt_mark_written(to, bytes);
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes,
                            cudaStream_t stream)
{
    stream->work.push_back([=] { set(to, byte, bytes); });
    return cudaSuccess;
}

void simt_enqueue(unsigned blocks, unsigned threads, cudaStream_t stream,
                  void (*body)(const void *), const void *arguments,
                  size_t bytes)
{
    std::shared_ptr<void> copy(operator new(bytes),
                               [](void *p) { operator delete(p); });

    if (blocks == 0 || threads == 0 || threads > SIMT_BLOCK_MAX) {
        refuse("a launch of no blocks, or of no or too many threads");
        return;
    }
    memcpy(copy.get(), arguments, bytes);
    stream->work.push_back(
        [=] { simt_run(blocks, threads, body, copy.get(), bytes); });
}
