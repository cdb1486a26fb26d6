/* SPDX-License-Identifier: MIT */
/* kcheck_geometry.c - frames of bonds, made in double from the positions and
 * rounded to float, for the slots that read them; and the slots that make them.
 */
#include "kcheck/kcheck.h"

#include "math/frame.h"
#include "math/wigner.h"

#include <math.h>
#include <stddef.h>

enum { SQUARE = (2 * FIBER_DEGREES - 1) * (2 * FIBER_DEGREES - 1) };

static const struct shape shapes[] = {
    {.molecules = 1, .nodes = 1, .topology = LOOSE, .y = {1, {1}}},
    {.molecules = 1, .nodes = 2, .topology = SINGLE, .y = {9, {1}}},
    {.molecules = 3, .nodes = 40, .topology = CHAIN, .y = {4, {1}}},
    {.molecules = 2, .nodes = 35, .topology = HUB, .y = {5, {1}}},
};
static const struct shape large = {
    .molecules = 240, .nodes = 4320, .topology = CHAIN, .y = {4, {1}}};

static int largest(int a, int b)
{
    return a > b ? a : b;
}

int shape_degrees(const struct shape *s)
{
    int n = largest(s->node.degrees, s->edge.degrees);

    return largest(n, s->y.degrees);
}

/* Not padded. */
struct tensor bench_plain(struct bench *b, enum role role, enum space space,
                          int c)
{
    return operand(b, role, space, tensor_weights(capacity(b, space), c));
}

struct tensor bench_table(struct bench *b, enum role role, int n, int c)
{
    return operand(b, role, ALL, tensor_weights(n, c));
}

struct tensor bench_feature(struct bench *b, enum role role, enum space space,
                            int l, int c)
{
    if (c == 0)
        return (struct tensor){.l = l};
    return operand(b, role, space,
                   tensor_feature(capacity(b, space), l, c, b->k.real));
}

void bench_geometry(struct bench *b, enum role role)
{
    struct geometry *geo = &b->geo;

    *geo = (struct geometry){.degrees = shape_degrees(b->shape)};
    geo->distance = bench_plain(b, role, BONDS, 1);
    geo->unit = bench_plain(b, role, BONDS, 3);
    for (int l = 0; l < geo->degrees; l++) {
        int square = (2 * l + 1) * (2 * l + 1);

        geo->d[l] = bench_plain(b, role, BONDS, square);
        geo->turn[l] = bench_table(b, LABEL, 1, square);
        geo->generator[l] = bench_table(b, LABEL, 3, square);
    }
}

/* Number `at` of row `row`, rounded to float in both precisions. */
void bench_put(struct bench *b, const struct tensor *t, int row, int at,
               double x)
{
    struct operand o = {.t = *t, .number = REAL};

    set_value(b, &o, row, at, (double)(float)x);
}

double bench_number(const struct bench *b, const struct tensor *t, int row,
                    int at)
{
    struct operand o = {.t = *t, .number = REAL};

    return value(b, &o, row, at);
}

static void set_constants(struct bench *b)
{
    double numbers[3 * SQUARE];

    for (int l = 0; l < b->geo.degrees; l++) {
        int square = (2 * l + 1) * (2 * l + 1);

        frame_turn(l, numbers);
        for (int i = 0; i < square; i++)
            bench_put(b, &b->geo.turn[l], 0, i, numbers[i]);
        wigner_generators(l, numbers);
        for (int i = 0; i < 3 * square; i++)
            bench_put(b, &b->geo.generator[l], i / square, i % square,
                      numbers[i]);
    }
}

static void set_bond(struct bench *b, int bond)
{
    int edge = b->g.bond_edge[bond];
    double u[3], d[SQUARE], square = 0;

    for (int i = 0; i < 3; i++) {
        u[i] = bench_number(b, &b->g.x, b->g.dst[edge], i) -
               bench_number(b, &b->g.x, b->g.src[edge], i);
        square += u[i] * u[i];
    }
    bench_put(b, &b->geo.distance, bond, 0, sqrt(square));
    for (int i = 0; i < 3; i++)
        bench_put(b, &b->geo.unit, bond, i, u[i] / sqrt(square));
    for (int l = 0; l < b->geo.degrees; l++) {
        frame_d(l, u, d);
        for (int i = 0; i < (2 * l + 1) * (2 * l + 1); i++)
            bench_put(b, &b->geo.d[l], bond, i, d[i]);
    }
}

void bench_set_geometry(struct bench *b)
{
    set_constants(b);
    for (int i = 0; i < b->count[BONDS]; i++)
        set_bond(b, i);
}

static void geometry_fwd_build(struct bench *b)
{
    bench_geometry(b, OUT);
}

static void geometry_fwd(struct bench *b)
{
    b->k.conv.geometry_fwd(&b->g, &b->geo);
}

static void geometry_bwd_build(struct bench *b)
{
    bench_geometry(b, LABEL);
    b->geo.ddistance = bench_plain(b, IN, BONDS, 1);
    b->geo.torque = bench_plain(b, IN, BONDS, 3);
    b->c.dx[0] = bench_plain(b, OUT, NODES, 3);
}

static void geometry_bwd(struct bench *b)
{
    b->k.conv.geometry_bwd(&b->g, &b->geo, &b->c.dx[0]);
}

#define SLOT(name) OP_SLOT(conv, name), name##_build, name

static const struct op ops[] = {
    /* roots, quotients, products of turns */
    {SLOT(geometry_fwd), 16, {0, 0}, set_constants},
    {SLOT(geometry_bwd), 16, {0, 0}, bench_set_geometry},
};

const struct op_table geometry_ops = {ops, sizeof ops / sizeof *ops, shapes,
                                      sizeof shapes / sizeof *shapes, &large};
