/* SPDX-License-Identifier: MIT */
/* k_conv_runs_w.c - the convolution's gradients for its weights and for h,
 * where runs of bonds share k matrices; conv_points.h, k_conv_runs.c.
 *
 * For one (co, ci), summed over both edges of a bond,
 *
 *     da_m = x[+m] dy[+m] + x[-m] dy[-m]    db_m = x[-m] dy[+m] - x[+m] dy[-m]
 *
 * are formed in registers, lanes are bonds, and summed over a run to moments
 *
 *     M_j = sum over e of t_e^j dr_e,
 *
 * for R_e = sum_j t_e^j W' p_j: k products for each row of W' and bond, which
 * with those that form dr bound it. Behind the moments there are no bonds any
 * more: dW' = sum_j M_j p_j^T, whose rows have an owner each, and dp_j = W'^T
 * M_j, by chunks of rows that are added in order.
 *
 * A plain run has h for t^j, so that M is dW' itself. Its dh_e = W'^T dr_e is
 * summed over the units that are open in some bond of a few tiles; behind the
 * others' ReLU nothing is wanted.
 */
#include "cpu/conv_runs_w.h"

enum {
    QUAD = 4,              /* units are taken in fours */
    CHUNK = 32,            /* input channels whose weights are copied at once */
    SECTION = 128 / LANES, /* tiles that share a list of open units */
    OPEN = LANES == 16 ? 24 : 8 /* units in registers */
};

/* --- moments ------------------------------------------------------------- */

/* da, and db where m > 0, at one tile. */
INLINE void weights_grad(const lanes *x, const float *dy, const int m,
                         lanes *dr)
{
    lanes y0 = load(dy), y1 = load(dy + LANES);

    if (m == 0) {
        dr[0] = x[0] * y0 + x[1] * y1;
    } else {
        lanes y2 = load(dy + 2 * LANES), y3 = load(dy + 3 * LANES);

        dr[0] = x[0] * y0 + x[1] * y1 + x[2] * y2 + x[3] * y3;
        dr[1] = x[1] * y0 - x[0] * y1 + x[3] * y2 - x[2] * y3;
    }
}

/* What is constant in a copy of the loops: 0, or 1 for all m above; channels at
 * once; terms. */
struct kind {
    int m, n, k, is_plain;
};

/* Adds tile t, whose x is at `from`, to the sums: [k][rows]. */
INLINE void moments_add(const struct kind o, const struct stretch *s,
                        const float *from, int t, lanes *sum)
{
    const int width = o.m ? 4 : 2, rows = o.m ? 2 * o.n : o.n;
    const float *coef = tile_coef(s->coef, t, o.is_plain);
    const float *dy = s->dy + (size_t)t * s->dy_step;
    lanes x[4], dr[8], at = load(coef), power = at;

#pragma GCC unroll 4
    for (int i = 0; i < width; i++)
        x[i] = load(from + i * LANES);
#pragma GCC unroll 8
    for (int i = 0; i < o.n; i++)
        weights_grad(x, dy + i * width * LANES, o.m, dr + (o.m ? 2 * i : i));
#pragma GCC unroll 8
    for (int j = 0; j < o.k; j++) {
        lanes c = o.is_plain ? load(coef + j * GROUP) : power;

#pragma GCC unroll 8
        for (int i = 0; i < rows; i++)
            if (j > 0 || o.is_plain)
                sum[j * rows + i] += c * dr[i];
            else
                sum[i] += dr[i];
        if (j > 0)
            power *= at;
    }
}

/* M of k terms and n channels, all ci. */
INLINE void moments(const struct kind o, const struct stretch *s)
{
    const int rows = o.m ? 2 * o.n : o.n;
    const float *x = s->x;
    float *out = s->out;

    for (int ci = 0; ci < s->cis; ci++, x += tile_step(o.m), out += s->next) {
        const float *from = x + (size_t)s->from * s->x_step;
        lanes sum[MOST];
        float moment[MOST];

#pragma GCC unroll 16
        for (int i = 0; i < MOST; i++)
            sum[i] = (lanes){0};
        for (int t = s->from; t < s->to; t++, from += s->x_step)
            moments_add(o, s, from, t, sum);
#pragma GCC unroll 2
        for (int i = 0; i < rows * o.k; i += LANES)
            store(moment + i, sums(sum + i));
        put_moments(s, o.k, rows, moment, out);
    }
}

#define MOMENTS(k, is_plain)                                                   \
    static void moments_0_##k##_##is_plain(const struct stretch *s)            \
    {                                                                          \
        moments((struct kind){0, AT_ONCE(0, k), k, is_plain}, s);              \
    }                                                                          \
    static void moments_m_##k##_##is_plain(const struct stretch *s)            \
    {                                                                          \
        moments((struct kind){1, AT_ONCE(1, k), k, is_plain}, s);              \
    }
MOMENTS(1, 0)
MOMENTS(2, 0)
MOMENTS(3, 0)
MOMENTS(4, 0)
MOMENTS(5, 0)
MOMENTS(6, 0)
MOMENTS(8, 1)
#define MOMENTS_ROW(k, is_plain)                                               \
    {                                                                          \
        {moments_0_##k##_##is_plain, AT_ONCE(0, k)},                           \
        {                                                                      \
            moments_m_##k##_##is_plain, AT_ONCE(1, k)                          \
        }                                                                      \
    }
static const struct moments moments_of[TERMS + 1][2] = {
    MOMENTS_ROW(8, 1), MOMENTS_ROW(1, 0), MOMENTS_ROW(2, 0), MOMENTS_ROW(3, 0),
    MOMENTS_ROW(4, 0), MOMENTS_ROW(5, 0), MOMENTS_ROW(6, 0)};

/* --- dW' and dp ---------------------------------------------------------- */

enum { ROWS = LANES == 16 ? SLOTS : 2 };

/* dW' of a block's rows: sum of M p^T. */
static void block_bwd_w(const float *moment, const float *p, int points,
                        float *dw)
{
    for (int r = 0; r < SLOTS; r += ROWS) {
        lanes sum[ROWS][VECTORS] = {{{0}}};

        for (int j = 0; j < points; j++) {
            lanes v[VECTORS];

#pragma GCC unroll 4
            for (int q = 0; q < VECTORS; q++)
                v[q] = load(p + j * UNITS + q * LANES);
#pragma GCC unroll 8
            for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
                for (int q = 0; q < VECTORS; q++)
                    sum[i][q] += moment[j * SLOTS + r + i] * v[q];
        }
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
            for (int q = 0; q < VECTORS; q++)
                store(dw + (r + i) * UNITS + q * LANES, sum[i][q]);
    }
}

/* dp += M W' of a block. */
static void block_bwd_p(const float *moment, const float *packed, int points,
                        float *dp)
{
    lanes w[SLOTS][VECTORS];

    block_rows(packed, w);
    for (int j = 0; j < points; j++) {
        lanes sum[VECTORS];

#pragma GCC unroll 4
        for (int q = 0; q < VECTORS; q++)
            sum[q] = load(dp + j * UNITS + q * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < SLOTS; i++)
#pragma GCC unroll 4
            for (int q = 0; q < VECTORS; q++)
                sum[q] += moment[j * SLOTS + i] * w[i][q];
#pragma GCC unroll 4
        for (int q = 0; q < VECTORS; q++)
            store(dp + j * UNITS + q * LANES, sum[q]);
    }
}

static const struct method_w single = {.block_bwd_w = block_bwd_w,
                                       .block_bwd_p = block_bwd_p,
                                       .moments = moments_of,
                                       .gather = tile_gather,
                                       .packed = 1};

/* --- dh ------------------------------------------------------------------ */

/* Units of one trunk that are open in some bond of a section. */
struct open {
    int tile, tiles;        /* the section */
    int units, unit[UNITS]; /* -1: none, to fill up */
    float dh[SECTION][UNITS][LANES];
};

/* All, if there is no trunk whose ReLU would shut them. */
static void find_open(const struct pass *t, const struct radial *r,
                      struct open *s)
{
    int last = (s->tile + s->tiles) * LANES, bonds = used_bonds(t->c->graph);

    s->units = 0;
    for (int k = 0; k < UNITS; k++) {
        int is_open = r->layer[0].w.data == NULL;

        for (int b = s->tile * LANES; b < last && b < bonds; b++)
            is_open |= !(((float *)row(&r->h, b, 0))[k] <= 0);
        if (is_open)
            s->unit[s->units++] = k;
    }
    while (s->units % QUAD)
        s->unit[s->units++] = -1;
}

/* Weights of open units: [ci][units][SLOTS]. */
static void copy_open(const float *packed, const struct open *s, int cis,
                      float *to)
{
    for (int ci = 0; ci < cis; ci++)
        for (int i = 0; i < s->units; i++, to += SLOTS)
            if (s->unit[i] < 0)
                memset(to, 0, SLOTS * sizeof *to);
            else
                memcpy(to, packed + (ci * UNITS + s->unit[i]) * SLOTS,
                       SLOTS * sizeof *to);
}

/* Some (co, ci) of a tile. */
struct product {
    const float *w; /* [ci][units][SLOTS] */
    const float *x, *dy;
    int cis, cos, units;
};

/* Adds what they give to dh of n units, the first of w. */
INLINE void add_dh(const struct product *p, const int m, const int n, float *dh)
{
    const int width = m ? 4 : 2;
    const float *w = p->w, *x = p->x;
    int cos = p->cos;
    lanes sum[24];

#pragma GCC unroll 24
    for (int i = 0; i < n; i++)
        sum[i] = load(dh + i * LANES);
    for (int ci = 0; ci < p->cis; ci++) {
        const float *dy = p->dy;
        lanes in[4], dr[2];

#pragma GCC unroll 4
        for (int i = 0; i < width; i++)
            in[i] = load(x + i * LANES);
        for (int co = 0; co < cos; co++, dy += tile_step(m)) {
            const float *v = w + (m ? 2 * co : co);

            weights_grad(in, dy, m, dr);
#pragma GCC unroll 24
            for (int i = 0; i < n; i++) {
                sum[i] += v[i * SLOTS] * dr[0];
                if (m)
                    sum[i] += v[i * SLOTS + 1] * dr[1];
            }
        }
        w += p->units * SLOTS;
        x += tile_step(m);
    }
#pragma GCC unroll 24
    for (int i = 0; i < n; i++)
        store(dh + i * LANES, sum[i]);
}

#define ADD_DH(n)                                                              \
    static void add_0_##n(const struct product *p, float *dh)                  \
    {                                                                          \
        add_dh(p, 0, n, dh);                                                   \
    }                                                                          \
    static void add_m_##n(const struct product *p, float *dh)                  \
    {                                                                          \
        add_dh(p, 1, n, dh);                                                   \
    }
ADD_DH(4)
ADD_DH(8)
ADD_DH(12)
ADD_DH(16)
ADD_DH(20)
ADD_DH(24)
static void (*const add_dh_of[24 / QUAD + 1][2])(const struct product *p,
                                                 float *dh) = {
    {NULL, NULL},         {add_0_4, add_m_4},   {add_0_8, add_m_8},
    {add_0_12, add_m_12}, {add_0_16, add_m_16}, {add_0_20, add_m_20},
    {add_0_24, add_m_24}};

/* Some input channels of a corner, all tiles of the section. */
static void corner_bwd_h(const struct pass *t, const struct corner *at, int ci0,
                         struct open *s)
{
    const struct conv_path *path = &t->c->shape.path[at->p];
    float w[CHUNK * UNITS * SLOTS];
    int width = block_channels(at->m);
    int cis = t->o->in.channels[path->li] - ci0;
    int cos = t->o->out.channels[path->lo] - at->co;
    struct product p = {.cis = cis < CHUNK ? cis : CHUNK,
                        .cos = cos < width ? cos : width,
                        .units = s->units};

    copy_open((const float *)t->c->packed +
                  (t->o->before[path->trunk] +
                   block_of(t->o, &t->c->shape, at->p, at->m, at->co) +
                   (size_t)ci0) *
                      SLOTS * UNITS,
              s, p.cis, w);
    for (int i = 0; i < s->tiles; i++)
        for (int k = 0, n; k < s->units; k += n) {
            n = s->units - k < OPEN ? s->units - k : OPEN;
            p.w = w + k * SLOTS;
            p.x = tile_at(&t->o->in, x_tile(t, s->tile + i), path->li, at->m,
                          ci0, 0);
            p.dy = tile_at(&t->o->out, dy_tile(t, s->tile + i), path->lo, at->m,
                           at->co, 0);
            add_dh_of[n / QUAD][at->m > 0](&p, s->dh[i][k]);
        }
}

static void put_dh(const struct pass *t, const struct radial *r,
                   const struct open *s)
{
    int first = s->tile * LANES, bonds = used_bonds(t->c->graph) - first;

    for (int b = 0; b < bonds && b < s->tiles * LANES; b++) {
        float *dh = row(&r->dh, first + b, 0);

        for (int k = 0; k < UNITS; k++)
            dh[k] = 0;
        for (int i = 0; i < s->units; i++)
            if (s->unit[i] >= 0)
                dh[s->unit[i]] = s->dh[b / LANES][i][b % LANES];
    }
}

static void section_bwd_h(const struct pass *t, int tile, int tiles)
{
    int n = corners(t);

    for (int trunk = 0; trunk < t->c->shape.trunks; trunk++) {
        struct open s = {.tile = tile, .tiles = tiles};

        find_open(t, &t->c->radial[trunk], &s);
        for (int i = 0; i < n; i++) {
            struct corner at = {0};
            const struct conv_path *path;

            corner_at(t, i, &at);
            path = &t->c->shape.path[at.p];
            for (int ci = 0;
                 path->trunk == trunk && ci < t->o->in.channels[path->li];
                 ci += CHUNK)
                corner_bwd_h(t, &at, ci, &s);
        }
        put_dh(t, &t->c->radial[trunk], &s);
    }
}

/* Of a plain run M is dW', turned. */
static void block_turn(const float *moment, float *dw)
{
    for (int i = 0; i < SLOTS; i++)
        for (int q = 0; q < UNITS; q++)
            dw[i * UNITS + q] = moment[q * SLOTS + i];
}

/* dh of the wave's bonds, of a plain run. */
static void wave_bwd_h(const struct pass *t)
{
    int first = t->first * TILES, end = first + t->groups * TILES;

#pragma omp parallel for schedule(dynamic)
    for (int i = first; i < end; i += SECTION)
        section_bwd_h(t, i, end - i < SECTION ? end - i : SECTION);
}

/* A plain run, whose points are the bonds. */
static void plain_bwd(struct pass *t, const struct tensor x[],
                      const struct tensor e[], const struct tensor dy[])
{
    int blocks = (int)t->o->before[t->c->shape.trunks];

    all_waves(t, x, e, dy, wave_bwd_h);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < blocks; i++)
        block_turn(t->moment + (size_t)i * SLOTS * UNITS,
                   t->dw + (size_t)i * SLOTS * UNITS);
    unfold_all(t);
}

static void conv_bwd_w(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[])
{
    const struct parts o = parts_of(&c->shape);
    struct pass t = pass_of(c, &o, &single);

    if (!is_plain(&t.p))
        runs_bwd_w(&single, c, x, e, dy);
    else if (t.p.count[1] > 0)
        plain_bwd(&t, x, e, dy);
}

void ENTER(k_conv_runs_w)(struct kernels *k)
{
    k->conv.conv_bwd_w = conv_bwd_w;
}
