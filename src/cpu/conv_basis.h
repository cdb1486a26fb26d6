/* SPDX-License-Identifier: MIT */
/* conv_basis.h - runs of bonds that share a few matrices of radial weights.
 *
 * Bonds stand in the order of type and distance, so the hidden vectors h of
 * neighbours lie close to a space of few dimensions: with an orthonormal basis
 * g of it, h_e = sum_j c_ej g_j to 1e-7 of |h_e|, hence R_e = sum_j c_ej (W3
 * g_j) with the same K matrices W3 g_j for the whole run. That holds for h in
 * double alone (the noise of single precision has as many dimensions as there
 * are units), so h is made here again, from the trunk's weights.
 *
 * Runs consist of groups of GROUP bonds and do not cross windows of
 * WINDOW_GROUPS groups: they depend on the bonds' data, never on threads.
 * Numbers of views are float here.
 */
#ifndef CONV_BASIS_H
#define CONV_BASIS_H

#include "device/kernels_conv.h"

enum { GROUP = 16, WINDOW_GROUPS = 16, BASIS_MAX = 8 };

/* Of smaller trunks all runs are plain: finding a basis costs some 4000 cycles
 * a bond, forming weights without it 2 cycles a row and bond in each pass. */
enum { BASIS_ROWS = 2048 };

/* Groups first .. first + groups - 1; stands at place `first`. */
struct basis_run {
    int groups;
    int k;      /* vectors; 0: plain, the hidden units are the basis */
    int matrix; /* number of its first matrix among the trunk's */
    float g[BASIS_MAX][RADIAL_HIDDEN];
};

/* Of one trunk. Coefficients of a run with basis: c_0, c_1/c_0, c_2/c_0, ..,
 * for the first one scales everything else; of a plain run: h. */
struct basis {
    int *first;                          /* [groups] of the group's run */
    struct basis_run *run;               /* [groups] */
    float (*coef)[RADIAL_HIDDEN][GROUP]; /* [groups] */
};

static inline int groups_of(int bonds)
{
    return (bonds + GROUP - 1) / GROUP;
}

/* Matrices of a trunk at most: 61 to 149 of a batch of 240 molecules of QM9
 * (278 groups) were measured. Runs beyond are plain. */
static inline int basis_budget(int groups)
{
    return groups / 2 + 16;
}

/* Bytes of plan for all trunks. */
size_t basis_bytes(int trunks, int bonds);

/* The view of trunk t; plan is as large as basis_bytes says. */
struct basis basis_of(void *plan, int bonds, int t);

/* Overwrites the plan of trunk t, whose W3 has so many rows. */
void basis_make(const struct conv *c, int t, size_t rows);

#endif
