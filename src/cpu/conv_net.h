/* SPDX-License-Identifier: MIT */
/* conv_net.h - the radial network in double, WIDE distances a call: points are
 * chosen by it, tables are made of it. Numbers of views are float. */
#ifndef CONV_NET_H
#define CONV_NET_H

#include "cpu/conv_points.h"

#include <math.h>
#include <string.h>

enum { UNITS = RADIAL_HIDDEN };

/* Of `real`: what float makes of h is off by as much anyway. */
static const double rounding = 1e-7;

static inline double tolerance_of(const struct conv *c)
{
    return c->tolerance > rounding ? c->tolerance : rounding;
}

typedef int64_t wide_bits __attribute__((vector_size(WIDE * sizeof(int64_t))));
typedef double wide __attribute__((vector_size(WIDE * sizeof(double)),
                                   aligned(sizeof(double)), may_alias));

static inline const float *numbers(const struct tensor *t, int n)
{
    return (const float *)t->data + (size_t)n * (size_t)t->ld;
}

static inline void copy(const struct tensor *t, double to[UNITS])
{
    for (int i = 0; t->data && i < UNITS; i++)
        to[i] = (double)numbers(t, 0)[i];
}

static inline void net_set(const struct radial *r, struct net *o)
{
    o->has_norm = r->layer[0].gain.data != NULL;
    copy(&r->layer[0].b, o->b0);
    copy(&r->layer[1].b, o->b1);
    for (int l = 0; l < 2; l++) {
        copy(&r->layer[l].gain, o->gain[l]);
        copy(&r->layer[l].shift, o->shift[l]);
    }
    for (int i = 0; i < UNITS; i++) {
        o->w0[i] = (double)numbers(&r->layer[0].w, i)[r->layer[0].w.c - 1];
        for (int q = 0; q < UNITS; q++)
            o->w1[q][i] = (double)numbers(&r->layer[1].w, i)[q];
    }
}

/* LayerNorm, if any, and ReLU; puts units that are open behind *side. */
static inline void activate(const struct net *o, int layer, wide z[UNITS],
                            wide_bits *side)
{
    wide mean = {0}, square = {0}, rdev;

    for (int i = 0; i < UNITS; i++)
        mean += z[i];
    mean /= (double)UNITS;
    for (int i = 0; i < UNITS; i++)
        square += (z[i] - mean) * (z[i] - mean);
    for (int j = 0; j < WIDE; j++)
        rdev[j] = 1 / sqrt(square[j] / UNITS + 1e-5);
    for (int i = 0; i < UNITS; i++) {
        wide_bits open;

        if (o->has_norm)
            z[i] =
                (z[i] - mean) * rdev * o->gain[layer][i] + o->shift[layer][i];
        open = z[i] > 0;
        *side = *side << 1 | (open & 1);
        z[i] = (wide)((wide_bits)z[i] & ~(wide_bits)(z[i] <= 0));
    }
}

enum { AT_ONCE = 8 }; /* units whose sums run side by side */

/* h, and the sides, of WIDE bonds with these scalars; w0: of the net's first
 * layer. */
static inline void network(const struct net *net, const struct tensor *w0,
                           const float *scalars, const wide *distance,
                           wide h[UNITS], uint64_t side[WIDE])
{
    wide first[UNITS];
    wide_bits bits = {0};

    for (int q = 0; q < UNITS; q++) {
        double sum = net->b0[q];

        for (int i = 0; i < w0->c - 1; i++)
            sum += (double)numbers(w0, q)[i] * (double)scalars[i];
        first[q] = sum + net->w0[q] * *distance;
    }
    activate(net, 0, first, &bits);
    for (int q = 0; q < UNITS; q += AT_ONCE) {
        wide sum[AT_ONCE];

        for (int j = 0; j < AT_ONCE; j++)
            sum[j] = (wide){0} + net->b1[q + j];
        for (int i = 0; i < UNITS; i++)
#pragma GCC unroll 8
            for (int j = 0; j < AT_ONCE; j++)
                sum[j] += net->w1[i][q + j] * first[i];
        for (int j = 0; j < AT_ONCE; j++)
            h[q + j] = sum[j];
    }
    activate(net, 1, h, &bits);
    memcpy(side, &bits, sizeof bits);
}

/* --- polynomials through it ------------------------------------------------
 */

/* Distance of point n of k: Chebyshev's, stretched to the ends; as float has
 * it, for that is what the network gets. */
static inline float point_distance(const struct run *r, int n)
{
    double pi = 3.14159265358979323846;
    double t =
        r->k == 1 ? 0 : cos(pi * (n + 0.5) / r->k) / cos(pi * 0.5 / r->k);

    return (float)(r->middle + r->half * t);
}

/* The inverse of Vandermonde's matrix of the points, by Gauss and Jordan. */
static inline void invert(struct run *r)
{
    double v[TERMS][2 * TERMS] = {{0}};
    int k = r->k;

    for (int n = 0; n < k; n++) {
        double t = ((double)point_distance(r, n) - r->middle) / r->half;

        v[n][0] = 1;
        for (int j = 1; j < k; j++)
            v[n][j] = v[n][j - 1] * t;
        v[n][k + n] = 1;
    }
    for (int i = 0; i < k; i++) {
        int most = i;
        double row[2 * TERMS];

        for (int n = i + 1; n < k; n++)
            if (fabs(v[n][i]) > fabs(v[most][i]))
                most = n;
        memcpy(row, v[most], sizeof row);
        memcpy(v[most], v[i], sizeof row);
        for (int j = 0; j < 2 * k; j++)
            v[i][j] = row[j] / row[i];
        for (int n = 0; n < k; n++) {
            double f = v[n][i];

            for (int j = 0; n != i && j < 2 * k; j++)
                v[n][j] -= f * v[i][j];
        }
    }
    for (int j = 0; j < k; j++)
        for (int n = 0; n < k; n++)
            r->inverse[j][n] = v[j][k + n];
}

#endif
