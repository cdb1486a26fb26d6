/* SPDX-License-Identifier: MIT */
/* k_softmax.c - softmax.h of every node and head, reference. Both loops of a
 * head run over its node's edges only: one owner per sum. */
#include "cpu/softmax.h"

static void softmax_fwd(const struct tensor *score, const struct csr *in,
                        struct tensor *a)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < score->c; h++)
            softmax_fwd_head(score, in->edge + in->begin[n],
                             in->begin[n + 1] - in->begin[n], h, a);
}

static void softmax_bwd(const struct tensor *a, const struct tensor *da,
                        const struct csr *in, struct tensor *dscore)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < a->c; h++)
            softmax_bwd_head(a, da, in->edge + in->begin[n],
                             in->begin[n + 1] - in->begin[n], h, dscore);
}

void ENTER(k_softmax)(struct kernels *k)
{
    k->node.softmax_fwd = softmax_fwd;
    k->node.softmax_bwd = softmax_bwd;
}
