/* SPDX-License-Identifier: MIT */
/* softmax.h - attention weights (theory.md section 4) of one node's head.
 *
 * Over the edges e, e' into one node, for each head,
 *
 *     a_e  = exp(s_e - max s) / sum_e' exp(s_e' - max s)
 *     ds_e = a_e (da_e - sum_e' a_e' da_e')
 *
 * a may be score, dscore may be da.
 */
#ifndef SOFTMAX_H
#define SOFTMAX_H

#include "cpu/real.h"

static inline void softmax_fwd_head(const struct tensor *score, const int *edge,
                                    int edges, int h, struct tensor *a)
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

static inline void softmax_bwd_head(const struct tensor *a,
                                    const struct tensor *da, const int *edge,
                                    int edges, int h, struct tensor *dscore)
{
    real sum = 0;

    for (int i = 0; i < edges; i++)
        sum += row(a, edge[i], 0)[h] * row(da, edge[i], 0)[h];
    for (int i = 0; i < edges; i++) {
        int e = edge[i];

        row(dscore, e, 0)[h] = row(a, e, 0)[h] * (row(da, e, 0)[h] - sum);
    }
}

#endif
