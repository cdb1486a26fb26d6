/* SPDX-License-Identifier: MIT */
/* k_softmax.c - attention weights (theory.md section 4), reference.
 *
 * Over the edges e, e' into one node, for each head,
 *
 *     a_e  = exp(s_e - max s) / sum_e' exp(s_e' - max s)
 *     ds_e = a_e (da_e - sum_e' a_e' da_e')
 *
 * Both loops of a head run over its node's edges only: one owner per sum.
 */
#include "cpu/real.h"

static void head_fwd(const struct tensor *score, const int *edge, int edges,
                     int h, struct tensor *a)
{
    real top = -INFINITY, sum = 0;

    for (int i = 0; i < edges; i++)
        top = fmax(top, row(score, edge[i], 0)[h]);
    for (int i = 0; i < edges; i++) {
        real e = exp(row(score, edge[i], 0)[h] - top);

        row(a, edge[i], 0)[h] = e;
        sum += e;
    }
    for (int i = 0; i < edges; i++)
        row(a, edge[i], 0)[h] /= sum;
}

static void head_bwd(const struct tensor *a, const struct tensor *da,
                     const int *edge, int edges, int h, struct tensor *dscore)
{
    real sum = 0;

    for (int i = 0; i < edges; i++)
        sum += row(a, edge[i], 0)[h] * row(da, edge[i], 0)[h];
    for (int i = 0; i < edges; i++) {
        int e = edge[i];

        row(dscore, e, 0)[h] = row(a, e, 0)[h] * (row(da, e, 0)[h] - sum);
    }
}

static void softmax_fwd(const struct tensor *score, const struct csr *in,
                        struct tensor *a)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < score->c; h++)
            head_fwd(score, in->edge + in->begin[n],
                     in->begin[n + 1] - in->begin[n], h, a);
}

static void softmax_bwd(const struct tensor *a, const struct tensor *da,
                        const struct csr *in, struct tensor *dscore)
{
    int nodes = used_nodes(in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int h = 0; h < a->c; h++)
            head_bwd(a, da, in->edge + in->begin[n],
                     in->begin[n + 1] - in->begin[n], h, dscore);
}

void ENTER(k_softmax)(struct kernels *k)
{
    k->node.softmax_fwd = softmax_fwd;
    k->node.softmax_bwd = softmax_bwd;
}
