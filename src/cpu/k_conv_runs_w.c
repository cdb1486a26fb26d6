/* SPDX-License-Identifier: MIT */
/* k_conv_runs_w.c - the convolution's gradients for its weights and for h,
 * where runs of bonds share K matrices; conv_basis.h, k_conv_runs.c.
 *
 * For one (co, ci), summed over both edges of a bond,
 *
 *     da_m = x[+m] dy[+m] + x[-m] dy[-m]    db_m = x[-m] dy[+m] - x[+m] dy[-m]
 *
 * are formed in registers, lanes are bonds. Since h_e = sum_j c_ej g_j,
 *
 *     dW' = sum over runs and j of M_j g_j^T,    M_j = sum_e c_ej dr_e,
 *
 * so that a bond costs K products for each row of W' and not 32; M_j is summed
 * over a run in lanes, then over these. A block of W' has one owner, who takes
 * the runs in order. dh_e = W'^T dr_e has no such form, for the derivatives of
 * h do not lie in its basis: it is summed over the units that are open in some
 * bond of a few tiles; behind the others' ReLU nothing is wanted. That part,
 * some 45,000 products for each open unit and bond, bounds it all.
 */
#include "cpu/conv_parts.h"

enum {
    QUAD = 4,              /* units are taken in fours */
    CHUNK = 32,            /* input channels whose weights are copied at once */
    SECTION = 128 / LANES, /* tiles that share a list of open units */
    OPEN = LANES == 16 ? 24 : 8 /* units in registers */
};

struct pass {
    const struct conv *c;
    const struct parts *o;
    float *x, *dy; /* tiles of all bonds */
    float *dw;     /* gradient of W', [block][SLOTS][32] */
};

static float *x_tile(const struct pass *t, int i)
{
    return t->x + (size_t)i * (size_t)t->o->in.size;
}

static float *dy_tile(const struct pass *t, int i)
{
    return t->dy + (size_t)i * (size_t)t->o->out.size;
}

/* A path's order m, and the block of output channels co... */
struct corner {
    int p, m, co;
};

/* Corner number n; what a task is. */
static int corner_at(const struct pass *t, int n, struct corner *out)
{
    const struct conv_shape *s = &t->c->shape;

    for (int p = 0; p < s->paths; p++)
        for (int m = 0; m < path_orders(&s->path[p]); m++) {
            int width = block_channels(m);
            int blocks =
                (t->o->out.channels[s->path[p].lo] + width - 1) / width;

            if (n < blocks) {
                *out = (struct corner){p, m, n * width};
                return 1;
            }
            n -= blocks;
        }
    return 0;
}

static int corners(const struct pass *t)
{
    const struct conv_shape *s = &t->c->shape;
    int n = 0;

    for (int p = 0; p < s->paths; p++)
        for (int m = 0; m < path_orders(&s->path[p]); m++)
            n += (t->o->out.channels[s->path[p].lo] + block_channels(m) - 1) /
                 block_channels(m);
    return n;
}

/* --- dW' ----------------------------------------------------------------- */

/* Tiles from .. to - 1 of one (ci, some co): places of x and dy there. */
struct stretch {
    const float *x, *dy;
    size_t x_step, dy_step;
    const float *coef; /* of tile 0 */
    int from, to;
};

static const float *tile_coef(const float *coef, int tile)
{
    return coef + (size_t)(tile * LANES / GROUP) * UNITS * GROUP +
           tile * LANES % GROUP;
}

/* da, and db where m > 0, at one tile; x may be scaled. */
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

/* M of k coefficients and n channels: out [n][1 or 2][k]. */
INLINE void moments(const struct stretch *s, const int m, const int n,
                    const int k, const int is_plain, float *out)
{
    enum { MOST = 2 * BASIS_MAX };
    const int width = m ? 4 : 2;
    const int rows = m ? 2 * n : n, sum_count = rows * k;
    lanes sum[MOST];

#pragma GCC unroll 16
    for (int i = 0; i < MOST; i++)
        sum[i] = (lanes){0};
    for (int t = s->from; t < s->to; t++) {
        const float *coef = tile_coef(s->coef, t);
        const float *from = s->x + (size_t)t * s->x_step;
        const float *dy = s->dy + (size_t)t * s->dy_step;
        lanes x[4], dr[8], c0 = load(coef);

#pragma GCC unroll 4
        for (int i = 0; i < width; i++)
            x[i] =
                is_plain ? load(from + i * LANES) : c0 * load(from + i * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < n; i++)
            weights_grad(x, dy + i * width * LANES, m, dr + (m ? 2 * i : i));
#pragma GCC unroll 8
        for (int j = 0; j < k; j++) {
            lanes c = load(coef + j * GROUP);

#pragma GCC unroll 8
            for (int i = 0; i < rows; i++)
                if (j > 0 || is_plain)
                    sum[i * k + j] += c * dr[i];
                else
                    sum[i * k] += dr[i];
        }
    }
#pragma GCC unroll 2
    for (int i = 0; i < sum_count; i += LANES)
        store_part(out + i, sums(sum + i), sum_count - i);
}

/* Channels at once: their sums are in registers. */
#define AT_ONCE(m, k)                                                          \
    (LANES / (k) / ((m) ? 2 : 1) > 4   ? 4                                     \
     : LANES / (k) / ((m) ? 2 : 1) > 2 ? 2                                     \
     : LANES / (k) / ((m) ? 2 : 1) > 1 ? 2                                     \
                                       : 1)

#define MOMENTS(k, is_plain)                                                   \
    static void moments_0_##k##_##is_plain(const struct stretch *s,            \
                                           float *out)                         \
    {                                                                          \
        moments(s, 0, AT_ONCE(0, k), k, is_plain, out);                        \
    }                                                                          \
    static void moments_m_##k##_##is_plain(const struct stretch *s,            \
                                           float *out)                         \
    {                                                                          \
        moments(s, 1, AT_ONCE(1, k), k, is_plain, out);                        \
    }
MOMENTS(1, 0)
MOMENTS(2, 0)
MOMENTS(3, 0)
MOMENTS(4, 0)
MOMENTS(5, 0)
MOMENTS(6, 0)
MOMENTS(7, 0)
MOMENTS(8, 0)
MOMENTS(8, 1)
#define MOMENTS_ROW(k, is_plain)                                               \
    {                                                                          \
        {moments_0_##k##_##is_plain, AT_ONCE(0, k)},                           \
        {                                                                      \
            moments_m_##k##_##is_plain, AT_ONCE(1, k)                          \
        }                                                                      \
    }
static const struct {
    void (*run)(const struct stretch *s, float *out);
    int channels;
} moments_of[BASIS_MAX + 1][2] = {
    MOMENTS_ROW(8, 1), MOMENTS_ROW(1, 0), MOMENTS_ROW(2, 0),
    MOMENTS_ROW(3, 0), MOMENTS_ROW(4, 0), MOMENTS_ROW(5, 0),
    MOMENTS_ROW(6, 0), MOMENTS_ROW(7, 0), MOMENTS_ROW(8, 0)};

/* dW' of one row += sum_j M_j g_j; a plain run has the units from.. for g. */
static void add_moments(const struct basis_run *r, const float *moment,
                        int from, float dw[UNITS])
{
    if (r->k == 0) {
        for (int j = 0; j < BASIS_MAX; j++)
            dw[from + j] += moment[j];
        return;
    }
    for (int j = 0; j < r->k; j++)
        for (int q = 0; q < UNITS; q++)
            dw[q] += moment[j] * r->g[j][q];
}

/* Adds a run to dW' of a corner, [ci][SLOTS][32]; of a plain run, units from..
 * to from + 7. */
static void run_bwd_w(const struct pass *t, const struct corner *at,
                      const struct basis *b, int first, int from, float *dw)
{
    const struct basis_run *r = &b->run[first];
    const struct conv_path *path = &t->c->shape.path[at->p];
    int k = r->k ? r->k : BASIS_MAX, slots = at->m ? 2 : 1;
    int n = moments_of[r->k][at->m > 0].channels;
    int last = tiles_of(used_bonds(t->c->graph));
    int to = (first + r->groups) * (GROUP / LANES);
    float moment[2 * BASIS_MAX * 2];
    struct stretch s = {.x_step = (size_t)t->o->in.size,
                        .dy_step = (size_t)t->o->out.size,
                        .coef = b->coef[0][from],
                        .from = first * (GROUP / LANES),
                        .to = to < last ? to : last};

    for (int co = 0; co < block_channels(at->m); co += n)
        for (int ci = 0; ci < t->o->in.channels[path->li]; ci++) {
            s.x = tile_at(&t->o->in, t->x, path->li, at->m, ci, 0);
            s.dy = tile_at(&t->o->out, t->dy, path->lo, at->m, at->co + co, 0);
            moments_of[r->k][at->m > 0].run(&s, moment);
            for (int i = 0; i < n * slots; i++)
                add_moments(r, moment + i * k, from,
                            dw + (ci * SLOTS + co * slots + i) * UNITS);
        }
}

static void corner_bwd_w(const struct pass *t, int n)
{
    struct corner at = {0};
    const struct conv_path *path;
    struct basis b;
    float *dw;
    int groups = groups_of(used_bonds(t->c->graph));

    corner_at(t, n, &at);
    path = &t->c->shape.path[at.p];
    b = basis_of(t->c->plan, t->c->graph->bonds, path->trunk);
    dw = t->dw + (t->o->before[path->trunk] +
                  block_of(t->o, &t->c->shape, at.p, at.m, at.co)) *
                     SLOTS * UNITS;
    memset(dw, 0,
           (size_t)t->o->in.channels[path->li] * SLOTS * UNITS * sizeof *dw);
    for (int g = 0; g < groups; g += b.run[g].groups)
        for (int from = 0; from < (b.run[g].k ? 1 : UNITS); from += BASIS_MAX)
            run_bwd_w(t, &at, &b, g, from, dw);
}

/* Adds fold^T dW' to the rows of dw3 of one (co, ci). */
static void unfold_rows(const struct pass *t, int p, int pair)
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
            struct corner at;
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

/* --- both ---------------------------------------------------------------- */

static void gather_all(const struct pass *t, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       int tiles)
{
#pragma omp parallel for schedule(static)
    for (int i = 0; i < tiles; i++) {
        struct tile_edges edges = tile_edges(t->c->graph, i);

        gather_inputs(t->c, t->o, &edges, x, e, x_tile(t, i));
        gather_outputs(t->o, &edges, dy, dy_tile(t, i));
    }
}

static void conv_bwd_w(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[])
{
    const struct parts o = parts_of(&c->shape);
    size_t room = (size_t)tiles_of(c->graph->bonds);
    int tiles = tiles_of(used_bonds(c->graph)), n;
    struct pass t = {.c = c, .o = &o, .x = c->work};

    t.dy = t.x + room * (size_t)o.in.size;
    t.dw = t.dy + room * (size_t)o.out.size;
    n = corners(&t);
    gather_all(&t, x, e, dy, tiles);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < tiles; i += SECTION)
        section_bwd_h(&t, i, tiles - i < SECTION ? tiles - i : SECTION);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; i++)
        corner_bwd_w(&t, i);
    for (int p = 0; p < c->shape.paths; p++) {
        int pairs = path_pairs(&o, &c->shape.path[p]);

#pragma omp parallel for schedule(static)
        for (int i = 0; i < pairs; i++)
            unfold_rows(&t, p, i);
    }
}

void ENTER(k_conv_runs_w)(struct kernels *k)
{
    k->conv.conv_bwd_w = conv_bwd_w;
}
