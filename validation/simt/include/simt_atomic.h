/* SPDX-License-Identifier: MIT */
/* simt_atomic.h - atomics and fences. Atomics of floats are there to be
 * compared with: their sums depend on the order of threads.
 */
#ifndef SIMT_ATOMIC_H
#define SIMT_ATOMIC_H

#include <string.h>

/* An atomic access of the running thread, checked; others may run after it. */
void simt_atomic_access(void *p, size_t bytes);
void simt_fence(void);

template <class T, class F>
__attribute__((no_sanitize("thread"), noinline)) T simt_atomic(T *p, F change)
{
    T old, fresh;

    simt_atomic_access(p, sizeof *p);
    memcpy(&old, p, sizeof old);
    fresh = change(old);
    memcpy(p, &fresh, sizeof fresh);
    return old;
}

#define SIMT_ATOMIC(name, expression)                                          \
    template <class T, class V> T atomic##name(T *p, V v)                      \
    {                                                                          \
        T value = (T)v;                                                        \
                                                                               \
        return simt_atomic(p, [value](T old) { return (T)(expression); });     \
    }
SIMT_ATOMIC(Add, old + value)
SIMT_ATOMIC(Sub, old - value)
SIMT_ATOMIC(Max, old > value ? old : value)
SIMT_ATOMIC(Min, old < value ? old : value)
SIMT_ATOMIC(Or, old | value)
SIMT_ATOMIC(And, old &value)
SIMT_ATOMIC(Xor, old ^ value)
SIMT_ATOMIC(Exch, (void(old), value))
#undef SIMT_ATOMIC

template <class T> T atomicCAS(T *p, T expected, T value)
{
    return simt_atomic(p, [=](T old) { return old == expected ? value : old; });
}

inline unsigned atomicInc(unsigned *p, unsigned last)
{
    return simt_atomic(p,
                       [=](unsigned old) { return old >= last ? 0 : old + 1; });
}

inline void __threadfence(void)
{
    simt_fence();
}

inline void __threadfence_block(void)
{
}

#endif
