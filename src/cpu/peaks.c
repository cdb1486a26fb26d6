/* SPDX-License-Identifier: MIT */
/* peaks.c - runs the loops, on one thread and on all.
 *
 * Each thread has its own piece of one block; `passes` are doubled until they
 * take some milliseconds of CPU time, which also brings clock and caches to
 * their working state. Sizes of caches: sysfs, or what is usual. */
#include "config.h"

#include "cpu/peaks.h"

#include "base/mem.h"
#include "base/num.h"
#include "cpu/registry.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 7, PEAKS = 16, LEVELS = 4, SMALL = 4096, UNIT = 512 };

/* Pieces begin at multiples of it: where all lower bits of an address change
 * at once, the L1 of some CPUs takes the lines of both sides for each other. */
enum { PIECE = 2 << 20 };

static const double long_enough = 3e-3;            /* s of a repeat */
static const double short_enough = 3e-5;           /* of a coarse one */
static const size_t most_data = (size_t)512 << 20; /* of all threads */

/* Numbers for the loops that need few; nobody writes. */
static _Alignas(MEM_ALIGN) unsigned char small[SMALL];

/* 64-bit products, each of the one before: 3 cycles on every x86-64 that has
 * AVX2. */
static double multiply_chain(void *data, size_t bytes, int64_t passes)
{
    uint64_t x = *(const uint64_t *)data;

    (void)bytes;
    for (int64_t p = 0; p < passes; p++) {
        x *= x, x *= x, x *= x, x *= x, x *= x, x *= x, x *= x, x *= x;
        x *= x, x *= x, x *= x, x *= x, x *= x, x *= x, x *= x, x *= x;
    }
    __asm__ volatile("" : : "r"(x));
    return 3.0 * 16 * (double)passes;
}

static const struct peak clock_peak = {"clock", "GHz", multiply_chain, 0};

/* --- which ones ----------------------------------------------------------- */

static int at_name(const struct peak *list[], int n, const char *name)
{
    int i = 0;

    while (i < n && strcmp(list[i]->name, name) != 0)
        i++;
    return i;
}

/* All that the machine has; returns how many. */
static int collect(const struct peak *list[PEAKS])
{
    int n = 1;

    list[0] = &clock_peak;
    for (int isa = 0; isa < ISAS; isa++) {
        const struct peak *p = registry_peaks((enum isa)isa);

        for (; p && p->name; p++) {
            int i = at_name(list, n, p->name);

            if (i == PEAKS)
                return n;
            list[i] = p;
            n += i == n;
        }
    }
    return n;
}

/* --- how large the caches are --------------------------------------------- */

/* A line of /sys/devices/system/cpu/cpu0/cache/index*, cut at its end. */
static int read_line(int index, const char *file, char line[64])
{
    char path[96];
    FILE *f;
    int ok;

    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s",
             index, file);
    f = fopen(path, "r");
    if (!f)
        return 0;
    ok = fgets(line, 64, f) != NULL;
    fclose(f);
    if (ok)
        line[strcspn(line, "\n")] = 0;
    return ok;
}

/* size[level] of levels 1..3 in bytes, where the system says it. */
static void cache_sizes(size_t size[LEVELS])
{
    char line[64];

    for (int i = 0; read_line(i, "level", line); i++) {
        int level = line[0] - '0';
        int64_t n;

        if (level < 1 || level >= LEVELS || !read_line(i, "type", line) ||
            strcmp(line, "Instruction") == 0 || !read_line(i, "size", line))
            continue;
        if (num_int64(line, strcspn(line, "KM"), &n) && n > 0 && n < 1 << 20)
            size[level] = (size_t)n << (strchr(line, 'M') ? 20 : 10);
    }
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Bytes of a thread whose sweep is served by L1, L2, L3, DRAM. L2 is a core's,
 * L3 the threads' together. */
static void choose_sizes(int threads, size_t out[LEVELS])
{
    size_t cache[LEVELS] = {0, 32 << 10, 1 << 20, 32 << 20};
    size_t n = (size_t)threads, dram;

    cache_sizes(cache);
    out[0] = cache[1] / 2;
    out[1] = cache[2] / 2;
    out[2] = larger(cache[3] / 2 / n, 2 * cache[2]);
    dram = larger(4 * cache[3], (size_t)64 << 20);
    out[3] = larger((dram < most_data ? dram : most_data) / n, 2 * out[2]);
    for (int i = 0; i < LEVELS; i++)
        out[i] = out[i] / UNIT * UNIT;
}

/* --- how fast ------------------------------------------------------------- */

static double own_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Where the threads work: thread i from data + i * stride on. */
struct room {
    unsigned char *data;
    size_t stride, bytes;
};

static int64_t passes_for(const struct peak *p, const struct room *r,
                          double seconds)
{
    int64_t passes = 1;

    while (passes < INT64_C(1) << 40) {
        double began = own_seconds();

        p->run(r->data, r->bytes, passes);
        if (own_seconds() - began >= seconds)
            break;
        passes *= 2;
    }
    return passes;
}

/* 1e9 a second of all threads together, the best of the repeats. */
static double best_rate(const struct peak *p, const struct room *r, int threads,
                        int64_t passes)
{
    double best = 0;

    for (int i = 0; i < REPEATS; i++) {
        double sum = 0;

#pragma omp parallel num_threads(threads) reduction(+ : sum)
        {
            unsigned char *own =
                r->data + r->stride * (size_t)omp_get_thread_num();
            double began, done;

#pragma omp barrier
            began = own_seconds();
            done = p->run(own, r->bytes, passes);
            sum += done / (own_seconds() - began);
        }
        best = sum > best ? sum : best;
    }
    return 1e-9 * best;
}

static void measure(const struct peak *p, const struct room *r,
                    struct peak_value *v)
{
    int64_t passes = passes_for(p, r, long_enough);

    v->unit = p->unit;
    v->one = v->all = best_rate(p, r, 1, passes);
    if (v->threads > 1)
        v->all = best_rate(p, r, v->threads, passes);
    if (p == &clock_peak) /* no sum, but the mean */
        v->all /= v->threads;
}

double peaks_of(const char *name, int threads)
{
    const struct room r = {.data = small, .stride = 0, .bytes = sizeof small};
    const struct peak *list[PEAKS];
    int n = collect(list), i = at_name(list, n, name);

    if (i == n || list[i]->memory)
        return 0;
    return best_rate(list[i], &r, threads,
                     passes_for(list[i], &r, long_enough));
}

/* By turns, that both have the same clock. */
double peaks_ratio(const char *name, const char *other)
{
    const char *names[2] = {name, other};
    const struct room r = {.data = small, .stride = 0, .bytes = sizeof small};
    const struct peak *list[PEAKS], *p[2];
    int64_t passes[2];
    double best[2] = {0};
    int n = collect(list);

    for (int i = 0; i < 2; i++) {
        int at = at_name(list, n, names[i]);

        if (at == n || list[at]->memory)
            return 0;
        p[i] = list[at];
        passes[i] = passes_for(p[i], &r, short_enough);
    }
    for (int i = 0; i < 2 * REPEATS; i++) {
        double began = own_seconds();
        double done = p[i % 2]->run(small, sizeof small, passes[i % 2]);
        double rate = done / (own_seconds() - began);

        if (!(rate <= best[i % 2]))
            best[i % 2] = rate;
    }
    return best[0] / best[1];
}

enum err peaks_measure(int threads,
                       void (*visit)(void *self, const struct peak_value *v),
                       void *self)
{
    static const char *const suffix[LEVELS] = {"_l1", "_l2", "_l3", "_dram"};
    const struct peak *list[PEAKS];
    int n = collect(list);
    size_t size[LEVELS];
    unsigned char *data;
    size_t stride;
    void *block;

    choose_sizes(threads, size);
    stride = (size[LEVELS - 1] + PIECE - 1) / PIECE * PIECE;
    TRY(mem_alloc((size_t)threads * (stride / PIECE) + 1, PIECE,
                  "measuring memory", &block));
    data = (unsigned char *)block + PIECE - (uintptr_t)block % PIECE;
    for (int i = 0; i < n; i++)
        for (int l = 0; l < (list[i]->memory ? LEVELS : 1); l++) {
            struct peak_value v = {.threads = threads};
            struct room r = {data, stride, size[l]};

            if (!list[i]->memory)
                r = (struct room){small, 0, sizeof small};
            snprintf(v.name, sizeof v.name, "%s%s", list[i]->name,
                     list[i]->memory ? suffix[l] : "");
            measure(list[i], &r, &v);
            visit(self, &v);
        }
    mem_free(block);
    return OK;
}
