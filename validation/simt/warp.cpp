/* SPDX-License-Identifier: MIT */
/* warp.cpp - votes, shuffles and the barrier of a warp. Only the barrier orders
 * memory: a lane that shuffles knows the value, and nothing else.
 */
#include "simt/simt_internal.h"

#include <algorithm>
#include <cstring>

unsigned char *simt_in(simt_warp *w, int lane)
{
    return simt_thread_of(w, lane)->in;
}

unsigned char *simt_out(simt_warp *w, int lane)
{
    return simt_thread_of(w, lane)->out;
}

static bool has(uint32_t lanes, int lane)
{
    return lanes >> lane & 1;
}

static void give_all(simt_warp *w, uint32_t arrived, unsigned value)
{
    for (int l = 0; l < SIMT_LANES; l++)
        if (has(arrived, l))
            memcpy(simt_out(w, l), &value, sizeof value);
}

void simt_act_sync(simt_warp *w, uint32_t arrived)
{
    uint32_t seen[SIMT_LANES] = {0};

    for (int l = 0; l < SIMT_LANES; l++)
        if (has(arrived, l)) {
            for (int k = 0; k < SIMT_LANES; k++)
                seen[k] = std::max(seen[k], w->clock[l][k]);
            seen[l] = std::max(seen[l], simt_thread_of(w, l)->step++);
        }
    for (int l = 0; l < SIMT_LANES; l++)
        if (has(arrived, l))
            memcpy(w->clock[l], seen, sizeof seen);
}

void simt_act_ballot(simt_warp *w, uint32_t arrived)
{
    unsigned votes = 0;

    for (int l = 0; l < SIMT_LANES; l++)
        if (has(arrived, l)) {
            int vote;

            memcpy(&vote, simt_in(w, l), sizeof vote);
            votes |= (unsigned)vote << l;
        }
    give_all(w, arrived, votes);
}

void simt_act_match(simt_warp *w, uint32_t arrived)
{
    for (int l = 0; l < SIMT_LANES; l++)
        if (has(arrived, l)) {
            unsigned same = 0;

            for (int k = 0; k < SIMT_LANES; k++)
                if (has(arrived, k) && !memcmp(simt_in(w, l), simt_in(w, k), 8))
                    same |= 1u << k;
            memcpy(simt_out(w, l), &same, sizeof same);
        }
}

void simt_act_shuffle(simt_warp *w, uint32_t arrived)
{
    for (int l = 0; l < SIMT_LANES; l++)
        if (has(arrived, l)) {
            simt_shuffle in;

            memcpy(&in, simt_in(w, l), sizeof in);
            if (has(arrived, in.from)) {
                memcpy(simt_out(w, l), simt_in(w, in.from), sizeof in.value);
                continue;
            }
            simt_report_at(SIMT_WARP, simt_thread_of(w, l)->site,
                           "lane %d reads lane %d, which does not take part", l,
                           in.from);
            memset(simt_out(w, l), 0xff, sizeof in.value);
        }
}
