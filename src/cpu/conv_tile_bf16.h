/* SPDX-License-Identifier: MIT */
/* conv_tile_bf16.h - tiles as conv_tile.h has them, of pairs of bf16.
 *
 * Where m > 0 a pair is (+m, -m) of a channel and an edge: [channel][edge].
 * Where m = 0 it is two channels, [channels / 2][edge], to sum over channels;
 * or both edges, [channel], to sum over edges. Places are half of a tile's of
 * floats. Numbers are rounded to nearest.
 */
#ifndef CONV_TILE_BF16_H
#define CONV_TILE_BF16_H

#include "cpu/conv_parts.h"
#include "cpu/lanes16_bf16.h"

enum pairing { PAIR_CHANNELS, PAIR_EDGES };
enum { PACKED = 2, PAIR_STEP = 2 * LANES };

/* Pairs of one degree and LANES bonds: of m = 0, and of m > 0 and an edge. */
typedef lanes pair_rows[COMPONENTS][LANES];

/* Rows of both edges of a bond; up: moved by a channel. */
INLINE void rows_gather(const struct patch *p, const struct tensor *x, int lane,
                        const int l, int up, lanes y[2][COMPONENTS])
{
    const int w = 2 * l + 1;
    struct patch q = *p;

#pragma GCC unroll 2
    for (q.dir = 0; q.dir < 2; q.dir++) {
        if (p->edges->edge[q.dir][lane] < 0) {
#pragma GCC unroll 7
            for (int m = 0; m < w; m++)
                y[q.dir][m] = (lanes){0};
            continue;
        }
        row_ahead(&q, x, lane, l);
        row_gather(&q, x, lane, l, y[q.dir]);
#pragma GCC unroll 7
        for (int m = 0; up && m < w; m++)
            y[q.dir][m] = one_up(y[q.dir][m]);
    }
}

INLINE void rows_pair(lanes y[2][COMPONENTS], int lane, const int l,
                      const enum pairing by, pair_rows to)
{
    to[0][lane] = (lanes)(by == PAIR_EDGES ? round_pairs(y[0][l], y[1][l])
                                           : round_rows(y[0][l], y[1][l]));
#pragma GCC unroll 6
    for (int i = 1; i < 2 * l + 1; i++) {
        int m = (i + 1) / 2, dir = (i + 1) % 2;

        to[i][lane] = (lanes)round_pairs(y[dir][l + m], y[dir][l - m]);
    }
}

/* n channels from c on of m = 0, whose partner may be there already: where c is
 * odd, to begin with. */
static inline void put_0(float *tile, const lanes *v, int c, int n,
                         const enum pairing by)
{
    if (by == PAIR_EDGES) {
        for (int i = 0; i < n; i++)
            store(tile + (c + i) * LANES, v[i]);
        return;
    }
    for (int i = 0; i < (c % 2 + n + 1) / 2; i++)
        for (int dir = 0; dir < 2; dir++) {
            float *to = tile + (c / 2 + i) * PAIR_STEP + dir * LANES;
            pairs pair = (pairs)v[dir * LANES / 2 + i];

            store_pairs(to,
                        i == 0 && c % 2 ? high_of(pair, load_pairs(to)) : pair);
        }
}

/* Channels p->c.. of the view into the tile; returns how many. */
INLINE int pairs_gather(const struct patch *p, const struct tensor *x,
                        const int l, const enum pairing by)
{
    const int at = p->skip + p->c, up = by == PAIR_CHANNELS && at % 2;
    int n = x->c - p->c < LANES - up ? x->c - p->c : LANES - up;
    pair_rows to;

    for (int j = 0; j < LANES; j++) {
        lanes y[2][COMPONENTS];

        rows_gather(p, x, j, l, up, y);
        rows_pair(y, j, l, by, to);
    }
    for (int i = 0; i < 2 * l + 1; i++) {
        int m = (i + 1) / 2, dir = (i + 1) % 2;
        float *tile = p->tile + p->layout->at[m][l] / PACKED;

        transpose(to[i]);
        if (m == 0)
            put_0(tile, to[0], at, n, by);
        for (int c = 0; m > 0 && c < n; c++)
            store(tile + (at + c) * PAIR_STEP + dir * LANES, to[i][up + c]);
    }
    return n;
}

#define PAIRS_VIEW(name, by)                                                   \
    static inline void name(struct patch p, const struct tensor *x)            \
    {                                                                          \
        p.l = x->l;                                                            \
        for (int n = 0; p.c < x->c; p.c += n)                                  \
            BY_DEGREE(p.l, n = pairs_gather(&p, x, L, by));                    \
    }
PAIRS_VIEW(gather_by_channels, PAIR_CHANNELS)
PAIRS_VIEW(gather_by_edges, PAIR_EDGES)

#endif
