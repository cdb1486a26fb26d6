/* SPDX-License-Identifier: MIT */
/* k_geometry.c - distances and frames of bonds, reference.
 *
 * frame.h: D^l = K Ry(-beta) K^T Ry(-alpha). In the columns (+m, -m) of a
 * product A Ry(t),
 *
 *     A'+ = cos(mt) A+ + sin(mt) A-      A'- = cos(mt) A- - sin(mt) A+
 *
 * A force dr on the bond's vector r = d u has a part along u, from the
 * distance, and the part across that makes the torque: (torque x u) / d.
 */
#include "cpu/real.h"

enum { WIDTH = 2 * FIBER_DEGREES - 1 };

/* A <- A Ry(t), given cos t and sin t. */
static void turn_columns(int l, real cos_t, real sin_t, real *a)
{
    real c = cos_t, s = sin_t;

    for (int m = 1; m <= l; m++) {
        real was = c;

        for (int i = 0; i < 2 * l + 1; i++) {
            real *at = a + i * (2 * l + 1) + l, plus = at[m];

            at[m] = c * plus + s * at[-m];
            at[-m] = c * at[-m] - s * plus;
        }
        c = c * cos_t - s * sin_t;
        s = s * cos_t + was * sin_t;
    }
}

/* D^l of the direction u, K given. */
static void frame(int l, const real u[3], const real *turn, real *d)
{
    real tilt[WIDTH * WIDTH], rho = hypot(u[0], u[2]);
    int n = 2 * l + 1;

    for (int i = 0; i < n * n; i++)
        tilt[i] = turn[i];
    turn_columns(l, u[1], -rho, tilt);
    for (int i = 0; i < n * n; i++) {
        d[i] = 0;
        for (int k = 0; k < n; k++)
            d[i] += tilt[i / n * n + k] * turn[i % n * n + k];
    }
    if (rho != 0)
        turn_columns(l, u[2] / rho, -u[0] / rho, d);
}

static void geometry_fwd(const struct graph *g, struct geometry *geo)
{
    int bonds = used_bonds(g);

#pragma omp parallel for schedule(static)
    for (int b = 0; b < bonds; b++) {
        int e = g->bond_edge[b];
        const real *from = row(&g->x, g->src[e], 0);
        const real *to = row(&g->x, g->dst[e], 0);
        real *u = row(&geo->unit, b, 0), distance;

        for (int i = 0; i < 3; i++)
            u[i] = to[i] - from[i];
        distance = hypot(hypot(u[0], u[2]), u[1]);
        for (int i = 0; i < 3; i++)
            u[i] /= distance;
        row(&geo->distance, b, 0)[0] = distance;
        for (int l = 0; l < geo->degrees; l++)
            frame(l, u, row(&geo->turn[l], 0, 0), row(&geo->d[l], b, 0));
    }
}

/* dx += sign dr of edge e, if it is its bond's first; the bond's force is
 * counted once, for both its edges. */
static void pull(const struct graph *g, const struct geometry *geo, int e,
                 real sign, real *dx)
{
    int b = g->bond[e];
    const real *u, *t;
    real along, distance;

    if (e != g->bond_edge[b])
        return;
    u = row(&geo->unit, b, 0);
    t = row(&geo->torque, b, 0);
    along = row(&geo->ddistance, b, 0)[0];
    distance = row(&geo->distance, b, 0)[0];
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;

        dx[i] += sign * (along * u[i] + (t[j] * u[k] - t[k] * u[j]) / distance);
    }
}

static void geometry_bwd(const struct graph *g, const struct geometry *geo,
                         struct tensor *dx)
{
    int nodes = used_nodes(&g->in);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++) {
        real *sum = row(dx, n, 0);

        for (int i = 0; i < 3; i++)
            sum[i] = 0;
        for (int i = g->in.begin[n]; i < g->in.begin[n + 1]; i++)
            pull(g, geo, entry(&g->in, i), 1, sum);
        for (int i = g->out.begin[n]; i < g->out.begin[n + 1]; i++)
            pull(g, geo, entry(&g->out, i), -1, sum);
    }
}

void ENTER(k_geometry)(struct kernels *k)
{
    k->conv.geometry_fwd = geometry_fwd;
    k->conv.geometry_bwd = geometry_bwd;
}
