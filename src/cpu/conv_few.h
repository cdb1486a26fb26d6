/* SPDX-License-Identifier: MIT */
/* conv_few.h - a tile with a few bonds only, forward: most lanes of
 * conv_task.h's loops would be empty, so here lanes are the SLOTS of a block,
 * which are output channels. Each radial weight of a bond is formed of the
 * run's matrices as there, and used for both edges; what is broadcast are the
 * features. Of order 0 the channels summed over are dealt to CHAINS sums; of
 * the others, where slots are (a, b), sums over x[+m] and x[-m] are kept apart
 *
 *     y[+m] = sum a x[+m] + sum b x[-m]    y[-m] = sum a x[-m] - sum b x[+m]
 *
 * and joined at the end. Matrices of SLOTS channels stay in L1 for all bonds of
 * the tile; what bounds it are loads, 2 a cycle, and from which cache the
 * matrices come. A tile may be shared: each share has output channels of its
 * own.
 */
#ifndef CONV_FEW_H
#define CONV_FEW_H

#include "cpu/conv_task.h"

enum { FEW = LANES / 2, CHAINS = 4, SHARES = 4 };

/* Its output channels, in blocks of SLOTS: every `of`-th. */
struct share {
    int number, of;
};

typedef int eight_int __attribute__((vector_size(SLOTS * sizeof(int)),
                                     aligned(sizeof(int)), may_alias));

static inline int is_few(const struct task *t)
{
    return t->edges.bonds > 0 && t->edges.bonds <= FEW &&
           t->source[0].k <= TERMS;
}

/* Few tiles are shared, that no thread is idle. */
static inline int few_shares(int tiles, int team)
{
    return team > 1 && tiles < 8 * team ? SHARES : 1;
}

/* Features of one bond: planes of channels, [m][degree][edge][+m, -m]. */
static inline float *few_plane(const struct task *t, float *x, int l, int m,
                               int dir)
{
    const struct layout *in = &t->o->in;
    int abs = m < 0 ? -m : m, plane = m ? 2 * dir + (m < 0) : dir;

    return x + in->at[abs][l] / LANES + plane * padded(in->channels[l]);
}

static inline size_t few_numbers(const struct task *t)
{
    return (size_t)(t->o->in.size - SPREAD) / LANES;
}

static inline float *few_bond(const struct task *t, int lane)
{
    return t->x + (size_t)lane * few_numbers(t);
}

/* Channels skip.. of degree l of one edge, in its frame. */
INLINE void few_row(const struct task *t, struct patch p,
                    const struct tensor *x, int lane, const int l)
{
    float *to = few_bond(t, lane);

    for (p.c = 0; p.c < x->c; p.c += LANES) {
        int n = x->c - p.c;
        lanes y[COMPONENTS];

        row_gather(&p, x, lane, l, y);
#pragma GCC unroll 7
        for (int m = -l; m <= l; m++)
            store_some(few_plane(t, to, l, m, p.dir) + p.skip + p.c, y[m + l],
                       n);
    }
}

static inline void few_view(const struct task *t, struct patch p,
                            const struct tensor *x)
{
    p.l = x->l;
    p.edges = &t->edges;
    for (int lane = 0; lane < t->edges.bonds; lane++)
        for (p.dir = 0; p.dir < 2; p.dir++)
            if (t->edges.edge[p.dir][lane] >= 0)
                BY_DEGREE(p.l, few_row(t, p, x, lane, L));
}

static inline void few_gather(const struct task *t, const struct tensor x[],
                              const struct tensor e[])
{
    const struct conv_shape *s = &t->c->shape;

    for (int lane = 0; lane < t->edges.bonds; lane++)
        if (t->edges.edge[1][lane] < 0) /* planes that nobody fills */
            memset(few_bond(t, lane), 0, few_numbers(t) * sizeof(float));
    for (int l = 0; l < FIBER_DEGREES; l++) {
        if (fiber_at(&s->node, l) > 0)
            few_view(t,
                     (struct patch){.node = t->c->graph->src, .geo = t->c->geo},
                     &x[l]);
        if (fiber_at(&s->edge, l) > 0)
            few_view(
                t,
                (struct patch){.skip = fiber_at(&s->node, l), .geo = t->c->geo},
                &e[l]);
    }
}

/* The weights of a block's slots. */
INLINE eight few_form(const float *w, float at, const int k, const int packed)
{
    const eight t = (eight){0} + at;
    eight r;

    if (packed == 1 || k <= 2) {
        r = *(const eight *)(w + (k - 1) * SLOTS);
#pragma GCC unroll 6
        for (int j = k - 2; j >= 0; j--)
            r = r * t + *(const eight *)(w + j * SLOTS);
        return r;
    }
    r = (eight){0};
#pragma GCC unroll 3
    for (int j = (k - 1 + 1) / 2; j > 0; j--) {
        const eight_int pair = *(const eight_int *)(w + j * SLOTS);

        r = (r * t + (eight)(pair & (int)0xffff0000)) * t + (eight)(pair << 16);
    }
    return r * t + *(const eight *)w;
}

/* One bond's sums of SLOTS channels of degree l, from `to` on. */
struct few_job {
    const struct task *t;
    const float *x;
    float at;
    int lane, l, to;
};

INLINE void few_put(const struct few_job *o, struct tensor y[], int m, int dir,
                    const float *sum, int step)
{
    const struct task *t = o->t;
    int edge = t->edges.edge[dir][o->lane];
    int n = t->o->out.channels[o->l] - o->to;
    float sign = turned(dir, o->l, m), *to;

    if (edge < 0)
        return;
    to = (float *)row(&y[o->l], edge, o->l + m) + o->to;
    for (int i = 0; i < SLOTS && i < n; i++)
        to[i] = sign * sum[i * step];
}

INLINE const float *few_weights(const struct few_job *o, int p, int m, int to)
{
    const struct task *t = o->t;
    const struct source *s = &t->source[t->c->shape.path[p].trunk];

    return s->w +
           block_of(t->o, &t->c->shape, p, m, to) * SLOTS * (size_t)s->words;
}

/* What follows the weights of a path li -> l: of the next path, or order; NULL:
 * nothing. */
static inline const float *few_next(const struct few_job *o, int li, int m,
                                    int to)
{
    const struct parts *parts = o->t->o;

    for (; m <= o->l; m++, li = m - 1)
        while (++li < FIBER_DEGREES)
            if (parts->path[o->l][li] >= 0)
                return few_weights(o, parts->path[o->l][li], m, to);
    return NULL;
}

/* Memory delivers them while these are used; the first bond asks. */
INLINE void few_fetch(const struct few_job *o, const float *next, int at,
                      int numbers)
{
    if (next && o->lane == 0)
        for (int i = 0; i < numbers; i += 16)
            __builtin_prefetch(next + at * numbers + i);
}

INLINE void few_0(const struct few_job *o, const int k, const int packed,
                  struct tensor y[])
{
    const struct task *t = o->t;
    const int next = SLOTS * t->source[0].words;
    eight sum[2][CHAINS] = {{{0}}};

    for (int li = 0; li < FIBER_DEGREES; li++) {
        int p = t->o->path[o->l][li], n = t->o->in.channels[li];
        const float *w, *x, *back, *ahead;

        if (p < 0)
            continue;
        ahead = few_next(o, li, 0, o->to);
        w = few_weights(o, p, 0, o->to);
        x = o->x + t->o->in.at[0][li] / LANES;
        back = x + padded(n);
        for (int c = 0; c < n; c += CHAINS)
#pragma GCC unroll 4
            for (int i = 0; i < CHAINS; i++) {
                eight r;

                if (c + i >= n)
                    break;
                few_fetch(o, ahead, c + i, next);
                r = few_form(w, o->at, k, packed);
                sum[0][i] += r * x[c + i];
                sum[1][i] += r * back[c + i];
                w += next;
            }
    }
    for (int dir = 0; dir < 2; dir++) {
        eight all = (sum[dir][0] + sum[dir][1]) + (sum[dir][2] + sum[dir][3]);

        few_put(o, y, 0, dir, (const float *)&all, 1);
    }
}

/* Joins sums over x[+m] and x[-m] of (a, b) for half of SLOTS channels. */
INLINE void few_join(const float *plus, const float *minus, float *out_plus,
                     float *out_minus)
{
    for (int i = 0; i < SLOTS / 2; i++) {
        out_plus[i] = plus[2 * i] + minus[2 * i + 1];
        out_minus[i] = minus[2 * i] - plus[2 * i + 1];
    }
}

INLINE void few_m(const struct few_job *o, int m, const int k, const int packed,
                  struct tensor y[])
{
    const struct task *t = o->t;
    const int next = SLOTS * t->source[0].words;
    eight sum[2][4] = {{{0}}}; /* [half][edge, +m or -m] */

    for (int li = m; li < FIBER_DEGREES; li++) {
        int p = t->o->path[o->l][li], n = t->o->in.channels[li];
        const float *w[2], *x, *ahead[2];

        if (p < 0)
            continue;
        ahead[0] = few_next(o, li, m, o->to);
        ahead[1] = few_next(o, li, m, o->to + SLOTS / 2);
        w[0] = few_weights(o, p, m, o->to);
        w[1] = few_weights(o, p, m, o->to + SLOTS / 2);
        x = o->x + t->o->in.at[m][li] / LANES;
        for (int c = 0; c < n; c++)
#pragma GCC unroll 2
            for (int half = 0; half < 2; half++) {
                eight r = few_form(w[half], o->at, k, packed);

                few_fetch(o, ahead[half], c, next);
                w[half] += next;
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++)
                    sum[half][i] += r * x[i * padded(n) + c];
            }
    }
    for (int dir = 0; dir < 2; dir++) {
        float plus[SLOTS], minus[SLOTS];

        for (int half = 0; half < 2; half++)
            few_join((const float *)&sum[half][2 * dir],
                     (const float *)&sum[half][2 * dir + 1],
                     plus + half * SLOTS / 2, minus + half * SLOTS / 2);
        few_put(o, y, m, dir, plus, 1);
        few_put(o, y, -m, dir, minus, 1);
    }
}

INLINE void few_blocks(const struct task *t, const struct share *share,
                       const int k, const int packed, struct tensor y[])
{
    const int bonds = t->edges.bonds;
    int block = 0;

    for (int l = 0; l < FIBER_DEGREES; l++)
        for (int to = 0; to < t->o->out.channels[l]; to += SLOTS, block++) {
            if (block % share->of != share->number)
                continue;
            for (int m = 0; m <= l; m++)
                for (int lane = 0; lane < bonds; lane++) {
                    const struct few_job o = {.t = t,
                                              .x = few_bond(t, lane),
                                              .at = t->source[0].coef[lane],
                                              .lane = lane,
                                              .l = l,
                                              .to = to};

                    if (m)
                        few_m(&o, m, k, packed, y);
                    else
                        few_0(&o, k, packed, y);
                }
        }
}

#define FEW_COPY(k)                                                            \
    static void few_##k(const struct task *t, const struct share *s,           \
                        struct tensor y[])                                     \
    {                                                                          \
        if (t->method->packed == 1)                                            \
            few_blocks(t, s, k, 1, y);                                         \
        else                                                                   \
            few_blocks(t, s, k, 2, y);                                         \
    }
FEW_COPY(1)
FEW_COPY(2)
FEW_COPY(3)
FEW_COPY(4)
FEW_COPY(5)
FEW_COPY(6)

static inline void few_fwd(const struct task *t, const struct tensor x[],
                           const struct tensor e[], const struct share *share,
                           struct tensor y[])
{
    static void (*const few[TERMS + 1])(
        const struct task *, const struct share *,
        struct tensor[]) = {NULL, few_1, few_2, few_3, few_4, few_5, few_6};

    few_gather(t, x, e);
    few[t->source[0].k](t, share, y);
}

#endif
