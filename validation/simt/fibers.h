/* SPDX-License-Identifier: MIT */
/* fibers.h - stacks that the threads of a block run on, and changing between
 * them. A stack outlives its thread: the next one begins on it, without a
 * change.
 */
#ifndef FIBERS_H
#define FIBERS_H

#include <stddef.h>

struct simt_stack {
    void *saved; /* where it goes on */
    char *low, *high;
    int number;
};

/* A stack at whose begin `main` will run. */
simt_stack *fibers_take(void (*main)(void));
void fibers_give(simt_stack *s);
void fibers_give_all(void);

/* The host's own, from which the first change goes. */
extern simt_stack fibers_host;
void fibers_change(simt_stack *from, simt_stack *to);

/* The stack in whose memory p lies, or NULL. */
const simt_stack *fibers_find(const void *p);

#endif
