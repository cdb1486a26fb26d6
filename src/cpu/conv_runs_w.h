/* SPDX-License-Identifier: MIT */
/* conv_runs_w.h - the gradients for weights and for h over runs of bonds, but
 * for the forming of moments, which a method brings; k_conv_runs_w.c.
 *
 * Behind the moments there are no bonds any more: dW' = sum_j M_j p_j^T, whose
 * rows have an owner each, and dp_j = W'^T M_j, by chunks of rows that are
 * added in order.
 */
#ifndef CONV_RUNS_W_H
#define CONV_RUNS_W_H

#include "cpu/conv_parts.h"

enum { AT_PLAIN = 8 /* units of a plain run in one pass */ };

/* Tiles from .. to - 1 of all ci and some co: places of x and dy in tile 0, of
 * the first ci, and of what they give. */
struct stretch {
    const float *x, *dy;
    size_t x_step, dy_step; /* to the next tile */
    const float *coef;      /* t of tile 0; plain: h of some units */
    int from, to, cis;
    int is_more; /* adds to out */
    float *out;  /* [k][SLOTS] */
    size_t next; /* to that of the next ci */
};

/* Of a tile: t, or the first of some units of h. */
INLINE const float *tile_coef(const float *coef, int tile, int is_plain)
{
    return coef + (size_t)(tile / TILES) * (is_plain ? UNITS : 1) * GROUP +
           tile % TILES * LANES;
}

enum { MOST = 16 }; /* moments at once */

/* Channels at once: their sums are in registers. */
#define AT_ONCE(m, k)                                                          \
    (LANES / (k) / ((m) ? 2 : 1) >= 4   ? 4                                    \
     : LANES / (k) / ((m) ? 2 : 1) >= 2 ? 2                                    \
                                        : 1)

/* [k][rows] to rows of [k][SLOTS]. */
INLINE void put_moments(const struct stretch *s, const int k, const int rows,
                        const float *moment, float *out)
{
#pragma GCC unroll 8
    for (int j = 0; j < k; j++)
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++)
            out[j * SLOTS + i] =
                moment[j * rows + i] + (s->is_more ? out[j * SLOTS + i] : 0);
}

struct moments {
    void (*run)(const struct stretch *s);
    int channels; /* of dy at once */
};

/* How tiles are read, and what is done with the moments of a block's rows. */
struct method_w {
    /* dW' = sum of M p^T, with p as arrange leaves it, of its size, where that
     * is not NULL; and dp += M W', in the order of unit_place. */
    void (*arrange)(const float *p, int points, float *to);
    void (*block_bwd_w)(const float *moment, const float *p, int points,
                        float *dw);
    void (*block_bwd_p)(const float *moment, const float *packed, int points,
                        float *dp);
    const struct moments (*moments)[2]; /* [k][m > 0] */
    tile_move *gather;
    int packed; /* numbers in a word: places in tiles come before by that */
};

struct pass {
    const struct conv *c;
    const struct parts *o;
    const struct method_w *method;
    struct points p;
    int points;        /* moments of a row: all points, or 32 units */
    int first, groups; /* the wave */
    float *x, *dy;     /* its tiles */
    float *moment;     /* [block][points][SLOTS] */
    float *dw;         /* gradient of W', [block][SLOTS][32] */
    float *dp;         /* of a trunk: [CHUNKS][points][32] */
    float *arranged;   /* its polynomials */
};

/* Numbers from one tile to the next. */
static inline size_t tile_size(const struct layout *o, int packed)
{
    return (size_t)((o->size - SPREAD) / packed + SPREAD);
}

/* Tile i of all. */
static inline float *x_tile(const struct pass *t, int i)
{
    return t->x + (size_t)(i - t->first * TILES) *
                      tile_size(&t->o->in, t->method->packed);
}

static inline float *dy_tile(const struct pass *t, int i)
{
    return t->dy + (size_t)(i - t->first * TILES) *
                       tile_size(&t->o->out, t->method->packed);
}

/* A path's order m, and the block of output channels co.., which may be
 * padding.
 */
struct corner {
    int p, m, co;
};

/* Corner number n; what a task is. */
static inline int corner_at(const struct pass *t, int n, struct corner *out)
{
    const struct conv_shape *s = &t->c->shape;

    for (int p = 0; p < s->paths; p++)
        for (int m = 0; m < path_orders(&s->path[p]); m++) {
            int width = block_channels(m);
            int blocks = padded(t->o->out.channels[s->path[p].lo]) / width;

            if (n < blocks) {
                *out = (struct corner){p, m, n * width};
                return 1;
            }
            n -= blocks;
        }
    return 0;
}

static inline int corners(const struct pass *t)
{
    const struct conv_shape *s = &t->c->shape;
    int n = 0;

    for (int p = 0; p < s->paths; p++)
        for (int m = 0; m < path_orders(&s->path[p]); m++)
            n += padded(t->o->out.channels[s->path[p].lo]) / block_channels(m);
    return n;
}

/* --- moments ------------------------------------------------------------- */

static inline float *moments_at(const struct pass *t, size_t block, int from)
{
    return t->moment + (block * (size_t)t->points + (size_t)from) * SLOTS;
}

/* What channels that are not there left, or nobody, meets rows of zeros in W'.
 */
static inline void clear_padding(const struct pass *t, const struct corner *at,
                                 size_t block, int from, int k)
{
    const struct conv_path *path = &t->c->shape.path[at->p];
    int cis = t->o->in.channels[path->li];
    int rows = (t->o->out.channels[path->lo] - at->co) * (at->m ? 2 : 1);

    if (rows < 0)
        rows = 0;
    for (int ci = rows < SLOTS ? 0 : cis; ci < padded(cis); ci++) {
        float *moment = moments_at(t, block + (size_t)ci, from);
        int first = ci < cis ? rows : 0;

        for (int j = 0; j < k; j++)
            for (int i = first; i < SLOTS; i++)
                moment[j * SLOTS + i] = 0;
    }
}

/* Some terms of the wave's part of a run, and a corner, all input channels. */
static inline void corner_moments(const struct pass *t, const struct corner *at,
                                  int n, int from)
{
    const struct run *r = &t->p.run[n];
    const struct conv_path *path = &t->c->shape.path[at->p];
    const float *h =
        trunk_p(t->c, &t->p, path->trunk) + (t->first * UNITS + from) * GROUP;
    int first = r->group - t->first, last = first + groups_of(r->bonds);
    int k = r->k ? r->k : AT_PLAIN, point = r->k ? r->point : from;
    int wide = t->method->moments[r->k][at->m > 0].channels;
    int channels = t->o->out.channels[path->lo] - at->co;
    size_t block = t->o->before[path->trunk] +
                   block_of(t->o, &t->c->shape, at->p, at->m, at->co);
    int packed = t->method->packed;
    struct stretch s = {.x = t->x + t->o->in.at[at->m][path->li] / packed,
                        .x_step = tile_size(&t->o->in, packed),
                        .dy_step = tile_size(&t->o->out, packed),
                        .coef = r->k ? t->p.t[t->first] : h,
                        .from = first > 0 ? first * TILES : 0,
                        .to = (last < t->groups ? last : t->groups) * TILES,
                        .is_more = first < 0,
                        .cis = t->o->in.channels[path->li],
                        .next = (size_t)t->points * SLOTS};

    for (int co = 0; co < block_channels(at->m) && co < channels; co += wide) {
        s.dy = t->dy + (t->o->out.at[at->m][path->lo] +
                        (at->co + co) * tile_step(at->m)) /
                           packed;
        s.out = moments_at(t, block, point) + co * (at->m ? 2 : 1);
        t->method->moments[r->k][at->m > 0].run(&s);
    }
    clear_padding(t, at, block, point, k);
}

/* One corner of one run after another: what a thread reads again is near. */
static inline void wave_moments(const struct pass *t)
{
    int n = corners(t), parts = is_plain(&t->p) ? UNITS / AT_PLAIN : 1;
    int first = t->p.group[t->first].run;
    int last = t->p.group[t->first + t->groups - 1].run;
    int tasks = (last - first + 1) * n * parts;

#pragma omp parallel for schedule(dynamic, 4)
    for (int i = 0; i < tasks; i++) {
        struct corner at = {0};

        corner_at(t, i / parts % n, &at);
        corner_moments(t, &at, first + i / parts / n, i % parts * AT_PLAIN);
    }
}

/* --- dW' and dp ---------------------------------------------------------- */

enum { VECTORS = UNITS / LANES };

/* Rows of W' of a block: [SLOTS][32], units in the order of unit_place. */
static inline void block_rows(const float *packed, lanes w[SLOTS][VECTORS])
{
    for (int q = 0; q < UNITS * SLOTS / LANES / LANES; q++) {
        lanes v[LANES];

        for (int i = 0; i < LANES; i++)
            v[i] = load(packed + (q * LANES + i) * LANES);
        transpose(v);
        for (int i = 0; i < LANES; i++)
            w[i % SLOTS][LANES == 16 ? i / SLOTS : q] = v[i];
    }
}

/* A vector of 16 has two units' slots, so that even and odd ones part. */
static inline int unit_place(int unit)
{
    return LANES == 16 ? unit % 2 * LANES + unit / 2 : unit;
}

/* dh of a run's points: dp times the matrix that made p of h. */
static inline void run_bwd_h(const struct pass *t, const struct radial *r,
                             const struct run *run)
{
    for (int n = 0; n < run->k; n++)
        for (int q = 0; q < UNITS; q++) {
            double sum = 0;

            for (int j = 0; j < run->k; j++)
                sum += run->inverse[j][n] *
                       (double)t->dp[(run->point + j) * UNITS + unit_place(q)];
            ((float *)row(&r->dh, run->point + n, 0))[q] = (float)sum;
        }
}

/* Adds up the chunks, into the first. */
static inline void add_chunks(const struct pass *t)
{
    int n = t->points * UNITS;

#pragma omp parallel for schedule(static)
    for (int i = 0; i < n; i += UNITS)
        for (int c = 1; c < CHUNKS; c++)
            for (int q = 0; q < UNITS; q++)
                t->dp[i + q] += t->dp[c * n + i + q];
}

/* All blocks of a trunk, by chunks. */
static inline void trunk_bwd_points(const struct pass *t, int trunk)
{
    const float *p = trunk_p(t->c, &t->p, trunk);
    size_t blocks = trunk_blocks(t->o, trunk), before = t->o->before[trunk];
    size_t wide = (size_t)t->points * SLOTS, each = SLOTS * UNITS;
    int points = t->points;

    if (t->method->arrange) {
        t->method->arrange(p, points, t->arranged);
        p = t->arranged;
    }
#pragma omp parallel for schedule(static)
    for (int c = 0; c < CHUNKS; c++) {
        float *dp = t->dp + (size_t)(c * points) * UNITS;

        memset(dp, 0, (size_t)points * UNITS * sizeof *dp);
        for (size_t i = blocks * (size_t)c / CHUNKS;
             i < blocks * (size_t)(c + 1) / CHUNKS; i++) {
            const float *moment = t->moment + (before + i) * wide;

            t->method->block_bwd_w(moment, p, points,
                                   t->dw + (before + i) * each);
            t->method->block_bwd_p(
                moment, (const float *)t->c->packed + (before + i) * each,
                points, dp);
        }
    }
    add_chunks(t);
    for (int n = 0; n < t->p.count[0]; n++)
        run_bwd_h(t, &t->c->radial[trunk], &t->p.run[n]);
}

/* Adds fold^T dW' to the rows of dw3 of one (co, ci). */
static inline void unfold_rows(const struct pass *t, int p, int pair)
{
    const struct conv_path *path = &t->c->shape.path[p];
    int cis = t->o->in.channels[path->li], co = pair / cis;
    int n = t->c->fold[p].n;

    for (int i = 0; i < n; i++) {
        int m = (i + 1) / 2, slots = m ? 2 : 1;
        const float *dw =
            t->dw +
            ((t->o->before[path->trunk] +
              block_of(t->o, &t->c->shape, p, m, co) + (size_t)(pair % cis)) *
                 SLOTS +
             (size_t)(co % block_channels(m) * slots + (m ? (i + 1) % 2 : 0))) *
                UNITS;

        for (int f = 0; f < n; f++) {
            float *to = row(&t->c->radial[path->trunk].dw3,
                            pair * path->rows + path->first + f, 0);
            float fold = ((float *)row(&t->c->fold[p], i, 0))[f];

            for (int k = 0; k < UNITS; k++)
                to[k] += fold * dw[k];
        }
    }
}

/* --- both ---------------------------------------------------------------- */

static inline void wave_gather(const struct pass *t, const struct tensor x[],
                               const struct tensor e[],
                               const struct tensor dy[])
{
    int first = t->first * TILES, tiles = t->groups * TILES;

#pragma omp parallel for schedule(static)
    for (int i = first; i < first + tiles; i++) {
        struct tile_edges edges = tile_of(t->c->graph, &t->p, i);

        struct gathering g = {t->c, t->o, &edges, t->method->gather};

        gather_inputs(&g, x, e, x_tile(t, i));
        gather_outputs(&g, dy, dy_tile(t, i));
    }
}

static inline struct pass pass_of(struct conv *c, const struct parts *o,
                                  const struct method_w *method)
{
    struct pass t = {
        .c = c, .o = o, .method = method, .p = points_at(c), .x = c->work};
    size_t tiles = (size_t)wave_groups(c->graph->bonds) * TILES;
    size_t rows = o->before[c->shape.trunks] * SLOTS;

    t.points = is_plain(&t.p) ? UNITS : t.p.count[2];
    t.dy = t.x + tiles * (size_t)o->in.size;
    t.moment = t.dy + tiles * (size_t)o->out.size;
    t.dw = t.moment + rows * (size_t)t.points;
    t.dp = t.dw + rows * UNITS;
    t.arranged = t.dp + (size_t)(CHUNKS * t.points) * UNITS;
    return t;
}

/* dw3 of all paths. */
static inline void unfold_all(const struct pass *t)
{
    for (int p = 0; p < t->c->shape.paths; p++) {
        int pairs = path_pairs(t->o, &t->c->shape.path[p]);

#pragma omp parallel for schedule(static)
        for (int i = 0; i < pairs; i++)
            unfold_rows(t, p, i);
    }
}

/* Waves of some groups, so that their tiles stay in a cache; visit (or NULL)
 * sees each behind its moments. */
static inline void all_waves(struct pass *t, const struct tensor x[],
                             const struct tensor e[], const struct tensor dy[],
                             void (*visit)(const struct pass *t))
{
    int groups = t->p.count[1];

    for (t->first = 0; t->first < groups; t->first += t->groups) {
        t->groups = groups - t->first < WAVE ? groups - t->first : WAVE;
        wave_gather(t, x, e, dy);
        wave_moments(t);
        if (visit)
            visit(t);
    }
}

/* Of runs that share matrices. */
static inline void runs_bwd_w(const struct method_w *how, struct conv *c,
                              const struct tensor x[], const struct tensor e[],
                              const struct tensor dy[])
{
    const struct parts o = parts_of(&c->shape);
    struct pass t = pass_of(c, &o, how);

    if (t.p.count[1] == 0)
        return;
    all_waves(&t, x, e, dy, NULL);
    for (int i = 0; i < c->shape.trunks; i++)
        trunk_bwd_points(&t, i);
    unfold_all(&t);
}

#endif
