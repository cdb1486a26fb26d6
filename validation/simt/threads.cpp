/* SPDX-License-Identifier: MIT */
/* threads.cpp - a grid on one OS thread: every CUDA thread of a block is a
 * fiber, the scheduler (the context that called simt_run) picks which goes on.
 * A fiber comes back when it ends, waits at a barrier, or is preempted at a
 * memory access.
 */
#include "simt/simt_internal.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <ucontext.h>

enum { STACK = 64 * 1024, PREEMPT_ONE_IN = 8 };
enum state { READY, WAITING, DONE };

struct fiber {
    ucontext_t context;
    state is;
    int line; /* of the barrier */
};

static fiber fibers[SIMT_BLOCK_MAX];
static unsigned char stacks[SIMT_BLOCK_MAX][STACK];
static ucontext_t scheduler;
static simt_who now;
static unsigned block_size, grid_size;
static void (*kernel_body)(const void *);
static const unsigned char *parameters;
static size_t parameter_bytes;
static simt_order order;
static uint64_t random_state = 1;

static unsigned random_below(size_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random_state >> 33) % n);
}

void simt_schedule(enum simt_order wanted, uint64_t seed)
{
    order = wanted;
    random_state = seed;
}

simt_who simt_now(void)
{
    return now;
}

simt_index simt_thread_index(void)
{
    return {now.thread};
}

simt_index simt_block_index(void)
{
    return {now.block};
}

simt_index simt_block_size(void)
{
    return {block_size};
}

simt_index simt_grid_size(void)
{
    return {grid_size};
}

static bool within(const void *p, const unsigned char *begin, size_t bytes)
{
    return (uintptr_t)p - (uintptr_t)begin < bytes;
}

bool simt_is_own(const void *p)
{
    return within(p, stacks[now.thread], STACK) ||
           within(p, parameters, parameter_bytes);
}

static void to_scheduler(void)
{
    swapcontext(&fibers[now.thread].context, &scheduler);
}

void simt_maybe_yield(void)
{
    if (order == SIMT_PREEMPT && random_below(PREEMPT_ONE_IN) == 0)
        to_scheduler();
}

void simt_barrier(int line)
{
    fibers[now.thread].is = WAITING;
    fibers[now.thread].line = line;
    to_scheduler();
}

static void fiber_main(void)
{
    kernel_body(parameters);
    fibers[now.thread].is = DONE;
    to_scheduler();
}

static void fiber_start(unsigned t)
{
    fiber *f = &fibers[t];

    getcontext(&f->context);
    f->context.uc_stack.ss_sp = stacks[t];
    f->context.uc_stack.ss_size = STACK;
    f->context.uc_link = nullptr;
    makecontext(&f->context, fiber_main, 0);
    f->is = READY;
}

static void arrange(std::vector<unsigned> *v)
{
    if (order == SIMT_BACKWARD)
        std::reverse(v->begin(), v->end());
    if (order == SIMT_RANDOM || order == SIMT_PREEMPT)
        for (size_t i = v->size(); i > 1; i--)
            std::swap((*v)[i - 1], (*v)[random_below(i)]);
}

/* Runs until all threads wait or are done. */
static void run_ready(void)
{
    std::vector<unsigned> ready;

    for (unsigned t = 0; t < block_size; t++)
        if (fibers[t].is == READY)
            ready.push_back(t);
    arrange(&ready);
    for (size_t i = 0; !ready.empty();) {
        now.thread = ready[i];
        swapcontext(&scheduler, &fibers[now.thread].context);
        if (fibers[now.thread].is != READY)
            ready.erase(ready.begin() + (ptrdiff_t)i);
        i = ready.empty() || order != SIMT_PREEMPT ? 0
                                                   : random_below(ready.size());
    }
}

/* All threads that wait go on; false: there are none. */
static bool release(void)
{
    unsigned waiting = 0;
    int line = 0;
    bool one = true;

    for (unsigned t = 0; t < block_size; t++)
        if (fibers[t].is == WAITING) {
            one = one && (waiting == 0 || fibers[t].line == line);
            line = fibers[t].line;
            waiting++;
            fibers[t].is = READY;
        }
    if (waiting == 0)
        return false;
    if (waiting < block_size || !one)
        simt_report(SIMT_BARRIER, nullptr,
                    "line %d: %u of %u threads of block %u wait%s", line,
                    waiting, block_size, now.block,
                    one ? "" : ", not all at one barrier");
    now.epoch++;
    return true;
}

void simt_run(unsigned blocks, unsigned threads, void (*body)(const void *),
              const void *arguments, size_t bytes)
{
    static uint32_t launches;
    std::vector<unsigned> sequence(blocks);

    std::iota(sequence.begin(), sequence.end(), 0);
    arrange(&sequence);
    grid_size = blocks;
    block_size = threads;
    kernel_body = body;
    parameters = static_cast<const unsigned char *>(arguments);
    parameter_bytes = bytes;
    launches++;
    for (unsigned b : sequence) {
        now = {launches, b, 0, 0};
        for (unsigned t = 0; t < threads; t++)
            fiber_start(t);
        do
            run_ready();
        while (release());
    }
    now = {0, 0, 0, 0};
}
