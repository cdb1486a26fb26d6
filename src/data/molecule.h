/* SPDX-License-Identifier: MIT */
/* molecule.h - one molecule, as importers make it; chemical elements.
 *
 * The arrays belong to the struct and grow with it, so that one molecule serves
 * a whole file.
 */
#ifndef MOLECULE_H
#define MOLECULE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { MOLECULE_WORKS = 3 };

struct molecule {
    int64_t id; /* number in the source; 0: the source has none */
    int atoms;
    uint8_t *number; /* [atoms] atomic numbers */
    double *x;       /* [atoms, 3] Angstrom */
    int bonds;       /* -1: not known, to be derived (bonds.h) */
    int32_t *bond;   /* [bonds, 2] i < j, ascending */
    uint8_t *order;  /* [bonds] 1, 2, 3; 4 aromatic */
    int targets;
    double *target; /* [targets]; NaN: unknown */
    char *smiles;   /* "" when the source has none */
    size_t atom_room, bond_room, target_room, smiles_room; /* capacities */
    /* Workspaces of bonds.h and lewis.h, in bytes; nothing between calls. */
    void *work[MOLECULE_WORKS];
    size_t work_room[MOLECULE_WORKS];
};

/* Makes room; contents up to the old counts stay. ERR_ENVIRONMENT: memory. */
enum err molecule_atoms(struct molecule *m, int atoms);
enum err molecule_bonds(struct molecule *m, int bonds);
enum err molecule_targets(struct molecule *m, int targets);
enum err molecule_smiles(struct molecule *m, const char *s, size_t n);
enum err molecule_work(struct molecule *m, int which, size_t bytes);
void molecule_fini(struct molecule *m);

/* Sorts bonds (i < j in each, then ascending). */
void molecule_sort_bonds(struct molecule *m);

/* What every import checks at the end: at least one atom, finite positions, no
 * two atoms closer than 0.5 A, bonds in range, none twice, orders 1 to 4.
 * NULL when all is well, else the reason (static text, or in `room`). */
const char *molecule_flaw(const struct molecule *m, char *room, size_t bytes);

enum { ELEMENTS = 119 }; /* atomic numbers 1..118 */

/* 1..118 of a symbol in any case ("CL"; "D" and "T" are 1 and set *isotope),
 * or 0. */
int element_number(const char *s, size_t n, int *isotope);
const char *element_symbol(int z);

/* Covalent radius in Angstrom of H C N O F (bonds.md); 0 for others. */
double element_radius(int z);

#endif
