/* SPDX-License-Identifier: MIT */
/* conv_kernels_test.c - the reference kernels on bonds and edges, in double,
 * against theory.md as it is written: global frame, basis matrices, one edge at
 * a time; and gradients against differences.
 *
 * Rounding: sums of up to a few hundred terms of order 1, and math to 1e-13:
 * CLOSE, 1e-11, is for numbers relative to the largest of their kind.
 */
#include "conv_world.h"

#include "base/mem.h"
#include "math/frame.h"
#include "math/wigner.h"
#include "noise.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLOSE 1e-11

static const struct scenario scenarios[] = {
    {"full",
     FULL,
     20,
     0,
     1,
     2,
     {3, {4, 4, 4}},
     {0, {0}},
     {3, {2, 2, 2}},
     {3, {2, 2, 2}}},
    {"per_output",
     PER_OUTPUT,
     9,
     1,
     0,
     1,
     {3, {3, 0, 1}},
     {3, {0, 3, 2}},
     {4, {2, 1, 0, 2}},
     {3, {1, 0, 2}}},
    {"per_input",
     PER_INPUT,
     37,
     3,
     1,
     3,
     {2, {1, 3}},
     {3, {0, 1, 2}},
     {3, {3, 3, 6}},
     {2, {3, 3}}},
    {"none",
     NONE,
     70,
     4,
     1,
     2,
     {5, {2, 0, 1, 0, 2}},
     {4, {0, 0, 2, 1}},
     {5, {2, 0, 2, 0, 4}},
     {3, {2, 0, 2}}},
    {"high",
     NONE,
     5,
     2,
     1,
     1,
     {9, {1, [8] = 1}},
     {0, {0}},
     {9, {1, [5] = 1, [8] = 1}},
     {9, {[8] = 1}}},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

static void assert_close(const char *what, const struct tensor *a,
                         const struct tensor *b)
{
    double most = 0, off = 0;

    for (int i = 0; a->data && i < used(a) * (2 * a->l + 1); i++)
        for (int c = 0; c < a->c; c++) {
            double x = at(a, 0, i)[c], y = at(b, 0, i)[c];

            assert_true(isfinite(x) && isfinite(y));
            most = fmax(most, fabs(y));
            off = fmax(off, fabs(x - y));
        }
    if (off > CLOSE * most)
        print_error("%s of degree %d: %g off, of %g\n", what, a->l, off, most);
    assert_true(off <= CLOSE * most);
}

/* Direction from src to dst. */
static void direction(const struct world *w, int e, double u[3])
{
    for (int i = 0; i < 3; i++)
        u[i] = at(&w->g.x, w->dst[e], 0)[i] - at(&w->g.x, w->src[e], 0)[i];
}

/* Row n of y = D^T row n of x, by the frame of edge n's bond. */
static void turn_back(const struct world *w, const struct tensor *x, int n,
                      struct tensor *y)
{
    int l = x->l, m2 = 2 * l + 1;
    double d[(2 * L - 1) * (2 * L - 1)], u[3];

    direction(w, w->bond_edge[w->bond[n]], u);
    frame_d(l, u, d);
    for (int i = 0; i < m2 * m2; i++)
        for (int c = 0; c < x->c; c++)
            at(y, n, i % m2)[c] += d[i] * at(x, n, i / m2)[c];
}

static void plain_norm(const struct radial_layer *v, double z[HIDDEN])
{
    double mean = 0, var = 0;

    for (int i = 0; i < HIDDEN; i++)
        mean += z[i] / HIDDEN;
    for (int i = 0; i < HIDDEN; i++)
        var += (z[i] - mean) * (z[i] - mean) / HIDDEN;
    for (int i = 0; i < HIDDEN; i++)
        z[i] = (z[i] - mean) / sqrt(var + 1e-5) * at(&v->gain, 0, 0)[i] +
               at(&v->shift, 0, 0)[i];
}

static void plain_layer(const struct radial_layer *v, const double *x,
                        double h[HIDDEN])
{
    for (int o = 0; o < HIDDEN; o++) {
        h[o] = at(&v->b, 0, 0)[o];
        for (int i = 0; i < v->w.c; i++)
            h[o] += at(&v->w, o, 0)[i] * x[i];
    }
    if (v->gain.data)
        plain_norm(v, h);
    for (int o = 0; o < HIDDEN; o++)
        h[o] = fmax(h[o], 0);
}

static void plain_trunk(const struct world *w, int trunk, int e,
                        double h[HIDDEN])
{
    double s[SCALARS + 1], u[3], h0[HIDDEN];

    direction(w, e, u);
    memcpy(s, at(&w->g.scalar, w->bond[e], 0), SCALARS * sizeof *s);
    s[SCALARS] = sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2]);
    plain_layer(&w->radial[trunk].layer[0], s, h0);
    plain_layer(&w->radial[trunk].layer[1], h0, h);
}

/* B_f of the edge: out [mi, mo]. */
static void plain_basis(const struct world *w, const struct conv_path *p, int f,
                        int e, double *out)
{
    double q[(4 * L - 3) * (2 * L - 1) * (2 * L - 1)];
    double y[(2 * L - 1) * (2 * L - 1)], u[3];
    int j = abs(p->lo - p->li) + f, n = (2 * p->li + 1) * (2 * p->lo + 1);

    direction(w, e, u);
    wigner_harmonics(j, u, y);
    wigner_3j(j, p->li, p->lo, q);
    for (int i = 0; i < n; i++) {
        out[i] = 0;
        for (int m = 0; m < 2 * j + 1; m++)
            out[i] += q[m * n + i] * y[j * j + m];
    }
    if (n == 1)
        out[0] = w->conv.shape.basis00;
}

/* One path and one f of it, at one edge, in the global frame: adds to y. */
static void plain_path(const struct world *w, const struct conv_path *p, int f,
                       int e, struct tensor *y)
{
    const struct tensor *w3 = &w->radial[p->trunk].w3, *x = &w->x[p->li];
    int own = x->data ? x->c : 0, cis = own + w->e[p->li].c;
    double h[HIDDEN], basis[(2 * L - 1) * (2 * L - 1)];

    plain_trunk(w, p->trunk, e, h);
    plain_basis(w, p, f, e, basis);
    for (int pair = 0; pair < y->c * cis; pair++) {
        int co = pair / cis, ci = pair % cis;
        double r = 0;

        for (int k = 0; k < HIDDEN; k++)
            r += at(w3, pair * p->rows + p->first + f, 0)[k] * h[k];
        for (int i = 0; i < (2 * p->li + 1) * (2 * p->lo + 1); i++) {
            int mi = i / (2 * p->lo + 1), mo = i % (2 * p->lo + 1);

            at(y, e, mo)[co] += r * basis[i] *
                                (ci < own ? at(x, w->src[e], mi)[ci]
                                          : at(&w->e[p->li], e, mi)[ci - own]);
        }
    }
}

/* Scores, weights and sums from y in the global frame. */
static void plain_scores(const struct world *w, const struct tensor *y, int l,
                         struct tensor *score)
{
    int values = w->value[l].c, keys = w->key[l].c;

    for (int e = 0; e < w->edges; e++)
        for (int i = 0; i < keys * (2 * l + 1); i++) {
            int m = i / keys, c = i % keys;

            at(score, e, 0)[c * w->s->heads / keys] +=
                world_heads(w).scale * at(y, e, m)[values + c] *
                at(&w->q[l], w->dst[e], m)[c];
        }
}

/* In place. */
static void plain_softmax(const struct world *w, struct tensor *score)
{
    for (int n = 0; n < w->nodes; n++)
        for (int h = 0; h < w->s->heads; h++) {
            double sum = 0;

            for (int e = 0; e < w->edges; e++)
                if (w->dst[e] == n)
                    sum += at(score, e, 0)[h] = exp(at(score, e, 0)[h]);
            for (int e = 0; e < w->edges; e++)
                if (w->dst[e] == n)
                    at(score, e, 0)[h] /= sum;
        }
}

static void plain_sum(const struct world *w, const struct tensor *y,
                      const struct tensor *a, struct tensor *z)
{
    for (int e = 0; e < w->edges; e++)
        for (int i = 0; i < z->c * (2 * z->l + 1); i++) {
            int m = i / z->c, c = i % z->c;

            at(z, w->dst[e], m)[c] +=
                at(a, e, 0)[c * w->s->heads / z->c] * at(y, e, m)[c];
        }
}

static void is_the_formula(void **state)
{
    struct world *w = *state;
    struct tensor y[L], a = world_like(w, &w->a);

    world_forward(w);
    for (int l = 0; l < w->degrees; l++)
        y[l] = world_like(w, &w->y[l]);
    for (int p = 0; p < w->conv.shape.paths; p++) {
        const struct conv_path *path = &w->conv.shape.path[p];

        for (int e = 0; e < w->edges; e++)
            for (int f = 0;
                 f <= 2 * (path->li < path->lo ? path->li : path->lo); f++)
                plain_path(w, path, f, e, &y[path->lo]);
    }
    for (int l = 0; l < w->degrees; l++) {
        struct tensor turned = world_like(w, &w->y[l]);

        for (int e = 0; y[l].data && e < w->edges; e++)
            turn_back(w, &w->y[l], e, &turned);
        assert_close("y", &turned, &y[l]);
        plain_scores(w, &y[l], l, &a);
    }
    plain_softmax(w, &a);
    assert_close("a", &w->a, &a);
    for (int l = 0; l < w->degrees; l++) {
        struct tensor z = world_like(w, &w->z[l]);

        plain_sum(w, &y[l], &a, &z);
        assert_close("z", &w->z[l], &z);
    }
}

static void frames_are_those_of_math(void **state)
{
    struct world *w = *state;
    struct tensor unit = world_like(w, &w->geo.unit);

    world_forward(w);
    for (int l = 0; l < w->degrees; l++) {
        struct tensor d = world_like(w, &w->geo.d[l]);

        for (int b = 0; b < w->bonds; b++) {
            direction(w, w->bond_edge[b], at(&unit, b, 0));
            frame_d(l, at(&unit, b, 0), at(&d, b, 0));
        }
        assert_close("D", &w->geo.d[l], &d);
    }
    for (int b = 0; b < w->bonds; b++)
        for (int i = 0; i < 3; i++)
            at(&unit, b, 0)[i] /= at(&w->geo.distance, b, 0)[0];
    assert_close("u", &w->geo.unit, &unit);
}

/* Reverse edges share their bond's frame and weights, or do not. */
static void sharing_bonds_changes_nothing(void **state)
{
    struct world *w = *state, own;
    struct tensor torque = world_like(w, &w->geo.torque);

    world_build(&own, w->s, 1);
    for (int i = 0; i < 2; i++) {
        struct world *v = i ? &own : w;

        world_forward(v);
        world_backward(v);
    }
    assert_int_equal(w->edges, own.edges);
    assert_close("a", &own.a, &w->a);
    assert_close("dpos", &own.dpos, &w->dpos);
    for (int e = 0; e < w->edges; e++)
        for (int i = 0; i < 3; i++)
            at(&torque, w->bond[e], 0)[i] += at(&own.geo.torque, e, 0)[i];
    assert_close("torque", &torque, &w->geo.torque);
    for (int l = 0; l < w->degrees; l++) {
        assert_close("z", &own.z[l], &w->z[l]);
        assert_close("dx", &own.dx[l], &w->dx[l]);
        assert_close("de", &own.de[l], &w->de[l]);
        assert_close("dq", &own.dq[l], &w->dq[l]);
    }
    for (int t = 0; t < w->conv.shape.trunks; t++) {
        assert_close("dw3", &own.radial[t].dw3, &w->radial[t].dw3);
        for (int i = 0; i < 2; i++) {
            assert_close("dw", &own.radial[t].grad[i].w,
                         &w->radial[t].grad[i].w);
            assert_close("dgain", &own.radial[t].grad[i].gain,
                         &w->radial[t].grad[i].gain);
        }
    }
    world_destroy(&own);
}

/* Row by row x <- D^l(R) x. */
static void rotate(struct tensor *x, int l, const double r[9])
{
    double d[(2 * L - 1) * (2 * L - 1)], was[2 * L - 1];
    int m2 = 2 * l + 1;

    wigner_d(l, r, d);
    for (int i = 0; x->data && i < used(x) * x->c; i++) {
        double *first = at(x, 0, 0);
        int n = i / x->c, c = i % x->c;

        for (int m = 0; m < m2; m++)
            was[m] = first[(n * m2 + m) * x->ld + c];
        for (int m = 0; m < m2; m++) {
            double sum = 0;

            for (int k = 0; k < m2; k++)
                sum += d[m * m2 + k] * was[k];
            first[(n * m2 + m) * x->ld + c] = sum;
        }
    }
}

static void turns_with_its_inputs(void **state)
{
    static const double axis[3] = {0.3, -0.8, 0.5};
    struct world *w = *state, turned;
    struct tensor pos;
    double r[9];

    frame_matrix(axis, r); /* as good as any */
    world_build(&turned, w->s, 0);
    for (int l = 0; l < w->degrees; l++) {
        rotate(&turned.x[l], l, r);
        rotate(&turned.e[l], l, r);
        rotate(&turned.q[l], l, r);
    }
    pos = turned.g.x;
    pos.l = pos.c = pos.ld = 1;
    rotate(&pos, 1, r);
    world_forward(w);
    world_forward(&turned);
    assert_close("a", &turned.a, &w->a);
    for (int l = 0; l < w->degrees; l++) {
        rotate(&w->z[l], l, r);
        assert_close("z", &turned.z[l], &w->z[l]);
    }
    world_destroy(&turned);
}

/* Central differences of some numbers of p against their gradients d. The step,
 * 2^-20, is so small that no ReLU of these numbers turns within it; it leaves
 * 1e-12 times the third derivative, and the rounding of a sum of
 * hundreds of terms of order 1, enlarged by 2^19: below 1e-8. */
static void assert_gradient(struct world *w, const char *what,
                            const struct tensor *p, const struct tensor *d)
{
    const double step = 0x1p-20;
    int count = p->data ? used(p) * (2 * p->l + 1) * p->c : 0;
    double most = 0, off = 0, close;

    for (int i = 0; i < count; i += 1 + count / 12) {
        double *x = (double *)p->data + i / p->c * p->ld + i % p->c;
        double g = ((double *)d->data)[i / p->c * d->ld + i % p->c];
        double was = *x, slope;

        *x = was + step;
        slope = world_forward(w);
        *x = was - step;
        slope = (slope - world_forward(w)) / (2 * step);
        *x = was;
        most = fmax(most, fabs(slope));
        off = fmax(off, fabs(slope - g));
    }
    close = 1e-8 * (most + 1);
    if (off > close)
        print_error("d %s of degree %d: %g off, of %g\n", what, p->l, off,
                    most);
    assert_true(off <= close);
}

static void gradients_are_differences(void **state)
{
    struct world *w = *state;

    world_forward(w);
    world_backward(w);
    assert_gradient(w, "position", &w->g.x, &w->dpos);
    assert_gradient(w, "scalar", &w->g.scalar, &w->dscalar);
    for (int l = 0; l < w->degrees; l++) {
        assert_gradient(w, "x", &w->x[l], &w->dx[l]);
        assert_gradient(w, "e", &w->e[l], &w->de[l]);
        assert_gradient(w, "q", &w->q[l], &w->dq[l]);
    }
    for (int t = 0; t < w->conv.shape.trunks && t < 4; t++) {
        struct radial *r = &w->radial[t];

        assert_gradient(w, "w3", &r->w3, &r->dw3);
        for (int i = 0; i < 2; i++) {
            assert_gradient(w, "w", &r->layer[i].w, &r->grad[i].w);
            assert_gradient(w, "b", &r->layer[i].b, &r->grad[i].b);
            assert_gradient(w, "gain", &r->layer[i].gain, &r->grad[i].gain);
            assert_gradient(w, "shift", &r->layer[i].shift, &r->grad[i].shift);
        }
    }
}

/* Adds dz . L z of edge e to its bond. */
static void add_torque(const struct world *w, const struct tensor *z,
                       const struct tensor *dz, int e, struct tensor *torque)
{
    double generators[3 * (2 * L - 1) * (2 * L - 1)];
    int m2 = 2 * z->l + 1;

    wigner_generators(z->l, generators);
    for (int i = 0; i < 3 * m2 * m2; i++)
        for (int c = 0; c < z->c; c++)
            at(torque, w->bond[e], 0)[i / (m2 * m2)] +=
                generators[i] * at(dz, e, i / m2 % m2)[c] * at(z, e, i % m2)[c];
}

/* Every edge a row of its own, no weights: z = D^T y, dy = D dz, and the
 * torque of a bond dz . L z. */
static void edges_as_rows_turn(void **state)
{
    struct world *w = *state;
    int begin[1024];
    struct csr rows = {w->g.edges, &w->edges, begin, NULL};
    struct gather v = {.degrees = w->degrees, .rows = &rows, .value = w->y};
    struct tensor z[L], dz[L], dy[L], torque = world_like(w, &w->geo.torque);

    world_forward(w);
    for (int i = 0; i <= w->edges; i++)
        begin[i] = i;
    for (int l = 0; l < w->degrees; l++) {
        z[l] = world_like(w, &w->y[l]);
        dy[l] = world_like(w, &w->y[l]);
        dz[l] = world_like(w, &w->y[l]);
        for (int i = 0; z[l].data && i < w->edges * (2 * l + 1) * z[l].ld; i++)
            ((double *)dz[l].data)[i] =
                i % z[l].ld < z[l].c ? noise((uint64_t)i) : 0;
    }
    w->k.conv.aggregate_fwd(&w->g, &w->geo, &v, z);
    w->k.conv.aggregate_bwd(&w->g, &w->geo, &v, dz, dy, NULL);
    for (int l = 0; l < w->degrees; l++) {
        struct tensor back = world_like(w, &z[l]), same = world_like(w, &z[l]);

        for (int e = 0; z[l].data && e < w->edges; e++) {
            turn_back(w, &w->y[l], e, &back);
            turn_back(w, &dy[l], e, &same);
            add_torque(w, &z[l], &dz[l], e, &torque);
        }
        assert_close("z", &z[l], &back);
        assert_close("dz", &same, &dz[l]);
    }
    assert_close("torque", &w->geo.torque, &torque);
}

/* Beyond the rows in use, and in the padding, all outputs are as they were. */
static void assert_untouched(const struct tensor *t)
{
    for (int i = 0; t->data && i < t->n * (2 * t->l + 1); i++)
        for (int c = 0; c < t->ld; c++)
            assert_true((i < used(t) * (2 * t->l + 1) && c < t->c) ||
                        at(t, 0, 0)[i * t->ld + c] == 0);
}

static void nothing_beyond_is_written(void **state)
{
    struct world *w = *state;

    world_forward(w);
    world_backward(w);
    for (int l = 0; l < w->degrees; l++) {
        const struct tensor *all[] = {&w->y[l],    &w->z[l],  &w->dx[l],
                                      &w->de[l],   &w->dq[l], &w->dy[l],
                                      &w->geo.d[l]};

        for (int i = 0; i < 7; i++)
            assert_untouched(all[i]);
        for (int i = 0; w->dq[l].data && i < (2 * l + 1) * w->dq[l].c; i++)
            assert_true(
                at(&w->dq[l], NODES - 1, 0)[i / w->dq[l].c * w->dq[l].ld] == 0);
    }
    for (int t = 0; t < w->conv.shape.trunks; t++) {
        assert_untouched(&w->radial[t].h);
        assert_untouched(&w->radial[t].dh);
    }
    assert_untouched(&w->a);
    assert_untouched(&w->dscore);
    assert_untouched(&w->dpos);
    assert_untouched(&w->dscalar);
    assert_untouched(&w->geo.torque);
    assert_untouched(&w->geo.ddistance);
}

/* Without views for gradients of features and positions the others are the
 * same. */
static void gradients_may_be_unwanted(void **state)
{
    struct world *w = *state, few;

    world_build(&few, w->s, 0);
    world_forward(w);
    world_backward(w);
    world_forward(&few);
    few.geo.torque.data = few.geo.ddistance.data = NULL;
    few.dscalar.data = NULL;
    for (int l = 0; l < w->degrees; l++)
        few.de[l].data = NULL;
    world_backward(&few);
    for (int l = 0; l < w->degrees; l++)
        assert_close("dx", &few.dx[l], &w->dx[l]);
    for (int t = 0; t < w->conv.shape.trunks; t++) {
        assert_close("dw3", &few.radial[t].dw3, &w->radial[t].dw3);
        assert_close("dw", &few.radial[t].grad[0].w, &w->radial[t].grad[0].w);
    }
    world_destroy(&few);
}

/* A node without a number spoils its outgoing edges and no other. */
static void nan_goes_through(void **state)
{
    struct world *w = *state;
    int l = 0;

    while (!w->x[l].data)
        l++;
    at(&w->x[l], 3, 0)[0] = (double)NAN;
    world_forward(w);
    for (int i = 0; i < w->degrees; i++)
        for (int e = 0; w->y[i].data && e < w->edges; e++) {
            double y = 0;

            for (int m = 0; m < 2 * i + 1; m++)
                y += at(&w->y[i], e, m)[0];
            assert_true(isnan(y) == (w->src[e] == 3));
        }
}

/* The same bits in all memory, the workspace too. */
static void threads_change_nothing(void **state)
{
    struct world *w = *state;

    omp_set_num_threads(1);
    world_forward(w);
    world_backward(w);
    for (int threads = 2; threads < 4; threads++) {
        struct world other;

        omp_set_num_threads(threads);
        world_build(&other, w->s, 0);
        world_forward(&other);
        world_backward(&other);
        for (int i = 0; i < other.blocks; i++)
            assert_memory_equal(other.block[i], w->block[i], w->bytes[i]);
        world_destroy(&other);
    }
    omp_set_num_threads(1);
}

static int setup(void **state)
{
    static struct world w;

    world_build(&w, *state, 0);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world_destroy(*state);
    return 0;
}

static int nothing_lives(void **state)
{
    (void)state;
    return mem_live() == 0 ? 0 : -1;
}

static const struct {
    const char *name;
    void (*run)(void **state);
} checks[] = {
    {"formula", is_the_formula},
    {"frames", frames_are_those_of_math},
    {"shared bonds", sharing_bonds_changes_nothing},
    {"rotation", turns_with_its_inputs},
    {"gradients", gradients_are_differences},
    {"edges as rows", edges_as_rows_turn},
    {"beyond", nothing_beyond_is_written},
    {"unwanted", gradients_may_be_unwanted},
    {"NaN", nan_goes_through},
    {"threads", threads_change_nothing},
};
enum { CHECKS = sizeof checks / sizeof *checks };

int main(void)
{
    struct CMUnitTest tests[CHECKS * SCENARIOS];
    char name[CHECKS * SCENARIOS][64];

    for (int i = 0; i < CHECKS * SCENARIOS; i++) {
        const struct scenario *s = &scenarios[i % SCENARIOS];

        snprintf(name[i], sizeof name[i], "%s, %s", checks[i / SCENARIOS].name,
                 s->name);
        tests[i] = (struct CMUnitTest){name[i], checks[i / SCENARIOS].run,
                                       setup, teardown, (void *)(uintptr_t)s};
    }
    return cmocka_run_group_tests(tests, NULL, nothing_lives);
}
