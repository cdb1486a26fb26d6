/* SPDX-License-Identifier: MIT */
/* softmax_lanes.h - softmax.h for one node, a vector of neighbouring heads at a
 * time.
 *
 * Rows are padded, so the last vector of a row is a whole one; it computes on
 * the zeros beyond the heads and keeps them zero.
 */
#ifndef SOFTMAX_LANES_H
#define SOFTMAX_LANES_H

#include "cpu/lanes.h"
#include "cpu/real.h"

/* e^x for x <= 0 as 2^n e^r, |r| <= ln(2)/2; Taylor's series up to r^6 is off
 * by 1.2e-7. Below -87, where 2^n would be subnormal, it is e^-87 = 1.6e-38:
 * nothing beside the largest term of a softmax, 1. */
INLINE lanes exp_below(lanes x)
{
    static const float taylor[] = {1 / 720.0f, 1 / 120.0f, 1 / 24.0f, 1 / 6.0f,
                                   1 / 2.0f,   1,          1};
    const float magic = 0x1.8p23f; /* n in the low bits */
    lanes t, n, r, e = (lanes){0} + taylor[0];

    x = largest((lanes){0} - 87, x);
    t = x * 0x1.715476p+0f + magic;
    n = t - magic;
    r = x - n * 0x1.62e4p-1f - n * 0x1.7f7d1cp-20f; /* ln 2 */
    for (int i = 1; i < 7; i++)
        e = e * r + taylor[i];
    return e * (lanes)(((lanes_int)t + 127) << 23);
}

/* 1/sum in the first `heads` lanes, 0 in the others. */
INLINE lanes inverse(lanes sum, int heads)
{
    lanes r = 1 / sum;

    return (lanes)((lanes_int)r & (lane_numbers < heads));
}

/* Heads h..h+LANES-1 of the node's edges. */
INLINE void softmax_fwd_heads(const struct tensor *score, const int *edge,
                              int edges, int h, struct tensor *a)
{
    lanes top = (lanes){0} - INFINITY, sum = {0}, scale;

    for (int i = 0; i < edges; i++)
        top = largest(top, load(row(score, edge[i], 0) + h));
    for (int i = 0; i < edges; i++) {
        lanes e = exp_below(load(row(score, edge[i], 0) + h) - top);

        store(row(a, edge[i], 0) + h, e);
        sum += e;
    }
    scale = inverse(sum, score->c - h);
    for (int i = 0; i < edges; i++) {
        float *p = row(a, edge[i], 0) + h;

        store(p, load(p) * scale);
    }
}

INLINE void softmax_bwd_heads(const struct tensor *a, const struct tensor *da,
                              const int *edge, int edges, int h,
                              struct tensor *dscore)
{
    lanes sum = {0};

    for (int i = 0; i < edges; i++)
        sum += load(row(a, edge[i], 0) + h) * load(row(da, edge[i], 0) + h);
    for (int i = 0; i < edges; i++)
        store(row(dscore, edge[i], 0) + h,
              load(row(a, edge[i], 0) + h) *
                  (load(row(da, edge[i], 0) + h) - sum));
}

#endif
