/* SPDX-License-Identifier: MIT */
/* mem.h - memory: four arenas measured before they are allocated, and a counted
 * allocator for everything else.
 *
 * A run has one memory. Its owner builds every layer twice with the same calls:
 * first on a memory without bytes, where arena_take only adds up, then, after
 * memory_open, for good. So there is no second list of sizes that could
 * disagree with the first, and no allocation afterwards. One thread, at set-up.
 */
#ifndef MEM_H
#define MEM_H

#include "base/err.h"

#include <stddef.h>

enum { MEM_ALIGN = 64 }; /* bytes: a cache line, and the widest vector */

struct arena {
    const char *name;
    unsigned char *base; /* NULL while measuring */
    size_t size;
    size_t used;
};

/* Where the bytes of the arenas come from: the host, or a device. */
struct mem_source {
    void *self;
    /* Zero-filled, aligned to MEM_ALIGN; NULL: there is no room. */
    void *(*alloc)(void *self, size_t bytes);
    void (*free)(void *self, void *data);
};

struct memory {
    struct arena weights;            /* the master copy, in published order */
    struct arena grads;              /* at the offsets of weights */
    struct arena state;              /* optimiser moments, average, grid sums */
    struct arena work;               /* activations and workspace */
    const struct mem_source *source; /* borrowed, while open */
};

/* An empty memory that measures. */
struct memory memory_measure(void);

/* Allocates what was measured, zero-filled, and starts handing out anew;
 * source NULL: from the host.
 * ERR_ENVIRONMENT: no memory; *m still measures. */
enum err memory_open(struct memory *m, const struct mem_source *source);

/* Frees all slices at once. Harmless on a memory that only measured. */
void memory_close(struct memory *m);

/* What was handed out so far, in all four. */
size_t memory_bytes(const struct memory *m);

/* The next bytes of the arena, aligned to MEM_ALIGN; NULL while measuring.
 * Borrowed until memory_close. ERR_OTHER: more than was measured. */
enum err arena_take(struct arena *a, size_t bytes, void **out);

/* n objects of `size` bytes, zero-filled, aligned to MEM_ALIGN; n = 0 gives a
 * block all the same. `what` is named in the message ("the batch").
 * ERR_ENVIRONMENT: no memory, or n * size overflows. */
enum err mem_alloc(size_t n, size_t size, const char *what, void **out);

/* Grows *data (NULL: empty) to hold at least `need` objects, at least doubling;
 * *capacity counts objects. On failure both are as before. */
enum err mem_grow(void **data, size_t *capacity, size_t need, size_t size,
                  const char *what);

/* A copy of a string. */
enum err mem_string(const char *s, char **out);

/* Whole pages within a block, or memory that processes share, go back to the
 * system where it takes them: what stood there is lost, and nobody may use them
 * any more. */
void mem_release(void *from, size_t bytes);

/* NULL is fine. */
void mem_free(void *data);

/* Blocks allocated and not yet freed by this process: 0 at exit. */
int mem_live(void);

/* Blocks ever allocated: stands still within a training step. */
long mem_count(void);

#endif
