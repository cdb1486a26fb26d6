/* SPDX-License-Identifier: MIT */
/* memory.cpp - device memory that knows for every byte whether it was written,
 * and by whom it was last written and read.
 *
 * Kernel files are compiled with -fsanitize=thread, which calls a function
 * before every load and store; those functions are here, libtsan is not
 * linked. Two accesses are a race when they are of one launch, by two threads,
 * one writes, and no barrier of their block stands between them.
 *
 * Freed objects stay until the end, so that stale pointers are seen; objects
 * lie GUARD bytes apart, so that small overruns hit nothing else.
 */
#include "simt/simt_internal.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <vector>

#include <link.h>
#include <unistd.h>

enum { GUARD = 4096, SHOWN = 20 };
static const uint32_t MANY = ~0u; /* threads of a block, or blocks */

struct byte {
    bool written;
    simt_who writer, reader;
};

struct object {
    size_t size;
    bool live;
    std::vector<byte> bytes;                /* none when freed */
    std::unique_ptr<unsigned char[]> block; /* with a guard on both sides */
};

static std::map<const unsigned char *, object> objects;
static int counts[SIMT_KINDS];
static std::set<std::pair<int, const void *>> seen;
static int quiet;
static uint64_t accesses;

const char *simt_kind_name(enum simt_kind kind)
{
    static const char *const names[SIMT_KINDS] = {
        "outside", "freed", "unwritten", "race", "barrier", "on host", "call"};

    return names[kind];
}

int simt_reports(enum simt_kind kind)
{
    int sum = 0;

    for (int i = 0; i < SIMT_KINDS; i++)
        if (i == kind || kind == SIMT_KINDS)
            sum += counts[i];
    return sum;
}

void simt_clear(void)
{
    memset(counts, 0, sizeof counts);
}

void simt_quiet(int on)
{
    quiet = on;
}

uint64_t simt_accesses(void)
{
    return accesses;
}

static int first_base(dl_phdr_info *program, size_t, void *base)
{
    *static_cast<size_t *>(base) = program->dlpi_addr;
    return 1; /* the others are libraries */
}

/* The source line of a call's return address, if addr2line is here. */
static std::string line_of(const void *pc)
{
    char command[128], line[512] = "";
    size_t base = 0;

    dl_iterate_phdr(first_base, &base);
    snprintf(command, sizeof command, "addr2line -se /proc/%d/exe 0x%zx",
             (int)getpid(), (size_t)pc - base - 1);
    if (FILE *p = popen(command, "r")) {
        if (!fgets(line, sizeof line, p))
            line[0] = 0;
        pclose(p);
    }
    line[strcspn(line, " \n")] = 0;
    return line;
}

void simt_report(enum simt_kind kind, const void *pc, const char *format, ...)
{
    simt_who who = simt_now();
    va_list rest;

    counts[kind]++;
    if (quiet || seen.size() >= SHOWN || !seen.insert({kind, pc}).second)
        return;
    fprintf(stderr, "simt: %s: ", simt_kind_name(kind));
    va_start(rest, format);
    vfprintf(stderr, format, rest);
    va_end(rest);
    if (pc)
        fprintf(stderr, " at %s", line_of(pc).c_str());
    if (who.launch)
        fprintf(stderr, " [block %u, thread %u]", who.block, who.thread);
    fputc('\n', stderr);
}

cudaError_t cudaMalloc(void **data, size_t bytes)
{
    unsigned char *block = new (std::nothrow) unsigned char[bytes + 2 * GUARD];

    if (!block)
        return cudaErrorMemoryAllocation;
    memset(block, 0xff, bytes + 2 * GUARD); /* NaN, and -1 */
    objects[block + GUARD] = {bytes, true, std::vector<byte>(bytes),
                              std::unique_ptr<unsigned char[]>(block)};
    *data = block + GUARD;
    return cudaSuccess;
}

/* The object in or right after which p points; NULL: none. */
static const unsigned char *find(const void *p, object **o)
{
    const unsigned char *at = static_cast<const unsigned char *>(p);
    auto next = objects.upper_bound(at);

    if (next == objects.begin())
        return nullptr;
    --next;
    if (at >= next->first + next->second.size + GUARD)
        return nullptr;
    *o = &next->second;
    return next->first;
}

cudaError_t cudaFree(void *data)
{
    object *o;

    if (!data)
        return cudaSuccess;
    if (find(data, &o) != data || !o->live) {
        simt_report(SIMT_CALL, nullptr, "cudaFree of %p", data);
        return cudaErrorInvalidValue;
    }
    o->live = false;
    o->bytes = std::vector<byte>();
    memset(data, 0xff, o->size);
    return cudaSuccess;
}

bool simt_is_device(const void *p, size_t n)
{
    object *o;
    const unsigned char *base = find(p, &o);

    return base && o->live &&
           static_cast<const unsigned char *>(p) - base + n <= o->size;
}

static byte *bytes_at(const void *p)
{
    object *o;
    const unsigned char *base = find(p, &o);

    return o->bytes.data() + (static_cast<const unsigned char *>(p) - base);
}

void simt_mark_written(void *p, size_t n)
{
    byte *b = n ? bytes_at(p) : nullptr;

    for (size_t i = 0; i < n; i++)
        b[i].written = true;
}

void simt_mark_like(void *p, const void *from, size_t n)
{
    byte *b = n ? bytes_at(p) : nullptr;
    const byte *f = n ? bytes_at(from) : nullptr;

    for (size_t i = 0; i < n; i++)
        b[i].written = f[i].written;
}

/* Whether nothing orders the two; a is the earlier one. */
static bool unordered(const simt_who &a, const simt_who &b)
{
    if (a.launch != b.launch)
        return false;
    if (a.block != b.block)
        return true;
    return a.thread != b.thread && a.epoch == b.epoch;
}

/* A byte keeps one reader; MANY stands for those that the next writer cannot
 * all be. Readers before a barrier of their block are ordered, and forgotten.
 */
static void add_reader(simt_who *reader, const simt_who &who)
{
    if (reader->launch != who.launch ||
        (reader->block == who.block && reader->epoch != who.epoch))
        *reader = who;
    else if (reader->block != who.block)
        reader->block = MANY;
    else if (reader->thread != who.thread)
        reader->thread = MANY;
}

static bool race(byte *b, const simt_who &who, bool write)
{
    bool found = unordered(b->writer, who);

    if (!write) {
        add_reader(&b->reader, who);
        return found;
    }
    found = found || unordered(b->reader, who);
    b->writer = who;
    b->written = true;
    return found;
}

static void check_bytes(byte *b, size_t n, bool write, const void *pc)
{
    simt_who who = simt_now();
    bool unwritten = false, raced = false;

    for (size_t i = 0; i < n; i++) {
        unwritten = unwritten || (!write && !b[i].written);
        raced = race(&b[i], who, write) || raced;
    }
    if (unwritten)
        simt_report(SIMT_UNWRITTEN, pc, "%zu bytes that nobody wrote are read",
                    n);
    if (raced)
        simt_report(SIMT_RACE, pc, "another thread also %s, no barrier between",
                    write ? "reads or writes what is written" : "writes this");
}

static void on_host(const void *p, const void *pc)
{
    object *o;
    const unsigned char *base = find(p, &o);

    if (base && p < base + o->size)
        simt_report(SIMT_ON_HOST, pc, "the host touches device memory");
}

static void check(const void *p, size_t n, bool write, const void *pc)
{
    object *o = nullptr;
    const unsigned char *base;
    const char *what = write ? "write" : "read";

    if (!simt_now().launch) {
        on_host(p, pc);
        return;
    }
    if (simt_is_own(p))
        return;
    accesses++;
    simt_maybe_yield();
    base = find(p, &o);
    if (!base)
        simt_report(SIMT_OUTSIDE, pc,
                    "%s of %zu bytes outside of all device "
                    "memory",
                    what, n);
    else if (static_cast<const unsigned char *>(p) - base + n > o->size)
        simt_report(SIMT_OUTSIDE, pc,
                    "%s of %zu bytes at offset %td of an "
                    "object of %zu",
                    what, n, static_cast<const unsigned char *>(p) - base,
                    o->size);
    else if (!o->live)
        simt_report(SIMT_FREED, pc, "%s of %zu bytes in freed memory", what, n);
    else
        check_bytes(o->bytes.data() +
                        (static_cast<const unsigned char *>(p) - base),
                    n, write, pc);
}

/* What the instrumented code calls. */
#define CALLER __builtin_return_address(0)
#define ACCESS(name, bytes, write)                                             \
    void __tsan_##name(void *p)                                                \
    {                                                                          \
        check(p, bytes, write, CALLER);                                        \
    }
#define ACCESSES(bytes)                                                        \
    ACCESS(read##bytes, bytes, false)                                          \
    ACCESS(write##bytes, bytes, true)                                          \
    ACCESS(unaligned_read##bytes, bytes, false)                                \
    ACCESS(unaligned_write##bytes, bytes, true)

extern "C" {
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(void *p, size_t n)
{
    check(p, n, false, CALLER);
}

void __tsan_write_range(void *p, size_t n)
{
    check(p, n, true, CALLER);
}

void __tsan_init(void)
{
}

void __tsan_func_entry(void *)
{
}

void __tsan_func_exit(void)
{
}
}
