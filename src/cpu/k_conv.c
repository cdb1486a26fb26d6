/* SPDX-License-Identifier: MIT */
/* k_conv.c - the convolution's forward pass and what comes before it,
 * reference; conv_block.h has the layout.
 *
 * A path li -> lo in the frame, r = a_0, a_1, b_1, .. of one (co, ci):
 *
 *     y[0] += a_0 x[0]    y[+m] += a_m x[+m] + b_m x[-m]
 *                         y[-m] += a_m x[-m] - b_m x[+m]
 *
 * The numbers (a, b) = fold * R are linear in R = W3 h, so prepare folds W3
 * itself. Plan is not needed.
 */
#include "cpu/conv_block.h"

static struct conv_bytes conv_size(const struct conv_shape *shape, int bonds,
                                   int edges)
{
    (void)edges;
    return (struct conv_bytes){
        .packed = packed_before(shape, shape->paths) * sizeof(real),
        .work = (size_t)blocks_of(bonds) * block_width(shape) *
                sizeof(struct of_edges),
    };
}

/* The rows of one (co, ci) of path p. */
static void fold_rows(const struct conv *c, int p, int pair, real *packed)
{
    const struct conv_path *path = &c->shape.path[p];
    int n = path_weights(path);

    for (int i = 0; i < n; i++) {
        real *to = packed + i * RADIAL_HIDDEN;

        for (int k = 0; k < RADIAL_HIDDEN; k++)
            to[k] = 0;
        for (int f = 0; f < n; f++) {
            real fold = row(&c->fold[p], i, 0)[f];
            const real *w = row(&c->radial[path->trunk].w3,
                                pair * path->rows + path->first + f, 0);

            for (int k = 0; k < RADIAL_HIDDEN; k++)
                to[k] += fold * w[k];
        }
    }
}

static void conv_prepare(struct conv *c)
{
    for (int p = 0; p < c->shape.paths; p++) {
        int rows = path_weights(&c->shape.path[p]);
        int pairs = path_pairs(&c->shape, &c->shape.path[p]);
        real *packed = packed_of(c, p);

#pragma omp parallel for schedule(static)
        for (int i = 0; i < pairs; i++)
            fold_rows(c, p, i, packed + i * rows * RADIAL_HIDDEN);
    }
}

/* The bonds themselves. */
static void conv_points(struct conv *c)
{
    int bonds = used_bonds(c->graph), scalars = c->graph->scalar.c;

    *c->points = bonds;
    *c->reached = 0;
#pragma omp parallel for schedule(static)
    for (int b = 0; b < bonds; b++) {
        real *at = row(&c->at, b, 0);

        for (int i = 0; i < scalars; i++)
            at[i] = row(&c->graph->scalar, b, 0)[i];
        at[scalars] = row(&c->geo->distance, b, 0)[0];
    }
}

static void conv_plan(struct conv *c)
{
    (void)c;
}

/* x and y at m = 0. */
static void mix(const struct of_bonds *r, int top, const struct of_edges *x,
                struct of_edges *y)
{
    add_product(&r[0], x, y);
    for (int m = 1; m <= top; m++) {
        const struct of_bonds *a = &r[2 * m - 1], *b = &r[2 * m];

        add_product(a, x + m, y + m);
        add_product(b, x - m, y + m);
        add_product(a, x - m, y - m);
        subtract_product(b, x + m, y - m);
    }
}

static void path_fwd(const struct conv *c, int p, const struct block *b)
{
    const struct conv_path *path = &c->shape.path[p];
    struct side in = inputs(&c->shape), out = outputs(&c->shape);
    struct of_bonds h[RADIAL_HIDDEN], r[WEIGHTS];
    int n = path_weights(path), li = path->li, lo = path->lo;
    const real *w = packed_of(c, p);

    gather_hidden(&c->radial[path->trunk], b, h);
    for (int co = 0; co < out.channels[lo]; co++)
        for (int ci = 0; ci < in.channels[li]; ci++) {
            radial_weights(w, n, h, r);
            mix(r, n / 2, b->x + in.first[li] + ci * (2 * li + 1) + li,
                b->y + out.first[lo] + co * (2 * lo + 1) + lo);
            w += n * RADIAL_HIDDEN;
        }
}

/* b->y into y, in the bond's frame. */
static void scatter_outputs(const struct conv *c, const struct block *b,
                            struct tensor y[])
{
    struct side out = outputs(&c->shape);

    for (int lane = 0; lane < EDGES; lane++) {
        int edge = lane_edge(c->graph, b, lane);

        for (int l = 0; edge >= 0 && l < FIBER_DEGREES; l++)
            for (int i = 0; i < out.channels[l] * (2 * l + 1); i++) {
                int m = i % (2 * l + 1);

                row(&y[l], edge, m)[i / (2 * l + 1)] =
                    lane_sign(lane, l, m - l) * b->y[out.first[l] + i].at[lane];
            }
    }
}

static void conv_fwd(struct conv *c, const struct tensor x[],
                     const struct tensor e[], struct tensor y[])
{
    int blocks = blocks_of(used_bonds(c->graph));

#pragma omp parallel for schedule(static)
    for (int i = 0; i < blocks; i++) {
        struct block b = block_at(c, i);

        gather_inputs(c, x, e, &b);
        for (int lane = 0; lane < EDGES; lane++)
            lane_clear(b.y, outputs(&c->shape).width, lane);
        for (int p = 0; p < c->shape.paths; p++)
            path_fwd(c, p, &b);
        scatter_outputs(c, &b, y);
    }
}

void ENTER(k_conv)(struct kernels *k)
{
    k->conv.conv_size = conv_size;
    k->conv.conv_prepare = conv_prepare;
    k->conv.conv_points = conv_points;
    k->conv.conv_plan = conv_plan;
    k->conv.conv_fwd = conv_fwd;
}
