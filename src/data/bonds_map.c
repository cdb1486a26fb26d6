/* SPDX-License-Identifier: MIT */
/* bonds_map.c - backtracking over the atoms of the SMILES in their order, each
 * next to the image of an earlier neighbour, with a bound on the sum of order
 * times distance.
 *
 * First the graphs must be equal; then hashes of ever larger neighbourhoods
 * (Weisfeiler and Lehman) leave few candidates. Else every bond of the SMILES
 * must be possible, and every short pair a bond.
 */
#include "data/bonds_map.h"

#include "data/molecule.h"
#include "data/smiles.h"

#include <math.h>
#include <string.h>

enum { STEPS = 500000, ROUNDS = 6, ATOMS = SMILES_ATOMS };

/* Sums that differ by less are equal: rounding must not choose. */
static const double close_sums = 1e-9; /* Angstrom */

/* Neighbours of each atom, ascending. */
struct links {
    int16_t first[ATOMS + 1];
    struct link {
        int16_t to;
        uint8_t order, may, must;
        double distance;
    } link[2 * PAIRS_AN_ATOM * ATOMS];
};

struct map {
    const struct molecule *m;
    const struct skeleton *k;
    const struct smiles *s;
    int strict; /* equal graphs */
    struct links near, bonded;
    uint64_t near_hash[ATOMS], bonded_hash[ATOMS];
    int16_t twin[ATOMS];    /* an earlier leaf that is the same, or -1 */
    double rest[ATOMS + 1]; /* what atoms from here on add at least */
    int16_t image[ATOMS], inverse[ATOMS], *best;
    double least;
    int steps;
};

static int element_of(const struct map *p, int v)
{
    return p->m->number[p->k->atom[v]];
}

static void count_links(struct links *l, int n)
{
    memset(l->first, 0, ((size_t)n + 1) * sizeof *l->first);
}

/* first[i] counts the links of i; makes it where they begin. */
static void begin_links(struct links *l, int n)
{
    for (int i = n; i > 0; i--)
        l->first[i] = l->first[i - 1];
    l->first[0] = 0;
    for (int i = 1; i <= n; i++)
        l->first[i] = (int16_t)(l->first[i] + l->first[i - 1]);
}

static void add_link(struct links *l, int from, struct link link)
{
    l->link[l->first[from]++] = link;
}

/* first[i] is where the links of i end; makes it where they begin. */
static void end_links(struct links *l, int n)
{
    memmove(l->first + 1, l->first, (size_t)n * sizeof *l->first);
    l->first[0] = 0;
}

static void link_pairs(struct map *p)
{
    struct links *l = &p->near;
    const struct skeleton *k = p->k;

    count_links(l, k->heavy);
    for (int a = 0; a < k->pairs; a++) {
        l->first[k->pair[a].i]++;
        l->first[k->pair[a].j]++;
    }
    begin_links(l, k->heavy);
    for (int a = 0; a < k->pairs; a++) {
        const struct pair *q = &k->pair[a];
        struct link link = {(int16_t)q->j, 0, 1, q->excess < BOND_MUST_BE,
                            q->distance};

        if (p->strict)
            link.may = link.must = (uint8_t)q->connected;
        add_link(l, q->i, link);
        link.to = (int16_t)q->i;
        add_link(l, q->j, link);
    }
    end_links(l, k->heavy);
}

static void link_bonds(struct map *p)
{
    struct links *l = &p->bonded;
    const struct smiles *s = p->s;

    count_links(l, s->atoms);
    for (int b = 0; b < s->bonds; b++) {
        l->first[s->bond[b][0]]++;
        l->first[s->bond[b][1]]++;
    }
    begin_links(l, s->atoms);
    for (int b = 0; b < s->bonds; b++)
        for (int side = 0; side < 2; side++)
            add_link(l, s->bond[b][side],
                     (struct link){s->bond[b][1 - side], s->order[b], 1, 1, 0});
    end_links(l, s->atoms);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Hashes of neighbourhoods, from those of atoms. Returns the sum of all. */
static uint64_t hash_links(const struct links *l, int n, uint64_t hash[])
{
    uint64_t next[ATOMS], sum = 0;

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < n; i++) {
            next[i] = mix(hash[i] + 1);
            for (int e = l->first[i]; e < l->first[i + 1]; e++)
                if (l->link[e].may)
                    next[i] += mix(hash[l->link[e].to]);
        }
        memcpy(hash, next, (size_t)n * sizeof *hash);
    }
    for (int i = 0; i < n; i++)
        sum += hash[i];
    return sum;
}

/* 0: the graphs differ. */
static int hash_atoms(struct map *p)
{
    int n = p->s->atoms;

    for (int i = 0; i < n; i++) {
        p->near_hash[i] =
            (uint64_t)element_of(p, i) << 32 | (uint64_t)p->k->hydrogens[i];
        p->bonded_hash[i] =
            (uint64_t)p->s->number[i] << 32 | p->s->hydrogens[i];
    }
    return !p->strict || hash_links(&p->near, n, p->near_hash) ==
                             hash_links(&p->bonded, n, p->bonded_hash);
}

/* Leaves that are alike need not change places. */
static void find_twins(struct map *p)
{
    const struct smiles *s = p->s;
    const struct links *l = &p->bonded;

    for (int i = 0; i < s->atoms; i++) {
        const struct link *mine = &l->link[l->first[i]];
        int parent = mine->to;

        p->twin[i] = -1;
        if (l->first[i + 1] - l->first[i] != 1)
            continue;
        for (int e = l->first[parent]; e < l->first[parent + 1]; e++) {
            int j = l->link[e].to;

            if (j < i && l->first[j + 1] - l->first[j] == 1 &&
                s->number[j] == s->number[i] &&
                s->hydrogens[j] == s->hydrogens[i] &&
                l->link[e].order == mine->order)
                p->twin[i] = (int16_t)j;
        }
    }
}

/* Where graphs are equal the sum of distances is fixed: only orders beyond 1
 * count, and where there are none the first mapping is as good as any. */
static double weight(const struct map *p, const struct link *bond)
{
    return bond->order - p->strict;
}

/* The shortest pair that a bond of atoms i and j can be. */
static double shortest_pair(const struct map *p, int i, int j)
{
    const struct links *near = &p->near;
    double least = INFINITY;

    for (int v = 0; v < p->k->heavy; v++) {
        if (p->near_hash[v] != p->bonded_hash[i])
            continue;
        for (int e = near->first[v]; e < near->first[v + 1]; e++) {
            const struct link *l = &near->link[e];

            if (l->may && p->near_hash[l->to] == p->bonded_hash[j] &&
                l->distance < least)
                least = l->distance;
        }
    }
    return least;
}

static void bound_rest(struct map *p)
{
    int n = p->s->atoms;

    p->rest[n] = 0;
    for (int i = n - 1; i >= 0; i--) {
        p->rest[i] = p->rest[i + 1];
        for (int e = p->bonded.first[i]; e < p->bonded.first[i + 1]; e++) {
            const struct link *l = &p->bonded.link[e];
            double w = weight(p, l);

            if (l->to < i && w > 0)
                p->rest[i] += w * shortest_pair(p, i, l->to);
        }
    }
}

static const struct link *find_link(const struct links *l, int from, int to)
{
    for (int e = l->first[from]; e < l->first[from + 1]; e++)
        if (l->link[e].to == to)
            return &l->link[e];
    return NULL;
}

/* Whether atom i of the SMILES can be v, given the images of those before it;
 * *sum grows by its bonds to them. */
static int fits(const struct map *p, int i, int v, double *sum)
{
    const struct links *near = &p->near, *bonded = &p->bonded;

    if (p->inverse[v] >= 0 || p->near_hash[v] != p->bonded_hash[i] ||
        (p->twin[i] >= 0 && v < p->image[p->twin[i]]))
        return 0;
    for (int e = bonded->first[i]; e < bonded->first[i + 1]; e++) {
        const struct link *bond = &bonded->link[e], *pair;

        if (bond->to > i)
            continue;
        pair = find_link(near, v, p->image[bond->to]);
        if (!pair || !pair->may)
            return 0;
        *sum += weight(p, bond) * pair->distance;
    }
    for (int e = near->first[v]; e < near->first[v + 1]; e++) {
        int other = p->inverse[near->link[e].to];

        if (near->link[e].must && other >= 0 && !find_link(bonded, i, other))
            return 0;
    }
    return *sum + p->rest[i + 1] < p->least - close_sums;
}

/* Atoms of the SMILES from i on, the least image first. */
static void place(struct map *p, int i, double sum)
{
    const struct links *bonded = &p->bonded, *near = &p->near;
    int parent = -1, first = 0, end = p->s->atoms;

    if (i == p->s->atoms) {
        p->least = sum;
        memcpy(p->best, p->image, (size_t)i * sizeof *p->image);
        return;
    }
    if (bonded->first[i] < bonded->first[i + 1] &&
        bonded->link[bonded->first[i]].to < i) {
        parent = p->image[bonded->link[bonded->first[i]].to];
        first = near->first[parent];
        end = near->first[parent + 1];
    }
    for (int e = first; e < end && p->steps >= 0; e++) {
        int v = parent < 0 ? e : near->link[e].to;
        double more = sum;

        p->steps--;
        if (!fits(p, i, v, &more))
            continue;
        p->image[i] = (int16_t)v;
        p->inverse[v] = (int16_t)i;
        place(p, i + 1, more);
        p->inverse[v] = -1;
    }
}

enum map_result bonds_map(const struct molecule *m, const struct skeleton *k,
                          const struct smiles *s, int16_t image[])
{
    struct map p;

    p.m = m;
    p.k = k;
    p.s = s;
    p.best = image;
    p.strict = 0;
    link_bonds(&p);
    find_twins(&p);
    for (p.strict = 1; p.strict >= 0; p.strict--) {
        link_pairs(&p);
        if (!hash_atoms(&p))
            continue;
        bound_rest(&p);
        for (int v = 0; v < k->heavy; v++)
            p.inverse[v] = -1;
        p.least = INFINITY;
        p.steps = STEPS;
        place(&p, 0, 0);
        if (p.steps < 0)
            return MAP_TOO_MANY;
        if (p.least < INFINITY)
            return MAP_FOUND;
    }
    return MAP_NONE;
}
