/* SPDX-License-Identifier: MIT */
/* bonds.c - the steps of bonds.md: hydrogens to the nearest heavy atom,
 * the SMILES atom by atom in the order of the file, else in another order, else
 * (or without a SMILES) connectivity by distance and the cheapest orders.
 *
 * One addition: H2 has no heavy atom and is bonded by the rule for hydrogens.
 */
#include "data/bonds.h"

#include "data/bonds_map.h"
#include "data/lewis.h"
#include "data/molecule.h"
#include "data/smiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Excess below which atoms are connected, Angstrom. */
#define HYDROGEN_EXCESS 0.25
#define CARBON_EXCESS 0.235
#define OTHER_EXCESS 0.40

enum { ATOMS_MOST = 10000 }; /* all pairs are looked at */

/* Where a reason goes. */
struct room {
    char *text;
    size_t bytes;
};

static double distance(const struct molecule *m, int i, int j)
{
    const double *a = m->x + 3 * i, *b = m->x + 3 * j;
    double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];

    return sqrt(x * x + y * y + z * z);
}

static const char *atom_reason(const struct molecule *m, int i,
                               const char *what, struct room r)
{
    snprintf(r.text, r.bytes, "atom %d (%s) %s", i + 1,
             element_symbol(m->number[i]), what);
    return r.text;
}

static const char *check_atoms(const struct molecule *m, struct room r)
{
    if (m->atoms < 2)
        return "it has no two atoms to bond";
    if (m->atoms > ATOMS_MOST) {
        snprintf(r.text, r.bytes,
                 "it has %d atoms (expected at most %d where bonds are "
                 "derived); give its bonds as SDF",
                 m->atoms, ATOMS_MOST);
        return r.text;
    }
    for (int i = 0; i < m->atoms; i++)
        if (element_radius(m->number[i]) <= 0)
            return atom_reason(m, i,
                               "has no radius to derive bonds with (H C N O F "
                               "have); give its bonds as SDF",
                               r);
    return NULL;
}

static enum err skeleton_open(struct skeleton *k, struct molecule *m)
{
    size_t atoms = (size_t)m->atoms, heavy = 0;
    int32_t *at;

    for (int i = 0; i < m->atoms; i++)
        heavy += m->number[i] != 1;
    TRY(molecule_work(m, 0, (atoms + 2 * heavy) * sizeof *at));
    TRY(molecule_work(m, 1, PAIRS_AN_ATOM * heavy * sizeof *k->pair));
    at = m->work[0];
    *k = (struct skeleton){.host = at,
                           .atom = at + atoms,
                           .hydrogens = at + atoms + heavy,
                           .pair = m->work[1]};
    for (int i = 0; i < m->atoms; i++) {
        if (m->number[i] == 1)
            continue;
        k->hydrogens[k->heavy] = 0;
        k->atom[k->heavy++] = i;
    }
    return OK;
}

/* Step 1. */
static const char *place_hydrogens(const struct molecule *m, struct skeleton *k,
                                   struct room r)
{
    for (int i = 0; i < m->atoms; i++) {
        double least = HYDROGEN_EXCESS;

        k->host[i] = -1;
        if (m->number[i] != 1)
            continue;
        for (int v = 0; v < k->heavy; v++) {
            int j = k->atom[v];
            double excess = distance(m, i, j) - element_radius(1) -
                            element_radius(m->number[j]);

            if (excess < least) {
                least = excess;
                k->host[i] = v;
            }
        }
        if (k->host[i] < 0)
            return atom_reason(m, i, "has no heavy atom near enough", r);
        k->hydrogens[k->host[i]]++;
    }
    return NULL;
}

static const char *find_pairs(const struct molecule *m, struct skeleton *k,
                              struct room r)
{
    for (int v = 0; v < k->heavy; v++)
        for (int w = v + 1; w < k->heavy; w++) {
            int i = k->atom[v], j = k->atom[w];
            int carbon = m->number[i] == 6 && m->number[j] == 6;
            double d = distance(m, i, j);
            double excess =
                d - element_radius(m->number[i]) - element_radius(m->number[j]);

            if (!(excess < BOND_MAY_BE))
                continue;
            if (k->pairs == PAIRS_AN_ATOM * k->heavy)
                return atom_reason(m, i, "is crowded like no molecule", r);
            k->pair[k->pairs++] =
                (struct pair){v, w, d, excess,
                              excess < (carbon ? CARBON_EXCESS : OTHER_EXCESS)};
        }
    return NULL;
}

/* Step 2: atoms of each element, and hydrogens. */
static int same_formula(const struct molecule *m, const struct skeleton *k,
                        const struct smiles *s)
{
    int count[256] = {0};

    if (s->atoms != k->heavy)
        return 0;
    for (int i = 0; i < m->atoms; i++)
        count[m->number[i]]++;
    for (int i = 0; i < s->atoms; i++) {
        count[s->number[i]]--;
        count[1] -= s->hydrogens[i];
    }
    for (int z = 0; z < 256; z++)
        if (count[z])
            return 0;
    return 1;
}

/* Step 3. Pairs and bonds of the SMILES are both ascending. */
static int in_order(const struct molecule *m, const struct skeleton *k,
                    const struct smiles *s)
{
    int b = 0;

    for (int v = 0; v < k->heavy; v++)
        if (m->number[k->atom[v]] != s->number[v] ||
            k->hydrogens[v] != s->hydrogens[v])
            return 0;
    for (int a = 0; a < k->pairs; a++) {
        const struct pair *p = &k->pair[a];

        if (b < s->bonds && s->bond[b][0] == p->i && s->bond[b][1] == p->j)
            b++;
        else if (p->excess < BOND_MUST_BE)
            return 0;
    }
    return b == s->bonds;
}

static void put(struct molecule *m, int i, int j, uint8_t order)
{
    m->bond[2 * m->bonds] = i;
    m->bond[2 * m->bonds + 1] = j;
    m->order[m->bonds++] = order;
}

/* Those of the hydrogens, with room for `more`. */
static enum err put_hydrogens(struct molecule *m, const struct skeleton *k,
                              int more)
{
    TRY(molecule_bonds(m, m->atoms - k->heavy + more));
    m->bonds = 0;
    for (int i = 0; i < m->atoms; i++)
        if (k->host[i] >= 0)
            put(m, i, k->atom[k->host[i]], 1);
    return OK;
}

/* Those of the SMILES; image NULL: in order. */
static enum err put_smiles(struct molecule *m, const struct skeleton *k,
                           const struct smiles *s, const int16_t *image)
{
    TRY(put_hydrogens(m, k, s->bonds));
    for (int b = 0; b < s->bonds; b++) {
        int i = s->bond[b][0], j = s->bond[b][1];

        put(m, k->atom[image ? image[i] : i], k->atom[image ? image[j] : j],
            s->order[b]);
    }
    return OK;
}

/* Step 5. */
static enum err from_geometry(struct molecule *m, const struct skeleton *k,
                              const char **reason)
{
    int found;

    TRY(put_hydrogens(m, k, k->pairs));
    for (int a = 0; a < k->pairs; a++)
        if (k->pair[a].connected)
            put(m, k->atom[k->pair[a].i], k->atom[k->pair[a].j], 1);
    molecule_sort_bonds(m);
    TRY(lewis_orders(m, &found));
    if (found < 0)
        *reason = "its distances allow too many ways to place double bonds";
    else if (!found)
        *reason = "no single, double and triple bonds fit its distances (a "
                  "radical, a missing hydrogen, a broken geometry?)";
    return OK;
}

static enum err from_smiles(struct molecule *m, const struct skeleton *k,
                            enum bonds_from *from, struct room r,
                            const char **reason)
{
    struct smiles s;
    int16_t image[SMILES_ATOMS];

    if (!smiles_parse(m->smiles, strlen(m->smiles), &s, r.text, r.bytes)) {
        *reason = r.text;
        return OK;
    }
    if (!same_formula(m, k, &s)) {
        *reason = "its SMILES and its atoms have different formulas";
        return OK;
    }
    *from = BONDS_IN_ORDER;
    if (in_order(m, k, &s))
        return put_smiles(m, k, &s, NULL);
    *from = BONDS_MAPPED;
    switch (bonds_map(m, k, &s, image)) {
    case MAP_FOUND:
        return put_smiles(m, k, &s, image);
    case MAP_TOO_MANY:
        *reason = "there are too many ways to lay its SMILES on its atoms";
        return OK;
    default:
        *from = BONDS_GEOMETRY;
        return from_geometry(m, k, reason);
    }
}

static const char *check_isolated(const struct molecule *m, struct skeleton *k,
                                  struct room r)
{
    for (int v = 0; v < k->heavy; v++) {
        int bonded = k->hydrogens[v];

        for (int a = 0; a < k->pairs && !bonded; a++)
            bonded = k->pair[a].i == v || k->pair[a].j == v;
        if (!bonded)
            return atom_reason(m, k->atom[v], "is bonded to no other", r);
    }
    return NULL;
}

/* No heavy atom: H2 or nothing. */
static enum err bond_hydrogens(struct molecule *m, const char **reason)
{
    const char *s = m->smiles ? m->smiles : "";

    if (m->atoms != 2 ||
        !(distance(m, 0, 1) - 2 * element_radius(1) < HYDROGEN_EXCESS)) {
        *reason = "hydrogens without a heavy atom are no molecule but H2";
        return OK;
    }
    if (*s && strcmp(s, "[H][H]") && strcmp(s, "[HH]")) {
        *reason = "its SMILES and its atoms have different formulas";
        return OK;
    }
    TRY(molecule_bonds(m, 1));
    m->bonds = 0;
    put(m, 0, 1, 1);
    return OK;
}

enum err bonds_derive(struct molecule *m, enum bonds_from *from, char *room,
                      size_t bytes, const char **reason)
{
    struct room r = {room, bytes};
    struct skeleton k;

    m->bonds = -1;
    *from = BONDS_GEOMETRY;
    *reason = check_atoms(m, r);
    if (*reason)
        return OK;
    TRY(skeleton_open(&k, m));
    if (!k.heavy)
        return bond_hydrogens(m, reason);
    *reason = place_hydrogens(m, &k, r);
    if (!*reason)
        *reason = find_pairs(m, &k, r);
    if (!*reason)
        *reason = check_isolated(m, &k, r);
    if (*reason)
        return OK;
    TRY(m->smiles && *m->smiles ? from_smiles(m, &k, from, r, reason)
                                : from_geometry(m, &k, reason));
    if (*reason)
        m->bonds = -1;
    else
        molecule_sort_bonds(m);
    return OK;
}
