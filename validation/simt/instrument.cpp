/* SPDX-License-Identifier: MIT */
/* instrument.cpp - what kernel files call before each load and store, since
 * they are compiled with -fsanitize=thread, and where their arithmetic goes
 * wrong, by -fsanitize=bounds-strict and others. Neither library is linked.
 */
#include "simt/simt_internal.h"

static void access(const void *p, size_t n, bool write, size_t aligned,
                   const void *place)
{
    if (simt_self && (uintptr_t)p % aligned)
        simt_report(SIMT_MISALIGNED, place, "%s of %zu bytes at %p",
                    write ? "write" : "read", n, p);
    if (simt_self && simt_whose_stack(p) <= 0 && !simt_is_argument(p))
        simt_maybe_yield();
    simt_check(p, n, write ? SIMT_WRITE : SIMT_READ, place);
}

#define CALLER __builtin_return_address(0)
#define ACCESS(name, bytes, write, aligned)                                    \
    void __tsan_##name##bytes(void *p)                                         \
    {                                                                          \
        access(p, bytes, write, aligned, CALLER);                              \
    }
#define ACCESSES(bytes)                                                        \
    ACCESS(read, bytes, false, bytes)                                          \
    ACCESS(write, bytes, true, bytes)                                          \
    ACCESS(volatile_read, bytes, false, bytes)                                 \
    ACCESS(volatile_write, bytes, true, bytes)                                 \
    ACCESS(unaligned_read, bytes, false, 1)                                    \
    ACCESS(unaligned_write, bytes, true, 1)

/* The compiler's own data comes first. */
struct where {
    const char *file;
    unsigned line, column;
};

static void wrong(const void *data, const char *what)
{
    const where *w = static_cast<const where *>(data);

    simt_report_at(SIMT_ARITHMETIC, {w->file, (int)w->line}, "%s", what);
}

#define WRONG(name, what)                                                      \
    void __ubsan_handle_##name(void *data, void *, void *)                     \
    {                                                                          \
        wrong(data, what);                                                     \
    }

extern "C" {
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(void *p, size_t n)
{
    access(p, n, false, 1, CALLER);
}

void __tsan_write_range(void *p, size_t n)
{
    access(p, n, true, 1, CALLER);
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

WRONG(add_overflow, "a sum overflows")
WRONG(sub_overflow, "a difference overflows")
WRONG(mul_overflow, "a product overflows")
WRONG(negate_overflow, "a negation overflows")
WRONG(divrem_overflow, "a division by zero, or one that overflows")
WRONG(shift_out_of_bounds, "a shift too far")
WRONG(out_of_bounds, "an index beyond its array")

void __ubsan_handle_type_mismatch_v1(void *data, void *p)
{
    const where *w = static_cast<const where *>(data);

    simt_report_at(p ? SIMT_MISALIGNED : SIMT_OUTSIDE, {w->file, (int)w->line},
                   "%p for a type", p);
}
}
