/* SPDX-License-Identifier: MIT */
/* threads.cpp - a grid on one OS thread: the CUDA threads of a block are
 * fibers, and each picks the one that goes on when it ends, waits, or gives way
 * at a memory access. Barriers of the block are here, what a warp does together
 * is in warp.cpp.
 */
#include "simt/fibers.h"
#include "simt/simt_internal.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

enum { PREEMPT_ONE_IN = 8, WARPS = SIMT_BLOCK_MAX / SIMT_LANES };

simt_thread *simt_self;
static simt_thread threads[SIMT_BLOCK_MAX];
static simt_warp warps[WARPS];
static uint32_t ready_warps;
static unsigned block_threads, alive, waiting, last_warp;
static simt_site barrier_at;
static unsigned votes, last_votes;
static bool stuck; /* the block that runs */

/* The launch that runs. */
static simt_launch_shape shape;
static uint3 block_at;
static void (*kernel_body)(const void *);
static const char *arguments;
static size_t argument_bytes;

static simt_order order;
static uint64_t random_state = 1;

unsigned simt_random(size_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random_state >> 33) % n);
}

void simt_schedule(enum simt_order wanted, uint64_t seed)
{
    order = wanted;
    random_state = seed;
}

static bool is_random(void)
{
    return order == SIMT_RANDOM || order == SIMT_PREEMPT;
}

uint3 simt_thread_index(void)
{
    return simt_self->at;
}

uint3 simt_block_index(void)
{
    return block_at;
}

dim3 simt_block_size(void)
{
    return shape.block;
}

dim3 simt_grid_size(void)
{
    return shape.grid;
}

unsigned simt_lane(void)
{
    return simt_self->lane;
}

simt_thread *simt_thread_of(simt_warp *w, int lane)
{
    return &threads[w->first + (unsigned)lane];
}

bool simt_is_argument(const void *p)
{
    return (uintptr_t)p - (uintptr_t)arguments < argument_bytes;
}

int simt_whose_stack(const void *p)
{
    const simt_stack *s = fibers_find(p);

    return !s ? 0 : s == simt_self->stack ? 1 : -1;
}

/* --- who goes on ---------------------------------------------------------- */

static int pick_bit(uint32_t bits)
{
    if (is_random())
        for (unsigned k = simt_random((size_t)__builtin_popcount(bits)); k; k--)
            bits &= bits - 1;
    return order == SIMT_BACKWARD ? 31 - __builtin_clz(bits)
                                  : __builtin_ctz(bits);
}

/* Stays in a warp as long as it can, but in random order; NULL: nobody. */
static simt_thread *pick(void)
{
    bool stay = !is_random() && (ready_warps >> last_warp & 1);
    simt_warp *w;
    int lane;

    if (!ready_warps)
        return nullptr;
    if (!stay)
        last_warp = (unsigned)pick_bit(ready_warps);
    w = &warps[last_warp];
    lane = pick_bit(w->ready);
    w->ready &= ~(1u << lane);
    if (!w->ready)
        ready_warps &= ~(1u << last_warp);
    return simt_thread_of(w, lane);
}

static void make_ready(simt_warp *w, uint32_t lanes)
{
    w->ready |= lanes;
    if (w->ready)
        ready_warps |= 1u << (w - warps);
}

static void add_waiting(std::string *s, simt_warp *w, uint32_t lanes,
                        const char *what)
{
    char one[160];
    simt_site at = simt_thread_of(w, __builtin_ctz(lanes))->site;

    snprintf(one, sizeof one, "; warp %u, lanes %08x %s at line %d",
             (unsigned)(w - warps), lanes, what, at.line);
    *s += one;
}

static void deadlock(void)
{
    std::string who;

    for (simt_warp *w = warps; w < warps + WARPS && who.size() < 400; w++) {
        if (w->waiting)
            add_waiting(&who, w, w->waiting, "at a barrier");
        for (auto &m : w->meeting)
            if (m.arrived)
                add_waiting(&who, w, m.arrived, "wait for their warp");
    }
    simt_report_at(SIMT_DEADLOCK, simt_self->site,
                   "no thread of the block can go on%s", who.c_str());
    stuck = true;
}

static void thread_main(void);

static void change_to(simt_thread *next)
{
    simt_stack *from = simt_self ? simt_self->stack : &fibers_host;

    if (next && !next->stack)
        next->stack = fibers_take(thread_main);
    simt_self = next;
    fibers_change(from, next ? next->stack : &fibers_host);
}

/* The running thread cannot go on now. */
static void wait_here(void)
{
    simt_thread *next = pick();

    if (!next)
        deadlock();
    if (next != simt_self)
        change_to(next);
}

void simt_yield(void)
{
    make_ready(simt_self->warp, 1u << simt_self->lane);
    wait_here();
}

void simt_maybe_yield(void)
{
    if (order == SIMT_PREEMPT && simt_random(PREEMPT_ONE_IN) == 0)
        simt_yield();
}

/* --- barriers ------------------------------------------------------------- */

static void release_barrier(void)
{
    waiting = 0;
    last_votes = votes;
    votes = 0;
    simt_epoch_next();
    for (simt_warp *w = warps; w < warps + WARPS; w++) {
        make_ready(w, w->waiting);
        w->waiting = 0;
    }
}

int simt_barrier_vote(int vote, simt_site at)
{
    simt_self->site = at;
    if (waiting == 0) {
        barrier_at = at;
        if (alive < block_threads)
            simt_report_at(SIMT_BARRIER, at,
                           "%u of %u threads of the block are done before it",
                           block_threads - alive, block_threads);
    } else if (at.line != barrier_at.line || at.file != barrier_at.file) {
        simt_report_at(SIMT_BARRIER, at,
                       "threads of one block wait here and at line %d",
                       barrier_at.line);
    }
    votes += vote != 0;
    waiting++;
    simt_self->warp->waiting |= 1u << simt_self->lane;
    if (waiting == alive)
        release_barrier();
    wait_here();
    return (int)last_votes;
}

void simt_barrier(simt_site at)
{
    simt_barrier_vote(0, at);
}

/* --- what a warp does together -------------------------------------------- */

static bool is_complete(simt_warp *w, int m)
{
    uint32_t arrived = w->meeting[m].arrived;

    return arrived && arrived == (w->meeting[m].mask & w->alive);
}

/* Lanes but the running one, if it is of them, go on. */
static void complete(simt_warp *w, int m)
{
    uint32_t arrived = w->meeting[m].arrived;

    w->meeting[m].act(w, arrived);
    w->meeting[m].arrived = 0;
    make_ready(w, arrived);
}

void simt_meet(const simt_meeting &b)
{
    simt_thread *t = simt_self;
    simt_warp *w = t->warp;
    uint32_t bit = 1u << t->lane, mask = b.mask | bit;
    int m = __builtin_ctz(mask);
    auto &meeting = w->meeting[m];

    t->site = b.at;
    if (mask != b.mask)
        simt_report_at(SIMT_WARP, b.at, "lane %u is not in its mask %08x",
                       t->lane, b.mask);
    if (!meeting.arrived) {
        meeting = {mask, 0, b.kind, b.act};
    } else if (meeting.mask != mask || meeting.kind != b.kind) {
        simt_report_at(SIMT_WARP, b.at,
                       "lanes of a warp disagree on what they do, or on its "
                       "mask (%08x, %08x)",
                       meeting.mask, mask);
    }
    if (b.in_bytes)
        memcpy(t->in, b.in, b.in_bytes);
    meeting.arrived |= bit;
    if (is_complete(w, m))
        complete(w, m);
    wait_here();
    if (b.out_bytes)
        memcpy(b.out, t->out, b.out_bytes);
}

/* --- threads -------------------------------------------------------------- */

static void thread_done(void)
{
    simt_warp *w = simt_self->warp;

    simt_copies_end();
    w->alive &= ~(1u << simt_self->lane);
    alive--;
    for (int m = 0; m < SIMT_LANES; m++)
        if (is_complete(w, m))
            complete(w, m);
    if (alive && waiting == alive) {
        simt_report_at(SIMT_BARRIER, barrier_at,
                       "a thread is done while the others of its block wait");
        release_barrier();
    }
}

/* A thread that has not begun takes over the stack of one that is done. */
static void thread_main(void)
{
    for (;;) {
        simt_thread *me, *next;

        kernel_body(arguments);
        thread_done();
        me = simt_self;
        next = pick();
        if (!next && alive)
            deadlock();
        if (next && !next->stack) {
            next->stack = me->stack;
            simt_self = next;
            continue;
        }
        fibers_give(me->stack);
        change_to(next);
    }
}

static void begin_warp(simt_warp *w, unsigned first)
{
    unsigned left = block_threads - first;

    w->first = first;
    w->lanes = std::min(left, (unsigned)SIMT_LANES);
    w->alive = w->ready = w->lanes == 32 ? ~0u : (1u << w->lanes) - 1;
    w->waiting = 0;
    memset(w->meeting, 0, sizeof w->meeting);
    memset(w->clock, 0, sizeof w->clock);
}

static void begin_thread(unsigned i)
{
    dim3 b = shape.block;
    simt_thread *t = &threads[i];

    t->at = {i % b.x, i / b.x % b.y, i / b.x / b.y};
    t->number = i;
    t->lane = i % SIMT_LANES;
    t->warp = &warps[i / SIMT_LANES];
    t->stack = nullptr;
    t->step = 1;
    t->fence_epoch = 0;
    t->copies = simt_copies_of(i);
}

static void run_block(void)
{
    unsigned used = (block_threads + SIMT_LANES - 1) / SIMT_LANES;

    alive = block_threads;
    waiting = votes = 0;
    stuck = false;
    simt_epoch_begin();
    simt_shared_begin(shape.shared);
    for (simt_warp *w = warps + used; w < warps + WARPS; w++)
        memset(w, 0, sizeof *w);
    for (unsigned i = 0; i < used; i++)
        begin_warp(&warps[i], i * SIMT_LANES);
    for (unsigned i = 0; i < block_threads; i++)
        begin_thread(i);
    ready_warps = used == 32 ? ~0u : (1u << used) - 1;
    last_warp = order == SIMT_BACKWARD ? used - 1 : 0;
    fibers_give_all();
    change_to(pick());
}

static void arrange(std::vector<unsigned> *v)
{
    if (order == SIMT_BACKWARD)
        std::reverse(v->begin(), v->end());
    if (is_random())
        for (size_t i = v->size(); i > 1; i--)
            std::swap((*v)[i - 1], (*v)[simt_random(i)]);
}

bool simt_run(const simt_launch_shape &s, void (*body)(const void *),
              const void *call, size_t bytes)
{
    dim3 g = s.grid;
    std::vector<unsigned> sequence(g.x * g.y * g.z);

    shape = s;
    block_threads = s.block.x * s.block.y * s.block.z;
    kernel_body = body;
    arguments = static_cast<const char *>(call);
    argument_bytes = bytes;
    std::iota(sequence.begin(), sequence.end(), 0);
    arrange(&sequence);
    for (unsigned b : sequence) {
        block_at = {b % g.x, b / g.x % g.y, b / g.x / g.y};
        simt_next_block();
        run_block();
        if (stuck)
            return false;
    }
    return true;
}
