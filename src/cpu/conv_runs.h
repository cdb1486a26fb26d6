/* SPDX-License-Identifier: MIT */
/* conv_runs.h - the convolution and its gradient for x over runs of bonds: the
 * way of features into tiles and back (conv_task.h has what is between). A
 * worker takes a tile at a time; those with a few bonds go through conv_few.h.
 */
#ifndef CONV_RUNS_H
#define CONV_RUNS_H

#include "cpu/conv_few.h"

static inline void scatter_outputs(const struct task *t, struct tensor y[])
{
    struct patch p = {.layout = &t->o->out, .edges = &t->edges, .tile = t->y};

    for (int l = 0; l < FIBER_DEGREES; l++)
        if (t->o->out.channels[l] > 0)
            tile_scatter(p, &y[l]);
}

static inline void runs_fwd(const struct method *how, struct conv *c,
                            const struct tensor x[], const struct tensor e[],
                            struct tensor y[])
{
    const struct parts o = parts_of(&c->shape);
    int tiles = points_at(c).count[1] * TILES;
    int team = team_of(workers_of(c->graph->bonds));
    int shares = few_shares(tiles, team);
    float *slots = all_matrices(how, c, &o);

#pragma omp parallel num_threads(team)
    {
        float *slot = slots + (size_t)omp_get_thread_num() * slot_numbers(&o);

#pragma omp for schedule(dynamic, shares > 1 ? 1 : 2)
        for (int i = 0; i < tiles * shares; i++) {
            struct gathering g;
            struct task t = task_of(c, &o, how, i / shares, slot);

            if (is_few(&t)) {
                few_fwd(&t, x, e, &(struct share){i % shares, shares}, y);
                continue;
            }
            if (t.edges.bonds <= 0 || i % shares > 0)
                continue;
            g = (struct gathering){c, &o, &t.edges, how->gather};
            gather_inputs(&g, x, e, t.x);
            tile_contract(&t);
            scatter_outputs(&t, y);
        }
    }
}

/* --- backward, x --------------------------------------------------------- */

/* Minus dx . L x of the tile's edges; x: their inputs. */
static inline void tile_torque(const struct task *t, float *x)
{
    static const float about_x[3] = {1, -1, -1}; /* degree 1 of turned */
    const struct layout *in = &t->o->in;
    struct geometry *geo = t->c->geo;
    float sum[3][2][LANES] = {{{0}}};

    for (int l = 1; l < FIBER_DEGREES; l++)
        for (int i = 0; in->channels[l] && i < 3 * (2 * l + 1) * (2 * l + 1);
             i++) {
            int w = 2 * l + 1, axis = i / (w * w);
            int to = i / w % w - l, from = i % w - l;
            float g = ((float *)geo->generator[l].data)[i];

            for (int q = 0; g != 0 && q < 2 * in->channels[l]; q++) {
                int c = q / 2, dir = q % 2;

                store(sum[axis][dir],
                      load(sum[axis][dir]) +
                          g * load(tile_at(in, t->x, l, to, c, dir)) *
                              load(tile_at(in, x, l, from, c, dir)));
            }
        }
    for (int q = 0; q < 2 * LANES; q++) {
        int dir = q / LANES, lane = q % LANES;
        float torque[3];

        if (t->edges.edge[dir][lane] < 0)
            continue;
        for (int i = 0; i < 3; i++)
            torque[i] = sum[i][dir][lane] * (dir ? -about_x[i] : -1);
        torque_add(geo, t->edges.bond + lane, torque);
    }
}

static inline void scatter_inputs(const struct task *t,
                                  const struct tensor rows[])
{
    struct patch p = {.layout = &t->o->in,
                      .edges = &t->edges,
                      .tile = t->x,
                      .geo = t->c->geo};

    for (int l = 0; l < FIBER_DEGREES; l++)
        if (t->o->in.channels[l] > 0)
            tile_scatter(p, &rows[l]);
}

/* Adds an edge's channels skip.. to row n. */
static inline void add_row(const struct tensor *from, int edge, int skip,
                           struct tensor *to, int n)
{
    for (int m = 0; m < 2 * to->l + 1; m++) {
        const float *restrict f = (float *)row(from, edge, m) + skip;
        float *restrict d = row(to, n, m);

        for (int i = 0; i < to->c; i++)
            d[i] += f[i];
    }
}

static inline void nodes_add(const struct conv *c, const struct tensor rows[],
                             struct tensor dx[])
{
    const struct csr *out = &c->graph->out;
    int nodes = used_nodes(out);

#pragma omp parallel for schedule(static)
    for (int n = 0; n < nodes; n++)
        for (int l = 0; l < c->shape.node.degrees; l++)
            for (int i = out->begin[n];
                 c->shape.node.channels[l] > 0 && i < out->begin[n + 1]; i++)
                add_row(&rows[l], entry(out, i), 0, &dx[l], n);
}

static inline void edges_add(const struct conv *c, const struct tensor rows[],
                             struct tensor de[])
{
    int edges = used_edges(c->graph);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < edges; i++)
        for (int l = 0; l < c->shape.edge.degrees; l++)
            if (c->shape.edge.channels[l] > 0 && de[l].data)
                add_row(&rows[l], i, fiber_at(&c->shape.node, l), &de[l], i);
}

static inline void take_rows(const struct conv *c, const struct parts *o,
                             float *work, struct tensor rows[])
{
    for (int l = 0; l < FIBER_DEGREES; l++) {
        rows[l] = edge_rows(o, l, c->graph->edges);
        rows[l].data = work;
        work += tensor_bytes(&rows[l], 1);
    }
}

/* The tile's dx into rows of its edges. */
static inline void tile_bwd_x(struct task *t, const struct tensor x[],
                              const struct tensor e[], const struct tensor dy[],
                              const struct tensor rows[])
{
    struct gathering g = {t->c, t->o, &t->edges, t->method->gather};

    t->is_back = 1;
    gather_outputs(&g, dy, t->y);
    tile_contract(t);
    scatter_inputs(t, rows);
    if (!t->c->geo->torque.data)
        return;
    g.move = tile_gather;
    gather_inputs(&g, x, e, t->spare);
    tile_torque(t, t->spare);
}

/* Into rows of all edges. */
static inline void runs_bwd_x(const struct method *how, struct conv *c,
                              const struct tensor x[], const struct tensor e[],
                              const struct tensor dy[],
                              struct tensor rows[FIBER_DEGREES])
{
    const struct parts o = parts_of(&c->shape);
    int tiles = points_at(c).count[1] * TILES;
    int workers = workers_of(c->graph->bonds);
    float *slots = all_matrices(how, c, &o);

    take_rows(c, &o, slots + (size_t)workers * slot_numbers(&o), rows);
#pragma omp parallel num_threads(team_of(workers))
    {
        float *slot = slots + (size_t)omp_get_thread_num() * slot_numbers(&o);

#pragma omp for schedule(dynamic, 2)
        for (int i = 0; i < tiles; i++) {
            struct task t = task_of(c, &o, how, i, slot);

            if (t.edges.bonds <= 0)
                continue;
            tile_bwd_x(&t, x, e, dy, rows);
        }
    }
}

static inline void rows_add(const struct conv *c, const struct tensor rows[],
                            struct tensor dx[], struct tensor de[])
{
    if (dx)
        nodes_add(c, rows, dx);
    if (de)
        edges_add(c, rows, de);
}

#endif
