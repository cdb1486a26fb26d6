/* SPDX-License-Identifier: MIT */
/* report.cpp - what was found: counts by kind, and the first of each place on
 * stderr with file and line, if addr2line is here.
 */
#include "simt/simt_internal.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include <link.h>
#include <unistd.h>

enum { SHOWN = 20 };

static int counts[SIMT_KINDS];
static std::set<std::pair<int, uint64_t>> seen;
static int quiet;

/* The program: where it lies, and what of it nobody can write. */
struct segment {
    uintptr_t begin, end;
};
static uintptr_t base;
static std::vector<segment> constants;
static bool known;

const char *simt_kind_name(enum simt_kind kind)
{
    static const char *const names[SIMT_KINDS] = {
        "outside",    "freed",   "unwritten", "race",    "order",
        "barrier",    "warp",    "deadlock",  "pending", "misaligned",
        "arithmetic", "on host", "call"};

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
    simt_forget_errors();
}

void simt_quiet(int on)
{
    quiet = on;
}

static int look(dl_phdr_info *program, size_t, void *)
{
    base = program->dlpi_addr;
    for (int i = 0; i < program->dlpi_phnum; i++) {
        const auto &p = program->dlpi_phdr[i];

        if (p.p_type == PT_LOAD && !(p.p_flags & PF_W))
            constants.push_back(
                {base + p.p_vaddr, base + p.p_vaddr + p.p_memsz});
    }
    return 1; /* the others are libraries */
}

static void look_once(void)
{
    if (!known)
        dl_iterate_phdr(look, nullptr);
    known = true;
}

bool simt_is_constant(const void *p)
{
    look_once();
    for (const segment &s : constants)
        if ((uintptr_t)p - s.begin < s.end - s.begin)
            return true;
    return false;
}

uint32_t simt_place(const void *instruction)
{
    look_once();
    return instruction ? (uint32_t)((uintptr_t)instruction - base) : 0;
}

/* Of the places that were inlined into one, the first of a kernel file. */
static bool is_kernel_file(const char *line)
{
    return !strstr(line, "simt_") && !strstr(line, "dev.cuh") &&
           !strstr(line, "cuda_");
}

/* Lines of addr2line. */
static std::vector<std::string> ask(const char *options, uint32_t place)
{
    char command[128], line[512];
    std::vector<std::string> lines;

    snprintf(command, sizeof command, "addr2line %s -e /proc/%d/exe 0x%x",
             options, (int)getpid(), place);
    FILE *p = popen(command, "r");
    while (p && fgets(line, sizeof line, p)) {
        line[strcspn(line, "\n")] = 0;
        lines.push_back(line);
    }
    if (p)
        pclose(p);
    return lines;
}

std::string simt_function_of(const void *instruction)
{
    std::vector<std::string> lines = ask("-Cf", simt_place(instruction));

    return lines.empty() ? "?" : lines[0];
}

static std::string ask_line(uint32_t place)
{
    std::vector<std::string> lines = ask("-si", place - 1);

    for (std::string &line : lines) {
        line.resize(strcspn(line.c_str(), " "));
        if (is_kernel_file(line.c_str()))
            return line;
    }
    return lines.empty() ? "?" : lines[0];
}

const char *simt_line_of(uint32_t place)
{
    static std::map<uint32_t, std::string> lines;

    if (!place)
        return "not by a kernel";
    if (quiet)
        return "?";
    if (!lines.count(place))
        lines[place] = ask_line(place);
    return lines[place].c_str();
}

/* SIMT_STOP=1: one is enough. */
static void maybe_stop(void)
{
    static const char *stop = getenv("SIMT_STOP");

    if (stop) {
        fflush(stdout);
        _exit(1);
    }
}

static bool is_shown(enum simt_kind kind, uint64_t place)
{
    counts[kind]++;
    return !quiet && seen.size() < SHOWN && seen.insert({kind, place}).second;
}

static void say(enum simt_kind kind, const char *format, va_list rest,
                const char *at)
{
    fprintf(stderr, "simt: %s: ", simt_kind_name(kind));
    vfprintf(stderr, format, rest);
    if (*at)
        fprintf(stderr, " at %s", at);
    if (simt_self) {
        uint3 b = simt_block_index(), t = simt_self->at;

        fprintf(stderr, " [block %u,%u,%u thread %u,%u,%u]", b.x, b.y, b.z, t.x,
                t.y, t.z);
    }
    fputc('\n', stderr);
    maybe_stop();
}

void simt_report(enum simt_kind kind, const void *place, const char *format,
                 ...)
{
    va_list rest;

    if (!is_shown(kind, place ? (uint64_t)(uintptr_t)place
                              : (uint64_t)(uintptr_t)format))
        return;
    va_start(rest, format);
    say(kind, format, rest, place ? simt_line_of(simt_place(place)) : "");
    va_end(rest);
}

void simt_report_at(enum simt_kind kind, simt_site at, const char *format, ...)
{
    const char *name = at.file ? strrchr(at.file, '/') : nullptr;
    char place[160];
    va_list rest;

    if (!is_shown(kind,
                  (uint64_t)(uintptr_t)at.file * 65599 + (uint64_t)at.line))
        return;
    snprintf(place, sizeof place, "%s:%d",
             name      ? name + 1
             : at.file ? at.file
                       : "?",
             at.line);
    va_start(rest, format);
    say(kind, format, rest, place);
    va_end(rest);
}

/* Of a program that does not ask itself, as se3t_simt. */
__attribute__((destructor)) static void say_at_end(void)
{
    int n = simt_reports(SIMT_KINDS);

    if (n == 0)
        return;
    fflush(nullptr);
    fprintf(stderr, "simt: %d reports\n", n);
    _exit(97);
}

int simt_mutant(int n)
{
    static const char *word = getenv("SIMT_MUTANT");
    static const int wanted = word ? (int)strtol(word, nullptr, 10) : 0;

    return n == wanted;
}
