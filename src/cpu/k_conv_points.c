/* SPDX-License-Identifier: MIT */
/* k_conv_points.c - chooses runs and points (conv_points.h), in double: h of
 * every bond, with which the polynomials are compared, and the sides of all
 * ReLUs. Bonds are lanes.
 *
 * A stretch of bonds with the same scalars and the same sides is one run, or,
 * where that is cheaper, two of half of it, and so on. What a run costs is
 * counted in fused multiply-adds of training: its groups times (weights formed
 * and summed up over k terms, and features), and its k matrices.
 */
#include "cpu/conv_lookup.h"
#include "cpu/real.h"

#include <math.h>
#include <string.h>

/* Points of one run do not come closer than this, in Angstrom: the network's
 * inputs are float. */
static const double least_half = 1e-5;

/* What one call works on. */
struct choice {
    const struct conv *c;
    int bonds;
    struct net *net; /* [trunks] */
    double *h;       /* [trunks][32][stride] */
    uint64_t *sides; /* [trunks][stride] of 64 ReLUs */
    size_t stride;   /* bonds, up to whole vectors */
};

/* Whether bonds a and b have the same scalars. */
static int same_scalars(const struct graph *g, int a, int b)
{
    return memcmp(numbers(&g->scalar, a), numbers(&g->scalar, b),
                  (size_t)g->scalar.c * sizeof(float)) == 0;
}

/* h and sides of bonds first.., of one trunk: as many at once as have the same
 * scalars. */
static void bonds_network(const struct choice *o, int trunk, int first)
{
    const struct graph *g = o->c->graph;
    double *h = o->h + (size_t)trunk * UNITS * o->stride;
    uint64_t *sides = o->sides + (size_t)trunk * o->stride;

    for (int i = first; i < first + WIDE && i < o->bonds;) {
        uint64_t side[WIDE];
        wide distance = {0}, at[UNITS];
        int n = 0;

        while (i + n < first + WIDE && i + n < o->bonds &&
               same_scalars(g, i, i + n)) {
            distance[n] = (double)*numbers(&o->c->geo->distance, i + n);
            n++;
        }
        network(&o->net[trunk], &o->c->radial[trunk].layer[0].w,
                numbers(&g->scalar, i), &distance, at, side);
        for (int j = 0; j < n; j++) {
            sides[i + j] = side[j];
            for (int q = 0; q < UNITS; q++)
                h[(size_t)q * o->stride + (size_t)(i + j)] = at[q][j];
        }
        i += n;
    }
}

/* --- one run -------------------------------------------------------------- */

/* Shortest and longest distance; 0 if one is no number. */
static int range(const struct choice *o, struct run *r)
{
    double least = INFINITY, most = -INFINITY;

    for (int i = r->bond; i < r->bond + r->bonds; i++) {
        double d = (double)*numbers(&o->c->geo->distance, i);

        if (!isfinite(d))
            return 0;
        least = fmin(least, d);
        most = fmax(most, d);
    }
    r->middle = (least + most) / 2;
    r->half = fmax((most - least) / 2, least_half);
    return 1;
}

/* The polynomials of trunk t through h at the points; 0 if a ReLU of a point
 * has another side than those of the bonds. */
static int interpolate(const struct choice *o, const struct run *r, int t,
                       double p[TERMS][UNITS])
{
    uint64_t side[WIDE],
        own = o->sides[(size_t)t * o->stride + (size_t)r->bond];
    wide distance, h[UNITS];

    for (int n = 0; n < WIDE; n++)
        distance[n] = (double)point_distance(r, n < r->k ? n : 0);
    network(&o->net[t], &o->c->radial[t].layer[0].w,
            numbers(&o->c->graph->scalar, r->bond), &distance, h, side);
    for (int n = 0; n < r->k; n++)
        if (side[n] != own)
            return 0;
    for (int j = 0; j < r->k; j++)
        for (int q = 0; q < UNITS; q++) {
            p[j][q] = 0;
            for (int n = 0; n < r->k; n++)
                p[j][q] += r->inverse[j][n] * h[q][n];
        }
    return 1;
}

/* The same bonds' t, WIDE at a time; beyond the last, as the last. */
static void places(const struct choice *o, const struct run *r, int first,
                   wide *t)
{
    int last = r->bond + r->bonds - 1;

    for (int j = 0; j < WIDE; j++) {
        int bond = first + j < last ? first + j : last;

        (*t)[j] = ((double)*numbers(&o->c->geo->distance, bond) - r->middle) /
                  r->half;
    }
}

/* Whether trunk t's polynomials are within the tolerance for all bonds. */
static int is_close(const struct choice *o, struct run *r, int t,
                    double tolerance, double p[TERMS][UNITS])
{
    const double *h = o->h + (size_t)t * UNITS * o->stride;
    double square = tolerance * tolerance;

    for (int first = 0; first < r->bonds; first += WIDE) {
        wide at, off = {0}, size = {0};
        int n = r->bonds - first < WIDE ? r->bonds - first : WIDE;

        places(o, r, r->bond + first, &at);
        for (int q = 0; q < UNITS; q++) {
            wide x = (wide){0} + p[r->k - 1][q], want;

            memcpy(&want, h + (size_t)q * o->stride + r->bond + first,
                   sizeof want);
            for (int j = r->k - 2; j >= 0; j--)
                x = x * at + p[j][q];
            off += (x - want) * (x - want);
            size += want * want;
        }
        for (int j = 0; j < n; j++) {
            if (!(off[j] <= square * size[j]))
                return 0;
            if (off[j] > r->off * r->off * size[j])
                r->off = sqrt(off[j] / size[j]);
        }
    }
    return 1;
}

/* The fewest terms that do; 0: TERMS are too few. */
static void fit(const struct choice *o, struct run *r)
{
    double tolerance = tolerance_of(o->c);
    int most = r->bonds < TERMS ? r->bonds : TERMS;

    if (range(o, r))
        for (r->k = 1; r->k <= most; r->k++) {
            int t = 0;

            r->off = 0;
            invert(r);
            while (t < o->c->shape.trunks) {
                double p[TERMS][UNITS];

                if (!interpolate(o, r, t, p) ||
                    !is_close(o, r, t, tolerance, p))
                    break;
                t++;
            }
            if (t == o->c->shape.trunks)
                return;
        }
    r->k = 0;
}

/* --- all runs ------------------------------------------------------------- */

/* In thirds of the products that one matrix term takes of a group. */
static int cost(const struct run *r)
{
    return groups_of(r->bonds) * (3 * r->k + 7) + 8 * r->k;
}

/* The cheapest runs of these bonds, each at run[its first bond]: returns their
 * cost. */
static int divide(const struct choice *o, int bond, int bonds, struct run run[])
{
    struct run whole = {.bond = bond, .bonds = bonds};
    int half = groups_of(bonds) > 1 ? groups_of(bonds) / 2 * GROUP : bonds / 2;
    int apart;

    fit(o, &whole);
    if (bonds == 1 || (whole.k > 0 && (whole.k <= 2 || bonds <= GROUP))) {
        run[bond] = whole;
        return cost(&whole);
    }
    apart =
        divide(o, bond, half, run) + divide(o, bond + half, bonds - half, run);
    if (whole.k > 0 && cost(&whole) <= apart) {
        run[bond] = whole;
        return cost(&whole);
    }
    return apart;
}

/* Whether bond i goes on with what bond i - 1 is in. */
static int goes_on(const struct choice *o, int i)
{
    if (!same_scalars(o->c->graph, i - 1, i))
        return 0;
    for (int t = 0; t < o->c->shape.trunks; t++) {
        const uint64_t *sides = o->sides + (size_t)t * o->stride;

        if (sides[i - 1] != sides[i])
            return 0;
    }
    return 1;
}

/* First bonds of all stretches, and of one beyond the last. */
static int find_stretches(const struct choice *o, int first[])
{
    int n = 0;

    for (int i = 0; i < o->bonds; i++)
        if (i == 0 || !goes_on(o, i))
            first[n++] = i;
    first[n] = o->bonds;
    return n;
}

/* Puts the groups of a run, and where their bonds stand in it. */
static void put_groups(const struct conv *c, const struct points *p, int n)
{
    const struct run *r = &p->run[n];

    for (int i = 0; i < groups_of(r->bonds); i++) {
        struct group *g = &p->group[r->group + i];
        int rest = r->bonds - i * GROUP;

        *g = (struct group){.run = n,
                            .bond = r->bond + i * GROUP,
                            .bonds = rest < GROUP ? rest : GROUP};
        for (int j = 0; j < GROUP; j++)
            p->t[r->group + i][j] =
                r->k > 0 && j < g->bonds
                    ? (float)(((double)*numbers(&c->geo->distance,
                                                g->bond + j) -
                               r->middle) /
                              r->half)
                    : 0;
    }
}

static void put_plain(const struct conv *c, const struct points *p)
{
    int bonds = used_bonds(c->graph);

    p->count[0] = bonds > 0;
    p->count[1] = groups_of(bonds);
    p->count[2] = p->count[3] = 0;
    if (bonds > 0) {
        p->run[0] = (struct run){.bonds = bonds};
        put_groups(c, p, 0);
    }
}

/* The runs that divide left; 0: too many, or none that does. */
static int put_runs(const struct choice *o, const struct run run[],
                    const struct points *p)
{
    int runs = 0, groups = 0, points = 0;

    for (int i = 0; i < o->bonds; i += run[i].bonds) {
        int n = groups_of(run[i].bonds);

        if (run[i].k == 0 || groups + n > groups_room(o->c->graph->bonds) ||
            points + run[i].k > points_room(o->c->graph->bonds))
            return 0;
        p->run[runs] = run[i];
        p->run[runs].group = groups;
        p->run[runs].point = points;
        runs++;
        groups += n;
        points += run[i].k;
    }
    p->count[0] = runs;
    p->count[1] = groups;
    p->count[2] = points;
    p->count[3] = 0;
    for (int i = 0; i < runs; i++)
        put_groups(o->c, p, i);
    return 1;
}

/* Overwrites the work. */
static int choose_runs(const struct conv *c, const struct points *p)
{
    struct choice o = {.c = c, .bonds = used_bonds(c->graph)};
    size_t room = (size_t)c->graph->bonds, trunks = (size_t)c->shape.trunks;
    int *first, stretches;
    struct run *run;

    o.stride = choice_stride(c->graph->bonds);
    o.net = c->work;
    o.h = (double *)(o.net + trunks);
    o.sides = (uint64_t *)(o.h + trunks * UNITS * o.stride);
    run = (struct run *)(o.sides + trunks * o.stride);
    first = (int *)(run + room);
    for (int t = 0; t < c->shape.trunks; t++)
        net_set(&c->radial[t], &o.net[t]);
    for (int t = 0; t < c->shape.trunks; t++)
#pragma omp parallel for schedule(static)
        for (int i = 0; i < o.bonds; i += WIDE)
            bonds_network(&o, t, i);
    stretches = find_stretches(&o, first);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < stretches; i++)
        divide(&o, first[i], first[i + 1] - first[i], run);
    return put_runs(&o, run, p);
}

/* What the trunks get: of point n of a run, the run's scalars and a distance.
 */
static void put_inputs(struct conv *c, const struct points *p)
{
    const struct tensor *scalar = &c->graph->scalar;
    size_t bytes = (size_t)scalar->c * sizeof(float);
    int bonds = used_bonds(c->graph);

    *c->points = is_plain(p) ? bonds : p->count[2];
    *c->reached = 0;
    for (int i = 0; !is_plain(p) && i < p->count[0]; i++)
        *c->reached = fmax(*c->reached, p->run[i].off);
    for (int i = 0; is_plain(p) && i < bonds; i++) {
        memcpy(row(&c->at, i, 0), numbers(scalar, i), bytes);
        row(&c->at, i, 0)[scalar->c] = *numbers(&c->geo->distance, i);
    }
    for (int i = 0; !is_plain(p) && i < p->count[0]; i++) {
        const struct run *r = &p->run[i];

        for (int n = 0; n < r->k; n++) {
            float *at = row(&c->at, r->point + n, 0);

            memcpy(at, numbers(scalar, r->bond), bytes);
            at[scalar->c] = point_distance(r, n);
        }
    }
}

static struct points plan_of(const struct conv *c)
{
    return points_of(c->plan, c->shape.trunks, c->graph->bonds);
}

/* --- from the table ------------------------------------------------------- */

/* Runs of all bonds: those of one piece after another. */
static enum lookup put_table_runs(struct conv *c, const struct points *p)
{
    int bonds = used_bonds(c->graph), runs = 0, groups = 0;
    const struct piece *x = NULL;

    for (int b = 0; b < bonds; b++) {
        float d = *numbers(&c->geo->distance, b);
        enum lookup found;

        if (x && x->first <= d && d <= x->last &&
            same_scalars(c->graph, b - 1, b)) {
            p->run[runs - 1].bonds++;
            continue;
        }
        found = runs < groups_room(c->graph->bonds) ? find_piece(c, b, &x)
                                                    : NOT_THERE;
        if (found != FOUND)
            return found;
        p->run[runs] = table_of(c)->run[x->run];
        p->run[runs].bond = b;
        p->run[runs++].bonds = 1;
    }
    for (int i = 0; i < runs; i++) {
        p->run[i].group = groups;
        groups += groups_of(p->run[i].bonds);
        if (groups > groups_room(c->graph->bonds))
            return NOT_THERE;
        put_groups(c, p, i);
    }
    p->count[0] = runs;
    p->count[1] = groups;
    p->count[2] = 1;
    p->count[3] = 1;
    return FOUND;
}

/* Without earlier bonds' terms, or from an empty table, where there is no room:
 * whether there is, is then a matter of these bonds alone. Pieces, which take
 * longest, are cut anew only where they fill it. */
static int is_in_table(struct conv *c, const struct points *p)
{
    enum lookup found = FULL;

    if (!c->table || used_bonds(c->graph) == 0)
        return 0;
    if (table_of(c)->is_set)
        found = put_table_runs(c, p);
    if (found == NO_TERMS) {
        forget_runs(table_of(c));
        found = put_table_runs(c, p);
    }
    if (found == FULL) {
        table_begin(c);
        found = put_table_runs(c, p);
    }
    if (found != FOUND)
        return 0;
    *c->points = 0;
    *c->reached = 0;
    for (int i = 0; i < p->count[0]; i++)
        *c->reached = fmax(*c->reached, p->run[i].off);
    return 1;
}

static void conv_points(struct conv *c)
{
    const struct points p = plan_of(c);
    int has_trunk = c->radial[0].layer[0].w.data != NULL;

    if (!c->by_bond && has_trunk && is_in_table(c, &p))
        return;
    if (c->by_bond || !has_trunk || !choose_runs(c, &p))
        put_plain(c, &p);
    if (has_trunk)
        put_inputs(c, &p);
}

/* --- plan ----------------------------------------------------------------- */

/* h of a group's bonds, turned. */
static void turn_hidden(const struct radial *r, const struct group *g,
                        float out[UNITS][GROUP])
{
    for (int q = 0; q < UNITS; q++)
        for (int j = 0; j < GROUP; j++)
            out[q][j] = j < g->bonds ? numbers(&r->h, g->bond + j)[q] : 0;
}

static void run_polynomials(const struct radial *r, const struct run *run,
                            float out[][UNITS])
{
    for (int j = 0; j < run->k; j++)
        for (int q = 0; q < UNITS; q++) {
            double sum = 0;

            for (int n = 0; n < run->k; n++)
                sum += run->inverse[j][n] *
                       (double)numbers(&r->h, run->point + n)[q];
            out[j][q] = (float)sum;
        }
}

/* Polynomials of trunk t. */
static void trunk_plan(const struct conv *c, const struct points *p, int t,
                       float out[][UNITS])
{
    struct open_units *open = p->open + t * groups_room(c->graph->bonds);

    for (int i = 0; i < p->count[0]; i++) {
        const struct run *r = &p->run[i];

        run_polynomials(&c->radial[t], r, out + r->point);
        open_of(out[r->point], r->k, &open[i]);
    }
}

static void conv_plan(struct conv *c)
{
    const struct points p = plan_of(c);

    for (int t = 0; t < c->shape.trunks && !is_tabled(&p); t++) {
        float *out = p.p + (size_t)t * trunk_numbers(c->graph->bonds);

        if (is_plain(&p))
            for (int i = 0; i < p.count[1]; i++)
                turn_hidden(&c->radial[t], &p.group[i],
                            (float(*)[GROUP])(out + i * UNITS * GROUP));
        else
            trunk_plan(c, &p, t, (float(*)[UNITS])out);
    }
}

void ENTER(k_conv_points)(struct kernels *k)
{
    k->conv.conv_points = conv_points;
    k->conv.conv_plan = conv_plan;
}
