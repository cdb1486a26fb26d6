/* SPDX-License-Identifier: MIT */
/* turn.h - features into a bond's frame and back, and the torque on the frame.
 *
 * With D = D^l(F) and x of degree l in the global frame, x' = D x. A turn w of
 * the bond changes the loss by w . t with t = dy . L y, and since
 * D (w . L) D^T = (F w) . L, that is t = F^T (dy' . L y').
 */
#ifndef TURN_H
#define TURN_H

#include "cpu/real.h"

/* D^l of a bond, row by row. */
static inline const real *frame_of(const struct geometry *geo, int l, int bond)
{
    return row(&geo->d[l], bond, 0);
}

/* One degree of a feature and of its gradient: component m of channel c stands
 * at m * step + c * stride. */
struct spin {
    const real *y, *dy;
    int l, channels, step, stride;
};

/* t += dy . L y */
static inline void spin_add(const struct geometry *geo, const struct spin *s,
                            real t[3])
{
    int n = 2 * s->l + 1;

    for (int axis = 0; axis < 3; axis++) {
        const real *generator = row(&geo->generator[s->l], axis, 0);

        for (int i = 0; i < n * n; i++) {
            const real *dy = s->dy + i / n * s->step;
            const real *y = s->y + i % n * s->step;
            real sum = 0;

            if (generator[i] == 0) /* most are */
                continue;
            for (int c = 0; c < s->channels; c++)
                sum += dy[c * s->stride] * y[c * s->stride];
            t[axis] += generator[i] * sum;
        }
    }
}

/* Adds the torque t, which is in the bond's frame. */
static inline void torque_add(struct geometry *geo, int bond, const real t[3])
{
    const real *f;
    real *torque = row(&geo->torque, bond, 0);

    if (geo->degrees < 2) /* degree 0 does not turn */
        return;
    f = frame_of(geo, 1, bond);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            torque[j] += f[3 * i + j] * t[i];
}

/* Adds dv . L v of both edges to the torque of every bond. */
static inline void bonds_torque(const struct graph *g, struct geometry *geo,
                                int degrees, const struct tensor v[],
                                const struct tensor dv[])
{
    int bonds = used_bonds(g);

#pragma omp parallel for schedule(static)
    for (int b = 0; b < bonds; b++) {
        real t[3] = {0};

        for (int e = g->bond_edge[b]; e < g->bond_edge[b + 1]; e++)
            for (int l = 1; l < degrees; l++)
                if (v[l].c > 0)
                    spin_add(geo,
                             &(struct spin){.y = row(&v[l], e, 0),
                                            .dy = row(&dv[l], e, 0),
                                            .l = l,
                                            .channels = v[l].c,
                                            .step = v[l].ld,
                                            .stride = 1},
                             t);
        torque_add(geo, b, t);
    }
}

#endif
