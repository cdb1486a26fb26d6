/* SPDX-License-Identifier: MIT */
/* k_conv_tiles.c - the convolution and its gradient for x on a matrix unit with
 * products of bf16; tiles.h, conv_tiles.h.
 *
 * Bonds of a run have R_e = sum_j t_e^j (W' p_j) with the same k matrices, so
 *
 *     y = sum over j of (t^j x) (W' p_j):
 *
 * rows of t^j x stand behind one another as more to sum over, and all k
 * products go into the same sums. Sums for each term instead, joined
 * afterwards, would be as many products; but a group has 44 tiles of x and
 * turns, with what follows, 64 tiles of sums, which are twice as wide and
 * would have to be read again. There are eight registers, too.
 *
 * Where m > 0 a row is [x+ | x- | -x+], that is
 *
 *     y+ = [x+ | x-] [a; b]    y- = [x- | -x+] [a; b]:
 *
 * the same columns, read once for four blocks of rows (two directions, two
 * signs). Backward they are the transposed matrices, and -x- stands for x- on
 * both sides.
 *
 * Matrices of all points are made first, by the matrix unit as well: rows are
 * 16 points, columns the 32 units of 16 rows of W'. They are of some 90 KB a
 * term, stay in L2 while a thread goes through a run, and are what comes from
 * L3. A group's rows stay in L1 or L2: they are gathered, multiplied and put
 * away one group after the other.
 *
 * Where a run is plain, or a torque is wanted, the next lower set does it.
 */
#include "cpu/conv_runs.h"
#include "cpu/conv_tiles_points.h"

/* A worker's. */
struct slot {
    char *rows;  /* [TERMS] */
    float *sums; /* [order][direction][sign][GROUP][to] */
    float *row;  /* [2l+1][wide] */
};

/* A group in the making. */
struct bundle {
    const struct plan *t;
    struct slot slot;
    struct tile_edges edges;
    const struct run *run;
    const float *at; /* t of its bonds */
};

/* --- rows ---------------------------------------------------------------- */

/* Channels of a view, all components, to where they stand in the row. */
INLINE void row_view(const struct bundle *g, struct patch q, int lane,
                     const struct tensor *x, const int l)
{
    for (q.c = 0; q.c < x->c; q.c += LANES) {
        lanes y[COMPONENTS];
        float *to = g->slot.row + q.skip + q.c;

        row_gather(&q, x, lane, l, y);
#pragma GCC unroll 7
        for (int m = 0; m < 2 * l + 1; m++) {
            store(to + (size_t)m * g->t->wide, y[m]);
            store(to + (size_t)m * g->t->wide + LANES, (lanes){0});
        }
    }
}

static void row_view_any(const struct bundle *g, struct patch q, int lane,
                         const struct tensor *x)
{
    BY_DEGREE(x->l, row_view(g, q, lane, x, L));
}

/* 16 numbers times the powers; also their negatives, `minus` bytes behind. */
INLINE void put_terms(const struct bundle *g, const lanes *power, lanes v,
                      char *to, size_t minus)
{
    for (int j = 0; j < g->run->k; j += 2) {
        pairs r = round_rows(v * power[j], v * power[j + 1]);

        for (int i = 0; i < 2 && j + i < g->run->k; i++) {
            char *at = to + (size_t)(j + i) * g->t->term;

            store_half(at, r, i);
            if (minus)
                store_half(at + minus, minus_both(r), i);
        }
    }
}

/* One degree of the row. */
static void put_row(const struct bundle *g, const lanes *power, int dir,
                    int lane, int l)
{
    const struct plan *t = g->t;
    const struct layout *from = t->is_back ? &t->o->out : &t->o->in;
    const float sign = t->is_back ? -1 : 1;

    for (int m = 0; m <= l; m++) {
        const struct order *o = &t->order[m];
        size_t part = (size_t)t->from.n[m] * 2;
        const float *plus = g->slot.row + (size_t)(l + m) * t->wide;
        const float *minus = g->slot.row + (size_t)(l - m) * t->wide;
        char *to = g->slot.rows + o->rows +
                   (size_t)(dir * GROUP + lane) * o->stride +
                   (size_t)t->from.at[m][l] * 2;

        for (int c = 0; c < from->channels[l]; c += LANES, to += ACROSS * 2) {
            put_terms(g, power, load(plus + c), to, m ? 2 * part : 0);
            if (m)
                put_terms(g, power, sign * load(minus + c), to + part, 0);
        }
    }
}

/* An edge's row of every order and term: x and e, or dy. */
static void gather_row(const struct bundle *g, const struct tensor x[],
                       const struct tensor e[], int dir, int lane)
{
    const struct plan *t = g->t;
    const struct conv_shape *s = &t->c->shape;
    lanes power[TERMS + 1] = {splat(1)};

    for (int j = 0; j < TERMS; j++)
        power[j + 1] = power[j] * splat(g->at[lane]);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        struct patch q = {.edges = &g->edges, .dir = dir};
        const struct fiber *own = t->is_back ? &s->out : &s->node;

        if (!t->is_back) {
            q.node = t->c->graph->src;
            q.geo = t->c->geo;
        }
        if (fiber_at(own, l) > 0)
            row_view_any(g, q, lane, &x[l]);
        q.node = NULL;
        q.skip = fiber_at(own, l);
        if (!t->is_back && fiber_at(&s->edge, l) > 0)
            row_view_any(g, q, lane, &e[l]);
        put_row(g, power, dir, lane, l);
    }
}

static void gather_rows(const struct bundle *g, const struct tensor x[],
                        const struct tensor e[])
{
    for (int dir = 0; dir < 2; dir++)
        for (int lane = 0; lane < g->edges.bonds; lane++)
            if (g->edges.edge[dir][lane] >= 0)
                gather_row(g, x, e, dir, lane);
}

/* Padding meets zeros of the matrices and must be a number. */
static void clear_padding(const struct plan *t, const struct slot *slot)
{
    const struct order *o = &t->order[0];
    char *rows = slot->rows + o->rows + (size_t)t->from.used[0] * 2;

    for (int j = 0; j < TERMS && t->from.used[0] < t->from.n[0]; j++)
        for (size_t i = 0; i < 2 * GROUP; i++)
            store_half(rows + (size_t)j * t->term + i * o->stride, (pairs){0},
                       0);
}

/* --- products ------------------------------------------------------------ */

/* Of one order: blocks of rows, columns, and their sums. */
struct product {
    const char *rows, *columns;
    size_t stride, block; /* of a row; from the first to the reverse edges */
    size_t minus;         /* from + to - */
    size_t term, point;
    int k, depth;
    float *sums;
    size_t sum_row, sum_block;
};

/* m = 0: two blocks of rows and 2 ACROSS columns. */
static void multiply_0(const struct product *o, const char *columns,
                       float *sums)
{
    const size_t next = (size_t)o->depth * TILE, row = o->sum_row;

    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    for (int j = 0; j < o->k; j++) {
        const char *x = o->rows + (size_t)j * o->term;
        const char *w = columns + (size_t)j * o->point;

        for (int i = 0; i < o->depth; i++, x += TILE_ROW, w += TILE) {
            tile_load(4, x, o->stride);
            tile_load(6, w, TILE_ROW);
            tile_dp(0, 4, 6);
            tile_load(7, w + next, TILE_ROW);
            tile_dp(1, 4, 7);
            tile_load(5, x + o->block, o->stride);
            tile_dp(2, 5, 6);
            tile_dp(3, 5, 7);
        }
    }
    tile_store(0, sums, row);
    tile_store(1, sums + ACROSS, row);
    tile_store(2, sums + o->sum_block, row);
    tile_store(3, sums + o->sum_block + ACROSS, row);
}

/* m > 0: +, - of two directions, and ACROSS columns. */
static void multiply_m(const struct product *o, const char *columns,
                       float *sums)
{
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    for (int j = 0; j < o->k; j++) {
        const char *x = o->rows + (size_t)j * o->term;
        const char *w = columns + (size_t)j * o->point;

        for (int i = 0; i < o->depth; i++, x += TILE_ROW, w += TILE) {
            tile_load(4, w, TILE_ROW);
            tile_load(5, x, o->stride);
            tile_dp(0, 5, 4);
            tile_load(6, x + o->minus, o->stride);
            tile_dp(1, 6, 4);
            tile_load(7, x + o->block, o->stride);
            tile_dp(2, 7, 4);
            tile_load(5, x + o->block + o->minus, o->stride);
            tile_dp(3, 5, 4);
        }
    }
    tile_store(0, sums, o->sum_row);
    tile_store(1, sums + o->sum_block, o->sum_row);
    tile_store(2, sums + 2 * o->sum_block, o->sum_row);
    tile_store(3, sums + 3 * o->sum_block, o->sum_row);
}

static void multiply_all(const struct bundle *g)
{
    const struct plan *t = g->t;

    for (int m = 0; m < FIBER_DEGREES; m++) {
        const struct order *o = &t->order[m];
        size_t to = (size_t)t->to.n[m];
        struct product p = {.rows = g->slot.rows + o->rows,
                            .columns = t->matrices +
                                       (size_t)g->run->point * t->point +
                                       o->columns,
                            .stride = o->stride,
                            .block = GROUP * o->stride,
                            .minus = (size_t)t->from.n[m] * 2,
                            .term = t->term,
                            .point = t->point,
                            .k = g->run->k,
                            .depth = o->depth,
                            .sums = g->slot.sums + o->sums,
                            .sum_row = to * sizeof(float),
                            .sum_block = GROUP * to};

        for (int n = 0; n < t->to.n[m]; n += m ? ACROSS : 2 * ACROSS)
            (m ? multiply_m : multiply_0)(
                &p, p.columns + (size_t)(n / ACROSS * p.depth) * TILE,
                p.sums + n);
    }
}

/* --- sums to edges ------------------------------------------------------- */

INLINE void scatter_row(const struct bundle *g, const struct tensor *y, int dir,
                        int lane, const int l)
{
    const struct plan *t = g->t;
    int edge = g->edges.edge[dir][lane];

    for (int c = 0; c < y->c; c += LANES) {
        lanes v[COMPONENTS], out[COMPONENTS];

        for (int m = -l; m <= l; m++) {
            int order = m < 0 ? -m : m;
            int block = dir * signs(order) + (m < 0);
            const float *sum =
                g->slot.sums + t->order[order].sums +
                (size_t)((block * GROUP + lane) * t->to.n[order] +
                         t->to.at[order][l] + c);

            v[l + m] = t->is_back && m < 0 ? -load(sum) : load(sum);
        }
        if (t->is_back)
            turn_rows(frame_of(t->c->geo, l, g->edges.bond + lane), l, dir, 1,
                      v, out);
        for (int m = 0; m < 2 * l + 1; m++)
            store_part(row(y, edge, m) + c,
                       t->is_back ? out[m] : v[m] * turned(dir, l, m - l),
                       y->c - c);
    }
}

static void scatter_degree(const struct bundle *g, const struct tensor *y,
                           int dir, int lane)
{
    BY_DEGREE(y->l, scatter_row(g, y, dir, lane, L));
}

static void scatter_sums(const struct bundle *g, const struct tensor y[])
{
    const struct plan *t = g->t;
    const struct layout *to = t->is_back ? &t->o->in : &t->o->out;

    for (int dir = 0; dir < 2; dir++)
        for (int lane = 0; lane < g->edges.bonds; lane++)
            for (int l = 0; l < FIBER_DEGREES; l++)
                if (g->edges.edge[dir][lane] >= 0 && to->channels[l] > 0)
                    scatter_degree(g, &y[l], dir, lane);
}

/* --- passes -------------------------------------------------------------- */

static struct bundle bundle_of(const struct plan *t, int i, char *slot)
{
    const struct group *group = &t->p.group[i];
    struct bundle g = {.t = t,
                       .slot = {.rows = slot},
                       .edges = tile_of(t->c->graph, &t->p, i),
                       .run = &t->p.run[group->run],
                       .at = t->p.t[i]};

    g.slot.sums = (float *)(slot + TERMS * t->term);
    g.slot.row = g.slot.sums + t->sums;
    return g;
}

/* y of all edges, from x and e; or, back, rows of all edges from dy. */
static void all_groups(const struct plan *t, const struct tensor x[],
                       const struct tensor e[], const struct tensor y[])
{
    int groups = t->p.count[1];

    all_points(t);
#pragma omp parallel num_threads(team_of(most_workers(t->c->graph->bonds)))
    {
        char *own = t->slots + (size_t)omp_get_thread_num() * slot_bytes(t);

        clear_padding(t, &(struct slot){.rows = own});
        tiles_begin();
#pragma omp for schedule(dynamic, 2)
        for (int i = 0; i < groups; i++) {
            const struct bundle g = bundle_of(t, i, own);

            gather_rows(&g, x, e);
            multiply_all(&g);
            scatter_sums(&g, y);
        }
        tiles_end();
    }
}

static struct kernels lower(void)
{
    struct kernels k = {0};

    k_conv_runs_avx512_f32(&k);
    k_conv_avx512_bf16(&k);
    return k;
}

static void conv_fwd(struct conv *c, const struct tensor x[],
                     const struct tensor e[], struct tensor y[])
{
    const struct parts o = parts_of(&c->shape);
    struct plan t = plan_of(c, &o, 0);

    take_work(&t, c->work);
    if (is_plain(&t.p))
        lower().conv.conv_fwd(c, x, e, y);
    else
        all_groups(&t, x, e, y);
}

static void conv_bwd_x(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       struct tensor dx[], struct tensor de[])
{
    const struct parts o = parts_of(&c->shape);
    struct plan t = plan_of(c, &o, 1);
    struct tensor rows[FIBER_DEGREES];
    char *rest = take_work(&t, c->work);

    if (is_plain(&t.p) || c->geo->torque.data) {
        lower().conv.conv_bwd_x(c, x, e, dy, dx, de);
        return;
    }
    take_rows(c, &o, (float *)rest, rows);
    all_groups(&t, dy, NULL, rows);
    rows_add(c, rows, dx, de);
}

static size_t bwd_w_bytes(const struct conv_shape *s, int bonds)
{
    const struct parts o = parts_of(s);

    return places_of(s, &o, bonds).end;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct conv_bytes conv_size(const struct conv_shape *shape, int bonds,
                                   int edges)
{
    struct conv_bytes b = lower().conv.conv_size(shape, bonds, edges);

    for (int is_back = 0; is_back < 2; is_back++)
        b.work = larger(b.work, plan_bytes(shape, bonds, edges, is_back));
    b.work = larger(b.work, bwd_w_bytes(shape, bonds));
    b.table = 0; /* it has matrices for vectors */
    return b;
}

void ENTER(k_conv_tiles)(struct kernels *k)
{
    k->conv.conv_size = conv_size;
    k->conv.conv_fwd = conv_fwd;
    k->conv.conv_bwd_x = conv_bwd_x;
}
