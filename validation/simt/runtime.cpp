/* SPDX-License-Identifier: MIT */
/* runtime.cpp - the rest of the runtime: devices, errors, copies, launches.
 *
 * SIMT_DEVICES=n: so many devices (default 1; 0: as on a machine without a
 * driver). SIMT_LAUNCH_LOG=file: what was launched, for gate.t.
 */
#include "simt/simt_internal.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>

/* What an sm_80 has; a launch that needs more is refused. */
enum {
    SHARED_DEFAULT = 48 * 1024,
    SHARED_OPTIN = 163 * 1024,
    PROCESSORS = 4,
    GRID_YZ_MOST = 65535,
    BLOCK_Z_MOST = 64
};

static cudaError_t last = cudaSuccess;
static bool failed; /* a launch: nothing runs after it */
static std::map<const void *, int> shared_allowed;
static int device;

/* --- errors --------------------------------------------------------------- */

cudaError_t simt_error(cudaError_t e)
{
    if (e != cudaSuccess)
        last = e;
    return e;
}

cudaError_t simt_refuse(cudaError_t e, const char *format, ...)
{
    char text[256];
    va_list rest;

    va_start(rest, format);
    vsnprintf(text, sizeof text, format, rest);
    va_end(rest);
    simt_report(SIMT_CALL, format, "%s", text);
    return simt_error(e);
}

bool simt_has_failed(void)
{
    return failed;
}

void simt_launch_failed(void)
{
    failed = true;
    last = cudaErrorLaunchFailure;
}

void simt_forget_errors(void)
{
    failed = false;
    last = cudaSuccess;
}

static const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorNoDevice, "cudaErrorNoDevice",
     "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice",
     "invalid device ordinal"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure",
     "unspecified launch failure"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "capturing stream has unjoined work"},
};

extern "C" {

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error)
            return e.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error)
            return e.text;
    return "unrecognized error code";
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t e = last;

    last = failed ? cudaErrorLaunchFailure : cudaSuccess;
    return e;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last;
}

/* --- devices -------------------------------------------------------------- */

cudaError_t cudaGetDeviceCount(int *count)
{
    const char *word = getenv("SIMT_DEVICES");

    *count = word ? (int)strtol(word, nullptr, 10) : 1;
    return simt_error(*count > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int wanted)
{
    int count;

    cudaGetDeviceCount(&count);
    if (wanted < 0 || wanted >= count)
        return simt_error(cudaErrorInvalidDevice);
    device = wanted;
    return simt_error(cudaSuccess);
}

cudaError_t cudaGetDevice(int *current)
{
    *current = device;
    return simt_error(cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *prop, int which)
{
    size_t free;

    memset(prop, 0, sizeof *prop);
    snprintf(prop->name, sizeof prop->name, "SIMT harness");
    prop->uuid.bytes[15] = (char)which;
    cudaMemGetInfo(&free, &prop->totalGlobalMem);
    prop->sharedMemPerBlock = SHARED_DEFAULT;
    prop->sharedMemPerBlockOptin = SHARED_OPTIN;
    prop->major = 8;
    prop->multiProcessorCount = PROCESSORS;
    prop->pciBusID = which + 1;
    return simt_error(cudaSuccess);
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int)
{
    static const std::map<cudaDeviceAttr, int> values = {
        {cudaDevAttrMaxThreadsPerBlock, SIMT_BLOCK_MAX},
        {cudaDevAttrMaxSharedMemoryPerBlock, SHARED_DEFAULT},
        {cudaDevAttrWarpSize, SIMT_LANES},
        {cudaDevAttrMultiProcessorCount, PROCESSORS},
        {cudaDevAttrComputeCapabilityMajor, 8},
        {cudaDevAttrComputeCapabilityMinor, 0},
        {cudaDevAttrMaxSharedMemoryPerBlockOptin, SHARED_OPTIN},
    };

    *value = values.at(attribute);
    return simt_error(cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return simt_error(cudaSuccess);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return simt_error(cudaSuccess);
}

/* --- copies: the host's side is the caller's word ------------------------- */

static void copy(void *to, const void *from, size_t bytes)
{
    bool device_to = simt_is_device(to), device_from = simt_is_device(from);

    if (failed ||
        (device_from && !simt_check_range(from, bytes, SIMT_MOVE, "a copy")) ||
        (device_to && !simt_check_range(to, bytes, SIMT_WRITE, "a copy")))
        return;
    memmove(to, from, bytes);
    if (device_to && device_from)
        simt_copy_states(to, from, bytes);
}

static bool fits(const void *p, bool device_wanted)
{
    return simt_is_device(p) == device_wanted;
}

/* A graph would read pageable memory when it is captured, or refuses it. */
static bool is_fit_for_graph(const void *p)
{
    return simt_is_device(p) || simt_is_pinned(p);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream)
{
    bool puts = kind == cudaMemcpyHostToDevice,
         gets = kind == cudaMemcpyDeviceToHost;
    bool within = kind == cudaMemcpyDeviceToDevice;

    if (bytes == 0)
        return simt_error(cudaSuccess);
    if (kind != cudaMemcpyDefault &&
        !(fits(to, puts || within) && fits(from, gets || within)))
        return simt_refuse(cudaErrorInvalidValue,
                           "a copy whose pointers are not of its kind");
    if (simt_front_of(stream)->graph &&
        !(is_fit_for_graph(to) && is_fit_for_graph(from)))
        return simt_refuse(cudaErrorStreamCaptureUnsupported,
                           "a captured copy of memory that is not pinned");
    simt_enqueue_work(stream, [=] { copy(to, from, bytes); });
    return simt_error(cudaSuccess);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes,
                       cudaMemcpyKind kind)
{
    cudaError_t e = cudaMemcpyAsync(to, from, bytes, kind, nullptr);

    return e == cudaSuccess ? cudaStreamSynchronize(nullptr) : e;
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes,
                            cudaStream_t stream)
{
    simt_enqueue_work(stream, [=] {
        if (!failed && simt_check_range(to, bytes, SIMT_WRITE, "a memset"))
            memset(to, byte, bytes);
    });
    return simt_error(cudaSuccess);
}

cudaError_t cudaMemset(void *to, int byte, size_t bytes)
{
    return cudaMemsetAsync(to, byte, bytes, nullptr);
}

/* --- launches ------------------------------------------------------------- */

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute,
                                 int value)
{
    if (value < 0 || value > SHARED_OPTIN)
        return simt_refuse(cudaErrorInvalidValue,
                           "%d bytes of shared memory (at most %d)", value,
                           SHARED_OPTIN);
    shared_allowed[kernel] = value;
    return simt_error(cudaSuccess);
}
}

/* Kernel, as the compiler names it, threads of a block, bytes of dynamic shared
 * memory: each once. */
static void log_launch(const simt_launch_shape &s, const void *kernel)
{
    static std::set<std::tuple<const void *, unsigned, size_t>> logged;
    unsigned threads = s.block.x * s.block.y * s.block.z;
    FILE *log;

    if (!logged.insert({kernel, threads, s.shared}).second)
        return;
    log = fopen(getenv("SIMT_LAUNCH_LOG"), "a");
    if (!log)
        return;
    fprintf(log, "%u %zu %s\n", threads, s.shared,
            simt_function_of(kernel).c_str());
    fclose(log);
}

static bool is_possible(dim3 g, dim3 b)
{
    uint64_t threads = (uint64_t)b.x * b.y * b.z;

    return g.x > 0 && g.y > 0 && g.z > 0 && g.x <= INT32_MAX &&
           g.y <= GRID_YZ_MOST && g.z <= GRID_YZ_MOST && threads > 0 &&
           threads <= SIMT_BLOCK_MAX && b.z <= BLOCK_Z_MOST;
}

static cudaError_t check_launch(const simt_launch_shape &s, const void *kernel)
{
    int allowed = shared_allowed.count(kernel) ? shared_allowed[kernel] : 0;

    if (!is_possible(s.grid, s.block))
        return simt_refuse(cudaErrorInvalidConfiguration,
                           "a grid of %u %u %u blocks of %u %u %u threads",
                           s.grid.x, s.grid.y, s.grid.z, s.block.x, s.block.y,
                           s.block.z);
    if (s.shared > SHARED_DEFAULT && s.shared > (size_t)allowed)
        return simt_refuse(cudaErrorInvalidValue,
                           "%zu bytes of dynamic shared memory (allowed: %d)",
                           s.shared, allowed);
    return cudaSuccess;
}

void simt_enqueue(const simt_launch_shape &shape, const void *kernel,
                  void (*body)(const void *), const void *arguments,
                  size_t bytes)
{
    static const bool logs = getenv("SIMT_LAUNCH_LOG");
    simt_launch_shape s = shape;
    std::shared_ptr<void> call(operator new(bytes),
                               [](void *p) { operator delete(p); });

    if (logs)
        log_launch(shape, kernel);
    if (check_launch(shape, kernel) != cudaSuccess)
        return;
    memcpy(call.get(), arguments, bytes);
    simt_enqueue_work(shape.stream, [=] {
        if (!failed && !simt_run(s, body, call.get(), bytes))
            simt_launch_failed();
    });
}
