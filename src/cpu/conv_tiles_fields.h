/* SPDX-License-Identifier: MIT */
/* conv_tiles_fields.h - what is behind the moments of k_conv_tiles_w.c: dW' and
 * dp of a trunk, by fields of 16 x 16 channels, whose moments of all terms stay
 * in a cache. A field's dW' has one owner; dp is summed by chunks of fields, in
 * order. Units of dp are in the order of unit_place.
 */
#ifndef CONV_TILES_FIELDS_H
#define CONV_TILES_FIELDS_H

#include "cpu/conv_runs_w.h"
#include "cpu/conv_tiles.h"

struct work {
    const struct conv *c;
    const struct parts *o;
    struct points p;
    struct grid g;
    struct places at;
    char *base; /* of the places */
    struct lot *lot;
    int lots, terms;
};

static inline int tiles_of(int channels)
{
    return channels / ACROSS;
}

static inline char *moments_of(const struct work *t, int term)
{
    return t->base + t->at.moments + (size_t)term * t->at.moment;
}

/* 16 input and 16 output channels of one order. */
struct field {
    int m, p, tile; /* of a; that of b comes `next` later */
    int next;
    struct channel in, out;
};

static inline int fields_of(const struct work *t)
{
    int n = 0;

    for (int m = 0; m < FIBER_DEGREES; m++)
        n += tiles_of(t->g.in.used[m]) * tiles_of(t->g.out.used[m]);
    return n;
}

static inline struct field field_at(const struct work *t, int n)
{
    struct field f = {.m = 0};
    int columns, all;

    for (;; n -= all, f.m++) {
        columns = tiles_of(t->g.out.used[f.m]);
        all = tiles_of(t->g.in.used[f.m]) * columns;
        if (n < all)
            break;
    }
    f.tile = t->g.before[f.m] + n;
    f.next = all;
    f.in = channel_at(&t->g.in, f.m, n / columns * ACROSS);
    f.out = channel_at(&t->g.out, f.m, n % columns * ACROSS);
    f.p = t->o->path[f.out.l][f.in.l];
    return f;
}

/* Input channel i of a, or of b: its output channels. */
static const float *moment_row(const struct work *t, const struct field *f,
                               int term, int sign, int i)
{
    return (const float *)(moments_of(t, term) +
                           (size_t)(f->tile + sign * f->next) * TILE +
                           i * TILE_ROW);
}

static inline char *term_tiles(const struct work *t, int trunk)
{
    return t->base + t->at.points +
           (size_t)trunk * (size_t)(terms_room(t->c->graph->bonds) + DEPTH) *
               UNITS * 2;
}

/* p of all terms: [32 terms][two halves of units][16 units][32 terms]. */
static inline void round_terms(const struct work *t, int trunk)
{
    char *to = term_tiles(t, trunk);

    memset(to, 0, (size_t)(t->terms + DEPTH) / DEPTH * 2 * TILE);
    for (int i = 0; i < t->lots; i++) {
        const struct run *r = &t->p.run[t->lot[i].run];

        for (int j = 0; j < r->k; j++) {
            const float *p =
                trunk_p(t->c, &t->p, trunk) + (r->point + j) * UNITS;
            int term = t->lot[i].term + j;
            float both[LANES];

            store_pairs(both, round_rows(load(p), load(p + LANES)));
            for (int u = 0; u < UNITS; u++)
                memcpy(to + term / DEPTH * 2 * TILE + u * TILE_ROW +
                           term % DEPTH * 2,
                       (char *)both + u * 2, 2);
        }
    }
}

/* Terms 32 b.. of input channel i as columns. */
static inline void term_columns(const struct work *t, const struct field *f,
                                int sign, int i, int b, float to[256])
{
    for (int r = 0; r < TILE_ROWS; r++) {
        int n = b * DEPTH + 2 * r;
        lanes v[2] = {{0}};

        for (int q = 0; q < 2 && n + q < t->terms; q++)
            v[q] = load(moment_row(t, f, n + q, sign, i));
        store_pairs(to + r * LANES, round_pairs(v[0], v[1]));
    }
}

/* Rows of dW' of one input channel, from [units][output channels]. */
static inline void put_dw(const struct work *t, const struct field *f, int sign,
                          int i, float sum[2][256])
{
    const struct conv_path *path = &t->c->shape.path[f->p];
    int width = block_channels(f->m), slots = signs(f->m);

    if (f->in.c + i >= t->o->in.channels[path->li])
        return;
    for (int half = 0; half < 2; half++) {
        lanes v[LANES];

        for (int u = 0; u < LANES; u++)
            v[u] = load(sum[half] + u * LANES);
        transpose(v);
        for (int c = 0; c < ACROSS; c++) {
            int co = f->out.c + c;
            size_t row;

            if (co >= t->o->out.channels[path->lo])
                break;
            row = (t->o->before[path->trunk] +
                   block_of(t->o, &t->c->shape, f->p, f->m, co) +
                   (size_t)(f->in.c + i)) *
                      SLOTS +
                  (size_t)(co % width * slots + sign);
            store((float *)(t->base + t->at.dw) + row * UNITS + half * LANES,
                  v[c]);
        }
    }
}

/* dW' of a field: sum over terms of p M. */
static inline void field_bwd_w(const struct work *t, const struct field *f)
{
    float columns[2][256] __attribute__((aligned(64)));
    float sum[2][2][256] __attribute__((aligned(64)));
    const char *p = term_tiles(t, t->c->shape.path[f->p].trunk);

    for (int n = 0; n < signs(f->m) * ACROSS; n += 2) {
        int sign = n / ACROSS, i = n % ACROSS;

        tile_zero(0);
        tile_zero(1);
        tile_zero(2);
        tile_zero(3);
        for (int b = 0; b * DEPTH < t->terms; b++) {
            term_columns(t, f, sign, i, b, columns[0]);
            term_columns(t, f, sign, i + 1, b, columns[1]);
            tile_load(4, p + b * 2 * TILE, TILE_ROW);
            tile_load(6, columns[0], TILE_ROW);
            tile_dp(0, 4, 6);
            tile_load(7, columns[1], TILE_ROW);
            tile_dp(2, 4, 7);
            tile_load(5, p + b * 2 * TILE + TILE, TILE_ROW);
            tile_dp(1, 5, 6);
            tile_dp(3, 5, 7);
        }
        tile_store(0, sum[0][0], TILE_ROW);
        tile_store(1, sum[0][1], TILE_ROW);
        tile_store(2, sum[1][0], TILE_ROW);
        tile_store(3, sum[1][1], TILE_ROW);
        put_dw(t, f, sign, i, sum[0]);
        put_dw(t, f, sign, i + 1, sum[1]);
    }
}

/* W' of a field as columns, units in the order of unit_place: [a, b][pairs of
 * input channels][two halves of units]. */
typedef float field_columns[2][ACROSS / 2][2][256];

static inline void columns_of(const struct work *t, const struct field *f,
                              field_columns to)
{
    int width = block_channels(f->m), n = signs(f->m);
    int pairs_each = width / 2; /* of a block and sign */

    for (int i = 0; i < ACROSS; i++)
        for (int b = 0; b < ACROSS / width; b++) {
            struct channel out = {f->out.l, f->out.c + b * width};
            lanes w[SLOTS][VECTORS];

            block_rows(packed_block(t->c, t->o, f->p, f->m, out, f->in.c + i),
                       w);
            for (int s = 0; s < n; s++)
                for (int q = 0; q < pairs_each; q++)
                    for (int half = 0; half < 2; half++)
                        store_pairs(to[s][i / 2][half] + (i % 2 * (ACROSS / 2) +
                                                          b * pairs_each + q) *
                                                             LANES,
                                    round_pairs(w[2 * q * n + s][half],
                                                w[(2 * q + 1) * n + s][half]));
        }
}

/* dp += M W' of a field. */
static inline void field_bwd_p(const struct work *t, const struct field *f,
                               float *dp)
{
    field_columns w __attribute__((aligned(64)));
    float rows[256] __attribute__((aligned(64)));
    const size_t row = UNITS * sizeof(float);

    columns_of(t, f, w);
    for (int n = 0; n < t->terms; n += TILE_ROWS) {
        float *to = dp + n * UNITS;

        tile_load(0, to, row);
        tile_load(1, to + LANES, row);
        for (int i = 0; i < signs(f->m) * (ACROSS / 2); i++) {
            int sign = i / (ACROSS / 2), pair = i % (ACROSS / 2);

            for (int r = 0; r < TILE_ROWS; r++) {
                pairs v = {0};

                if (n + r < t->terms) {
                    const float *m = moment_row(t, f, n + r, sign, 2 * pair);

                    v = round_rows(load(m), load(m + LANES));
                }
                store_pairs(rows + r * LANES, v);
            }
            tile_load(4, rows, TILE_ROW);
            tile_load(5, w[sign][pair][0], TILE_ROW);
            tile_dp(0, 4, 5);
            tile_load(6, w[sign][pair][1], TILE_ROW);
            tile_dp(1, 4, 6);
        }
        tile_store(0, to, row);
        tile_store(1, to + LANES, row);
    }
}

/* Adds up chunks, and then lots of a run: [points][32]. */
static inline void add_dp(const struct work *t, const float *dp, int rows,
                          float *sum)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < t->p.count[0]; n++)
        memset(sum + t->p.run[n].point * UNITS, 0,
               (size_t)t->p.run[n].k * UNITS * sizeof *sum);
    for (int i = 0; i < t->lots; i++) {
        const struct run *r = &t->p.run[t->lot[i].run];
        int n = r->k * UNITS;

#pragma omp parallel for schedule(static)
        for (int q = 0; q < n; q += LANES)
            for (int c = 0; c < CHUNKS; c++) {
                float *to = sum + r->point * UNITS + q;

                store(to,
                      load(to) +
                          load(dp + (c * rows + t->lot[i].term) * UNITS + q));
            }
    }
}

/* dW' of a trunk's rows, and dh of its points. */
static inline void trunk_fields(const struct work *t, int trunk,
                                struct pass *pass)
{
    int fields = fields_of(t), rows = across(t->terms);
    float *dp = (float *)(t->base + t->at.dp);

#pragma omp parallel
    {
        tiles_begin();
#pragma omp for schedule(static)
        for (int c = 0; c < CHUNKS; c++) {
            float *own = dp + c * rows * UNITS;

            memset(own, 0, (size_t)(rows * UNITS) * sizeof *own);
            for (int i = fields * c / CHUNKS; i < fields * (c + 1) / CHUNKS;
                 i++) {
                const struct field f = field_at(t, i);

                if (f.p < 0 || t->c->shape.path[f.p].trunk != trunk)
                    continue;
                field_bwd_w(t, &f);
                field_bwd_p(t, &f, own);
            }
        }
        tiles_end();
    }
    pass->dp = dp + CHUNKS * rows * UNITS;
    add_dp(t, dp, rows, pass->dp);
    for (int n = 0; n < t->p.count[0]; n++)
        run_bwd_h(pass, &t->c->radial[trunk], &t->p.run[n]);
}

#endif
