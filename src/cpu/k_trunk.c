/* SPDX-License-Identifier: MIT */
/* k_trunk.c - radial network without its last layer (theory.md section 3),
 * reference.
 *
 * A layer, of inputs x, with the unit's index left out:
 *
 *     z = W x + b    n = (z - mean z) / sqrt(var z + eps)    h = relu(g n + s)
 *
 * and back, dn = dh where g n + s > 0, else 0, dg = dn n, ds = dn,
 *
 *     dz = (g dn - mean(g dn) - n mean(g dn n)) / sqrt(var z + eps)
 *
 * Without gain n = z and dz = dn. Hidden layers are computed again on the way
 * back, for WINDOW points at a time: first every point for itself, then every
 * unit, which owns its row of W, sums over those.
 */
#include "cpu/real.h"

enum { UNITS = RADIAL_HIDDEN, WINDOW = 64 };

static const real eps = (real)1e-5;

/* One layer at one point. */
struct hidden {
    real n[UNITS], h[UNITS], rdev;
    real dn[UNITS], dz[UNITS];
};

struct state {
    int point;
    struct hidden layer[2];
};

/* In pairs, which are vectors to the compiler. */
static real sum_of(const real x[UNITS])
{
    real s[UNITS / 2];

    for (int i = 0; i < UNITS / 2; i++)
        s[i] = x[i] + x[UNITS / 2 + i];
    for (int n = UNITS / 4; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            s[i] += s[n + i];
    return s[0];
}

static void normalize(struct hidden *a)
{
    real mean = sum_of(a->n) / UNITS, square[UNITS];

    for (int i = 0; i < UNITS; i++) {
        a->n[i] -= mean;
        square[i] = a->n[i] * a->n[i];
    }
    a->rdev = 1 / sqrt(sum_of(square) / UNITS + eps);
    for (int i = 0; i < UNITS; i++)
        a->n[i] *= a->rdev;
}

/* What follows a layer's matrix: norm, if any, and ReLU. */
static void activate(const struct radial_layer *w, struct hidden *a)
{
    const real *gain = w->gain.data, *shift = w->shift.data;

    if (gain)
        normalize(a);
    for (int i = 0; i < UNITS; i++) {
        real n = gain ? gain[i] * a->n[i] + shift[i] : a->n[i];

        a->h[i] = n <= 0 ? 0 : n;
    }
}

struct network {
    const struct tensor *at;
    const struct radial *r;
    real w1[UNITS][UNITS]; /* of the second layer, [in][out]: a point's units
                              are a vector */
};

static void network_set(const struct tensor *at, const struct radial *r,
                        struct network *t)
{
    t->at = at;
    t->r = r;
    for (int i = 0; i < UNITS; i++)
        for (int o = 0; o < UNITS; o++)
            t->w1[i][o] = row(&r->layer[1].w, o, 0)[i];
}

static void point_fwd(const struct network *t, int n, struct state *s)
{
    const struct radial *r = t->r;
    const real *x = row(t->at, n, 0);
    struct hidden *first = &s->layer[0], *second = &s->layer[1];
    const real *b0 = r->layer[0].b.data, *b1 = r->layer[1].b.data;

    s->point = n;
    for (int o = 0; o < UNITS; o++) {
        const real *w = row(&r->layer[0].w, o, 0);

        first->n[o] = b0[o];
        for (int i = 0; i < t->at->c; i++)
            first->n[o] += w[i] * x[i];
    }
    activate(&r->layer[0], first);
    for (int o = 0; o < UNITS; o++)
        second->n[o] = b1[o];
    for (int i = 0; i < UNITS; i++)
        for (int o = 0; o < UNITS; o++)
            second->n[o] += t->w1[i][o] * first->h[i];
    activate(&r->layer[1], second);
}

static void trunk_fwd(const struct tensor *at, const struct radial *r)
{
    int points = used(at);
    struct network net;

    if (points == 0)
        return;
    network_set(at, r, &net);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < points; n++) {
        struct state s;
        real *h = row(&r->h, n, 0);

        point_fwd(&net, n, &s);
        for (int i = 0; i < UNITS; i++)
            h[i] = s.layer[1].h[i];
    }
}

/* dz and dn from dh. */
static void layer_bwd(const struct radial_layer *w, const real *dh,
                      struct hidden *a)
{
    const real *gain = w->gain.data;
    real along[UNITS], mean, slope;

    for (int i = 0; i < UNITS; i++)
        a->dn[i] = a->h[i] <= 0 ? 0 : dh[i];
    for (int i = 0; i < UNITS; i++)
        a->dz[i] = gain ? gain[i] * a->dn[i] : a->dn[i];
    if (!gain)
        return;
    for (int i = 0; i < UNITS; i++)
        along[i] = a->dz[i] * a->n[i];
    mean = sum_of(a->dz) / UNITS;
    slope = sum_of(along) / UNITS;
    for (int i = 0; i < UNITS; i++)
        a->dz[i] = (a->dz[i] - mean - a->n[i] * slope) * a->rdev;
}

static void point_bwd(const struct radial *r, const real *dh, struct state *s)
{
    real dfirst[UNITS] = {0};

    layer_bwd(&r->layer[1], dh, &s->layer[1]);
    for (int o = 0; o < UNITS; o++)
        for (int i = 0; i < UNITS; i++)
            dfirst[i] += row(&r->layer[1].w, o, 0)[i] * s->layer[1].dz[o];
    layer_bwd(&r->layer[0], dfirst, &s->layer[0]);
}

/* Gradients of the point's own inputs, where they are wanted. */
static void inputs_bwd(const struct radial *r, const struct state *s,
                       struct tensor *dscalar, struct tensor *ddistance)
{
    int scalars = r->layer[0].w.c - 1, n = s->point;

    for (int o = 0; o < UNITS; o++) {
        const real *w = row(&r->layer[0].w, o, 0);
        real dz = s->layer[0].dz[o];

        for (int i = 0; dscalar && dscalar->data && i < scalars; i++)
            row(dscalar, n, 0)[i] += w[i] * dz;
        if (ddistance && ddistance->data)
            row(ddistance, n, 0)[0] += w[scalars] * dz;
    }
}

/* Adds one point to what unit o of a layer owns, but for its row of W. */
static void unit_add(const struct radial_layer *d, const struct hidden *a,
                     int o)
{
    ((real *)d->b.data)[o] += a->dz[o];
    if (!d->gain.data)
        return;
    ((real *)d->gain.data)[o] += a->dn[o] * a->n[o];
    ((real *)d->shift.data)[o] += a->dn[o];
}

/* Adds n points to row o of both layers. */
static void row_add(const struct tensor *at, const struct radial *r, int o,
                    const struct state *state, int n)
{
    real *dw0 = row(&r->grad[0].w, o, 0), *dw1 = row(&r->grad[1].w, o, 0);

    for (int j = 0; j < n; j++) {
        const struct hidden *a = state[j].layer;

        unit_add(&r->grad[0], &a[0], o);
        unit_add(&r->grad[1], &a[1], o);
        for (int i = 0; i < at->c; i++)
            dw0[i] += a[0].dz[o] * row(at, state[j].point, 0)[i];
        for (int i = 0; i < UNITS; i++)
            dw1[i] += a[1].dz[o] * a[0].h[i];
    }
}

static void trunk_bwd(const struct tensor *at, const struct radial *r,
                      struct tensor *dscalar, struct tensor *ddistance)
{
    struct state state[WINDOW];
    struct network net;
    int points = used(at);

    network_set(at, r, &net);
    for (int first = 0; first < points; first += WINDOW) {
        int n = points - first < WINDOW ? points - first : WINDOW;

#pragma omp parallel for schedule(static)
        for (int j = 0; j < n; j++) {
            point_fwd(&net, first + j, &state[j]);
            point_bwd(r, row(&r->dh, first + j, 0), &state[j]);
            inputs_bwd(r, &state[j], dscalar, ddistance);
        }
#pragma omp parallel for schedule(static)
        for (int o = 0; o < UNITS; o++)
            row_add(at, r, o, state, n);
    }
}

void ENTER(k_trunk)(struct kernels *k)
{
    k->conv.trunk_fwd = trunk_fwd;
    k->conv.trunk_bwd = trunk_bwd;
}
