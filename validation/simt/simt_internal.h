/* SPDX-License-Identifier: MIT */
/* simt_internal.h - between the files of the harness. */
#ifndef SIMT_INTERNAL_H
#define SIMT_INTERNAL_H

#include "include/cuda_runtime.h"
#include "simt/simt.h"

#include <functional>
#include <stdint.h>
#include <string>
#include <vector>

/* The program's own names for these are CUDA's. */
#undef threadIdx
#undef blockIdx
#undef blockDim
#undef gridDim
#undef warpSize

/* --- threads.cpp ---------------------------------------------------------- */

struct simt_warp {
    uint32_t ready, alive, waiting; /* lanes: can go on; not done; at barrier */
    unsigned first, lanes;          /* threads of the block */
    struct {
        uint32_t mask, arrived;
        int kind;
        void (*act)(simt_warp *w, uint32_t arrived);
    } meeting[SIMT_LANES]; /* by the lowest lane of its mask */
    /* clock[l][k]: up to which of lane k's steps lane l has seen all; lanes
     * are joined by __syncwarp, and by nothing else. */
    uint32_t clock[SIMT_LANES][SIMT_LANES];
};

struct simt_copies; /* a thread's asynchronous copies */

struct simt_thread {
    uint3 at;
    unsigned number, lane; /* in the block, in the warp */
    simt_warp *warp;
    struct simt_stack *stack;         /* NULL: has not begun */
    uint32_t step;                    /* between two __syncwarp */
    uint32_t fence_epoch, fence_step; /* of its last fence; 0: none */
    simt_site site;                   /* where it waits */
    simt_copies *copies;
    alignas(16) unsigned char in[48], out[16];
};
extern simt_thread *simt_self; /* who runs; NULL: the host */

simt_thread *simt_thread_of(simt_warp *w, int lane);
void simt_maybe_yield(void); /* where the schedule says so */
void simt_yield(void);
/* Runs a whole grid, now. False: a block could not go on. */
bool simt_run(const simt_launch_shape &shape, void (*body)(const void *),
              const void *arguments, size_t bytes);
unsigned simt_random(size_t n); /* below n */

/* The launch that runs. */
bool simt_is_argument(const void *p);
/* Of stacks of threads: 1 the running one's, -1 another's, 0 of none. */
int simt_whose_stack(const void *p);

/* --- order.cpp: what happened before the launch or copy that runs ----------
 */

/* Work in streams: at[t] items of track t (a stream, or a stream of a graph)
 * are known to be done before. */
struct simt_clock {
    std::vector<uint32_t> at;

    void join(const simt_clock &other);
    void set(unsigned track, uint32_t count);
    uint32_t get(unsigned track) const;
};
unsigned simt_new_track(void);

/* Between the two, the track's item number clock.get(track) runs; what it
 * touches is its own. Blocks are numbered over all items. */
void simt_item_begin(const simt_clock &clock, unsigned track);
void simt_item_end(void);
uint32_t simt_next_block(void);
uint32_t simt_block_number(void);
/* First block of the item that runs. */
uint32_t simt_first_block(void);
/* Whether a block of an earlier item is ordered before that item. */
bool simt_is_before(uint32_t block);

/* --- memory.cpp ----------------------------------------------------------- */

/* States of bytes. */
enum simt_state : uint8_t {
    SIMT_NONE,
    SIMT_FRESH, /* nobody wrote it */
    SIMT_WRITTEN,
    SIMT_GONE,   /* freed */
    SIMT_COMING, /* by an asynchronous copy */
};

/* The last accesses to 4 bytes: who, and where. */
struct simt_access {
    uint32_t block;                 /* 0: none */
    uint32_t epoch : 28, bytes : 4; /* barriers before; which of the 4 */
    uint32_t step : 22, thread : 10;
    uint32_t place; /* instruction, relative to the program */
};
struct simt_cell {
    simt_access write, atomic, read[2];
};

struct simt_region {
    char *base;
    size_t size;
    uint8_t *state;
    simt_cell *cell;
    bool global;

    bool has(const void *p) const
    {
        return (uintptr_t)p - (uintptr_t)base < size;
    }
};

/* MOVE: read, written by anybody or not. */
enum simt_how { SIMT_READ = 0, SIMT_WRITE = 1, SIMT_ATOMIC = 3, SIMT_MOVE = 4 };
/* An access of the running thread, or of the item that runs, checked; marks
 * what is written. place: the instruction, or NULL. */
void simt_check(const void *p, size_t n, int how, const void *place);
/* The shared memory in which p lies; NULL: none. */
simt_region *simt_shared_of(const void *p);
void simt_mark(const simt_region *r, const void *p, size_t n, simt_state s);
void simt_shared_begin(size_t dynamic_bytes); /* a block */
bool simt_is_device(const void *p);           /* of this process's device */
bool simt_is_live(const void *p, size_t n);   /* within one live object */
void simt_copy_states(void *to, const void *from, size_t n);
bool simt_is_pinned(const void *p);

/* --- race.cpp ------------------------------------------------------------- */

void simt_race_check(simt_region *r, size_t offset, size_t n, int how,
                     const void *place);
uint32_t simt_epoch(void); /* barriers of the running block */
void simt_epoch_begin(void);
void simt_epoch_next(void);

/* --- report.cpp ----------------------------------------------------------- */

void simt_report(enum simt_kind kind, const void *place, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));
/* The same, for what happens at a line of a kernel file. */
void simt_report_at(enum simt_kind kind, simt_site at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint32_t simt_place(const void *instruction);
const char *simt_line_of(uint32_t place);
std::string simt_function_of(const void *instruction);
bool simt_is_constant(const void *p); /* in memory the program cannot write */

/* --- copies.cpp ----------------------------------------------------------- */

simt_copies *simt_copies_of(unsigned thread);
void simt_copies_end(void); /* the running thread is done */

/* --- stream.cpp, graph.cpp, runtime.cpp ------------------------------------
 */

typedef std::function<void()> simt_work;

/* A graph, or one that is being captured: each node behind those it depends
 * on, all of which stand before it. */
struct simt_graph {
    struct node {
        simt_work work;
        std::vector<int> behind;
        unsigned member; /* of the streams that were captured */
    };
    std::vector<node> nodes;
    std::vector<cudaStream_t> members; /* the first began it */
};

/* What a stream depends on next, in a graph that is being captured. */
struct simt_front {
    simt_graph *graph = nullptr;
    unsigned member = 0;
    std::vector<int> nodes;
};

/* Work of a stream, done when its turn comes; simt_check_range for what it
 * touches. */
void simt_enqueue_work(cudaStream_t stream, simt_work work);
simt_front *simt_front_of(cudaStream_t stream);
/* Of a stream: the clock of the next work, with the parts of it that are known
 * now; work that begins and ends items itself. */
simt_clock *simt_clock_of(cudaStream_t stream);
void simt_enqueue_items(cudaStream_t stream,
                        std::function<void(const simt_clock &)> work);
void simt_capture_add(simt_front *front, simt_work work);
bool simt_is_capturing(void); /* any stream */
enum simt_when simt_get_async(void);
unsigned simt_random_moment(size_t n); /* below n; not the threads' numbers */

/* Whether n bytes are a live object's, and the item may touch them. */
bool simt_check_range(const void *p, size_t n, int how, const char *what);

/* Keep as last error, and give back. */
cudaError_t simt_error(cudaError_t e);
cudaError_t simt_refuse(cudaError_t e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool simt_has_failed(void);
void simt_launch_failed(void);
void simt_forget_errors(void);
void simt_wait_for_all(void);
/* With the first stream. */
void simt_read_environment(void);

#endif
