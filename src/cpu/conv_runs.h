/* SPDX-License-Identifier: MIT */
/* conv_runs.h - the convolution and its gradient for x over runs of bonds, but
 * for the arithmetic, which a method brings: single precision in
 * k_conv_runs.c, pairs of bf16 in k_conv_bf16.c. Matrices of the runs, what a
 * tile's jobs are, and the way of features into tiles and back. A worker takes
 * a tile at a time.
 */
#ifndef CONV_RUNS_H
#define CONV_RUNS_H

#include "cpu/conv_parts.h"

/* How the weights of a trunk are had for the bonds of a tile. */
struct source {
    const float *w;    /* [block][words][SLOTS] */
    const float *coef; /* t of the tile's lanes; plain: h, [32][GROUP] */
    int k, words;
};

/* Channels summed over: all with the same source of weights. */
struct span {
    const float *w, *x;
    int n;
    size_t jump; /* backward: from a block's last slots to the next block */
};

struct job {
    const float *coef;
    float *y;
    int is_first; /* overwrites y */
    int spans;
    struct span span[FIBER_DEGREES];
};

/* Sums of some output channels. */
typedef void contract(const struct job *job);

/* W' p of a run's k terms for some blocks: [block][words][SLOTS]. */
typedef void matrices(const struct open_units *open, const float *p,
                      const float *w, int blocks, float *out);

/* How the matrices are made and tiles are read; those that are written are
 * plain floats. */
struct method {
    matrices *const *matrices;         /* [k] */
    contract *const (*contract)[2][2]; /* [k][is_back][m > 0] */
    tile_move *gather;
    int packed; /* numbers in a word: places in tiles come before by that */
};

/* Words of a weight's k terms, of which the first is a plain float. */
INLINE int words_of(int k, int packed)
{
    return 1 + (k - 1 + packed - 1) / packed;
}

/* Adds SUMS sums, enlarged, to channels of y. */
INLINE void put_sums(const int m, float enlarged, const struct job *job,
                     const lanes *sum)
{
    enum { N0 = SUMS / 2, N = SUMS / 4 };
    float *y = job->y;

#pragma GCC unroll 16
    for (int i = 0; i < SUMS; i++) {
        lanes v = enlarged * sum[m ? i % 4 * N + i / 4 : i % 2 * N0 + i / 2];

        store(y + i * LANES, job->is_first ? v : load(y + i * LANES) + v);
    }
}

/* --- weights ------------------------------------------------------------- */

typedef float eight __attribute__((vector_size(SLOTS * sizeof(float)),
                                   aligned(sizeof(float)), may_alias));

/* Units that one vector of packed has, all SLOTS of each. */
enum { AT_ONCE = LANES / SLOTS, VECTORS = UNITS / AT_ONCE };

/* Adds the parts of a vector. */
INLINE eight parts_sum(lanes v)
{
    float x[LANES];
    eight sum;

    store(x, v);
    sum = *(const eight *)x;
    if (AT_ONCE > 1)
        sum += *(const eight *)(x + LANES - SLOTS);
    return sum;
}

enum {
    TOGETHER = LANES == 16 ? 4 : 2 /* blocks whose sums are in registers */
};

/* A run's open units, as many at once as a vector of packed has. */
struct terms {
    int vectors;
    int at[UNITS];           /* [vectors][AT_ONCE]: a unit's place in a block */
    lanes p[VECTORS][TERMS]; /* each unit's in all SLOTS; 0 fills up */
};

/* Of k polynomials p [k][32]. */
INLINE void terms_of(const struct open_units *open, const float *p, const int k,
                     struct terms *o)
{
    o->vectors = (open->n + AT_ONCE - 1) / AT_ONCE;
    for (int i = 0; i < o->vectors; i++) {
        int first = i * AT_ONCE, last = first + AT_ONCE - 1;
        int is_there = last < open->n;
        int a = open->unit[first], b = open->unit[is_there ? last : first];

        o->at[first] = a * SLOTS;
        o->at[last] = b * SLOTS;
#pragma GCC unroll 6
        for (int j = 0; j < k; j++)
            o->p[i][j] =
                splat_parts(p[j * UNITS + a], is_there ? p[j * UNITS + b] : 0);
    }
}

/* W' p of TOGETHER blocks; behind the last term 0. */
INLINE void block_matrices(const struct terms *o, const float *w, const int k,
                           eight out[TOGETHER][TERMS + 1])
{
    lanes sum[TOGETHER][TERMS] = {{{0}}};

    for (int i = 0; i < o->vectors; i++)
#pragma GCC unroll 4
        for (int b = 0; b < TOGETHER; b++) {
            const float *from = w + b * UNITS * SLOTS;
            lanes x = load_parts(from + o->at[i * AT_ONCE],
                                 from + o->at[i * AT_ONCE + AT_ONCE - 1]);

#pragma GCC unroll 6
            for (int j = 0; j < k; j++)
                sum[b][j] += x * o->p[i][j];
        }
#pragma GCC unroll 4
    for (int b = 0; b < TOGETHER; b++) {
#pragma GCC unroll 6
        for (int j = 0; j < k; j++)
            out[b][j] = parts_sum(sum[b][j]);
        out[b][k] = (eight){0};
    }
}

/* Runs whose matrices are to be made of trunk t's polynomials p. */
struct making {
    int t, runs;
    const struct run *run;
    const float *p;
    const struct open_units *open; /* [runs]; NULL: to be found */
};

/* Some blocks of W' stay in L1 while every run uses them. */
static inline void trunk_matrices(const struct method *how,
                                  const struct conv *c, const struct parts *o,
                                  const struct making *make, float *out)
{
    enum { BLOCKS = 24 };
    int blocks = (int)trunk_blocks(o, make->t);
    const float *packed =
        (const float *)c->packed + o->before[make->t] * SLOTS * UNITS;

    if (make->runs == 0)
        return;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < blocks; i += BLOCKS) {
        const float *w = packed + i * SLOTS * UNITS;
        int some = blocks - i < BLOCKS ? blocks - i : BLOCKS;

        for (int n = 0; n < make->runs; n++) {
            const struct run *r = &make->run[n];
            size_t point = (size_t)r->point;
            const float *p = make->p + point * UNITS;
            struct open_units open;

            if (!make->open)
                open_of(p, r->k, &open);
            how->matrices[r->k](make->open ? make->open + n : &open, p, w, some,
                                out + point * (size_t)blocks * SLOTS +
                                    (size_t)(i * words_of(r->k, how->packed)) *
                                        SLOTS);
        }
    }
}

/* Those that the table lacks. */
static inline void more_of_table(const struct method *how, const struct conv *c,
                                 const struct parts *o)
{
    struct table *table = table_of(c);
    float *w = table_w(c);

    for (int t = 0; t < c->shape.trunks; t++) {
        const struct making make = {.t = t,
                                    .runs = table->runs - table->made,
                                    .run = table->run + table->made,
                                    .p = table_p(c, t)};

        trunk_matrices(how, c, o, &make, w);
        w += table_numbers(o, t, c->graph->bonds);
    }
    table->made = table->runs;
}

/* Returns the work behind the matrices. */
static inline float *all_matrices(const struct method *how,
                                  const struct conv *c, const struct parts *o)
{
    const struct points p = points_at(c);
    float *work = c->work;

    if (is_tabled(&p))
        more_of_table(how, c, o);
    for (int t = 0; t < c->shape.trunks; t++) {
        const struct making make = {.t = t,
                                    .runs = p.count[0],
                                    .run = p.run,
                                    .p = trunk_p(c, &p, t),
                                    .open = trunk_open(c, &p, t)};

        if (!is_plain(&p) && !is_tabled(&p))
            trunk_matrices(how, c, o, &make, work);
        work += matrix_numbers(o, t, c->graph->bonds);
    }
    return work;
}

static inline struct source source_of(const struct method *how,
                                      const struct conv *c,
                                      const struct parts *o, int t, int tile)
{
    const struct points p = points_at(c);
    int g = tile / TILES, lane = tile % TILES * LANES;
    const struct run *r = &p.run[p.group[g].run];
    const float *w = c->work;

    if (is_plain(&p))
        return (struct source){
            .w = (const float *)c->packed + o->before[t] * SLOTS * UNITS,
            .coef = trunk_p(c, &p, t) + g * UNITS * GROUP + lane,
            .k = UNITS,
            .words = UNITS};
    if (is_tabled(&p))
        w = table_w(c);
    for (int i = 0; i < t; i++)
        w += is_tabled(&p) ? table_numbers(o, i, c->graph->bonds)
                           : matrix_numbers(o, i, c->graph->bonds);
    return (struct source){.w = w +
                                (size_t)r->point * trunk_blocks(o, t) * SLOTS,
                           .coef = &p.t[g][lane],
                           .k = r->k,
                           .words = words_of(r->k, how->packed)};
}

/* --- one tile ------------------------------------------------------------ */

/* What a worker works on. */
struct task {
    const struct conv *c;
    const struct parts *o;
    const struct method *method;
    struct source source[CONV_PATHS]; /* of each trunk */
    struct tile_edges edges;
    float *x, *y; /* tiles in and out: backward y is dy, and x is dx */
    float *spare; /* room for a second tile in */
    int is_back;
};

/* Channels `to`.. of degree lt and order m, from those of degree lf. */
static inline struct span span_of(const struct task *t, int p, int m, int to)
{
    const struct conv_path *path = &t->c->shape.path[p];
    const struct source *s = &t->source[path->trunk];
    size_t wide = SLOTS * (size_t)s->words;
    size_t cis = (size_t)padded(t->o->in.channels[path->li]);

    if (t->is_back)
        return (struct span){
            .w = s->w +
                 (block_of(t->o, &t->c->shape, p, m, 0) + (size_t)to) * wide,
            .x = t->y + t->o->out.at[m][path->lo] / t->method->packed,
            .n = t->o->out.channels[path->lo],
            .jump = cis * wide - SLOTS};
    return (struct span){
        .w = s->w + block_of(t->o, &t->c->shape, p, m, to) * wide +
             to % block_channels(m) * (m ? 2 : 1),
        .x = t->x + t->o->in.at[m][path->li] / t->method->packed,
        .n = t->o->in.channels[path->li]};
}

/* Some channels of degree l and order m of the tile out: one job for every
 * stretch of paths with the same weights. */
static inline void tile_sums(const struct task *t, int l, int m, int to)
{
    const struct parts *o = t->o;
    struct job job = {.is_first = 1};
    int trunk = -1;

    job.y = t->is_back ? tile_at(&o->in, t->x, l, m, to, 0)
                       : tile_at(&o->out, t->y, l, m, to, 0);
    for (int i = m; i <= FIBER_DEGREES; i++) {
        int p = i == FIBER_DEGREES ? -1
                : t->is_back       ? o->path[i][l]
                                   : o->path[l][i];

        if (p < 0 && i < FIBER_DEGREES)
            continue;
        if (i == FIBER_DEGREES || t->c->shape.path[p].trunk != trunk) {
            const struct source *s = &t->source[trunk < 0 ? 0 : trunk];

            if (job.spans > 0 || (i == FIBER_DEGREES && job.is_first)) {
                job.coef = s->coef;
                t->method->contract[s->k][t->is_back][m > 0](&job);
                job.is_first = 0;
            }
            job.spans = 0;
        }
        if (p < 0)
            break;
        trunk = t->c->shape.path[p].trunk;
        job.span[job.spans++] = span_of(t, p, m, to);
    }
}

static inline void tile_contract(const struct task *t)
{
    const struct layout *to = t->is_back ? &t->o->in : &t->o->out;

    for (int m = 0; m < FIBER_DEGREES; m++)
        for (int l = m; l < FIBER_DEGREES; l++)
            for (int c = 0; c < to->channels[l]; c += m ? SUMS / 4 : SUMS / 2)
                tile_sums(t, l, m, c);
}

static inline struct task task_of(const struct conv *c, const struct parts *o,
                                  const struct method *method, int tile,
                                  float *slot)
{
    const struct points p = points_at(c);
    struct task t = {
        .c = c, .o = o, .method = method, .x = slot, .y = slot + o->in.size};

    t.spare = t.y + o->out.size;
    t.edges = tile_of(c->graph, &p, tile);
    for (int i = 0; i < c->shape.trunks; i++)
        t.source[i] = source_of(method, c, o, i, tile);
    return t;
}

#include "cpu/conv_few.h"

static inline void scatter_outputs(const struct task *t, struct tensor y[])
{
    struct patch p = {.layout = &t->o->out, .edges = &t->edges, .tile = t->y};

    for (int l = 0; l < FIBER_DEGREES; l++)
        if (t->o->out.channels[l] > 0)
            tile_scatter(p, &y[l]);
}

static inline void runs_fwd(const struct method *how, struct conv *c,
                            const struct tensor x[], const struct tensor e[],
                            struct tensor y[])
{
    const struct parts o = parts_of(&c->shape);
    int tiles = points_at(c).count[1] * TILES;
    int team = team_of(workers_of(c->graph->bonds));
    int shares = few_shares(tiles, team);
    float *slots = all_matrices(how, c, &o);

#pragma omp parallel num_threads(team)
    {
        float *slot = slots + (size_t)omp_get_thread_num() * slot_numbers(&o);

#pragma omp for schedule(dynamic, shares > 1 ? 1 : 2)
        for (int i = 0; i < tiles * shares; i++) {
            struct gathering g;
            struct task t = task_of(c, &o, how, i / shares, slot);

            if (is_few(&t)) {
                few_fwd(&t, x, e, &(struct share){i % shares, shares}, y);
                continue;
            }
            if (t.edges.bonds <= 0 || i % shares > 0)
                continue;
            g = (struct gathering){c, &o, &t.edges, how->gather};
            gather_inputs(&g, x, e, t.x);
            tile_contract(&t);
            scatter_outputs(&t, y);
        }
    }
}

/* --- backward, x --------------------------------------------------------- */

/* Minus dx . L x of the tile's edges; x: their inputs. */
static inline void tile_torque(const struct task *t, float *x)
{
    static const float about_x[3] = {1, -1, -1}; /* degree 1 of turned */
    const struct layout *in = &t->o->in;
    struct geometry *geo = t->c->geo;
    float sum[3][2][LANES] = {{{0}}};

    for (int l = 1; l < FIBER_DEGREES; l++)
        for (int i = 0; in->channels[l] && i < 3 * (2 * l + 1) * (2 * l + 1);
             i++) {
            int w = 2 * l + 1, axis = i / (w * w);
            int to = i / w % w - l, from = i % w - l;
            float g = ((float *)geo->generator[l].data)[i];

            for (int q = 0; g != 0 && q < 2 * in->channels[l]; q++) {
                int c = q / 2, dir = q % 2;

                store(sum[axis][dir],
                      load(sum[axis][dir]) +
                          g * load(tile_at(in, t->x, l, to, c, dir)) *
                              load(tile_at(in, x, l, from, c, dir)));
            }
        }
    for (int q = 0; q < 2 * LANES; q++) {
        int dir = q / LANES, lane = q % LANES;
        float torque[3];

        if (t->edges.edge[dir][lane] < 0)
            continue;
        for (int i = 0; i < 3; i++)
            torque[i] = sum[i][dir][lane] * (dir ? -about_x[i] : -1);
        torque_add(geo, t->edges.bond + lane, torque);
    }
}

static inline void scatter_inputs(const struct task *t,
                                  const struct tensor rows[])
{
    struct patch p = {.layout = &t->o->in,
                      .edges = &t->edges,
                      .tile = t->x,
                      .geo = t->c->geo};

    for (int l = 0; l < FIBER_DEGREES; l++)
        if (t->o->in.channels[l] > 0)
            tile_scatter(p, &rows[l]);
}

/* Adds an edge's channels skip.. to row n. */
static inline void add_row(const struct tensor *from, int edge, int skip,
                           struct tensor *to, int n)
{
    for (int m = 0; m < 2 * to->l + 1; m++) {
        const float *restrict f = (float *)row(from, edge, m) + skip;
        float *restrict d = row(to, n, m);

        for (int i = 0; i < to->c; i++)
            d[i] += f[i];
    }
}

static inline void nodes_add(const struct conv *c, const struct tensor rows[],
                             struct tensor dx[])
{
    const struct csr *out = &c->graph->out;
    int nodes = used_nodes(out);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int l = 0; l < c->shape.node.degrees; l++)
            for (int i = out->begin[n];
                 c->shape.node.channels[l] > 0 && i < out->begin[n + 1]; i++)
                add_row(&rows[l], entry(out, i), 0, &dx[l], n);
}

static inline void edges_add(const struct conv *c, const struct tensor rows[],
                             struct tensor de[])
{
    int edges = used_edges(c->graph);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < edges; i++)
        for (int l = 0; l < c->shape.edge.degrees; l++)
            if (c->shape.edge.channels[l] > 0 && de[l].data)
                add_row(&rows[l], i, fiber_at(&c->shape.node, l), &de[l], i);
}

static inline void take_rows(const struct conv *c, const struct parts *o,
                             float *work, struct tensor rows[])
{
    for (int l = 0; l < FIBER_DEGREES; l++) {
        rows[l] = edge_rows(o, l, c->graph->edges);
        rows[l].data = work;
        work += tensor_bytes(&rows[l], 1);
    }
}

/* The tile's dx into rows of its edges. */
static inline void tile_bwd_x(struct task *t, const struct tensor x[],
                              const struct tensor e[], const struct tensor dy[],
                              const struct tensor rows[])
{
    struct gathering g = {t->c, t->o, &t->edges, t->method->gather};

    t->is_back = 1;
    gather_outputs(&g, dy, t->y);
    tile_contract(t);
    scatter_inputs(t, rows);
    if (!t->c->geo->torque.data)
        return;
    g.move = tile_gather;
    gather_inputs(&g, x, e, t->spare);
    tile_torque(t, t->spare);
}

/* Into rows of all edges. */
static inline void runs_bwd_x(const struct method *how, struct conv *c,
                              const struct tensor x[], const struct tensor e[],
                              const struct tensor dy[],
                              struct tensor rows[FIBER_DEGREES])
{
    const struct parts o = parts_of(&c->shape);
    int tiles = points_at(c).count[1] * TILES;
    int workers = workers_of(c->graph->bonds);
    float *slots = all_matrices(how, c, &o);

    take_rows(c, &o, slots + (size_t)workers * slot_numbers(&o), rows);
#pragma omp parallel num_threads(team_of(workers))
    {
        float *slot = slots + (size_t)omp_get_thread_num() * slot_numbers(&o);

#pragma omp for schedule(dynamic, 2)
        for (int i = 0; i < tiles; i++) {
            struct task t = task_of(c, &o, how, i, slot);

            if (t.edges.bonds <= 0)
                continue;
            tile_bwd_x(&t, x, e, dy, rows);
        }
    }
}

static inline void rows_add(const struct conv *c, const struct tensor rows[],
                            struct tensor dx[], struct tensor de[])
{
    if (dx)
        nodes_add(c, rows, dx);
    if (de)
        edges_add(c, rows, de);
}

#endif
