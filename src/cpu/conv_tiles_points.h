/* SPDX-License-Identifier: MIT */
/* conv_tiles_points.h - a pass of k_conv_tiles.c: what stands where, and the
 * matrices W' p of all points, which the matrix unit makes of bf16 W' and p:
 * rows are 16 points, columns 16 rows of W'. Both are rounded where they are
 * used, for W' changes with each step.
 */
#ifndef CONV_TILES_POINTS_H
#define CONV_TILES_POINTS_H

#include "cpu/conv_tiles.h"

/* One order. Places are bytes, but for sums. */
struct order {
    int depth;      /* tiles of one term to sum over */
    size_t rows;    /* before, within a term */
    size_t stride;  /* of a row */
    size_t columns; /* before, within a point's matrices */
    size_t sums;    /* numbers before */
};

/* A pass: its sides, and the strides of what it works on. */
struct plan {
    const struct conv *c;
    const struct parts *o;
    struct points p;
    int is_back;
    struct channels from, to;
    struct order order[FIBER_DEGREES];
    size_t term, point; /* bytes of a term's rows, of a point's matrices */
    size_t sums, wide;  /* numbers of a group's sums; of a row in the making */
    char *bf16_p;       /* [trunks][points][32], points to whole tiles */
    char *matrices;     /* [points] */
    char *slots;        /* [workers] */
};

static inline size_t points_whole(int bonds)
{
    return (size_t)across(points_room(bonds));
}

static inline void set_orders(struct plan *t)
{
    for (int m = 0; m < FIBER_DEGREES; m++) {
        size_t from = (size_t)t->from.n[m], to = (size_t)t->to.n[m];
        int depth = signs(m) * t->from.n[m] / DEPTH;

        t->order[m] = (struct order){.depth = depth,
                                     .rows = t->term,
                                     .stride = from * (m ? 3 : 1) * 2,
                                     .columns = t->point,
                                     .sums = t->sums};
        t->term += 2 * GROUP * t->order[m].stride;
        t->point += to / ACROSS * (size_t)depth * TILE;
        t->sums += 2 * (size_t)signs(m) * GROUP * to;
    }
    t->term = apart(t->term);
    t->point = apart(t->point);
}

static inline size_t slot_bytes(const struct plan *t)
{
    return TERMS * t->term +
           whole_lines((t->sums + COMPONENTS * t->wide) * sizeof(float));
}

static inline struct plan plan_of(const struct conv *c, const struct parts *o,
                                  int is_back)
{
    struct channels in = channels_of(&o->in), out = channels_of(&o->out);
    struct plan t = {.c = c,
                     .o = o,
                     .is_back = is_back,
                     .from = is_back ? out : in,
                     .to = is_back ? in : out};

    for (int l = 0; l < FIBER_DEGREES; l++) {
        size_t n =
            (size_t)across(is_back ? o->out.channels[l] : o->in.channels[l]) +
            2 * LANES;

        if (t.wide < n)
            t.wide = n;
    }
    set_orders(&t);
    return t;
}

static inline int most_workers(int bonds)
{
    return workers_of(bonds) < MOST_WORKERS ? workers_of(bonds) : MOST_WORKERS;
}

/* Gives the plan its work; returns what is behind it. */
static inline char *take_work(struct plan *t, char *work)
{
    int bonds = t->c->graph->bonds;

    t->p = points_at(t->c);
    t->bf16_p = work;
    t->matrices = t->bf16_p +
                  (size_t)t->c->shape.trunks * points_whole(bonds) * UNITS * 2;
    t->slots = t->matrices + (size_t)points_room(bonds) * t->point;
    return t->slots + (size_t)most_workers(bonds) * slot_bytes(t);
}

static inline size_t plan_bytes(const struct conv_shape *s, int bonds,
                                int edges, int is_back)
{
    const struct parts o = parts_of(s);
    const struct conv c = {.shape = *s};
    const struct plan t = plan_of(&c, &o, is_back);
    size_t n = (size_t)s->trunks * points_whole(bonds) * UNITS * 2 +
               (size_t)points_room(bonds) * t.point +
               (size_t)most_workers(bonds) * slot_bytes(&t);

    for (int l = 0; is_back && l < FIBER_DEGREES; l++) {
        struct tensor rows = edge_rows(&o, l, edges);

        n += tensor_bytes(&rows, sizeof(float));
    }
    return n;
}

/* --- matrices ------------------------------------------------------------ */

enum { UNIT_TILES = 8 };

/* What is made at once: all units of UNIT_TILES rows of the matrices, or half
 * as many of a and of b, and ACROSS columns. */
struct unit {
    int m, row, column;
    struct channel from, to;
    char w[UNIT_TILES][TILE] __attribute__((aligned(64))); /* [32][ACROSS] */
};

static inline int unit_rows(int m)
{
    return UNIT_TILES / signs(m);
}

static inline int units_of(const struct plan *t, int m)
{
    return t->from.n[m] / unit_rows(m) * (t->to.n[m] / ACROSS);
}

static inline void unit_at(const struct plan *t, int n, struct unit *u)
{
    int rows;

    u->m = 0;
    while (n >= units_of(t, u->m))
        n -= units_of(t, u->m++);
    rows = t->from.n[u->m] / unit_rows(u->m);
    u->row = n % rows * unit_rows(u->m);
    u->column = n / rows * ACROSS;
    u->from = channel_at(&t->from, u->m, u->row);
    u->to = channel_at(&t->to, u->m, u->column);
}

static inline int unit_path(const struct plan *t, const struct unit *u)
{
    if (u->from.l < 0 || u->to.l < 0)
        return -1;
    return t->is_back ? t->o->path[u->from.l][u->to.l]
                      : t->o->path[u->to.l][u->from.l];
}

/* Columns are output channels: a block has 8 of them, or a and b of 4. */
static inline void unit_fwd(const struct plan *t, int p, struct unit *u)
{
    for (int f = 0; f < unit_rows(u->m); f++) {
        const float *w[4];

        for (int i = 0; i < 4; i++) {
            struct channel out = {u->to.l, u->to.c + i * block_channels(u->m)};

            w[i] = packed_block(t->c, t->o, p, u->m, out, u->from.c + f);
        }
        for (int h = 0; h < UNITS / 2; h++) {
            int at = h * LANES;
            pairs v = round_eights(load(w[0] + at), load(w[1] + at)), b;

            if (u->m) {
                b = round_eights(load(w[2] + at), load(w[3] + at));
                store_pairs((float *)u->w[UNIT_TILES / 2 + f] + at,
                            odd_pairs(v, b));
                v = even_pairs(v, b);
            }
            store_pairs((float *)u->w[f] + at, v);
        }
    }
}

/* Columns are input channels: the slots of a block are rows. */
static inline void unit_back(const struct plan *t, int p, struct unit *u)
{
    const float *w[ACROSS];

    for (int i = 0; i < ACROSS; i++)
        w[i] = packed_block(t->c, t->o, p, u->m, u->from, u->to.c + i);
    for (int h = 0; h < UNITS / 2; h++) {
        lanes v[ACROSS];

        for (int i = 0; i < ACROSS; i++)
            v[i] = load(w[i] + h * LANES);
        transpose(v);
        for (int s = 0; s < SLOTS; s++) {
            int f = u->m ? s % 2 * (UNIT_TILES / 2) + s / 2 : s;

            store_pairs((float *)u->w[f] + h * LANES,
                        round_pairs(v[s], v[SLOTS + s]));
        }
    }
}

/* Two pairs of rows of 16 points. */
static inline void multiply_points(const char *p, char w[4][TILE],
                                   float sum[4][256])
{
    tile_load(4, p, TILE_ROW);
    tile_zero(0);
    tile_load(5, w[0], TILE_ROW);
    tile_dp(0, 4, 5);
    tile_zero(1);
    tile_load(6, w[1], TILE_ROW);
    tile_dp(1, 4, 6);
    tile_zero(2);
    tile_load(5, w[2], TILE_ROW);
    tile_dp(2, 4, 5);
    tile_zero(3);
    tile_load(6, w[3], TILE_ROW);
    tile_dp(3, 4, 6);
    tile_store(0, sum[0], TILE_ROW);
    tile_store(1, sum[1], TILE_ROW);
    tile_store(2, sum[2], TILE_ROW);
    tile_store(3, sum[3], TILE_ROW);
}

/* Where rows k, k + 1 and the unit's columns stand in a point's matrices. */
static inline size_t pair_at(const struct plan *t, const struct unit *u, int k)
{
    const struct order *o = &t->order[u->m];
    size_t tile = (size_t)(u->column / ACROSS * o->depth + k / DEPTH);

    return o->columns + tile * TILE + (size_t)(k % DEPTH / 2 * TILE_ROW);
}

static inline void unit_matrices(const struct plan *t, struct unit *u,
                                 int trunk)
{
    float sum[4][256] __attribute__((aligned(64)));
    const char *p =
        t->bf16_p + (size_t)trunk * points_whole(t->c->graph->bonds) * TILE_ROW;
    int points = t->p.count[2];

    for (int n = 0; n < points; n += TILE_ROWS)
        for (int i = 0; i < UNIT_TILES; i += 4) {
            int b = u->m ? i / (UNIT_TILES / 2) : 0; /* of b */
            int k = u->row + b * t->from.n[u->m] + i - b * (UNIT_TILES / 2);
            size_t at = pair_at(t, u, k);

            multiply_points(p + n * TILE_ROW, u->w + i, sum);
            for (int r = 0; r < TILE_ROWS && n + r < points; r++) {
                char *to = t->matrices + (size_t)(n + r) * t->point + at;

                for (int q = 0; q < 2; q++)
                    store_pairs((float *)(to + q * TILE_ROW),
                                round_pairs(load(sum[2 * q] + r * LANES),
                                            load(sum[2 * q + 1] + r * LANES)));
            }
        }
}

static inline void round_points(const struct plan *t)
{
    int points = t->p.count[2], whole = across(points);

    for (int i = 0; i < t->c->shape.trunks; i++)
        for (int n = 0; n < whole; n++) {
            const float *p = trunk_p(t->c, &t->p, i) + n * UNITS;
            float *to =
                (float *)(t->bf16_p +
                          ((size_t)i * points_whole(t->c->graph->bonds) +
                           (size_t)n) *
                              TILE_ROW);

            store_pairs(to, n < points ? round_rows(load(p), load(p + LANES))
                                       : (pairs){0});
        }
}

static inline void all_points(const struct plan *t)
{
    int units = 0;

    for (int m = 0; m < FIBER_DEGREES; m++)
        units += units_of(t, m);
    round_points(t);
#pragma omp parallel
    {
        struct unit u;

        tiles_begin();
#pragma omp for schedule(static)
        for (int i = 0; i < units; i++) {
            int p;

            unit_at(t, i, &u);
            p = unit_path(t, &u);
            if (t->is_back)
                unit_back(t, p, &u);
            else
                unit_fwd(t, p, &u);
            unit_matrices(t, &u, p < 0 ? 0 : t->c->shape.path[p].trunk);
        }
        tiles_end();
    }
}

#endif
