/* SPDX-License-Identifier: MIT */
/* smiles.h - the SMILES of QM9 and what people write: atoms in order, bonds,
 * implicit hydrogens (bonds.md, step 2).
 *
 * Organic subset and bracket atoms, branches, ring closures (also %nn), lower
 * case made Kekule, stereo marks passed over. Explicit [H] atoms count as
 * hydrogens of their neighbour.
 */
#ifndef SMILES_H
#define SMILES_H

#include <stddef.h>
#include <stdint.h>

enum { SMILES_ATOMS = 512, SMILES_BONDS = 1024 };

struct smiles {
    int atoms; /* heavy ones */
    uint8_t number[SMILES_ATOMS];
    int8_t charge[SMILES_ATOMS];
    uint8_t hydrogens[SMILES_ATOMS]; /* implicit, or as the bracket says */
    int bonds;
    int16_t bond[SMILES_BONDS][2];
    uint8_t order[SMILES_BONDS]; /* 1, 2, 3 */
};

/* 1 and *out, or 0 and a reason in room. */
int smiles_parse(const char *s, size_t n, struct smiles *out, char *room,
                 size_t bytes);

#endif
