/* SPDX-License-Identifier: MIT */
/* k_softmax_lanes.c - k_softmax.c a vector of heads at a time, in single
 * precision. */
#include "cpu/softmax_lanes.h"

static void softmax_fwd(const struct tensor *score, const struct csr *in,
                        struct tensor *a)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < score->c; h += LANES)
            softmax_fwd_heads(score, in->edge + in->begin[n],
                              in->begin[n + 1] - in->begin[n], h, a);
}

static void softmax_bwd(const struct tensor *a, const struct tensor *da,
                        const struct csr *in, struct tensor *dscore)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < a->c; h += LANES)
            softmax_bwd_heads(a, da, in->edge + in->begin[n],
                              in->begin[n + 1] - in->begin[n], h, dscore);
}

void ENTER(k_softmax_lanes)(struct kernels *k)
{
    k->node.softmax_fwd = softmax_fwd;
    k->node.softmax_bwd = softmax_bwd;
}
