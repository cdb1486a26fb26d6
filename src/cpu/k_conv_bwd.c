/* SPDX-License-Identifier: MIT */
/* k_conv_bwd.c - the convolution's gradients, reference; conv_block.h has the
 * layout, k_conv.c the forward pass.
 *
 * For one (co, ci) of a path, all in the frame,
 *
 *     dx[+m] += a_m dy[+m] - b_m dy[-m]    da_m = x[+m] dy[+m] + x[-m] dy[-m]
 *     dx[-m] += a_m dy[-m] + b_m dy[+m]    db_m = x[-m] dy[+m] - x[+m] dy[-m]
 *
 * summed over both edges of the bond. With r = (a, b) = W' h, W' packed,
 *
 *     dh = W'^T dr    dW' = dr h^T    dW3 = fold^T dW'
 *
 * dh is owned by the block of bonds, dW' by its (co, ci): dr is formed twice.
 */
#include "cpu/conv_block.h"

/* dx and dy at m = 0. */
static void mix_back(const struct of_bonds *r, int top,
                     const struct of_edges *dy, struct of_edges *dx)
{
    add_product(&r[0], dy, dx);
    for (int m = 1; m <= top; m++) {
        const struct of_bonds *a = &r[2 * m - 1], *b = &r[2 * m];

        add_product(a, dy + m, dx + m);
        subtract_product(b, dy - m, dx + m);
        add_product(a, dy - m, dx - m);
        add_product(b, dy + m, dx - m);
    }
}

static void path_bwd_x(const struct conv *c, int p, const struct block *b)
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
            mix_back(r, n / 2, b->y + out.first[lo] + co * (2 * lo + 1) + lo,
                     b->dx + in.first[li] + ci * (2 * li + 1) + li);
            w += n * RADIAL_HIDDEN;
        }
}

/* Minus dx . L x of all edges of the block. */
static void block_torque(struct conv *c, const struct block *b)
{
    static const real about_x[3] = {1, -1, -1}; /* degree 1 of lane_sign */
    struct side in = inputs(&c->shape);

    for (int lane = 0; lane < EDGES; lane++) {
        real t[3] = {0};

        if (lane_edge(c->graph, b, lane) < 0)
            continue;
        for (int l = 1; l < FIBER_DEGREES; l++)
            if (in.channels[l] > 0)
                spin_add(c->geo,
                         &(struct spin){.y = &b->x[in.first[l]].at[lane],
                                        .dy = &b->dx[in.first[l]].at[lane],
                                        .l = l,
                                        .channels = in.channels[l],
                                        .step = EDGES,
                                        .stride = EDGES * (2 * l + 1)},
                         t);
        for (int i = 0; i < 3; i++)
            t[i] *= lane < BONDS ? -1 : -about_x[i];
        torque_add(c->geo, b->first + lane % BONDS, t);
    }
}

static void block_bwd_x(struct conv *c, const struct tensor x[],
                        const struct tensor e[], const struct tensor dy[],
                        struct block *b)
{
    gather_outputs(c, dy, b);
    for (int lane = 0; lane < EDGES; lane++)
        lane_clear(b->dx, inputs(&c->shape).width, lane);
    for (int p = 0; p < c->shape.paths; p++)
        path_bwd_x(c, p, b);
    if (c->geo->torque.data) {
        gather_inputs(c, x, e, b);
        block_torque(c, b);
    }
}

/* Adds the edge's dx to row n of to: `skip` channels into the degree's. */
static void edge_add(const struct conv *c, int edge, int skip,
                     struct tensor *to, int n)
{
    int bond = c->graph->bond[edge], l = to->l;
    struct block b = block_at(c, bond / BONDS);

    lane_turn_back(frame_of(c->geo, l, bond),
                   b.dx + inputs(&c->shape).first[l] + skip * (2 * l + 1),
                   lane_of(c->graph, edge), to, n);
}

static void nodes_add(const struct conv *c, struct tensor dx[])
{
    const struct csr *out = &c->graph->out;
    int nodes = used_nodes(out);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int l = 0; l < c->shape.node.degrees; l++)
            for (int i = out->begin[n];
                 c->shape.node.channels[l] > 0 && i < out->begin[n + 1]; i++)
                edge_add(c, entry(out, i), 0, &dx[l], n);
}

static void edges_add(const struct conv *c, struct tensor de[])
{
    int edges = used_edges(c->graph);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < edges; i++)
        for (int l = 0; l < c->shape.edge.degrees; l++)
            if (c->shape.edge.channels[l] > 0 && de[l].data)
                edge_add(c, i, fiber_at(&c->shape.node, l), &de[l], i);
}

static void conv_bwd_x(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       struct tensor dx[], struct tensor de[])
{
    int blocks = blocks_of(used_bonds(c->graph));

#pragma omp parallel for schedule(static)
    for (int i = 0; i < blocks; i++) {
        struct block b = block_at(c, i);

        block_bwd_x(c, x, e, dy, &b);
    }
    if (dx)
        nodes_add(c, dx);
    if (de)
        edges_add(c, de);
}

/* r += x dy, both edges of the bond; and r -= x dy. */
static void add_both(const struct of_edges *x, const struct of_edges *dy,
                     struct of_bonds *r)
{
    for (int i = 0; i < BONDS; i++)
        r->at[i] += x->at[i] * dy->at[i] + x->at[BONDS + i] * dy->at[BONDS + i];
}

static void subtract_both(const struct of_edges *x, const struct of_edges *dy,
                          struct of_bonds *r)
{
    for (int i = 0; i < BONDS; i++)
        r->at[i] -= x->at[i] * dy->at[i] + x->at[BONDS + i] * dy->at[BONDS + i];
}

/* dr of channels co and ci of a path: overwrites dr. */
static void weights_grad(const struct conv *c, const struct conv_path *path,
                         const struct block *b, int co, int ci,
                         struct of_bonds dr[WEIGHTS])
{
    int n = path_weights(path), li = path->li, lo = path->lo;
    const struct of_edges *x =
        b->x + inputs(&c->shape).first[li] + ci * (2 * li + 1) + li;
    const struct of_edges *dy =
        b->y + outputs(&c->shape).first[lo] + co * (2 * lo + 1) + lo;

    for (int f = 0; f < n; f++)
        dr[f] = (struct of_bonds){{0}};
    add_both(x, dy, &dr[0]);
    for (int m = 1; m <= n / 2; m++) {
        add_both(x + m, dy + m, &dr[2 * m - 1]);
        add_both(x - m, dy - m, &dr[2 * m - 1]);
        add_both(x - m, dy + m, &dr[2 * m]);
        subtract_both(x + m, dy - m, &dr[2 * m]);
    }
}

/* Adds path p to dh of its trunk. */
static void path_bwd_h(const struct conv *c, int p, const struct block *b,
                       struct of_bonds dh[RADIAL_HIDDEN])
{
    const struct conv_path *path = &c->shape.path[p];
    int cis = inputs(&c->shape).channels[path->li];
    int pairs = path_pairs(&c->shape, path), n = path_weights(path);
    struct of_bonds dr[WEIGHTS];
    const real *w = packed_of(c, p);

    for (int i = 0; i < pairs; i++) {
        weights_grad(c, path, b, i / cis, i % cis, dr);
        for (int f = 0; f < n; f++, w += RADIAL_HIDDEN)
            for (int k = 0; k < RADIAL_HIDDEN; k++)
                for (int j = 0; j < BONDS; j++)
                    dh[k].at[j] += w[k] * dr[f].at[j];
    }
}

static void block_bwd_h(const struct conv *c, const struct block *b)
{
    for (int t = 0; t < c->shape.trunks; t++) {
        struct of_bonds dh[RADIAL_HIDDEN] = {{{0}}};

        for (int p = 0; p < c->shape.paths; p++)
            if (c->shape.path[p].trunk == t)
                path_bwd_h(c, p, b, dh);
        for (int i = 0; i < b->bonds; i++)
            for (int k = 0; k < RADIAL_HIDDEN; k++)
                row(&c->radial[t].dh, b->first + i, 0)[k] = dh[k].at[i];
    }
}

/* Adds fold^T dw to the rows of dw3 of one (co, ci). */
static void unfold_rows(const struct conv *c, int p, int pair,
                        real dw[WEIGHTS][RADIAL_HIDDEN])
{
    const struct conv_path *path = &c->shape.path[p];
    int n = path_weights(path);

    for (int f = 0; f < n; f++) {
        real *to = row(&c->radial[path->trunk].dw3,
                       pair * path->rows + path->first + f, 0);

        for (int i = 0; i < n; i++)
            for (int k = 0; k < RADIAL_HIDDEN; k++)
                to[k] += row(&c->fold[p], i, 0)[f] * dw[i][k];
    }
}

static void pair_bwd_w(const struct conv *c, int p, int pair)
{
    const struct conv_path *path = &c->shape.path[p];
    const struct radial *r = &c->radial[path->trunk];
    int cis = inputs(&c->shape).channels[path->li];
    int blocks = blocks_of(used_bonds(c->graph));
    real dw[WEIGHTS][RADIAL_HIDDEN] = {{0}};

    for (int i = 0; i < blocks; i++) {
        struct block b = block_at(c, i);
        struct of_bonds dr[WEIGHTS];

        weights_grad(c, path, &b, pair / cis, pair % cis, dr);
        for (int f = 0; f < path_weights(path); f++)
            for (int j = 0; j < b.bonds; j++) {
                const real *h = row(&r->h, b.first + j, 0);

                for (int k = 0; k < RADIAL_HIDDEN; k++)
                    dw[f][k] += dr[f].at[j] * h[k];
            }
    }
    unfold_rows(c, p, pair, dw);
}

static void conv_bwd_w(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[])
{
    int blocks = blocks_of(used_bonds(c->graph));

#pragma omp parallel for schedule(static)
    for (int i = 0; i < blocks; i++) {
        struct block b = block_at(c, i);

        gather_inputs(c, x, e, &b);
        gather_outputs(c, dy, &b);
        block_bwd_h(c, &b);
    }
    for (int p = 0; p < c->shape.paths; p++) {
        int pairs = path_pairs(&c->shape, &c->shape.path[p]);

#pragma omp parallel for schedule(static)
        for (int i = 0; i < pairs; i++)
            pair_bwd_w(c, p, i);
    }
}

void ENTER(k_conv_bwd)(struct kernels *k)
{
    k->conv.conv_bwd_x = conv_bwd_x;
    k->conv.conv_bwd_w = conv_bwd_w;
}
