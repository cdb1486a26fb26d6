/* SPDX-License-Identifier: MIT */
/* bonds_map.h - heavy atoms and the pairs of them that may be bonds; the search
 * for the atom of the molecule that is each atom of its SMILES (bonds.md, step
 * 4).
 */
#ifndef BONDS_MAP_H
#define BONDS_MAP_H

#include <stdint.h>

struct molecule;
struct smiles;

/* Two heavy atoms, i < j, by their ranks. */
struct pair {
    int32_t i, j;
    double distance, excess; /* Angstrom; over the sum of the radii */
    int connected;           /* by distance alone */
};

/* Excess below which a bond of the SMILES may be, or must be a bond. */
#define BOND_MAY_BE 0.42
#define BOND_MUST_BE 0.18

enum { PAIRS_AN_ATOM = 8 };

struct skeleton {
    int heavy;
    int32_t *atom;      /* [heavy] its number in the molecule */
    int32_t *hydrogens; /* [heavy] */
    int32_t *host;      /* [atoms] rank of a hydrogen's heavy atom, or -1 */
    int pairs;          /* those with an excess below BOND_MAY_BE, ascending */
    struct pair *pair;  /* room for PAIRS_AN_ATOM * heavy */
};

enum map_result { MAP_FOUND, MAP_NONE, MAP_TOO_MANY };

/* image[k]: rank of the heavy atom that is atom k of the SMILES; both have
 * one formula. */
enum map_result bonds_map(const struct molecule *m, const struct skeleton *k,
                          const struct smiles *s, int16_t image[]);

#endif
