/* SPDX-License-Identifier: MIT */
/* kekule.h - one Kekule form: which bonds of an aromatic system are double.
 *
 * The lowest atom that needs a double bond takes its lowest free neighbour,
 * with backtracking, each connected system by itself (bonds.md). For
 * lower-case SMILES and for the aromatic bonds of SDF.
 */
#ifndef KEKULE_H
#define KEKULE_H

#include <stdint.h>

enum { KEKULE_ATOMS = 2048, KEKULE_BONDS = 3072 };

/* What an atom may do where its system has no Kekule form otherwise: become
 * charged, those of FIRST before those of LAST. */
enum { KEKULE_FIXED, KEKULE_FIRST, KEKULE_LAST };

struct kekule {
    int atoms;
    uint8_t needs[KEKULE_ATOMS]; /* 1: a double bond */
    uint8_t loose[KEKULE_ATOMS]; /* KEKULE_FIXED ..: may change its need */
    int bonds;
    int16_t bond[KEKULE_BONDS][2]; /* aromatic ones */
    int16_t mate[KEKULE_ATOMS];    /* out: the other end, or -1 */
    /* the search's own */
    int16_t first[KEKULE_ATOMS + 1], next[2 * KEKULE_BONDS];
    int16_t system[KEKULE_ATOMS], list[KEKULE_ATOMS], count;
    int steps;
};

enum kekule_result { KEKULE_FOUND, KEKULE_NONE, KEKULE_TOO_MANY };

/* In: atoms, needs, loose, bonds, bond. */
enum kekule_result kekule_solve(struct kekule *k);

/* Neighbours first[i] .. first[i + 1] of each atom by bond, ascending. */
void kekule_adjacency(struct kekule *k);

/* The smallest usual valence of element z with charge q that is not below sum,
 * or -1. */
int kekule_valence(int z, int charge, int sum);

#endif
