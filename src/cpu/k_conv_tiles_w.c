/* SPDX-License-Identifier: MIT */
/* k_conv_tiles_w.c - the convolution's gradients for its weights on a matrix
 * unit with products of bf16; tiles.h, conv_tiles.h, k_conv_tiles.c.
 *
 * Moments of a run are products that sum over edges:
 *
 *     M_j = sum over e of x (t^j dy)^T,    of a: [x+ | x-] [dy+; dy-]
 *                                          of b: [x- | -x+] [dy+; dy-]
 *
 * Rows are input channels, columns output channels of each term, and a group's
 * 32 edges, or 16 bonds and two signs, are what one product sums over. Only x
 * must be transposed for that; columns want dy as it is.
 *
 * A lot of a run is one worker's, who has some groups in hand (in L2) and
 * adds them to all moments. Pieces keep moments of their own, as if each were a
 * run: then what is left are products over terms and over rows,
 *
 *     dW' = sum over terms of M p^T    dp = W'^T M,
 *
 * conv_tiles_fields.h.
 *
 * Where a run is plain the next lower set does it.
 */
#include "cpu/conv_runs_w.h"
#include "cpu/conv_tile_bf16.h"
#include "cpu/conv_tiles_fields.h"

/* Groups first .. of a lot, in hand. */
struct hand {
    const struct work *t;
    const struct lot *lot;
    int k, first, groups, most;
    char *x[FIBER_DEGREES];  /* [groups][direction][a, b][channel][GROUP] */
    char *dy[FIBER_DEGREES]; /* [groups][direction][columns][k][GROUP] */
    char *spare;             /* a tile that nobody reads */
};

/* --- moments ------------------------------------------------------------- */

static size_t x_step(const struct work *t, int m)
{
    return (size_t)(signs(m) * t->g.in.used[m] * TILE_ROW);
}

static size_t dy_step(const struct hand *h, int m)
{
    return (size_t)(tiles_of(h->t->g.out.used[m]) * h->k * TILE);
}

/* Channel c of a degree, of a group in hand; rows of b come behind all of a. */
static char *x_row(const struct hand *h, int group, int dir, int m, int l,
                   int c)
{
    return h->x[m] + (size_t)(group * signs(m) + dir) * x_step(h->t, m) +
           (size_t)((h->t->g.in.at[m][l] + c) * TILE_ROW);
}

static void put_x(const struct hand *h, int m, char *to, pairs v)
{
    store_pairs((float *)to, v);
    if (m)
        store_pairs((float *)(to + h->t->g.in.used[m] * TILE_ROW),
                    minus_high(swapped(v)));
}

/* Component i of rows_pair. */
static int order_of(int i)
{
    return (i + 1) / 2;
}

static int direction_of(int i)
{
    return i ? (i + 1) % 2 : 0;
}

INLINE void gather_x(const struct hand *h, struct patch p,
                     const struct tensor *x, int group, const int l)
{
    for (p.c = 0; p.c < x->c; p.c += LANES) {
        pair_rows to;

        for (int j = 0; j < LANES; j++) {
            lanes y[2][COMPONENTS];

            rows_gather(&p, x, j, l, 0, y);
            rows_pair(y, j, l, PAIR_EDGES, to);
        }
        for (int i = 0; i < 2 * l + 1; i++) {
            int m = order_of(i);
            char *at = x_row(h, group, direction_of(i), m, l, p.skip + p.c);

            transpose(to[i]);
            for (int c = 0; c < LANES && p.c + c < x->c; c++)
                put_x(h, m, at + c * TILE_ROW, (pairs)to[i][c]);
        }
    }
}

/* dy and its products with the powers of t, a bond a row. */
INLINE void gather_dy(const struct hand *h, struct patch p,
                      const struct tensor *dy, int group, const int l)
{
    const struct grid *g = &h->t->g;
    const float *t = h->t->p.t[h->first + group];

    for (p.c = 0; p.c < dy->c; p.c += LANES)
        for (int lane = 0; lane < p.edges->bonds; lane++) {
            lanes y[2][COMPONENTS];
            pair_rows to;

            rows_gather(&p, dy, lane, l, 0, y);
            for (int j = 0; j < h->k; j++) {
                rows_pair(y, lane, l, PAIR_EDGES, to);
                for (int i = 0; i < 2 * l + 1; i++) {
                    int m = order_of(i);
                    int tile = (g->out.at[m][l] + p.c) / ACROSS * h->k + j;

                    store_pairs(
                        (float *)(h->dy[m] +
                                  (size_t)(group * signs(m) + direction_of(i)) *
                                      dy_step(h, m) +
                                  (size_t)(tile * TILE + lane * TILE_ROW)),
                        (pairs)to[i][lane]);
                    y[0][i] *= t[lane];
                    y[1][i] *= t[lane];
                }
            }
        }
}

#define GATHER(name, gather)                                                   \
    static void name(const struct hand *h, struct patch p,                     \
                     const struct tensor *x, int group)                        \
    {                                                                          \
        BY_DEGREE(x->l, gather(h, p, x, group, L));                            \
    }
GATHER(gather_x_any, gather_x)
GATHER(gather_dy_any, gather_dy)

/* Channels that are not there, and bonds that are not. */
static void clear_x(const struct hand *h, int group, int l)
{
    int channels = h->t->o->in.channels[l];

    for (int i = 0; i < 2 * l + 1; i++)
        for (int c = channels; c < across(channels); c++)
            put_x(h, order_of(i),
                  x_row(h, group, direction_of(i), order_of(i), l, c),
                  (pairs){0});
}

static void clear_dy(const struct hand *h, int group, int bonds)
{
    for (int m = 0; m < FIBER_DEGREES; m++) {
        size_t n = dy_step(h, m) * (size_t)signs(m);
        char *at = h->dy[m] + (size_t)group * n;

        for (size_t i = 0; i < n; i += TILE)
            memset(at + i + bonds * TILE_ROW, 0,
                   (size_t)((GROUP - bonds) * TILE_ROW));
    }
}

static void gather_group(const struct hand *h, int group,
                         const struct tensor x[], const struct tensor e[],
                         const struct tensor dy[])
{
    const struct conv *c = h->t->c;
    struct tile_edges edges = tile_of(c->graph, &h->t->p, h->first + group);

    clear_dy(h, group, edges.bonds);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        struct patch p = {.edges = &edges}, in = p;

        in.node = c->graph->src;
        in.geo = c->geo;
        if (fiber_at(&c->shape.node, l) > 0)
            gather_x_any(h, in, &x[l], group);
        in.node = NULL;
        in.skip = fiber_at(&c->shape.node, l);
        if (fiber_at(&c->shape.edge, l) > 0)
            gather_x_any(h, in, &e[l], group);
        clear_x(h, group, l);
        if (h->t->o->out.channels[l] > 0)
            gather_dy_any(h, p, &dy[l], group);
    }
}

/* Two tiles of rows times two of columns, over what is in hand. */
struct strip {
    const char *x[2], *dy[2];
    size_t x_step, dy_step;
    int n, is_more;
    char *sum[2][2];
};

static void add_strip(const struct strip *s)
{
    const char *x0 = s->x[0], *x1 = s->x[1], *dy0 = s->dy[0], *dy1 = s->dy[1];

    if (s->is_more) {
        tile_load(0, s->sum[0][0], TILE_ROW);
        tile_load(1, s->sum[0][1], TILE_ROW);
        tile_load(2, s->sum[1][0], TILE_ROW);
        tile_load(3, s->sum[1][1], TILE_ROW);
    } else {
        tile_zero(0);
        tile_zero(1);
        tile_zero(2);
        tile_zero(3);
    }
    for (int i = 0; i < s->n; i++) {
        size_t at = (size_t)i * s->x_step, to = (size_t)i * s->dy_step;

        tile_load(4, x0 + at, TILE_ROW);
        tile_load(6, dy0 + to, TILE_ROW);
        tile_dp(0, 4, 6);
        tile_load(7, dy1 + to, TILE_ROW);
        tile_dp(1, 4, 7);
        tile_load(5, x1 + at, TILE_ROW);
        tile_dp(2, 5, 6);
        tile_dp(3, 5, 7);
    }
    tile_store(0, s->sum[0][0], TILE_ROW);
    tile_store(1, s->sum[0][1], TILE_ROW);
    tile_store(2, s->sum[1][0], TILE_ROW);
    tile_store(3, s->sum[1][1], TILE_ROW);
}

/* Tiles row, row + 1 and column, column + 1 of [rows][columns][k]; what is
 * beyond is the last once more, for nobody. */
static void add_moments(const struct hand *h, int m, int row, int column)
{
    const struct work *t = h->t;
    int rows = signs(m) * tiles_of(t->g.in.used[m]);
    int columns = tiles_of(t->g.out.used[m]);
    struct strip s = {.x_step = x_step(t, m),
                      .dy_step = dy_step(h, m),
                      .n = h->groups * signs(m),
                      .is_more = h->first > h->lot->group};

    for (int i = 0; i < 2; i++) {
        int r = row + i < rows ? row + i : row;
        int q = column + i < columns * h->k ? column + i : column;

        s.x[i] = h->x[m] + (size_t)r * TILE;
        s.dy[i] = h->dy[m] + (size_t)q * TILE;
    }
    for (int i = 0; i < 4; i++) {
        int r = row + i / 2, q = column + i % 2;
        int tile = t->g.before[m] + r * columns + q / h->k;

        s.sum[i / 2][i % 2] =
            r < rows && q < columns * h->k
                ? moments_of(t, h->lot->term + q % h->k) + (size_t)tile * TILE
                : h->spare;
    }
    add_strip(&s);
}

static void add_groups(const struct hand *h)
{
    for (int m = 0; m < FIBER_DEGREES; m++) {
        int rows = signs(m) * tiles_of(h->t->g.in.used[m]);
        int columns = tiles_of(h->t->g.out.used[m]) * h->k;

        for (int r = 0; r < rows; r += 2)
            for (int q = 0; q < columns; q += 2)
                add_moments(h, m, r, q);
    }
}

static struct hand hand_of(const struct work *t, const struct lot *lot,
                           char *slot)
{
    struct hand h = {.t = t,
                     .lot = lot,
                     .k = t->p.run[lot->run].k,
                     .first = lot->group,
                     .spare = slot};
    char *at = slot + TILE;

    h.most = (int)((t->at.slot - 4 * TILE) / near_bytes(&t->g, h.k));
    if (h.most > LOT)
        h.most = LOT;
    memset(slot, 0, TILE);
    for (int m = 0; m < FIBER_DEGREES; m++) {
        h.x[m] = at;
        h.dy[m] = at + (size_t)h.most * x_bytes(&t->g, m);
        at = h.dy[m] + (size_t)(h.most * h.k) * dy_bytes(&t->g, m);
    }
    return h;
}

static void lot_moments(struct hand *h, const struct tensor x[],
                        const struct tensor e[], const struct tensor dy[])
{
    int last = h->lot->group + h->lot->groups;

    for (; h->first < last; h->first += h->groups) {
        h->groups = last - h->first < h->most ? last - h->first : h->most;
        for (int i = 0; i < h->groups; i++)
            gather_group(h, i, x, e, dy);
        add_groups(h);
    }
}

static void all_moments(const struct work *t, const struct tensor x[],
                        const struct tensor e[], const struct tensor dy[])
{
    int workers = workers_of(t->c->graph->bonds);

    if (workers > MOST_WORKERS / 2)
        workers = MOST_WORKERS / 2;
#pragma omp parallel num_threads(team_of(workers))
    {
        char *slot =
            t->base + t->at.slots + (size_t)omp_get_thread_num() * t->at.slot;

        tiles_begin();
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < t->lots; i++) {
            struct hand h = hand_of(t, &t->lot[i], slot);

            lot_moments(&h, x, e, dy);
        }
        tiles_end();
    }
}

/* --- both ---------------------------------------------------------------- */

static struct work work_of(const struct conv *c, const struct parts *o)
{
    struct work t = {.c = c,
                     .o = o,
                     .p = points_at(c),
                     .g = grid_of(o),
                     .at = places_of(&c->shape, o, c->graph->bonds),
                     .base = c->work};

    t.lot = (struct lot *)t.base;
    for (int n = 0; n < t.p.count[0]; n++) {
        const struct run *r = &t.p.run[n];
        int groups = groups_of(r->bonds);

        for (int i = 0; i < groups; i += LOT) {
            int rest = groups - i;

            t.lot[t.lots++] = (struct lot){.run = n,
                                           .group = r->group + i,
                                           .groups = rest < LOT ? rest : LOT,
                                           .term = t.terms};
            t.terms += r->k;
        }
    }
    return t;
}

static void conv_bwd_w(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[])
{
    const struct points p = points_at(c);
    const struct parts o = parts_of(&c->shape);
    struct kernels lower;
    struct work t;
    struct pass pass = {.c = c, .o = &o, .p = p};

    if (is_plain(&p)) {
        k_conv_w_avx512_bf16(&lower);
        lower.conv.conv_bwd_w(c, x, e, dy);
        return;
    }
    t = work_of(c, &o);
    pass.dw = (float *)(t.base + t.at.dw);
    for (int i = 0; i < c->shape.trunks; i++)
        round_terms(&t, i);
    all_moments(&t, x, e, dy);
    for (int i = 0; i < c->shape.trunks; i++)
        trunk_fields(&t, i, &pass);
    unfold_all(&pass);
}

void ENTER(k_conv_tiles_w)(struct kernels *k)
{
    k->conv.conv_bwd_w = conv_bwd_w;
}
