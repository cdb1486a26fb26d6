/* SPDX-License-Identifier: MIT */
/* lewis.c - the least cost over all bond orders, exactly, without a search.
 *
 * Bonds that can be more than single are taken one after the other. What came
 * before matters only through the orders so far of the atoms that still have
 * bonds to come (the frontier) and the charge: of all states equal in these the
 * cheapest is kept. The next atom to finish is one that adds few to the
 * frontier, so that it stays small: one to four atoms in chains, rings and
 * fused rings, and none between unsaturated parts. Work is linear in their
 * number.
 */
#include "data/lewis.h"

#include "data/molecule.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_ALLOWED = 9, VALENCE_MOST = 4, CHARGE_MOST = 60 };
enum { SLOTS = 26, STATES = 1 << 20 }; /* 2 bits a slot; 24 MB */

struct state {
    uint64_t key; /* charge + 128 in the top byte, orders beyond 1 in slots */
    double cost;
    int32_t from; /* state before the last bond */
    int32_t extra;
};

struct lewis {
    struct molecule *m;
    int32_t *degree, *most; /* [atoms] bonds; orders that can be added */
    int32_t *left;          /* [atoms] open bonds to come */
    int32_t *slot;          /* [atoms] in the frontier, or -1 */
    int32_t *age;           /* [atoms] bonds taken when it joined it */
    int32_t *first, *edge;  /* [atoms + 1], [2 bonds] open bonds of an atom */
    int32_t *done;          /* [bonds] */
    int32_t *trail;         /* [bonds] open bonds in the order taken */
    int taken;
    int32_t frontier[SLOTS]; /* the atom of a slot, or -1 */
    struct state *state;
    int begin, end; /* the last layer */
    int too_many;
};

/* Charge of an atom by its valence. */
static int charge_of(int z, int valence)
{
    enum { NO = NOT_ALLOWED };
    static const int8_t charge[10][VALENCE_MOST + 1] = {
        [1] = {NO, 0, NO, NO, NO}, [6] = {NO, NO, NO, -1, 0},
        [7] = {NO, NO, -1, 0, 1},  [8] = {NO, -1, 0, 1, NO},
        [9] = {NO, 0, NO, NO, NO},
    };

    return z > 9 || valence > VALENCE_MOST || !element_radius(z)
               ? NOT_ALLOWED
               : charge[z][valence];
}

/* What a charge costs, but for the sum over the molecule. */
static double charge_cost(int z, int q)
{
    return q ? 4 * abs(q) + (z == 6 ? 6 : 0) : 0;
}

/* 30 (d - d0)^2 of a bond with this order, less that of a single one. */
static double order_cost(const struct molecule *m, int b, int extra)
{
    static const double ideal[5][3] = {
        {1.521, 1.357, 1.204}, /* CC CN CO NN NO */
        {1.440, 1.291, 1.156},
        {1.414, 1.206, 1.13},
        {1.350, 1.24, 1.12},
        {1.406, 1.226, 1.1}};
    static const int8_t row[9][9] = {
        [6] = {[6] = 1, [7] = 2, [8] = 3}, [7] = {[7] = 4, [8] = 5}};
    int i = m->bond[2 * b], j = m->bond[2 * b + 1];
    int zi = m->number[i], zj = m->number[j];
    int pair = row[zi < zj ? zi : zj][zi < zj ? zj : zi] - 1;
    const double *a = m->x + 3 * i, *c = m->x + 3 * j;
    double d =
        sqrt((a[0] - c[0]) * (a[0] - c[0]) + (a[1] - c[1]) * (a[1] - c[1]) +
             (a[2] - c[2]) * (a[2] - c[2]));
    double off, off_single;

    if (pair < 0)
        return 0;
    off = d - ideal[pair][extra];
    off_single = d - ideal[pair][0];
    return 30 * (off * off - off_single * off_single);
}

static enum err lewis_open(struct lewis *l, struct molecule *m)
{
    size_t atoms = (size_t)m->atoms, bonds = (size_t)m->bonds;
    int32_t *at;

    TRY(molecule_work(m, 0, (6 * atoms + 1 + 4 * bonds) * sizeof *at));
    TRY(molecule_work(m, 1, 64 * sizeof *l->state));
    at = m->work[0];
    *l = (struct lewis){.m = m, .degree = at, .state = m->work[1]};
    l->most = at += atoms;
    l->left = at += atoms;
    l->slot = at += atoms;
    l->age = at += atoms;
    l->first = at += atoms;
    l->edge = at += atoms + 1;
    l->done = at += 2 * bonds;
    l->trail = at + bonds;
    memset(l->degree, 0, (6 * atoms + 1 + 4 * bonds) * sizeof *at);
    for (int i = 0; i < SLOTS; i++)
        l->frontier[i] = -1;
    return OK;
}

static int is_open(const struct lewis *l, int b)
{
    return l->most[l->m->bond[2 * b]] > 0 && l->most[l->m->bond[2 * b + 1]] > 0;
}

/* Degrees, what can be added, open bonds. */
static void find_open(struct lewis *l)
{
    struct molecule *m = l->m;

    for (int b = 0; b < 2 * m->bonds; b++)
        l->degree[m->bond[b]]++;
    for (int i = 0; i < m->atoms; i++) {
        l->slot[i] = l->most[i] = -1;
        for (int v = l->degree[i]; v <= VALENCE_MOST; v++)
            if (charge_of(m->number[i], v) != NOT_ALLOWED)
                l->most[i] = v - l->degree[i];
    }
    for (int b = 0; b < 2 * m->bonds; b++)
        if (is_open(l, b / 2))
            l->left[m->bond[b]]++;
    for (int i = 0; i < m->atoms; i++)
        l->first[i + 1] = l->first[i] + l->left[i];
    for (int b = 0; b < 2 * m->bonds; b++)
        if (is_open(l, b / 2))
            l->edge[l->first[m->bond[b]]++] = b / 2;
    for (int i = m->atoms; i > 0; i--)
        l->first[i] = l->first[i - 1];
    l->first[0] = 0;
}

/* Atoms without open bonds are what they are. 0: no valence fits one. */
static int start(struct lewis *l)
{
    double cost = 0;
    int charge = 0;

    for (int i = 0; i < l->m->atoms; i++) {
        int z = l->m->number[i], q;

        if (l->left[i])
            continue;
        q = charge_of(z, l->degree[i]);
        if (q == NOT_ALLOWED)
            return 0;
        cost += charge_cost(z, q);
        charge += q;
    }
    if (abs(charge) > CHARGE_MOST)
        return 0;
    l->state[0] = (struct state){(uint64_t)(charge + 128) << 56, cost, -1, 0};
    l->end = 1;
    return 1;
}

static int charge_in(uint64_t key)
{
    return (int)(key >> 56) - 128;
}

/* Takes a finished atom out of the state. 0: its valence is not allowed. */
static int finish(const struct lewis *l, int atom, struct state *s)
{
    int shift = 2 * l->slot[atom], z = l->m->number[atom];
    int extra = (int)(s->key >> shift & 3);
    int q = charge_of(z, l->degree[atom] + extra), sum;

    if (q == NOT_ALLOWED)
        return 0;
    sum = charge_in(s->key) + q;
    if (abs(sum) > CHARGE_MOST)
        return 0;
    s->key -= (uint64_t)extra << shift;
    s->key = (s->key << 8 >> 8) | (uint64_t)(sum + 128) << 56;
    s->cost += charge_cost(z, q);
    return 1;
}

/* Adds s to the new layer, or improves the state of the same key. */
static void keep(struct lewis *l, const struct state *s, uint32_t mask)
{
    int32_t *table = l->m->work[2];
    uint32_t at = (uint32_t)(s->key * 0x9e3779b97f4a7c15u >> 32) & mask;

    for (; table[at]; at = (at + 1) & mask)
        if (l->state[table[at]].key == s->key) {
            if (s->cost < l->state[table[at]].cost)
                l->state[table[at]] = *s;
            return;
        }
    table[at] = l->end;
    l->state[l->end++] = *s;
}

/* Room for a layer: each state has at most three successors. */
static enum err make_room(struct lewis *l, uint32_t *mask)
{
    size_t states = (size_t)(l->end - l->begin), table = 16;

    while (table < 6 * states)
        table *= 2;
    TRY(molecule_work(l->m, 1,
                      ((size_t)l->end + 3 * states) * sizeof *l->state));
    TRY(molecule_work(l->m, 2, table * sizeof(int32_t)));
    l->state = l->m->work[1];
    memset(l->m->work[2], 0, table * sizeof(int32_t));
    *mask = (uint32_t)table - 1;
    return OK;
}

/* Adds `extra` orders to a bond and finishes atoms that it was the last of. 0:
 * the valences do not allow it. */
static int raise_order(const struct lewis *l, const int32_t bond[2], int extra,
                       struct state *s)
{
    for (int side = 0; side < 2; side++) {
        int atom = bond[side], shift = 2 * l->slot[atom];

        if ((int)(s->key >> shift & 3) + extra > l->most[atom])
            return 0;
        s->key += (uint64_t)extra << shift;
        if (!l->left[atom] && !finish(l, atom, s))
            return 0;
    }
    return 1;
}

/* The next layer: bond b with 0, 1, 2 orders more than one. */
static enum err take(struct lewis *l, int b)
{
    const int32_t *bond = l->m->bond + 2 * b;
    int begin = l->begin, end = l->end;
    uint32_t mask;

    TRY(make_room(l, &mask));
    l->done[b] = 1;
    l->trail[l->taken++] = b;
    l->left[bond[0]]--;
    l->left[bond[1]]--;
    for (int extra = 0; extra < 3; extra++) {
        double cost = order_cost(l->m, b, extra);

        for (int from = begin; from < end; from++) {
            struct state s = l->state[from];

            s.from = from;
            s.extra = extra;
            s.cost += cost;
            if (raise_order(l, bond, extra, &s))
                keep(l, &s, mask);
        }
    }
    l->begin = end;
    return OK;
}

static int enter(struct lewis *l, int atom)
{
    for (int i = 0; i < SLOTS && l->slot[atom] < 0; i++)
        if (l->frontier[i] < 0) {
            l->frontier[i] = atom;
            l->slot[atom] = i;
            l->age[atom] = l->taken;
        }
    return l->slot[atom] >= 0;
}

/* How many atoms would join the frontier if this one were finished. */
static int growth(const struct lewis *l, int atom)
{
    int count = 0;

    for (int e = l->first[atom]; e < l->first[atom + 1]; e++) {
        const int32_t *bond = l->m->bond + 2 * l->edge[e];
        int other = bond[0] == atom ? bond[1] : bond[0];

        count += l->slot[other] < 0;
    }
    return count;
}

/* The frontier's atom that lets it grow least, of several the oldest; -1. */
static int next_atom(const struct lewis *l)
{
    int best = -1, least = INT_MAX;

    for (int i = 0; i < SLOTS; i++) {
        int atom = l->frontier[i], grows = atom < 0 ? INT_MAX : growth(l, atom);

        if (grows < least ||
            (atom >= 0 && grows == least && l->age[atom] < l->age[best])) {
            best = atom;
            least = grows;
        }
    }
    return best;
}

/* Takes the bonds to come of one atom after the other, as far as `root`
 * reaches. */
static enum err take_part(struct lewis *l, int root)
{
    for (int atom = root; atom >= 0; atom = next_atom(l)) {
        if (!enter(l, atom))
            l->too_many = 1;
        for (int e = l->first[atom]; e < l->first[atom + 1]; e++) {
            int b = l->edge[e];

            if (l->done[b])
                continue;
            if (!enter(l, l->m->bond[2 * b]) ||
                !enter(l, l->m->bond[2 * b + 1]) || l->end > STATES)
                l->too_many = 1;
            if (l->too_many)
                return OK;
            TRY(take(l, b));
            for (int side = 0; side < 2; side++) {
                int i = l->m->bond[2 * b + side];

                if (!l->left[i])
                    l->frontier[l->slot[i]] = -1;
            }
        }
    }
    return OK;
}

/* Orders of the cheapest complete state; 0: there is none. */
static int read_orders(struct lewis *l)
{
    double least = INFINITY;
    int best = -1;

    for (int i = l->begin; i < l->end; i++) {
        double cost = l->state[i].cost + 20 * abs(charge_in(l->state[i].key));

        if (cost < least) {
            least = cost;
            best = i;
        }
    }
    if (best < 0)
        return 0;
    memset(l->m->order, 1, (size_t)l->m->bonds);
    for (int t = l->taken - 1; t >= 0; t--) {
        l->m->order[l->trail[t]] = (uint8_t)(1 + l->state[best].extra);
        best = l->state[best].from;
    }
    return 1;
}

enum err lewis_orders(struct molecule *m, int *found)
{
    struct lewis l;

    *found = 0;
    TRY(lewis_open(&l, m));
    find_open(&l);
    if (!start(&l))
        return OK;
    for (int few = 1; few <= VALENCE_MOST; few++)
        for (int i = 0; i < m->atoms; i++)
            if (l.left[i] == few) {
                TRY(take_part(&l, i));
                if (l.too_many)
                    return *found = -1, OK;
            }
    *found = read_orders(&l);
    return OK;
}
