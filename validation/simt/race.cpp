/* SPDX-License-Identifier: MIT */
/* race.cpp - two accesses to the same bytes, one of which writes, with nothing
 * that orders them: within a block a barrier does, within a warp __syncwarp,
 * between the blocks of a launch a fence, an atomic, and a fence; between
 * launches and copies the order of their streams (order.cpp).
 *
 * Of 4 bytes the last write, the last atomic and two reads are kept: with
 * more readers a race is seen in another order of threads, if not in this one.
 */
#include "simt/simt_internal.h"

#include <map>

static uint32_t epoch;

/* What a block published: all it did before `epoch`, and what the thread did in
 * that epoch up to `step`. */
struct release {
    uint32_t block, epoch, step;
    unsigned thread;
};
/* Known to `thread` of the block that runs, to the others after a barrier. */
struct acquired {
    release what;
    unsigned thread;
    uint32_t epoch;
};
static std::map<const void *, std::vector<release>> released;
static std::vector<acquired> read_here, known; /* without, with a fence */
static uint32_t released_in;                   /* the launch: its first block */

uint32_t simt_epoch(void)
{
    return epoch;
}

void simt_epoch_begin(void)
{
    epoch = 1;
    read_here.clear();
    known.clear();
    if (released_in == simt_first_block())
        return;
    released.clear();
    released_in = simt_first_block();
}

void simt_epoch_next(void)
{
    epoch++;
}

/* --- fences --------------------------------------------------------------- */

void simt_fence(void)
{
    simt_thread *t = simt_self;

    for (size_t i = 0; i < read_here.size();)
        if (read_here[i].thread == t->number) {
            known.push_back(read_here[i]);
            known.back().epoch = epoch;
            read_here[i] = read_here.back();
            read_here.pop_back();
        } else {
            i++;
        }
    t->fence_epoch = epoch;
    t->fence_step = t->step++;
}

void simt_atomic_access(void *p, size_t bytes)
{
    simt_thread *t = simt_self;

    simt_maybe_yield();
    simt_check(p, bytes, SIMT_ATOMIC, __builtin_return_address(0));
    if (!t || !simt_is_device(p))
        return;

    std::vector<release> &here = released[p];

    for (const release &r : here)
        read_here.push_back({r, t->number, epoch});
    if (t->fence_epoch)
        here.push_back(
            {simt_block_number(), t->fence_epoch, t->fence_step, t->number});
}

static bool is_known(const simt_access &a)
{
    for (const acquired &k : known)
        if (k.what.block == a.block &&
            (k.epoch < epoch || k.thread == simt_self->number) &&
            (a.epoch < k.what.epoch ||
             (a.epoch == k.what.epoch && a.thread == k.what.thread &&
              a.step <= k.what.step)))
            return true;
    return false;
}

/* --- pairs of accesses ---------------------------------------------------- */

enum relation { ORDERED, THREADS, BLOCKS, ITEMS };

static relation in_block(const simt_access &a)
{
    const simt_thread *t = simt_self;

    if (!t || a.thread == t->number || a.epoch != epoch)
        return ORDERED;
    if (a.thread / SIMT_LANES == t->number / SIMT_LANES &&
        t->warp->clock[t->lane][a.thread % SIMT_LANES] >= a.step)
        return ORDERED;
    return THREADS;
}

/* The earlier access and what runs now. */
static relation related(const simt_region *r, const simt_access &a)
{
    if (a.block == simt_block_number())
        return in_block(a);
    if (!r->global)
        return ORDERED;
    if (a.block >= simt_first_block())
        return is_known(a) ? ORDERED : BLOCKS;
    return simt_is_before(a.block) ? ORDERED : ITEMS;
}

static void clash(const simt_region *r, simt_access *a, unsigned bytes,
                  const char *what, const void *place)
{
    static const char *const between[] = {
        [ORDERED] = "",
        [THREADS] = "another thread, no barrier between",
        [BLOCKS] = "another block",
        [ITEMS] = "a launch or copy in another stream, no event between"};
    relation how;

    if (!a->block || !(a->bytes & bytes))
        return;
    how = related(r, *a);
    if (how == ORDERED)
        return;
    simt_report(how == ITEMS ? SIMT_ORDER : SIMT_RACE, place, "%s by %s (%s)",
                what, between[how], simt_line_of(a->place));
    a->block = 0; /* once */
}

static void keep_read(simt_cell *c, const simt_access &me)
{
    for (simt_access *a : {&c->read[0], &c->read[1]})
        if (a->block != me.block || a->epoch != me.epoch ||
            a->thread == me.thread) {
            *a = me;
            return;
        }
    /* two of one warp tell less than two of different ones */
    if (c->read[0].thread / SIMT_LANES == c->read[1].thread / SIMT_LANES)
        c->read[1] = me;
}

static void check_cell(const simt_region *r, simt_cell *c,
                       const simt_access &me, int how, const void *place)
{
    bool writes = how & SIMT_WRITE, atomic = how == SIMT_ATOMIC;

    clash(r, &c->write, me.bytes, "was written", place);
    if (!atomic)
        clash(r, &c->atomic, me.bytes, "was changed by an atomic", place);
    if (!writes) {
        keep_read(c, me);
        return;
    }
    clash(r, &c->read[0], me.bytes, "was read", place);
    clash(r, &c->read[1], me.bytes, "was read", place);
    if (atomic) {
        c->atomic = me;
        return;
    }
    c->write = me;
    c->read[0].block = c->read[1].block = 0;
}

void simt_race_check(simt_region *r, size_t offset, size_t n, int how,
                     const void *place)
{
    const simt_thread *t = simt_self;
    size_t last = (offset + n - 1) / 4;
    simt_access me = {
        simt_block_number(), epoch, 15, t ? t->step : 1, t ? t->number : 0,
        simt_place(place)};

    for (size_t i = offset / 4; i <= last; i++) {
        me.bytes = 15;
        if (4 * i < offset)
            me.bytes &= 15u << (offset - 4 * i);
        if (4 * i + 4 > offset + n)
            me.bytes &= 15u >> (4 * i + 4 - offset - n);
        check_cell(r, &r->cell[i], me, how, place);
    }
}
