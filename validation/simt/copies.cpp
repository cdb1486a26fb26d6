/* SPDX-License-Identifier: MIT */
/* copies.cpp - cp.async: the bytes come when their thread waits for them, not
 * before; until then nobody may look at them.
 */
#include "simt/simt_internal.h"

#include <cstring>

struct copy {
    void *to;
    const void *from;
    unsigned bytes;
    bool on;
    int group; /* commits before it */
};

struct simt_copies {
    std::vector<copy> under_way;
    int committed = 0;
};

static simt_copies all[SIMT_BLOCK_MAX];

simt_copies *simt_copies_of(unsigned thread)
{
    all[thread].under_way.clear();
    all[thread].committed = 0;
    return &all[thread];
}

void simt_copies_end(void)
{
    if (!simt_self->copies->under_way.empty())
        simt_report_at(SIMT_PENDING, simt_self->site,
                       "a thread ends before what it copies has come");
    simt_self->copies->under_way.clear();
}

void simt_copy(void *shared, const void *global, unsigned bytes, bool on)
{
    const void *place = __builtin_return_address(0);
    simt_region *r = simt_shared_of(shared);
    simt_copies *c = simt_self->copies;

    if (!r) {
        simt_report(SIMT_OUTSIDE, place,
                    "cp.async to what is not shared memory");
        return;
    }
    if (((uintptr_t)shared | (on ? (uintptr_t)global : 0)) % bytes)
        simt_report(SIMT_MISALIGNED, place, "cp.async of %u bytes to %p, %p",
                    bytes, shared, global);
    if (on)
        simt_check(global, bytes, SIMT_READ, place);
    simt_check(shared, bytes, SIMT_WRITE, place); /* behind earlier readers */
    simt_mark(r, shared, bytes, SIMT_COMING);
    c->under_way.push_back({shared, global, bytes, on, c->committed});
}

void simt_copy_commit(void)
{
    simt_self->copies->committed++;
}

static void arrive(const copy &c, const void *place)
{
    simt_mark(simt_shared_of(c.to), c.to, c.bytes, SIMT_WRITTEN);
    if (c.on)
        memcpy(c.to, c.from, c.bytes);
    else
        memset(c.to, 0, c.bytes);
    simt_check(c.to, c.bytes, SIMT_WRITE, place);
}

void simt_copy_wait(int left)
{
    simt_copies *c = simt_self->copies;
    const void *place = __builtin_return_address(0);
    std::vector<copy> later;

    for (const copy &one : c->under_way)
        if (one.group < c->committed - left)
            arrive(one, place);
        else
            later.push_back(one);
    c->under_way.swap(later);
}
