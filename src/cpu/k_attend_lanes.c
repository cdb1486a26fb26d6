/* SPDX-License-Identifier: MIT */
/* k_attend_lanes.c - attention and sums over edges in vectors of channels;
 * k_attend.c has the formulas.
 *
 * A node's edges are taken together: forward scores, softmax, weighted sum;
 * backward gradients of values and weights, softmax, gradients of keys and
 * query. A row of an edge or node is turned in registers, 2l+1 vectors in and
 * out, the numbers of D broadcast; the node's sums stay in registers. Weights
 * of heads are spread over the channels by one permutation; dot products are
 * summed over the degrees as vectors and folded into heads once.
 *
 * The edges of a node lie far apart, 2 KB each at 32 channels, and come from
 * memory. Waiting for them is what bounds this, the arithmetic (168 vectors an
 * edge forward, 252 backward) is less. So they are asked for some edges ahead,
 * into the second cache (the first one has no room for so many); gradients,
 * which nobody reads soon, are written past the caches.
 */
#include "cpu/softmax_lanes.h"
#include "cpu/turn.h"

enum {
    COMPONENTS = 2 * FIBER_DEGREES - 1,
    LINE = 64 / sizeof(float),
    AHEAD = 16,  /* edges */
    ENOUGH = 256 /* edges: fewer are not worth a second thread */
};

/* Channels c .. c+n-1 of a degree, at most a vector, and their heads. */
struct chunk {
    int c, n;
    int share;       /* channels a head */
    int first, left; /* the first one's head; heads from there on */
    lanes_int head;  /* of each channel, less first */
};

static struct chunk chunk_at(int c, int channels, int heads)
{
    struct chunk k = {.c = c, .n = channels - c, .share = channels / heads};
    lanes at;

    k.first = c / k.share;
    k.left = heads - k.first;
    at = __builtin_convertvector(lane_numbers + (c - k.first * k.share), lanes);
    at = (at + 0.5f) / (float)k.share;
    k.head = __builtin_convertvector(at, lanes_int);
    return k;
}

/* The heads' weights, one a channel; a NULL: ones. */
INLINE lanes spread(const struct chunk *k, const float *a, float scale)
{
    if (!a)
        return (lanes){0} + scale;
    return scale * permute(load_part(a + k->first, k->left), k->head);
}

/* Adds each channel to its head: sums of 2, 4, .. neighbours if heads have so
 * many. */
INLINE void add_to_heads(const struct chunk *k, lanes v, float *sum)
{
    const int share = k->share, left = k->left;
    int width = 1, heads;
    float x[LANES];

    while (width < LANES && share % (2 * width) == 0) {
        v += permute(v, lane_numbers ^ width);
        width *= 2;
    }
    sum += k->first;
    if (width == share || width == LANES) {
        heads = LANES / width < left ? LANES / width : left;
        v = permute(v, lane_numbers * width & (LANES - 1));
        store_part(sum, load_part(sum, heads) + v, heads);
        return;
    }
    store(x, v);
    for (int i = 0; i < k->n && i < LANES; i += width)
        sum[k->head[i]] += x[i];
}

/* The chunk of a row's components: component m from x + m step. */
struct rows {
    float *x;
    int step;
};

INLINE struct rows rows_of(const struct tensor *t, int n, const struct chunk *k)
{
    return (struct rows){(float *)row(t, n, 0) + k->c, t->ld};
}

INLINE void load_rows(struct rows r, int n, int w, lanes *v)
{
#pragma GCC unroll 7
    for (int m = 0; m < w; m++)
        v[m] = load_part(r.x + m * r.step, n);
}

INLINE void store_rows(struct rows r, int n, int w, const lanes *v)
{
#pragma GCC unroll 7
    for (int m = 0; m < w; m++)
        store_part(r.x + m * r.step, v[m], n);
}

/* Component m of D x. */
INLINE lanes turned(const float *d, const lanes *x, int m, int w)
{
    lanes y = d[m * w] * x[0];

#pragma GCC unroll 7
    for (int i = 1; i < w; i++)
        y += d[m * w + i] * x[i];
    return y;
}

/* One edge, one degree: y = D x, x of a node; a y to `to`; v . y is returned.
 */
struct meeting {
    const float *d;
    struct rows x, v, to; /* v.x, to.x NULL: not wanted */
    lanes a;
};

INLINE lanes meet(const struct meeting *at, int n, const int l)
{
    const int w = 2 * l + 1;
    const struct rows v = at->v, to = at->to; /* stores change neither */
    const float *d = at->d;
    const lanes a = at->a;
    lanes x[COMPONENTS], sum = {0};

    load_rows(at->x, n, w, x);
#pragma GCC unroll 7
    for (int m = 0; m < w; m++) {
        lanes y = turned(d, x, m, w);

        if (v.x)
            sum += y * load_part(v.x + m * v.step, n);
        if (to.x)
            store_past(to.x + m * to.step, a * y, n);
    }
    return sum;
}

/* The usual degrees have a copy of the loops for themselves. */
static lanes meet_any(const struct meeting *at, int n, int l)
{
    lanes sum;

    BY_DEGREE(l, sum = meet(at, n, L));
    return sum;
}

/* A node and its edges. */
struct place {
    const struct graph *g;
    const struct geometry *geo;
    const struct csr *rows;
    int n;
};

/* What its edges and the node have: y = D x, score += scale v . y, to = a y. */
struct meetings {
    int degrees, heads;
    const struct tensor *x, *v;
    float scale;
    struct tensor *score;   /* or NULL */
    struct tensor *to;      /* or NULL */
    const struct tensor *a; /* or NULL: ones */
};

/* Degrees l .. end - 1 have the same channels. */
static int same_channels(const struct tensor v[], int degrees, int l)
{
    int end = l + 1;

    while (end < degrees && v[end].c == v[l].c)
        end++;
    return end;
}

/* Degrees l .. end - 1 of one edge. */
static void edge_meets(const struct place *p, const struct meetings *s,
                       int edge, const struct chunk *k, int l, int end)
{
    const int bond = p->g->bond[edge];
    struct meeting at;
    lanes sum = {0};

    at.a = spread(k, s->to && s->a ? row(s->a, edge, 0) : NULL, 1);
    at.v.x = at.to.x = NULL;
    for (; l < end; l++) {
        at.d = frame_of(p->geo, l, bond);
        at.x = rows_of(&s->x[l], p->n, k);
        if (s->score)
            at.v = rows_of(&s->v[l], edge, k);
        if (s->to)
            at.to = rows_of(&s->to[l], edge, k);
        sum += meet_any(&at, k->n, l);
    }
    if (s->score)
        add_to_heads(k, s->scale * sum, row(s->score, edge, 0));
}

static void clear_heads(const struct tensor *score, int edge)
{
    for (int h = 0; h < score->c; h += LANES)
        store((float *)row(score, edge, 0) + h, (lanes){0});
}

static void node_meets(const struct place *p, const struct meetings *s)
{
    const int begin = p->rows->begin[p->n], last = p->rows->begin[p->n + 1];

    for (int i = begin; s->score && i < last; i++)
        clear_heads(s->score, entry(p->rows, i));
    for (int l = 0, end; l < s->degrees; l = end) {
        end = same_channels(s->v, s->degrees, l);
        for (int c = 0; c < s->v[l].c; c += LANES) {
            struct chunk k = chunk_at(c, s->v[l].c, s->heads);

            for (int i = begin; i < last; i++)
                edge_meets(p, s, entry(p->rows, i), &k, l, end);
        }
    }
}

/* sum += D^T a v */
INLINE void turn_back(const float *d, lanes a, struct rows v, int n, int w,
                      lanes *sum)
{
#pragma GCC unroll 7
    for (int m = 0; m < w; m++) {
        lanes y = a * load_part(v.x + m * v.step, n);

#pragma GCC unroll 7
        for (int j = 0; j < w; j++)
            sum[j] += d[m * w + j] * y;
    }
}

/* z = scale times the sum over a node's edges of a D^T v; to = scale a D x. */
struct gathering {
    int degrees, heads;
    const struct tensor *v;
    const struct tensor *a; /* without data: ones */
    float scale;
    struct tensor *z;
    const struct tensor *x; /* or NULL: no `to` */
    struct tensor *to;
};

INLINE void gather(const struct place *p, const struct gathering *s,
                   const struct chunk *k, const int l)
{
    const int w = 2 * l + 1, n = k->n;
    lanes sum[COMPONENTS];

    for (int m = 0; m < w; m++)
        sum[m] = (lanes){0};
    for (int i = p->rows->begin[p->n]; i < p->rows->begin[p->n + 1]; i++) {
        int edge = entry(p->rows, i);

        turn_back(frame_of(p->geo, l, p->g->bond[edge]),
                  spread(k, s->a->data ? row(s->a, edge, 0) : NULL, s->scale),
                  rows_of(&s->v[l], edge, k), n, w, sum);
    }
    store_rows(rows_of(&s->z[l], p->n, k), n, w, sum);
}

INLINE void exchange(const struct place *p, const struct gathering *s,
                     const struct chunk *k, const int l)
{
    const int w = 2 * l + 1, n = k->n;
    lanes sum[COMPONENTS], x[COMPONENTS];

    load_rows(rows_of(&s->x[l], p->n, k), n, w, x);
    for (int m = 0; m < w; m++)
        sum[m] = (lanes){0};
    for (int i = p->rows->begin[p->n]; i < p->rows->begin[p->n + 1]; i++) {
        int edge = entry(p->rows, i);
        const float *d = frame_of(p->geo, l, p->g->bond[edge]);
        lanes a = spread(k, row(s->a, edge, 0), s->scale);
        struct rows to = rows_of(&s->to[l], edge, k);

        turn_back(d, a, rows_of(&s->v[l], edge, k), n, w, sum);
#pragma GCC unroll 7
        for (int m = 0; m < w; m++)
            store_past(to.x + m * to.step, a * turned(d, x, m, w), n);
    }
    store_rows(rows_of(&s->z[l], p->n, k), n, w, sum);
}

static void gather_any(const struct place *p, const struct gathering *s,
                       const struct chunk *k, int l)
{
    BY_DEGREE(l, gather(p, s, k, L));
}

static void exchange_any(const struct place *p, const struct gathering *s,
                         const struct chunk *k, int l)
{
    BY_DEGREE(l, exchange(p, s, k, L));
}

static void node_gathers(const struct place *p, const struct gathering *s)
{
    for (int l = 0, end; l < s->degrees; l = end) {
        end = same_channels(s->v, s->degrees, l);
        for (int c = 0; c < s->v[l].c; c += LANES) {
            struct chunk k = chunk_at(c, s->v[l].c, s->heads);

            for (int j = l; j < end; j++)
                if (s->x)
                    exchange_any(p, s, &k, j);
                else
                    gather_any(p, s, &k, j);
        }
    }
}

/* --- fetching ------------------------------------------------------------ */

/* What is read of an edge: features, in some degrees each. */
struct fetching {
    int features;
    const struct tensor *t[3];
    int degrees[3];
};

/* Inline, as the compiler drops calls of functions that only ask. */
INLINE void fetch(const float *x)
{
    __builtin_prefetch(x, 0, 2);
}

INLINE void fetch_feature(const struct tensor t[], int degrees, int edge)
{
    for (int l = 0; l < degrees; l++)
        for (int m = 0; m < 2 * l + 1; m++)
            for (int c = 0; c < t[l].c; c += LINE)
                fetch((float *)row(&t[l], edge, m) + c);
}

INLINE void fetch_frame(const struct geometry *geo, int degrees, int bond)
{
    for (int l = 1; l < degrees; l++)
        for (int i = 0; i < (2 * l + 1) * (2 * l + 1); i += LINE)
            fetch(frame_of(geo, l, bond) + i);
}

/* For each edge of the node the one that comes so many edges later. */
INLINE void fetch_ahead(const struct place *p, const struct fetching *f)
{
    int last = p->rows->begin[used_nodes(p->rows)];

    for (int i = p->rows->begin[p->n] + AHEAD;
         i < p->rows->begin[p->n + 1] + AHEAD && i < last; i++) {
        int edge = entry(p->rows, i);

        fetch_frame(p->geo, p->geo->degrees, p->g->bond[edge]);
        for (int j = 0; j < f->features; j++)
            fetch_feature(f->t[j], f->degrees[j], edge);
    }
}

/* --- slots --------------------------------------------------------------- */

static int gather_heads(const struct gather *v)
{
    return v->a.data ? v->a.c : 1;
}

static void node_values(const struct place *p, const struct gather *v,
                        struct tensor z[])
{
    const struct gathering s = {.degrees = v->degrees,
                                .heads = gather_heads(v),
                                .v = v->value,
                                .a = &v->a,
                                .scale = 1,
                                .z = z};

    node_gathers(p, &s);
}

static void node_values_bwd(const struct place *p, const struct gather *v,
                            const struct tensor dz[], struct tensor dvalue[],
                            struct tensor *da)
{
    const struct meetings s = {.degrees = v->degrees,
                               .heads = gather_heads(v),
                               .x = dz,
                               .v = v->value,
                               .scale = 1,
                               .score = v->a.data ? da : NULL,
                               .to = dvalue,
                               .a = v->a.data ? &v->a : NULL};

    node_meets(p, &s);
}

static void aggregate_fwd(const struct graph *g, const struct geometry *geo,
                          const struct gather *v, struct tensor z[])
{
    const struct fetching f = {1, {v->value}, {v->degrees}};
    int rows = used_nodes(v->rows);

#pragma omp parallel for schedule(static) if (used_edges(g) > ENOUGH)
    for (int n = 0; n < rows; n++) {
        const struct place p = {g, geo, v->rows, n};

        fetch_ahead(&p, &f);
        node_values(&p, v, z);
    }
}

static void aggregate_bwd(const struct graph *g, struct geometry *geo,
                          const struct gather *v, const struct tensor dz[],
                          struct tensor dvalue[], struct tensor *da)
{
    const struct fetching f = {1, {v->value}, {v->a.data ? v->degrees : 0}};
    int rows = used_nodes(v->rows);

#pragma omp parallel for schedule(static) if (used_edges(g) > ENOUGH)
    for (int n = 0; n < rows; n++) {
        const struct place p = {g, geo, v->rows, n};

        fetch_ahead(&p, &f);
        node_values_bwd(&p, v, dz, dvalue, da);
    }
    if (geo->torque.data)
        bonds_torque(g, geo, v->degrees, v->value, dvalue);
}

static void node_attends(const struct place *p, const struct heads *a,
                         const struct gather *v, struct tensor z[])
{
    const int begin = p->rows->begin[p->n];
    struct tensor weights = v->a;
    const struct meetings s = {.degrees = a->degrees,
                               .heads = a->heads,
                               .x = a->q,
                               .v = a->key,
                               .scale = (float)a->scale,
                               .score = &weights};

    node_meets(p, &s);
    for (int h = 0; h < a->heads; h += LANES)
        softmax_fwd_heads(&weights, p->rows->edge + begin,
                          p->rows->begin[p->n + 1] - begin, h, &weights);
    node_values(p, v, z);
}

static void attend_fwd(const struct graph *g, const struct geometry *geo,
                       const struct heads *a, const struct gather *v,
                       struct tensor z[])
{
    const struct fetching f = {
        3, {v->value, a->key, &v->a}, {v->degrees, a->degrees, 1}};
    int nodes = used_nodes(&g->in);

#pragma omp parallel for schedule(static) if (used_edges(g) > ENOUGH)
    for (int n = 0; n < nodes; n++) {
        const struct place p = {g, geo, &g->in, n};

        fetch_ahead(&p, &f);
        node_attends(&p, a, v, z);
    }
}

static void node_attends_bwd(const struct place *p, const struct heads *a,
                             const struct gather *v, const struct tensor dz[],
                             const struct attend_grad *d)
{
    const int begin = p->rows->begin[p->n];
    struct tensor dscore = d->dscore;
    const struct gathering keys = {.degrees = a->degrees,
                                   .heads = a->heads,
                                   .v = a->key,
                                   .a = &dscore,
                                   .scale = (float)a->scale,
                                   .z = d->dq,
                                   .x = a->q,
                                   .to = d->dkey};

    node_values_bwd(p, v, dz, d->dvalue, &dscore);
    for (int h = 0; h < a->heads; h += LANES)
        softmax_bwd_heads(&v->a, &dscore, p->rows->edge + begin,
                          p->rows->begin[p->n + 1] - begin, h, &dscore);
    node_gathers(p, &keys);
}

static void attend_bwd(const struct graph *g, struct geometry *geo,
                       const struct heads *a, const struct gather *v,
                       const struct tensor dz[], const struct attend_grad *d)
{
    const struct fetching f = {
        3, {v->value, a->key, &v->a}, {v->degrees, a->degrees, 1}};
    int nodes = used_nodes(&g->in);

#pragma omp parallel for schedule(static) if (used_edges(g) > ENOUGH)
    for (int n = 0; n < nodes; n++) {
        const struct place p = {g, geo, &g->in, n};

        fetch_ahead(&p, &f);
        node_attends_bwd(&p, a, v, dz, d);
    }
    if (!geo->torque.data)
        return;
    bonds_torque(g, geo, v->degrees, v->value, d->dvalue);
    bonds_torque(g, geo, a->degrees, a->key, d->dkey);
}

void ENTER(k_attend_lanes)(struct kernels *k)
{
    k->conv.attend_fwd = attend_fwd;
    k->conv.attend_bwd = attend_bwd;
    k->conv.aggregate_fwd = aggregate_fwd;
    k->conv.aggregate_bwd = aggregate_bwd;
}
