/* SPDX-License-Identifier: MIT */
/* hand_data.h - a small data set for tests, from formulas such as "CHHHH":
 * letter by letter an atom at a place of its own, the first bonded to all
 * others, order 1 to 4 in turn; ids 10, 13, 16, ..
 */
#ifndef HAND_DATA_H
#define HAND_DATA_H

#include "data/dataset.h"

#include <string.h>

enum { HAND_MOLECULES = 64, HAND_ATOMS = 1024, HAND_TARGETS = 4 };

static struct {
    int64_t id[HAND_MOLECULES];
    int64_t atom_begin[HAND_MOLECULES + 1], bond_begin[HAND_MOLECULES + 1];
    uint8_t number[HAND_ATOMS], order[HAND_ATOMS];
    double x[3 * HAND_ATOMS];
    int32_t bond[2 * HAND_ATOMS];
    double label[HAND_MOLECULES * HAND_TARGETS];
    struct dataset_target target[HAND_TARGETS];
} hand;

static int hand_atom(char letter, int64_t i, int k)
{
    static const char letters[] = "HCNOFS";
    static const uint8_t numbers[] = {1, 6, 7, 8, 9, 16};

    hand.number[i] = numbers[strchr(letters, letter) - letters];
    for (int a = 0; a < 3; a++)
        hand.x[3 * i + a] = (double)((i * 7 + a * 5) % 11) + 0.25 * k;
    return k > 0;
}

/* Labels and targets are the test's to set, in `hand`. */
static struct dataset hand_data(const char *const formula[], int n, int targets)
{
    static char path[] = "hand";
    int64_t atoms = 0, bonds = 0;

    for (int i = 0; i < n; i++) {
        hand.id[i] = 10 + 3 * i;
        hand.atom_begin[i] = atoms;
        hand.bond_begin[i] = bonds;
        for (int k = 0; formula[i][k]; k++)
            if (hand_atom(formula[i][k], atoms++, k)) {
                hand.bond[2 * bonds] = 0;
                hand.bond[2 * bonds + 1] = k;
                hand.order[bonds] = (uint8_t)(1 + bonds % 4);
                bonds++;
            }
    }
    hand.atom_begin[n] = atoms;
    hand.bond_begin[n] = bonds;
    return (struct dataset){.molecules = n,
                            .atoms = atoms,
                            .bonds = bonds,
                            .targets = targets,
                            .target = hand.target,
                            .id = hand.id,
                            .atom_begin = hand.atom_begin,
                            .bond_begin = hand.bond_begin,
                            .number = hand.number,
                            .x = hand.x,
                            .bond = hand.bond,
                            .order = hand.order,
                            .label = hand.label,
                            .path = path};
}

#endif
