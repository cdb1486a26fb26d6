/* SPDX-License-Identifier: MIT */
/* conv_task.h - a tile of bonds of one run as work for one thread, but for the
 * arithmetic, which a method brings: single precision in k_conv_runs.c, pairs
 * of bf16 in k_conv_bf16.c. Matrices of the runs, and the jobs of a tile.
 */
#ifndef CONV_TASK_H
#define CONV_TASK_H

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

#endif
