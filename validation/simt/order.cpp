/* SPDX-License-Identifier: MIT */
/* order.cpp - what is ordered before the launch or copy that runs. Each item of
 * work has a vector clock: of each track, how many items were known to be done
 * when it was enqueued, by stream order, events, or the host's waits. So a
 * missing event is seen whichever way the streams happen to run.
 */
#include "simt/simt_internal.h"

#include <algorithm>

struct item {
    uint32_t first_block;
    unsigned track;
    uint32_t number; /* in its track, from 1 */
};

static std::vector<item> items;                  /* done, or running */
static std::vector<std::vector<uint32_t>> begun; /* first blocks, by track */
static uint32_t block;
static simt_clock now;
static uint32_t first_block, all_before; /* blocks below it are */

void simt_clock::join(const simt_clock &other)
{
    if (at.size() < other.at.size())
        at.resize(other.at.size());
    for (size_t i = 0; i < other.at.size(); i++)
        at[i] = std::max(at[i], other.at[i]);
}

void simt_clock::set(unsigned track, uint32_t count)
{
    if (at.size() <= track)
        at.resize(track + 1);
    at[track] = count;
}

uint32_t simt_clock::get(unsigned track) const
{
    return track < at.size() ? at[track] : 0;
}

unsigned simt_new_track(void)
{
    begun.emplace_back();
    return (unsigned)begun.size() - 1;
}

uint32_t simt_next_block(void)
{
    return ++block;
}

uint32_t simt_block_number(void)
{
    return block;
}

uint32_t simt_first_block(void)
{
    return first_block;
}

void simt_item_begin(const simt_clock &clock, unsigned track)
{
    first_block = all_before = simt_next_block();
    items.push_back({first_block, track, clock.get(track)});
    begun[track].push_back(first_block);
    now = clock;
    for (unsigned t = 0; t < begun.size(); t++)
        if (begun[t].size() > now.get(t))
            all_before = std::min(all_before, begun[t][now.get(t)]);
    simt_epoch_begin();
}

void simt_item_end(void)
{
    simt_next_block(); /* what the host does is no block's */
}

static bool begins_behind(uint32_t b, const item &i)
{
    return b < i.first_block;
}

bool simt_is_before(uint32_t b)
{
    if (b < all_before)
        return true;

    const item &i =
        *--std::upper_bound(items.begin(), items.end(), b, begins_behind);

    return now.get(i.track) >= i.number;
}
