/* SPDX-License-Identifier: MIT */
/* bonds_kekulize.c - aromatic bonds (SDF type 4) made single and double.
 *
 * All hydrogens are there, so that what an atom lacks to its valence is a
 * double bond. Charges are not known here: where a system has no form with
 * neutral atoms, one of its atoms may be charged, preferably not a carbon.
 */
#include "data/bonds.h"

#include "data/kekule.h"
#include "data/molecule.h"

#include <stdio.h>
#include <string.h>

enum { AROMATIC = 4 };

/* Needs of all atoms, from the sums of their orders. */
static void find_needs(const struct molecule *m, struct kekule *k)
{
    int sum[KEKULE_ATOMS];
    uint8_t aromatic[KEKULE_ATOMS];

    memset(sum, 0, (size_t)m->atoms * sizeof *sum);
    memset(aromatic, 0, (size_t)m->atoms);
    for (int b = 0; b < 2 * m->bonds; b++) {
        int order = m->order[b / 2];

        sum[m->bond[b]] += order == AROMATIC ? 1 : order;
        aromatic[m->bond[b]] |= order == AROMATIC;
    }
    for (int i = 0; i < m->atoms; i++) {
        int z = m->number[i];

        k->needs[i] = aromatic[i] && kekule_valence(z, 0, sum[i]) > sum[i];
        k->loose[i] = z != 6        ? KEKULE_FIRST
                      : k->needs[i] ? KEKULE_LAST
                                    : KEKULE_FIXED;
    }
}

static const char *make_kekule(struct molecule *m)
{
    struct kekule k;

    k.atoms = m->atoms;
    k.bonds = 0;
    for (int b = 0; b < m->bonds; b++)
        if (m->order[b] == AROMATIC) {
            if (k.bonds == KEKULE_BONDS)
                return "it has too many aromatic bonds";
            k.bond[k.bonds][0] = (int16_t)m->bond[2 * b];
            k.bond[k.bonds++][1] = (int16_t)m->bond[2 * b + 1];
        }
    find_needs(m, &k);
    switch (kekule_solve(&k)) {
    case KEKULE_NONE:
        return "its aromatic bonds have no Kekule form";
    case KEKULE_TOO_MANY:
        return "there are too many ways to place its double bonds";
    default:
        break;
    }
    for (int b = 0; b < m->bonds; b++)
        if (m->order[b] == AROMATIC)
            m->order[b] = k.mate[m->bond[2 * b]] == m->bond[2 * b + 1] ? 2 : 1;
    return NULL;
}

enum err bonds_kekulize(struct molecule *m, char *room, size_t bytes,
                        const char **reason)
{
    *reason = NULL;
    if (m->bonds < 1 || !memchr(m->order, AROMATIC, (size_t)m->bonds))
        return OK;
    if (m->atoms > KEKULE_ATOMS) {
        snprintf(room, bytes,
                 "it has aromatic bonds and %d atoms (expected at most %d)",
                 m->atoms, KEKULE_ATOMS);
        *reason = room;
        return OK;
    }
    *reason = make_kekule(m);
    return OK;
}
