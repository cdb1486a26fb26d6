/* SPDX-License-Identifier: MIT */
/* k_conv_runs.c - the convolution and its gradient for x, in single precision,
 * where runs of bonds share k matrices of radial weights (conv_points.h).
 *
 * Lanes are LANES bonds; each radial weight is formed in a register,
 *
 *     R_e = w_0 + t_e (w_1 + t_e (w_2 + ..)),    w_j = W' p_j,
 *
 * from broadcast w, and used at once for both edges of the bond. Accumulators:
 * 2 SUMS' worth of output channels x edges x (+m, -m). A worker takes a tile at
 * a time: x of one order stays in L1, the run's matrices (180 KB each for 32
 * channels and 4 degrees) stream from L2. So what bounds it are fused
 * multiply-adds: per bond and (co, ci), 2 or 8 for the sums and k - 1 for each
 * weight, some 4600 + 1400 (k - 1) an edge and layer, by 16 lanes.
 *
 * Plain runs take h and W' themselves, 32 terms. The gradient for x is the same
 * with the roles of x and y exchanged and b negated; it goes through a row for
 * each edge, which the source node adds up.
 */
#include "cpu/conv_parts.h"

/* How the weights of a trunk are had for the bonds of a tile. */
struct source {
    const float *w;    /* [block][k][SLOTS] */
    const float *coef; /* t of the tile's lanes; plain: h, [32][GROUP] */
    int k;
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

static struct conv_bytes conv_size(const struct conv_shape *shape, int bonds,
                                   int edges)
{
    const struct parts o = parts_of(shape);
    size_t choice = choice_bytes(shape->trunks, bonds);
    size_t fwd = (size_t)workers_of(bonds) * slot_numbers(&o), work;

    for (int t = 0; t < shape->trunks; t++)
        fwd += matrix_numbers(&o, t, bonds);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        struct tensor rows = edge_rows(&o, l, edges);

        fwd += tensor_bytes(&rows, 1);
    }
    work = fwd > bwd_w_numbers(&o, shape, bonds)
               ? fwd
               : bwd_w_numbers(&o, shape, bonds);
    work *= sizeof(float);
    return (struct conv_bytes){
        .packed = o.before[shape->trunks] * SLOTS * UNITS * sizeof(float),
        .plan = points_bytes(shape->trunks, bonds),
        .work = work > choice ? work : choice,
    };
}

/* --- weights ------------------------------------------------------------- */

/* Row i of fold W3 of path p and (co, ci), into a slot of a block. */
static void fold_row(const struct conv *c, int p, int pair, int i, float *slot)
{
    const struct conv_path *path = &c->shape.path[p];
    const float *fold = row(&c->fold[p], i, 0);
    float sum[UNITS] = {0};

    for (int f = 0; f < c->fold[p].n; f++) {
        const float *w = row(&c->radial[path->trunk].w3,
                             pair * path->rows + path->first + f, 0);

        for (int k = 0; k < UNITS; k++)
            sum[k] += fold[f] * w[k];
    }
    for (int k = 0; k < UNITS; k++)
        slot[k * SLOTS] = sum[k];
}

/* All rows of output channel co; padding is zero. */
static void pack_channel(const struct conv *c, const struct parts *o, int p,
                         int co)
{
    const struct conv_path *path = &c->shape.path[p];
    int cis = o->in.channels[path->li];
    float *packed = (float *)c->packed + o->before[path->trunk] * SLOTS * UNITS;

    for (int m = 0; m < path_orders(path); m++)
        for (int ci = 0; ci < padded(cis); ci++) {
            int is_there = co < o->out.channels[path->lo] && ci < cis;
            int slots = m ? 2 : 1;
            float *slot = packed +
                          (block_of(o, &c->shape, p, m, co) + (size_t)ci) *
                              SLOTS * UNITS +
                          co % block_channels(m) * slots;

            for (int i = 0; i < slots; i++)
                if (is_there)
                    fold_row(c, p, co * cis + ci, m ? 2 * m - 1 + i : 0,
                             slot + i);
                else
                    for (int k = 0; k < UNITS; k++)
                        slot[k * SLOTS + i] = 0;
        }
}

static void conv_prepare(struct conv *c)
{
    const struct parts o = parts_of(&c->shape);

    for (int p = 0; p < c->shape.paths; p++) {
        int cos = padded(o.out.channels[c->shape.path[p].lo]);

#pragma omp parallel for schedule(static)
        for (int co = 0; co < cos; co++)
            pack_channel(c, &o, p, co);
    }
}

typedef float eight __attribute__((vector_size(SLOTS * sizeof(float)),
                                   aligned(sizeof(float)), may_alias));

/* Units that one vector of packed has, all SLOTS of each. */
enum { AT_ONCE = LANES / SLOTS, VECTORS = UNITS / AT_ONCE };

/* A polynomial as the vectors of packed want it. */
INLINE void spread(const float *p, const int k, lanes out[][VECTORS])
{
    const lanes_int slot = lane_numbers / SLOTS;

#pragma GCC unroll 6
    for (int j = 0; j < k; j++)
        for (int i = 0; i < VECTORS; i++) {
            int unit = i * AT_ONCE;

            out[j][i] = permute(load(p + j * UNITS + unit / LANES * LANES),
                                slot + unit % LANES);
        }
}

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

/* W' p of a run for blocks from .. to - 1. */
INLINE void make_matrices(const float *p, const float *packed, size_t from,
                          size_t to, float *out, const int k)
{
    lanes wide[TERMS][VECTORS];

    spread(p, k, wide);
    for (size_t i = from; i < to; i++) {
        const float *w = packed + i * SLOTS * UNITS;
        lanes sum[TERMS] = {{0}};

#pragma GCC unroll 4
        for (int h = 0; h < VECTORS; h++) {
            lanes x = load(w + h * LANES);

#pragma GCC unroll 6
            for (int j = 0; j < k; j++)
                sum[j] += x * wide[j][h];
        }
#pragma GCC unroll 6
        for (int j = 0; j < k; j++)
            *(eight *)(out + (i * (size_t)k + (size_t)j) * SLOTS) =
                parts_sum(sum[j]);
    }
}

#define MATRICES(k)                                                            \
    static void matrices_##k(const float *p, const float *packed, size_t from, \
                             size_t to, float *out)                            \
    {                                                                          \
        make_matrices(p, packed, from, to, out, k);                            \
    }
MATRICES(1)
MATRICES(2)
MATRICES(3)
MATRICES(4)
MATRICES(5)
MATRICES(6)
static void (*const matrices_of[TERMS + 1])(const float *, const float *,
                                            size_t, size_t, float *) = {
    NULL,       matrices_1, matrices_2, matrices_3,
    matrices_4, matrices_5, matrices_6};

/* Matrices of all runs of trunk t: some blocks of W' stay in L1 while every
 * run uses them. */
static void trunk_matrices(const struct conv *c, const struct parts *o, int t,
                           float *out)
{
    enum { BLOCKS = 16 };
    const struct points p = points_at(c);
    int blocks = (int)trunk_blocks(o, t);
    const float *packed =
        (const float *)c->packed + o->before[t] * SLOTS * UNITS;

    if (is_plain(&p))
        return;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < blocks; i += BLOCKS) {
        int to = i + BLOCKS < blocks ? i + BLOCKS : blocks;

        for (int n = 0; n < p.count[0]; n++) {
            const struct run *r = &p.run[n];
            size_t point = (size_t)r->point;

            matrices_of[r->k](trunk_p(c, &p, t) + point * UNITS, packed,
                              (size_t)i, (size_t)to,
                              out + point * (size_t)blocks * SLOTS);
        }
    }
}

/* Returns the work behind the matrices. */
static float *all_matrices(const struct conv *c, const struct parts *o)
{
    float *work = c->work;

    for (int t = 0; t < c->shape.trunks; t++) {
        trunk_matrices(c, o, t, work);
        work += matrix_numbers(o, t, c->graph->bonds);
    }
    return work;
}

static struct source source_of(const struct conv *c, const struct parts *o,
                               int t, int tile)
{
    const struct points p = points_at(c);
    int g = tile / TILES, lane = tile % TILES * LANES;
    const struct run *r = &p.run[p.group[g].run];
    const float *w = c->work;

    if (is_plain(&p))
        return (struct source){
            .w = (const float *)c->packed + o->before[t] * SLOTS * UNITS,
            .coef = trunk_p(c, &p, t) + g * UNITS * GROUP + lane,
            .k = UNITS};
    for (int i = 0; i < t; i++)
        w += matrix_numbers(o, i, c->graph->bonds);
    return (struct source){.w = w +
                                (size_t)r->point * trunk_blocks(o, t) * SLOTS,
                           .coef = &p.t[g][lane],
                           .k = r->k};
}

/* --- sums ---------------------------------------------------------------- */

/* The weights of one row. */
INLINE lanes form(const float *w, const lanes t, const int k)
{
    lanes r = splat(w[(k - 1) * SLOTS]);

#pragma GCC unroll 6
    for (int j = k - 2; j >= 0; j--)
        r = r * t + splat(w[j * SLOTS]);
    return r;
}

/* What is constant in a copy of the loops. */
struct kind {
    int m; /* 0, or 1 for all above */
    int is_back;
    int k; /* above TERMS: plain */
};

/* From the weights of one row to the next, of those used together. */
INLINE int row_step(const struct kind t, int i)
{
    if (t.m == 0)
        return t.is_back ? i * SLOTS * t.k : i;
    return t.is_back ? i / 2 * SLOTS * t.k + i % 2 : i;
}

/* The weights of SUMS / 2 rows. */
INLINE void form_rows(const struct kind t, const float *w, const float *coef,
                      const lanes at, lanes *r)
{
    if (t.k <= TERMS) {
#pragma GCC unroll 8
        for (int i = 0; i < SUMS / 2; i++)
            r[i] = form(w + row_step(t, i), at, t.k);
        return;
    }
#pragma GCC unroll 8
    for (int i = 0; i < SUMS / 2; i++)
        r[i] = (lanes){0};
    for (int j = 0; j < UNITS; j++, w += SLOTS, coef += GROUP) {
        lanes h = load(coef);

#pragma GCC unroll 8
        for (int i = 0; i < SUMS / 2; i++)
            r[i] += w[row_step(t, i)] * h;
    }
}

/* Adds one channel x of order 0 to SUMS / 2 channels y, both directions. */
INLINE void mix_0(const lanes *r, const float *x, lanes *sum)
{
    lanes x0 = load(x), x1 = load(x + LANES);

#pragma GCC unroll 8
    for (int i = 0; i < SUMS / 2; i++) {
        sum[i] += r[i] * x0;
        sum[SUMS / 2 + i] += r[i] * x1;
    }
}

/* The same of order m > 0, SUMS / 4 channels; back, b is negated. */
INLINE void mix_m(const struct kind t, const lanes *r, const float *x,
                  lanes *sum)
{
    enum { N = SUMS / 4 };
    lanes p0 = load(x), n0 = load(x + LANES), p1 = load(x + 2 * LANES),
          n1 = load(x + 3 * LANES);

#pragma GCC unroll 4
    for (int i = 0; i < N; i++) {
        lanes a = r[2 * i], b = r[2 * i + 1];

        sum[i] += a * p0;
        sum[N + i] += a * n0;
        sum[2 * N + i] += a * p1;
        sum[3 * N + i] += a * n1;
        if (t.is_back) {
            sum[i] -= b * n0;
            sum[N + i] += b * p0;
            sum[2 * N + i] -= b * n1;
            sum[3 * N + i] += b * p1;
        } else {
            sum[i] += b * n0;
            sum[N + i] -= b * p0;
            sum[2 * N + i] += b * n1;
            sum[3 * N + i] -= b * p1;
        }
    }
}

/* Adds the sums to channels of y. */
INLINE void put_sums(const struct kind t, const struct job *job,
                     const lanes *sum)
{
    enum { N0 = SUMS / 2, N = SUMS / 4 };
    float *y = job->y;

#pragma GCC unroll 16
    for (int i = 0; i < SUMS; i++) {
        lanes v = sum[t.m ? i % 4 * N + i / 4 : i % 2 * N0 + i / 2];

        store(y + i * LANES, job->is_first ? v : load(y + i * LANES) + v);
    }
}

INLINE void contract(const struct kind t, const struct job *job)
{
    const int next = t.is_back ? (t.m ? 2 : 1) : SLOTS * t.k;
    const lanes at = load(job->coef);
    lanes sum[SUMS];

#pragma GCC unroll 16
    for (int i = 0; i < SUMS; i++)
        sum[i] = (lanes){0};
    for (int s = 0; s < job->spans; s++) {
        const float *w = job->span[s].w, *x = job->span[s].x;

        for (int i = 0; i < job->span[s].n; i++) {
            lanes r[SUMS / 2];

            form_rows(t, w, job->coef, at, r);
            if (t.m)
                mix_m(t, r, x, sum);
            else
                mix_0(r, x, sum);
            x += tile_step(t.m);
            w += next;
            if (t.is_back && (i + 1) % block_channels(t.m) == 0)
                w += job->span[s].jump;
        }
    }
    put_sums(t, job, sum);
}

#define COPY(name, m, is_back, k)                                              \
    static void name##_##k(const struct job *job)                              \
    {                                                                          \
        contract((struct kind){m, is_back, k}, job);                           \
    }
#define CONTRACT(k)                                                            \
    COPY(fwd_0, 0, 0, k)                                                       \
    COPY(fwd_m, 1, 0, k)                                                       \
    COPY(bwd_0, 0, 1, k)                                                       \
    COPY(bwd_m, 1, 1, k)
CONTRACT(1)
CONTRACT(2)
CONTRACT(3)
CONTRACT(4)
CONTRACT(5)
CONTRACT(6)
CONTRACT(32)
#define CONTRACT_ROW(k) [k] = {{fwd_0_##k, fwd_m_##k}, {bwd_0_##k, bwd_m_##k}}
static void (*const contract_of[UNITS + 1][2][2])(const struct job *) = {
    CONTRACT_ROW(1), CONTRACT_ROW(2), CONTRACT_ROW(3), CONTRACT_ROW(4),
    CONTRACT_ROW(5), CONTRACT_ROW(6), CONTRACT_ROW(32)};

/* --- one tile ------------------------------------------------------------ */

/* What a worker works on. */
struct task {
    const struct conv *c;
    const struct parts *o;
    struct source source[CONV_PATHS]; /* of each trunk */
    struct tile_edges edges;
    float *x, *y; /* tiles in and out: backward y is dy, and x is dx */
    float *spare; /* room for a second tile in */
    int is_back;
};

/* Channels `to`.. of degree lt and order m, from those of degree lf. */
static struct span span_of(const struct task *t, int p, int m, int to)
{
    const struct conv_path *path = &t->c->shape.path[p];
    const struct source *s = &t->source[path->trunk];
    size_t k = (size_t)s->k, wide = SLOTS * k;
    size_t cis = (size_t)padded(t->o->in.channels[path->li]);

    if (t->is_back)
        return (struct span){
            .w = s->w +
                 (block_of(t->o, &t->c->shape, p, m, 0) + (size_t)to) * wide,
            .x = tile_at(&t->o->out, t->y, path->lo, m, 0, 0),
            .n = t->o->out.channels[path->lo],
            .jump = cis * wide - SLOTS};
    return (struct span){.w = s->w +
                              block_of(t->o, &t->c->shape, p, m, to) * wide +
                              to % block_channels(m) * (m ? 2 : 1),
                         .x = tile_at(&t->o->in, t->x, path->li, m, 0, 0),
                         .n = t->o->in.channels[path->li]};
}

/* Some channels of degree l and order m of the tile out: one job for every
 * stretch of paths with the same weights. */
static void tile_sums(const struct task *t, int l, int m, int to)
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
                contract_of[s->k][t->is_back][m > 0](&job);
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

static void tile_contract(const struct task *t)
{
    const struct layout *to = t->is_back ? &t->o->in : &t->o->out;

    for (int m = 0; m < FIBER_DEGREES; m++)
        for (int l = m; l < FIBER_DEGREES; l++)
            for (int c = 0; c < to->channels[l]; c += m ? SUMS / 4 : SUMS / 2)
                tile_sums(t, l, m, c);
}

static struct task task_of(const struct conv *c, const struct parts *o,
                           int tile, float *slot)
{
    const struct points p = points_at(c);
    struct task t = {.c = c, .o = o, .x = slot, .y = slot + o->in.size};

    t.spare = t.y + o->out.size;
    t.edges = tile_of(c->graph, &p, tile);
    for (int i = 0; i < c->shape.trunks; i++)
        t.source[i] = source_of(c, o, i, tile);
    return t;
}

static void scatter_outputs(const struct task *t, struct tensor y[])
{
    struct patch p = {.layout = &t->o->out, .edges = &t->edges, .tile = t->y};

    for (int l = 0; l < FIBER_DEGREES; l++)
        if (t->o->out.channels[l] > 0)
            tile_scatter(p, &y[l]);
}

static void conv_fwd(struct conv *c, const struct tensor x[],
                     const struct tensor e[], struct tensor y[])
{
    const struct parts o = parts_of(&c->shape);
    int tiles = points_at(c).count[1] * TILES;
    int workers = workers_of(c->graph->bonds);
    float *slots = all_matrices(c, &o);

#pragma omp parallel num_threads(team_of(workers))
    {
        float *slot = slots + (size_t)omp_get_thread_num() * slot_numbers(&o);

#pragma omp for schedule(dynamic, 2)
        for (int i = 0; i < tiles; i++) {
            struct task t = task_of(c, &o, i, slot);

            if (t.edges.bonds <= 0)
                continue;
            gather_inputs(c, &o, &t.edges, x, e, t.x);
            tile_contract(&t);
            scatter_outputs(&t, y);
        }
    }
}

/* --- backward, x --------------------------------------------------------- */

/* Minus dx . L x of the tile's edges; x: their inputs. */
static void tile_torque(const struct task *t, float *x)
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

static void scatter_inputs(const struct task *t, const struct tensor rows[])
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
static void add_row(const struct tensor *from, int edge, int skip,
                    struct tensor *to, int n)
{
    for (int m = 0; m < 2 * to->l + 1; m++) {
        const float *restrict f = (float *)row(from, edge, m) + skip;
        float *restrict d = row(to, n, m);

        for (int i = 0; i < to->c; i++)
            d[i] += f[i];
    }
}

static void nodes_add(const struct conv *c, const struct tensor rows[],
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

static void edges_add(const struct conv *c, const struct tensor rows[],
                      struct tensor de[])
{
    int edges = used_edges(c->graph);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < edges; i++)
        for (int l = 0; l < c->shape.edge.degrees; l++)
            if (c->shape.edge.channels[l] > 0 && de[l].data)
                add_row(&rows[l], i, fiber_at(&c->shape.node, l), &de[l], i);
}

static void take_rows(const struct conv *c, const struct parts *o, float *work,
                      struct tensor rows[])
{
    for (int l = 0; l < FIBER_DEGREES; l++) {
        rows[l] = edge_rows(o, l, c->graph->edges);
        rows[l].data = work;
        work += tensor_bytes(&rows[l], 1);
    }
}

/* The tile's dx into rows of its edges. */
static void tile_bwd_x(struct task *t, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       const struct tensor rows[])
{
    t->is_back = 1;
    gather_outputs(t->o, &t->edges, dy, t->y);
    tile_contract(t);
    scatter_inputs(t, rows);
    if (!t->c->geo->torque.data)
        return;
    gather_inputs(t->c, t->o, &t->edges, x, e, t->spare);
    tile_torque(t, t->spare);
}

static void conv_bwd_x(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       struct tensor dx[], struct tensor de[])
{
    const struct parts o = parts_of(&c->shape);
    int tiles = points_at(c).count[1] * TILES;
    int workers = workers_of(c->graph->bonds);
    float *slots = all_matrices(c, &o);
    struct tensor rows[FIBER_DEGREES];

    take_rows(c, &o, slots + (size_t)workers * slot_numbers(&o), rows);
#pragma omp parallel num_threads(team_of(workers))
    {
        float *slot = slots + (size_t)omp_get_thread_num() * slot_numbers(&o);

#pragma omp for schedule(dynamic, 2)
        for (int i = 0; i < tiles; i++) {
            struct task t = task_of(c, &o, i, slot);

            if (t.edges.bonds <= 0)
                continue;
            tile_bwd_x(&t, x, e, dy, rows);
        }
    }
    if (dx)
        nodes_add(c, rows, dx);
    if (de)
        edges_add(c, rows, de);
}

void ENTER(k_conv_runs)(struct kernels *k)
{
    k->conv.conv_size = conv_size;
    k->conv.conv_prepare = conv_prepare;
    k->conv.conv_fwd = conv_fwd;
    k->conv.conv_bwd_x = conv_bwd_x;
}
