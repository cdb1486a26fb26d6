/* SPDX-License-Identifier: MIT */
/* held.c - calls of a forward are numbered; backward knows a norm's call by the
 * features it is given. With decisions held, gradients of norms are those of
 * cpu/k_norm.c once more, in double, with the sides of another run in place of
 * g > 0.
 */
#include "modes/held.h"

#include "base/err.h"
#include "base/mem.h"
#include "device/kernels.h"

#include <math.h>
#include <string.h>

enum { NORMS = 256, CHANNELS = 1024 };

static const double clamp = 0x1p-24; /* as k_norm.c */

enum { HELD_LAYERS = 64 };

/* Squares, of one layer: of its outputs, and of the gradients of its inputs. */
struct held_layer {
    struct held_sum {
        double off, size;
    } y, dx;
};

static struct {
    struct kernels inner;
    enum held how;
    int norms, layers; /* met in this forward */
    int degree;        /* of the norm before */
    struct {
        const void *at; /* its features */
        int layer;
        unsigned char *on; /* [nodes, c] its ReLU */
        double *x, *dy;
    } norm[NORMS];
    unsigned char *relu;      /* [molecules, c] the head's */
    int *largest;             /* [molecules, c] */
    double *pooled, *dpooled; /* features that are pooled; dy of the result */
    struct held_layer layer[HELD_LAYERS];
} held;

/* --- numbers of either precision ------------------------------------------ */

static int rows(const struct tensor *t)
{
    return t->used ? *t->used : t->n;
}

static size_t place(const struct tensor *t, int n, int m, int c)
{
    return ((size_t)n * (size_t)(2 * t->l + 1) + (size_t)m) * (size_t)t->ld +
           (size_t)c;
}

static double get(const struct tensor *t, int n, int m, int c)
{
    size_t i = place(t, n, m, c);

    return held.inner.real == sizeof(double) ? ((double *)t->data)[i]
                                             : (double)((float *)t->data)[i];
}

static void put(const struct tensor *t, int n, int m, int c, double x)
{
    size_t i = place(t, n, m, c);

    if (held.inner.real == sizeof(double))
        ((double *)t->data)[i] = x;
    else
        ((float *)t->data)[i] = (float)x;
}

static void *fresh(void *old, size_t n, size_t size)
{
    void *p;

    mem_free(old);
    CHECK(mem_alloc(n, size, "decisions", &p) == OK);
    return p;
}

static size_t count(const struct tensor *t)
{
    return (size_t)rows(t) * (size_t)(2 * t->l + 1) * (size_t)t->c;
}

/* All numbers to x, or from it. */
static void copy(const struct tensor *t, double *x, int back)
{
    for (int n = 0; n < rows(t); n++)
        for (int m = 0; m < 2 * t->l + 1; m++)
            for (int c = 0; c < t->c; c++, x++)
                if (back)
                    put(t, n, m, c, *x);
                else
                    *x = get(t, n, m, c);
}

/* Notes t; or, layer by layer, adds how far it is off and puts what was noted
 * in its place. */
static void meet(const struct tensor *t, double **noted, struct held_sum *sum)
{
    const double *x = *noted;

    if (held.how == HELD_NOTE) {
        *noted = fresh(*noted, count(t), sizeof *x);
        copy(t, *noted, 0);
    }
    if (held.how != HELD_LAYER)
        return;
    for (int n = 0; n < rows(t); n++)
        for (int m = 0; m < 2 * t->l + 1; m++)
            for (int c = 0; c < t->c; c++, x++) {
                double d = get(t, n, m, c) - *x;

                sum->off += d * d;
                sum->size += *x * *x;
            }
    copy(t, *noted, 1);
}

/* --- norms ---------------------------------------------------------------- */

struct norm_inputs {
    const struct tensor *x, *w, *stat, *dy;
};

/* Channel c of node n; names as in k_norm.c. */
struct channel {
    double norm, r, h, g, dg, dh;
};

static struct channel channel_at(const struct norm_inputs *in, int n, int c)
{
    struct channel o = {0};
    double t = 0;

    for (int m = 0; m < 2 * in->x->l + 1; m++) {
        double x = get(in->x, n, m, c);

        o.norm += x * x;
        t += in->dy ? x * get(in->dy, n, m, c) : 0;
    }
    o.norm = sqrt(o.norm);
    o.r = fmax(o.norm, clamp);
    o.h = (o.r - get(in->stat, 0, 0, n)) * get(in->stat, 1, 0, n);
    o.g = get(in->w, 0, 0, c) * o.h + get(in->w, 1, 0, c);
    o.dg = t / o.r; /* where it is on */
    return o;
}

static void note_sides(const struct norm_inputs *in, int i)
{
    const int c = in->x->c;
    size_t n = (size_t)rows(in->x) * (size_t)c;

    held.norm[i].on = fresh(held.norm[i].on, n, 1);
    for (size_t k = 0; k < n; k++)
        held.norm[i].on[k] = channel_at(in, (int)k / c, (int)k % c).g > 0;
}

static void norm_fwd(const struct tensor *x, const struct tensor *w,
                     struct tensor *y, struct tensor *stat)
{
    const struct norm_inputs in = {x, w, stat, NULL};
    int i = held.norms++;

    held.layers += i == 0 || x->l <= held.degree;
    held.degree = x->l;
    CHECK(i < NORMS && held.layers < HELD_LAYERS && x->c <= CHANNELS);
    held.norm[i].at = x->data;
    held.norm[i].layer = held.layers - 1;
    meet(x, &held.norm[i].x, &held.layer[held.layers - 1].y);
    held.inner.node.norm_fwd(x, w, y, stat);
    if (held.how == HELD_NOTE)
        note_sides(&in, i);
}

static void node_bwd(const struct norm_inputs *in, int n,
                     const unsigned char *on, struct tensor *dx,
                     struct tensor *dw)
{
    static struct channel all[CHANNELS];
    double mean = 0, h_mean = 0, rdev = get(in->stat, 1, 0, n);
    int width = in->x->c;

    for (int c = 0; c < width; c++) {
        struct channel *o = &all[c];

        *o = channel_at(in, n, c);
        o->dg = on[c] ? o->dg : 0;
        o->dh = get(in->w, 0, 0, c) * o->dg;
        mean += o->dh / width;
        h_mean += o->h * o->dh / width;
        put(dw, 0, 0, c, get(dw, 0, 0, c) + o->dg * o->h);
        put(dw, 1, 0, c, get(dw, 1, 0, c) + o->dg);
    }
    for (int c = 0; c < width; c++) {
        const struct channel *o = &all[c];
        double dr = rdev * (o->dh - mean - o->h * h_mean) - o->g * o->dg / o->r;
        double along_x = o->norm < clamp ? 0 : dr / o->norm;
        double along_dy = on[c] ? o->g / o->r : 0;

        for (int m = 0; m < 2 * in->x->l + 1; m++)
            put(dx, n, m, c,
                along_dy * get(in->dy, n, m, c) +
                    along_x * get(in->x, n, m, c));
    }
}

static void norm_bwd(const struct tensor *x, const struct tensor *w,
                     const struct tensor *stat, const struct tensor *dy,
                     struct tensor *dx, struct tensor *dw)
{
    const struct norm_inputs in = {x, w, stat, dy};
    int i = 0;

    while (i < held.norms && held.norm[i].at != x->data)
        i++;
    CHECK(i < held.norms);
    meet(dy, &held.norm[i].dy, &held.layer[held.norm[i].layer + 1].dx);
    if (held.how != HELD_KEEP) {
        held.inner.node.norm_bwd(x, w, stat, dy, dx, dw);
        return;
    }
    for (int n = 0; n < rows(x); n++)
        node_bwd(&in, n, held.norm[i].on + (size_t)n * (size_t)x->c, dx, dw);
}

/* --- head, pooling -------------------------------------------------------- */

static void relu_fwd(const struct tensor *x, struct tensor *y)
{
    size_t n = (size_t)rows(x) * (size_t)x->c;

    held.inner.node.relu_fwd(x, y);
    if (held.how != HELD_NOTE)
        return;
    held.relu = fresh(held.relu, n, 1);
    for (size_t k = 0; k < n; k++)
        held.relu[k] =
            get(y, (int)(k / (size_t)x->c), 0, (int)(k % (size_t)x->c)) > 0;
}

static void relu_bwd(const struct tensor *y, const struct tensor *dy,
                     struct tensor *dx)
{
    if (held.how != HELD_KEEP && held.how != HELD_LAYER) {
        held.inner.node.relu_bwd(y, dy, dx);
        return;
    }
    for (int n = 0; n < rows(y); n++)
        for (int c = 0; c < y->c; c++)
            put(dx, n, 0, c, held.relu[n * y->c + c] ? get(dy, n, 0, c) : 0);
}

static void pool_max_fwd(const struct tensor *x, const struct csr *atoms,
                         struct tensor *y, int *arg)
{
    size_t n = (size_t)rows(y) * (size_t)x->c;

    meet(x, &held.pooled, &held.layer[held.layers].y);
    held.inner.node.pool_max_fwd(x, atoms, y, arg);
    if (held.how == HELD_KEEP || held.how == HELD_LAYER)
        memcpy(arg, held.largest, n * sizeof *arg);
    if (held.how != HELD_NOTE)
        return;
    held.largest = fresh(held.largest, n, sizeof *held.largest);
    memcpy(held.largest, arg, n * sizeof *arg);
}

static void pool_avg_fwd(const struct tensor *x, const struct csr *atoms,
                         struct tensor *y)
{
    meet(x, &held.pooled, &held.layer[held.layers].y);
    held.inner.node.pool_avg_fwd(x, atoms, y);
}

static void pool_max_bwd(const struct tensor *dy, const struct csr *atoms,
                         const int *arg, struct tensor *dx)
{
    meet(dy, &held.dpooled, &held.layer[held.layers + 1].dx);
    held.inner.node.pool_max_bwd(dy, atoms, arg, dx);
}

static void pool_avg_bwd(const struct tensor *dy, const struct csr *atoms,
                         struct tensor *dx)
{
    meet(dy, &held.dpooled, &held.layer[held.layers + 1].dx);
    held.inner.node.pool_avg_bwd(dy, atoms, dx);
}

/* -------------------------------------------------------------------------- */

void held_wrap(struct kernels *k)
{
    held.inner = *k;
    k->node.norm_fwd = norm_fwd;
    k->node.norm_bwd = norm_bwd;
    k->node.relu_fwd = relu_fwd;
    k->node.relu_bwd = relu_bwd;
    k->node.pool_max_fwd = pool_max_fwd;
    k->node.pool_avg_fwd = pool_avg_fwd;
    k->node.pool_max_bwd = pool_max_bwd;
    k->node.pool_avg_bwd = pool_avg_bwd;
}

void held_begin(enum held how)
{
    held.norms = 0;
    held.layers = 0;
    held.how = how;
    memset(held.layer, 0, sizeof held.layer);
}

static double relative(const struct held_sum *s)
{
    return s->size > 0 ? sqrt(s->off / s->size) : 0;
}

void held_worst(double *y, double *dx)
{
    *y = *dx = 0;
    for (int i = 0; i < HELD_LAYERS; i++) {
        *y = fmax(*y, relative(&held.layer[i].y));
        *dx = fmax(*dx, relative(&held.layer[i].dx));
    }
}

void held_fini(void)
{
    for (int i = 0; i < NORMS; i++) {
        mem_free(held.norm[i].on);
        mem_free(held.norm[i].x);
        mem_free(held.norm[i].dy);
    }
    mem_free(held.relu);
    mem_free(held.largest);
    mem_free(held.pooled);
    mem_free(held.dpooled);
    memset(&held, 0, sizeof held);
}
