/* SPDX-License-Identifier: MIT */
/* k_geometry_lanes.c - frames of as many bonds at a time as a vector has lanes;
 * k_geometry.c has the formulas.
 *
 * The product with K^T is most of it: two loads a multiplication, both from the
 * nearest cache. D^l are made with a bond a lane and transposed into rows.
 */
#include "cpu/lanes.h"
#include "cpu/real.h"

enum {
    WIDTH = 2 * FIBER_DEGREES - 1,

    ENOUGH = 512 /* bonds: fewer are not worth a second thread */
};

/* A <- A Ry(t), given cos t and sin t. */
static void turn_columns(int l, lanes cos_t, lanes sin_t, lanes *a)
{
    lanes c = cos_t, s = sin_t;

    for (int m = 1; m <= l; m++) {
        lanes was = c;

        for (int i = 0; i < 2 * l + 1; i++) {
            lanes *at = a + i * (2 * l + 1) + l, plus = at[m];

            at[m] = c * plus + s * at[-m];
            at[-m] = c * at[-m] - s * plus;
        }
        c = c * cos_t - s * sin_t;
        s = s * cos_t + was * sin_t;
    }
}

/* D^l of the directions u, K given; azimuth: cos and sin of -alpha. */
static void frames(int l, const lanes u[3], lanes rho, const lanes azimuth[2],
                   const float *turn, lanes *d)
{
    const int n = 2 * l + 1;
    lanes tilt[WIDTH * WIDTH];

    for (int i = 0; i < n * n; i++)
        tilt[i] = (lanes){0} + turn[i];
    turn_columns(l, u[1], -rho, tilt);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            lanes sum = {0};

            for (int k = 0; k < n; k++)
                sum += turn[j * n + k] * tilt[i * n + k];
            d[i * n + j] = sum;
        }
    turn_columns(l, azimuth[0], azimuth[1], d);
}

/* Number i of lane b to number i of row first + b, the first `bonds` lanes. */
static void put_rows(const lanes *v, int numbers, int first, int bonds,
                     struct tensor *to)
{
    for (int i = 0; i < numbers; i += LANES) {
        lanes part[LANES];

        for (int k = 0; k < LANES; k++)
            part[k] = i + k < numbers ? v[i + k] : (lanes){0};
        transpose(part);
        for (int b = 0; b < bonds; b++)
            store_part((float *)row(to, first + b, 0) + i, part[b],
                       numbers - i);
    }
}

/* dst - src; lanes without a bond have the last one's. */
static void bond_vectors(const struct graph *g, int first, int bonds,
                         lanes r[3])
{
    for (int b = 0; b < LANES; b++) {
        int e = g->bond_edge[first + (b < bonds ? b : bonds - 1)];
        const float *from = row(&g->x, g->src[e], 0);
        const float *to = row(&g->x, g->dst[e], 0);

        for (int i = 0; i < 3; i++)
            r[i][b] = to[i] - from[i];
    }
}

static lanes choose(lanes_int is_first, lanes a, lanes b)
{
    return (lanes)((is_first & (lanes_int)a) | (~is_first & (lanes_int)b));
}

static void some_bonds(const struct graph *g, struct geometry *geo, int first,
                       int bonds)
{
    lanes u[3], d[WIDTH * WIDTH], azimuth[2], distance, rho;
    lanes_int is_polar;

    bond_vectors(g, first, bonds, u);
    distance = square_root(u[0] * u[0] + u[1] * u[1] + u[2] * u[2]);
    for (int i = 0; i < 3; i++)
        u[i] /= distance;
    rho = square_root(u[0] * u[0] + u[2] * u[2]);
    is_polar = rho == 0;
    azimuth[0] = choose(is_polar, (lanes){0} + 1, u[2] / rho);
    azimuth[1] = choose(is_polar, (lanes){0}, -u[0] / rho);
    put_rows(&distance, 1, first, bonds, &geo->distance);
    put_rows(u, 3, first, bonds, &geo->unit);
    for (int l = 0; l < geo->degrees; l++) {
        frames(l, u, rho, azimuth, row(&geo->turn[l], 0, 0), d);
        put_rows(d, (2 * l + 1) * (2 * l + 1), first, bonds, &geo->d[l]);
    }
}

static void geometry_fwd(const struct graph *g, struct geometry *geo)
{
    int bonds = used_bonds(g), groups = (bonds + LANES - 1) / LANES;

#pragma omp parallel for schedule(static) if (bonds > ENOUGH)
    for (int i = 0; i < groups; i++) {
        int left = bonds - i * LANES;

        some_bonds(g, geo, i * LANES, left < LANES ? left : LANES);
    }
}

void ENTER(k_geometry_lanes)(struct kernels *k)
{
    k->conv.geometry_fwd = geometry_fwd;
}
