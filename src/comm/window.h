/* SPDX-License-Identifier: MIT */
/* window.h - memory that the ranks of a node share (MPI-3 shared windows). */
#ifndef WINDOW_H
#define WINDOW_H

#include "base/err.h"

#include <stddef.h>

struct comm;
struct window; /* opaque */

/* Collective. `bytes` zeroed bytes, one copy a node, at *data on every rank;
 * where shared memory is refused a copy a rank, with one warning.
 * ERR_ENVIRONMENT: no memory. Agreed. */
enum err window_open(struct comm *c, size_t bytes, struct window **out,
                     void **data);

/* Collective. The same with a seat of `bytes` zeroed bytes (a multiple of 64)
 * for each rank of the node, in their order from *data on, each in the memory
 * nearest to its rank; where shared memory is refused a rank has only its own,
 * at *data. */
enum err window_open_seats(struct comm *c, size_t bytes, struct window **out,
                           void **data);

/* Collective. After writes by one rank of a node, before reads by others. */
void window_fence(struct comm *c, struct window *w);

/* 1 where this rank fills the copy: node rank 0, or every rank when private. */
int window_is_mine(const struct window *w);

/* 1: one copy a node. */
int window_is_shared(const struct window *w);

/* Collective, as a fence. Of the bytes from `from` on whole pages go back to
 * the system where it takes them; nobody may use them any more. */
void window_release(struct comm *c, struct window *w, void *from, size_t bytes);

/* Collective. Sets *w to NULL; NULL is fine. */
void window_close(struct comm *c, struct window **w);

#endif
