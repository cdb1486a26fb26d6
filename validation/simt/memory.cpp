/* SPDX-License-Identifier: MIT */
/* memory.cpp - memory of the device and shared memory of the block that runs:
 * each byte knows whether it is there and was written.
 *
 * Objects lie GUARD bytes or more apart, so that small overruns hit nothing
 * else; freed ones stay until the heap is full, so that stale pointers are
 * seen. The tables lie beside, and take memory only where they are used.
 */
#include "simt/simt_internal.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include <link.h>
#include <sys/mman.h>

enum { GUARD = 512, SHARED_MOST = 1 << 20 };
static const size_t heap_mb = 1024; /* unless SIMT_MEMORY_MB is set */

struct object {
    size_t size;
    bool live;
};

/* The heap, memory of SHARED, and what is bare __shared__: thread-locals of
 * the program, which for want of guards are only watched. */
static simt_region heap, shared, bare;
static size_t heap_top = GUARD, shared_top = GUARD;
static bool bare_is_old;
static std::map<char *, object> objects;
static std::map<char *, size_t> pinned;

static size_t rounded(size_t n)
{
    return (n + GUARD - 1) / GUARD * GUARD;
}

static void *reserve(size_t bytes)
{
    void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        perror("simt: memory");
        abort();
    }
    return p;
}

static void make_region(simt_region *r, void *base, size_t size, bool global)
{
    r->base = static_cast<char *>(base);
    r->size = size;
    r->state = static_cast<uint8_t *>(reserve(size));
    r->cell = static_cast<simt_cell *>(
        reserve((size / 4 + 2) * sizeof(struct simt_cell)));
    r->global = global;
}

static int find_bare(dl_phdr_info *program, size_t, void *)
{
    for (int i = 0; i < program->dlpi_phnum; i++)
        if (program->dlpi_phdr[i].p_type == PT_TLS && program->dlpi_tls_data)
            make_region(&bare, program->dlpi_tls_data,
                        program->dlpi_phdr[i].p_memsz, false);
    return 1; /* the others are libraries */
}

static void make_all(void)
{
    const char *word = getenv("SIMT_MEMORY_MB");
    size_t bytes = (word ? strtoul(word, nullptr, 10) : heap_mb) << 20;

    make_region(&heap, reserve(bytes), bytes, true);
    make_region(&shared, reserve(SHARED_MOST), SHARED_MOST, false);
    dl_iterate_phdr(find_bare, nullptr);
}

void simt_mark(const simt_region *r, const void *p, size_t n, simt_state s)
{
    memset(r->state + (static_cast<const char *>(p) - r->base), s, n);
}

/* --- the device ----------------------------------------------------------- */

/* The lowest freed object that is large enough, when the heap has no end. */
static char *reuse(size_t bytes)
{
    for (auto &o : objects)
        if (!o.second.live && rounded(o.second.size) >= rounded(bytes))
            return o.first;
    return nullptr;
}

extern "C" cudaError_t cudaMalloc(void **data, size_t bytes)
{
    char *p;

    if (simt_is_capturing())
        return simt_refuse(cudaErrorStreamCaptureUnsupported,
                           "cudaMalloc while a stream is captured");
    if (!heap.base)
        make_all();
    p = heap.base + heap_top;
    if (heap_top + rounded(bytes) + GUARD <= heap.size)
        heap_top += rounded(bytes) + GUARD;
    else if (!(p = reuse(bytes)))
        return simt_error(cudaErrorMemoryAllocation);
    objects[p] = {bytes, true};
    memset(p, 0xff, bytes); /* NaN, and -1 */
    simt_mark(&heap, p, bytes, SIMT_FRESH);
    *data = p;
    return simt_error(cudaSuccess);
}

extern "C" cudaError_t cudaFree(void *data)
{
    auto found = objects.find(static_cast<char *>(data));

    if (!data)
        return simt_error(cudaSuccess);
    if (simt_is_capturing())
        return simt_refuse(cudaErrorStreamCaptureUnsupported,
                           "cudaFree while a stream is captured");
    if (found == objects.end() || !found->second.live)
        return simt_refuse(cudaErrorInvalidValue, "cudaFree of %p", data);
    /* Work that was enqueued and not waited for shall see that it is gone,
     * though CUDA would wait here. */
    found->second.live = false;
    simt_mark(&heap, data, found->second.size, SIMT_GONE);
    memset(data, 0xff, found->second.size);
    return simt_error(cudaSuccess);
}

bool simt_is_device(const void *p)
{
    return heap.has(p);
}

bool simt_is_live(const void *p, size_t n)
{
    char *at = static_cast<char *>(const_cast<void *>(p));
    auto next = objects.upper_bound(at);

    if (next == objects.begin())
        return false;
    --next;
    return next->second.live &&
           (size_t)(at - next->first) + n <= next->second.size;
}

void simt_copy_states(void *to, const void *from, size_t n)
{
    memmove(heap.state + (static_cast<char *>(to) - heap.base),
            heap.state + (static_cast<const char *>(from) - heap.base), n);
}

extern "C" cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    if (!heap.base)
        make_all();
    *total = heap.size;
    *free = heap.size - heap_top;
    return simt_error(cudaSuccess);
}

/* --- the host's pinned memory --------------------------------------------- */

extern "C" cudaError_t cudaMallocHost(void **data, size_t bytes)
{
    *data = malloc(bytes ? bytes : 1);
    if (!*data)
        return simt_error(cudaErrorMemoryAllocation);
    memset(*data, 0xff, bytes);
    pinned[static_cast<char *>(*data)] = bytes;
    return simt_error(cudaSuccess);
}

extern "C" cudaError_t cudaHostAlloc(void **data, size_t bytes, unsigned)
{
    return cudaMallocHost(data, bytes);
}

extern "C" cudaError_t cudaFreeHost(void *data)
{
    simt_wait_for_all();
    if (data && !pinned.erase(static_cast<char *>(data)))
        return simt_refuse(cudaErrorInvalidValue, "cudaFreeHost of %p", data);
    free(data);
    return simt_error(cudaSuccess);
}

bool simt_is_pinned(const void *p)
{
    char *at = static_cast<char *>(const_cast<void *>(p));
    auto next = pinned.upper_bound(at);

    return next != pinned.begin() &&
           (size_t)(at - (--next)->first) < next->second;
}

/* --- shared --------------------------------------------------------------- */

struct placed {
    const void *place;
    size_t offset;
};
static std::vector<placed> placed_here; /* by the block that runs */

static size_t add_shared(size_t bytes)
{
    size_t offset = shared_top;

    shared_top += rounded(bytes) + GUARD;
    if (shared_top > SHARED_MOST) {
        fprintf(stderr, "simt: too much shared memory\n");
        abort();
    }
    memset(shared.base + offset, 0xff, bytes);
    simt_mark(&shared, shared.base + offset, bytes, SIMT_FRESH);
    return offset;
}

void simt_shared_begin(size_t dynamic_bytes)
{
    if (!heap.base)
        make_all();
    simt_mark(&shared, shared.base, shared_top, SIMT_NONE);
    shared_top = GUARD;
    placed_here.clear();
    add_shared(dynamic_bytes);
    bare_is_old = true;
}

void *simt_shared_dynamic(void)
{
    return shared.base + GUARD;
}

void *simt_shared(const void *place, size_t bytes, const char *)
{
    for (const placed &p : placed_here)
        if (p.place == place)
            return shared.base + p.offset;
    placed_here.push_back({place, add_shared(bytes)});
    return shared.base + placed_here.back().offset;
}

static simt_region *region_of(const void *p)
{
    if (heap.has(p))
        return &heap;
    if (shared.has(p))
        return &shared;
    if (!bare.has(p))
        return nullptr;
    if (bare_is_old)
        simt_mark(&bare, bare.base, bare.size, SIMT_FRESH);
    bare_is_old = false;
    return &bare;
}

simt_region *simt_shared_of(const void *p)
{
    simt_region *r = region_of(p);

    return r && !r->global ? r : nullptr;
}

/* --- accesses ------------------------------------------------------------- */

static uint64_t accesses;

uint64_t simt_accesses(void)
{
    return accesses;
}

static void say_outside(const simt_region *r, const void *p, size_t n, int how,
                        const void *place)
{
    char *at = static_cast<char *>(const_cast<void *>(p));
    auto o = objects.upper_bound(at);
    const char *what = how & SIMT_WRITE ? "write" : "read";

    if (!r->global || o == objects.begin()) {
        simt_report(SIMT_OUTSIDE, place, "%s of %zu bytes outside of all %s",
                    what, n, r->global ? "device memory" : "shared memory");
        return;
    }
    --o;
    simt_report(SIMT_OUTSIDE, place,
                "%s of %zu bytes at offset %td of an object of %zu", what, n,
                at - o->first, o->second.size);
}

/* False: there is nothing to access. */
static bool check_states(const simt_region *r, const void *p, size_t n, int how,
                         const void *place)
{
    size_t offset = (size_t)(static_cast<const char *>(p) - r->base);
    bool reads = how == SIMT_READ || how == SIMT_ATOMIC;

    for (size_t i = offset; i < offset + n; i++) {
        uint8_t s = i < r->size ? r->state[i] : (uint8_t)SIMT_NONE;

        if (s == SIMT_WRITTEN || (s == SIMT_FRESH && !reads))
            continue;
        if (s == SIMT_NONE)
            say_outside(r, p, n, how, place);
        else if (s == SIMT_GONE)
            simt_report(SIMT_FREED, place, "%zu bytes in freed memory", n);
        else if (s == SIMT_COMING)
            simt_report(SIMT_PENDING, place,
                        "what cp.async copies here has not been waited for");
        else
            simt_report(SIMT_UNWRITTEN, place,
                        "%zu bytes that nobody wrote are read", n);
        return s == SIMT_FRESH || s == SIMT_COMING;
    }
    return true;
}

static void check_in(simt_region *r, const void *p, size_t n, int how,
                     const void *place)
{
    if (!check_states(r, p, n, how, place))
        return;
    if (how & SIMT_WRITE)
        simt_mark(r, p, n, SIMT_WRITTEN);
    simt_race_check(r, (size_t)(static_cast<const char *>(p) - r->base), n, how,
                    place);
}

void simt_check(const void *p, size_t n, int how, const void *place)
{
    simt_region *r;
    int whose;

    if (!simt_self) {
        if (heap.has(p))
            simt_report(SIMT_ON_HOST, place, "the host touches device memory");
        return;
    }
    whose = simt_whose_stack(p);
    if (whose > 0 || simt_is_argument(p))
        return;
    accesses++;
    r = region_of(p);
    if (r)
        check_in(r, p, n, how, place);
    else if (whose < 0)
        simt_report(SIMT_OUTSIDE, place, "a local variable of another thread");
    else if (how != SIMT_READ || !simt_is_constant(p))
        simt_report(SIMT_OUTSIDE, place,
                    "%s of %zu bytes outside of all device memory",
                    how & SIMT_WRITE ? "write" : "read", n);
}

bool simt_check_range(const void *p, size_t n, int how, const char *what)
{
    if (n == 0)
        return true;
    if (!heap.has(p) || !simt_is_live(p, n)) {
        simt_report(SIMT_CALL, nullptr, "%s outside of device memory", what);
        return false;
    }
    check_in(&heap, p, n, how, nullptr);
    return true;
}
