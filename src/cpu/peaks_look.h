/* SPDX-License-Identifier: MIT */
/* peaks_look.h - keeps the compiler from leaving out what nobody reads. */
#ifndef PEAKS_LOOK_H
#define PEAKS_LOOK_H

/* The compiler must take all memory as changed here, and v as read. */
static inline void look(const void *v)
{
    __asm__ volatile("" : : "r"(v) : "memory");
}

#endif
