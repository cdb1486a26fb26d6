/* SPDX-License-Identifier: MIT */
/* qm9.h - the nineteen targets of QM9: names, units, conversion. */
#ifndef QM9_H
#define QM9_H

#include <stdint.h>

enum { QM9_TARGETS = 19, QM9_NUMBERS = 15, QM9_ATOMIC = 12 };

#define QM9_HARTREE 27.211386245988 /* eV; CODATA 2018 */
#define QM9_KCAL 627.509            /* kcal/mol in a Hartree, as published */

struct qm9_target {
    const char *name, *unit;
};
extern const struct qm9_target qm9_target[QM9_TARGETS];

/* Index of a name, or -1. */
int qm9_find(const char *name);

/* Energy of the free atom in eV: of the target U0, U, H or G (by its index,
 * 7 to 10); 0 for elements that QM9 does not have. */
double qm9_free_atom(int target, int element);

/* From the numbers as published, A B C mu alpha homo lumo gap r2 zpve U0 U H G
 * Cv in GHz, D, a0^3, Hartree, a0^2, cal/(mol K), to the targets. */
void qm9_convert(const double raw[QM9_NUMBERS], const uint8_t number[],
                 int atoms, double out[QM9_TARGETS]);

#endif
