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
#include "cpu/conv_runs.h"

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
    if (shape->is_final && choice < pieces_bytes(shape->trunks))
        choice = pieces_bytes(shape->trunks);
    return (struct conv_bytes){
        .packed = o.before[shape->trunks] * SLOTS * UNITS * sizeof(float),
        .table = shape->is_final ? table_bytes(&o, shape->trunks, bonds) : 0,
        .plan = points_bytes(shape->trunks, bonds),
        .work = work > choice ? work : choice,
    };
}

/* --- weights ------------------------------------------------------------- */

enum { ROWS = 2 * FIBER_DEGREES - 1 /* of a path and (co, ci) at most */ };

/* Rows of fold W3 of a path and (co, ci): [i][32], SLOTS rows apart. */
static void fold_rows(const struct conv *c, int p, int pair, float *out)
{
    const struct conv_path *path = &c->shape.path[p];
    int n = c->fold[p].n;

    for (int i = 0; i < n; i++) {
        const float *fold = row(&c->fold[p], i, 0);
        lanes sum[UNITS / LANES] = {{0}};

        for (int f = 0; f < n; f++) {
            const float *w = row(&c->radial[path->trunk].w3,
                                 pair * path->rows + path->first + f, 0);

#pragma GCC unroll 4
            for (int q = 0; q < UNITS / LANES; q++)
                sum[q] += fold[f] * load(w + q * LANES);
        }
#pragma GCC unroll 4
        for (int q = 0; q < UNITS / LANES; q++)
            store(out + i * SLOTS * UNITS + q * LANES, sum[q]);
    }
}

/* Turns a block: slots [SLOTS][32] to [32][SLOTS]. */
static void turn_block(const float *const slot[SLOTS], float *out)
{
    for (int q = 0; q < UNITS / LANES; q += AT_ONCE) {
        lanes v[LANES];

        for (int i = 0; i < LANES; i++)
            v[i] = load(slot[i % SLOTS] + (q + i / SLOTS) * LANES);
        transpose(v);
        for (int i = 0; i < LANES; i++)
            for (int h = 0; h < AT_ONCE; h++)
                *(eight *)(out + ((q + h) * LANES + i) * SLOTS) =
                    *(const eight *)((const float *)&v[i] + h * SLOTS);
    }
}

/* Blocks of PAD output channels from co on and one input channel; what is not
 * there is zero. */
static void pack_blocks(const struct conv *c, const struct parts *o, int p,
                        int co, int ci)
{
    const struct conv_path *path = &c->shape.path[p];
    int cis = o->in.channels[path->li], cos = o->out.channels[path->lo];
    float *packed = (float *)c->packed + o->before[path->trunk] * SLOTS * UNITS;
    float rows[ROWS][SLOTS][UNITS];

    if (ci >= cis || co + PAD > cos)
        memset(rows, 0, sizeof rows);
    for (int s = 0; s < SLOTS && ci < cis; s++)
        if (co + s < cos)
            fold_rows(c, p, (co + s) * cis + ci, rows[0][s]);
    for (int m = 0; m < path_orders(path); m++)
        for (int from = 0; from < SLOTS; from += block_channels(m)) {
            const float *slot[SLOTS];

            for (int s = 0; s < SLOTS; s++)
                slot[s] = m ? rows[2 * m - 1 + s % 2][from + s / 2]
                            : rows[0][from + s];
            turn_block(slot, packed + (block_of(o, &c->shape, p, m, co + from) +
                                       (size_t)ci) *
                                          SLOTS * UNITS);
        }
}

/* Places of a trunk: PAD output channels and one input channel, of all its
 * paths, which lie side by side in W3. A path may have fewer. */
struct places {
    int cis, n;
};

static struct places places_of(const struct parts *o,
                               const struct conv_shape *s, int t)
{
    int cis = 0, cos = 0;

    for (int p = 0; p < s->paths; p++)
        if (s->path[p].trunk == t) {
            int in = padded(o->in.channels[s->path[p].li]);
            int out = padded(o->out.channels[s->path[p].lo]);

            cis = in > cis ? in : cis;
            cos = out > cos ? out : cos;
        }
    return (struct places){cis, cos / PAD * cis};
}

/* Whether a path of trunk t has output channel co and input channel ci, maybe
 * as padding. */
static int path_has(const struct parts *o, const struct conv_path *path, int t,
                    int co, int ci)
{
    return path->trunk == t && co < padded(o->out.channels[path->lo]) &&
           ci < padded(o->in.channels[path->li]);
}

static void conv_prepare(struct conv *c)
{
    const struct parts o = parts_of(&c->shape);

    table_empty(c);
    for (int t = 0; t < c->shape.trunks; t++) {
        struct places at = places_of(&o, &c->shape, t);

#pragma omp parallel for schedule(static)
        for (int i = 0; i < at.n; i++) {
            int co = i / at.cis * PAD, ci = i % at.cis;

            for (int p = 0; p < c->shape.paths; p++)
                if (path_has(&o, &c->shape.path[p], t, co, ci))
                    pack_blocks(c, &o, p, co, ci);
        }
    }
}

/* W' p of a run, some blocks: a multiple of PAD, so of TOGETHER. */
INLINE void make_matrices(const struct open_units *open, const float *p,
                          const float *w, int blocks, float *out, const int k)
{
    struct terms terms;

    terms_of(open, p, k, &terms);
    for (int i = 0; i < blocks; i += TOGETHER) {
        eight sum[TOGETHER][TERMS + 1];

        block_matrices(&terms, w + i * SLOTS * UNITS, k, sum);
#pragma GCC unroll 4
        for (int b = 0; b < TOGETHER; b++)
#pragma GCC unroll 6
            for (int j = 0; j < k; j++, out += SLOTS)
                *(eight *)out = sum[b][j];
    }
}

#define MATRICES(k)                                                            \
    static void matrices_##k(const struct open_units *open, const float *p,    \
                             const float *w, int blocks, float *out)           \
    {                                                                          \
        make_matrices(open, p, w, blocks, out, k);                             \
    }
MATRICES(1)
MATRICES(2)
MATRICES(3)
MATRICES(4)
MATRICES(5)
MATRICES(6)
static matrices *const matrices_of[TERMS + 1] = {
    NULL,       matrices_1, matrices_2, matrices_3,
    matrices_4, matrices_5, matrices_6};

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

INLINE void contract_job(const struct kind t, const struct job *job)
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
    put_sums(t.m, 1, job, sum);
}

#define COPY(name, m, is_back, k)                                              \
    static void name##_##k(const struct job *job)                              \
    {                                                                          \
        contract_job((struct kind){m, is_back, k}, job);                       \
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
static contract *const contract_of[UNITS + 1][2][2] = {
    CONTRACT_ROW(1), CONTRACT_ROW(2), CONTRACT_ROW(3), CONTRACT_ROW(4),
    CONTRACT_ROW(5), CONTRACT_ROW(6), CONTRACT_ROW(32)};

static const struct method single = {.matrices = matrices_of,
                                     .contract = contract_of,
                                     .gather = tile_gather,
                                     .packed = 1};

static void conv_fwd(struct conv *c, const struct tensor x[],
                     const struct tensor e[], struct tensor y[])
{
    runs_fwd(&single, c, x, e, y);
}

static void conv_bwd_x(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       struct tensor dx[], struct tensor de[])
{
    struct tensor rows[FIBER_DEGREES];

    runs_bwd_x(&single, c, x, e, dy, rows);
    rows_add(c, rows, dx, de);
}

void ENTER(k_conv_runs)(struct kernels *k)
{
    k->conv.conv_size = conv_size;
    k->conv.conv_prepare = conv_prepare;
    k->conv.conv_fwd = conv_fwd;
    k->conv.conv_bwd_x = conv_bwd_x;
}
