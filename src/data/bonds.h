/* SPDX-License-Identifier: MIT */
/* bonds.h - which atoms are bonded, from geometry and SMILES (bonds.md).
 */
#ifndef BONDS_H
#define BONDS_H

#include "base/err.h"

#include <stddef.h>

struct molecule;

/* How the bonds of a molecule were found. */
enum bonds_from {
    BONDS_IN_ORDER, /* step 3: heavy atom k is SMILES atom k */
    BONDS_MAPPED,   /* step 4: another order of atoms */
    BONDS_GEOMETRY  /* step 5: SMILES and geometry differ, or no SMILES */
};

/* Sets m's bonds (sorted) by steps 1 to 5. *reason is NULL on success, else why
 * the molecule is refused (in `room`): that is no error.
 * ERR_ENVIRONMENT: memory. */
enum err bonds_derive(struct molecule *m, enum bonds_from *from, char *room,
                      size_t bytes, const char **reason);

/* Kekule form of bonds of order 4, where they stand (SDF type 4): each atom's
 * lowest free neighbour, backtracking. m has no flaw (molecule.h). reason as
 * above. */
enum err bonds_kekulize(struct molecule *m, char *room, size_t bytes,
                        const char **reason);

#endif
