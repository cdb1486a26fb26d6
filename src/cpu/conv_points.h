/* SPDX-License-Identifier: MIT */
/* conv_points.h - runs of bonds whose radial weights are a polynomial of the
 * distance.
 *
 * Where the edge scalars are the same and no ReLU of the radial network changes
 * its side, its output h is a smooth function of the distance. So, of a run of
 * such bonds from the shortest to the longest,
 *
 *     h_e = sum over j < k of p_j t_e^j,    t_e = (d_e - middle) / half,
 *
 * to 1e-7 of |h_e| with k = 2 or 3 and some 30 runs for 4,000 bonds of QM9:
 * p_j interpolates h at k points, and whether it is h at the bonds is looked at
 * for each of them, in double. Hence R_e = sum_j t_e^j (W3 p_j) with the same k
 * matrices W3 p_j for the whole run. The gradient goes back the same way: of
 * sum_e t_e^j dR_e, which has the derivatives of h as well, for these are
 * smooth where h is; so the network is evaluated at the points alone, there and
 * back. k = 2 with a larger tolerance is the table of linear interpolation that
 * other programs have.
 *
 * Runs are cut into groups of at most GROUP bonds, a lane each. They depend on
 * the bonds' data and the weights, never on threads. A plain plan has one run
 * of all bonds, whose points are the bonds: of scalars that differ from bond to
 * bond, of what does not compress, of by_bond. Numbers of views are float here.
 */
#ifndef CONV_POINTS_H
#define CONV_POINTS_H

#include "device/kernels_conv.h"

#include <stdint.h>

enum {
    GROUP = 16,
    TERMS = 6, /* of a polynomial at most */
    WIDE = 8   /* bonds whose network is evaluated together */
};

struct run {
    int bond, bonds; /* from bond `bond` on */
    int group;       /* its first */
    int k, point;    /* terms, the first of its points; k = 0: plain */
    double middle, half;
    double off;                   /* of h of the worst bond, relative to |h| */
    double inverse[TERMS][TERMS]; /* p_j = sum over n of [j][n] h of point n */
};

struct group {
    int run;
    int bond, bonds; /* 1 to GROUP */
};

/* Units of a run and a trunk that are open, ascending: some p_j is not 0. A run
 * has one side of every ReLU, so it is about half of them; of the others
 * nothing is wanted. */
struct open_units {
    int n;
    unsigned char unit[RADIAL_HIDDEN];
};

/* Of k polynomials p [k][32]. */
static inline void open_of(const float *p, int k, struct open_units *o)
{
    o->n = 0;
    for (int q = 0; q < RADIAL_HIDDEN; q++) {
        int is_open = 0;

        for (int j = 0; j < k; j++)
            is_open |= p[j * RADIAL_HIDDEN + q] != 0;
        if (is_open)
            o->unit[o->n++] = (unsigned char)q;
    }
}

/* What points and plan leave for the other passes; a view of conv.plan. */
struct points {
    int *count; /* [4]: runs, groups, points (0: plain); is of the table */
    struct run *run;
    struct group *group;
    struct open_units *open; /* [trunks][groups_room]: of each run */
    float (*t)[GROUP];       /* [groups] */
    float *p; /* [trunks][points][32]; plain: [trunks][groups][32][GROUP], h */
};

static inline int groups_of(int bonds)
{
    return (bonds + GROUP - 1) / GROUP;
}

/* Groups at most, 283 to 294 of 4,470 bonds of QM9; what would need more is
 * plain. */
static inline int groups_room(int bonds)
{
    int n = groups_of(bonds) + groups_of(bonds) / 8 + 32;

    return n < bonds ? n : bonds;
}

/* Points at most. They grow slowly with the bonds: a batch of 240 molecules of
 * QM9 (278 groups) takes 30 to 120, radial_points of the journal, half of it 98
 * to 112 where the whole takes 117. Each is 180 KB of work in the default
 * model. */
static inline int points_room(int bonds)
{
    int n = groups_of(bonds) / 4 + 96;

    return n < bonds ? n : bonds;
}

static inline int is_plain(const struct points *p)
{
    return p->count[2] == 0;
}

/* Whether runs, and the points they name, are those of conv.table. */
static inline int is_tabled(const struct points *p)
{
    return p->count[3];
}

/* Numbers that a trunk leaves: polynomials, or h itself. */
static inline size_t trunk_numbers(int bonds)
{
    size_t plain = (size_t)groups_of(bonds) * GROUP;
    size_t points = (size_t)points_room(bonds);

    return (plain > points ? plain : points) * RADIAL_HIDDEN;
}

static inline size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Bytes before the trunks' numbers. */
static inline size_t points_head(int trunks, int bonds)
{
    size_t groups = (size_t)groups_room(bonds);

    return 64 +
           whole_lines((size_t)trunks * groups * sizeof(struct open_units)) +
           groups * GROUP * sizeof(float) +
           whole_lines(groups * sizeof(struct run)) +
           whole_lines(groups * sizeof(struct group));
}

/* Bytes of plan for all trunks. */
static inline size_t points_bytes(int trunks, int bonds)
{
    return points_head(trunks, bonds) +
           (size_t)trunks * trunk_numbers(bonds) * sizeof(float);
}

/* The view of a plan. */
static inline struct points points_of(void *plan, int trunks, int bonds)
{
    size_t groups = (size_t)groups_room(bonds);
    struct points p = {.count = plan};
    char *at = plan;

    p.t = (float(*)[GROUP])(at + 64);
    p.run = (struct run *)(p.t + groups);
    p.group =
        (struct group *)((char *)p.run + whole_lines(groups * sizeof *p.run));
    p.open = (struct open_units *)((char *)p.group +
                                   whole_lines(groups * sizeof *p.group));
    p.p = (float *)(at + points_head(trunks, bonds));
    return p;
}

/* A trunk in double. */
struct net {
    int has_norm;
    double w0[RADIAL_HIDDEN],
        w1[RADIAL_HIDDEN][RADIAL_HIDDEN]; /* of the distance; [in][out] */
    double b0[RADIAL_HIDDEN], b1[RADIAL_HIDDEN];
    double gain[2][RADIAL_HIDDEN], shift[2][RADIAL_HIDDEN];
};

/* Work of conv_points: of all trunks h and sides of all bonds; and runs. */
static inline size_t choice_stride(int bonds)
{
    return ((size_t)bonds + 2 * WIDE - 1) / WIDE * WIDE;
}

static inline size_t choice_bytes(int trunks, int bonds)
{
    return (size_t)trunks *
               (sizeof(struct net) +
                choice_stride(bonds) *
                    (RADIAL_HIDDEN * sizeof(double) + sizeof(uint64_t))) +
           (size_t)bonds * (sizeof(struct run) + sizeof(int)) + sizeof(int);
}

#endif
