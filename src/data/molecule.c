/* SPDX-License-Identifier: MIT */
/* molecule.c - a molecule's arrays; what no molecule may be; elements. */
#include "data/molecule.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Angstrom; squares of distances stay finite in 32 bits. */
#define FARTHEST 1e6

static const char symbols[ELEMENTS][3] = {
    "",   "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na",
    "Mg", "Al", "Si", "P",  "S",  "Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",
    "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br",
    "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag",
    "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr",
    "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu",
    "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi",
    "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U",  "Np", "Pu", "Am",
    "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db", "Sg", "Bh",
    "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"};

/* *data keeps its address where there is room; both stay on failure. */
#define GROW(data, room, need, what)                                           \
    do {                                                                       \
        void *grown = (data);                                                  \
        enum err grow_err = mem_grow(&grown, &(room), (size_t)(need),          \
                                     sizeof *(data), "a molecule's " what);    \
        (data) = grown;                                                        \
        if (grow_err)                                                          \
            return grow_err;                                                   \
    } while (0)

enum err molecule_atoms(struct molecule *m, int atoms)
{
    size_t number_room = m->atom_room, x_room = 3 * m->atom_room;

    if (m->number && (size_t)atoms <= m->atom_room)
        return OK;
    GROW(m->number, number_room, atoms, "atoms");
    GROW(m->x, x_room, 3 * number_room, "positions");
    m->atom_room = number_room;
    return OK;
}

enum err molecule_bonds(struct molecule *m, int bonds)
{
    size_t order_room = m->bond_room, bond_room = 2 * m->bond_room;

    if (m->order && (size_t)bonds <= m->bond_room)
        return OK;
    GROW(m->order, order_room, bonds, "bond orders");
    GROW(m->bond, bond_room, 2 * order_room, "bonds");
    m->bond_room = order_room;
    return OK;
}

enum err molecule_targets(struct molecule *m, int targets)
{
    GROW(m->target, m->target_room, targets, "targets");
    return OK;
}

enum err molecule_smiles(struct molecule *m, const char *s, size_t n)
{
    GROW(m->smiles, m->smiles_room, n + 1, "SMILES");
    memcpy(m->smiles, s, n);
    m->smiles[n] = 0;
    return OK;
}

enum err molecule_work(struct molecule *m, int which, size_t bytes)
{
    return mem_grow(&m->work[which], &m->work_room[which], bytes, 1,
                    "the search for bonds");
}

void molecule_fini(struct molecule *m)
{
    mem_free(m->number);
    mem_free(m->x);
    mem_free(m->bond);
    mem_free(m->order);
    mem_free(m->target);
    mem_free(m->smiles);
    for (int i = 0; i < MOLECULE_WORKS; i++)
        mem_free(m->work[i]);
    *m = (struct molecule){0};
}

static int precedes(int32_t i, int32_t j, const int32_t bond[2])
{
    return i < bond[0] || (i == bond[0] && j < bond[1]);
}

/* Moves bond `at` down among those `gap` apart, which are in order. */
static void sink(struct molecule *m, int at, int gap)
{
    int32_t i = m->bond[2 * at], j = m->bond[2 * at + 1];
    uint8_t order = m->order[at];

    for (; at >= gap && precedes(i, j, m->bond + 2 * (at - gap)); at -= gap) {
        m->bond[2 * at] = m->bond[2 * (at - gap)];
        m->bond[2 * at + 1] = m->bond[2 * (at - gap) + 1];
        m->order[at] = m->order[at - gap];
    }
    m->bond[2 * at] = i;
    m->bond[2 * at + 1] = j;
    m->order[at] = order;
}

/* Shell's sort: in place, and quick on what is nearly sorted. */
void molecule_sort_bonds(struct molecule *m)
{
    int gap = 1;

    for (int b = 0; b < m->bonds; b++)
        if (m->bond[2 * b] > m->bond[2 * b + 1]) {
            int32_t i = m->bond[2 * b];

            m->bond[2 * b] = m->bond[2 * b + 1];
            m->bond[2 * b + 1] = i;
        }
    while (gap < m->bonds / 9)
        gap = 3 * gap + 1;
    for (; gap; gap /= 3)
        for (int b = gap; b < m->bonds; b++)
            sink(m, b, gap);
}

static const char *atom_flaw(const struct molecule *m, char *room, size_t bytes)
{
    for (int i = 0; i < 3 * m->atoms; i++)
        if (!(fabs(m->x[i]) <= FARTHEST)) {
            snprintf(room, bytes,
                     isfinite(m->x[i]) ? "atom %d is more than 1e6 A away"
                                       : "atom %d has no finite position",
                     i / 3 + 1);
            return room;
        }
    for (int i = 0; i < m->atoms; i++)
        for (int j = 0; j < i; j++) {
            const double *a = m->x + 3 * i, *b = m->x + 3 * j;
            double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
            double square = x * x + y * y + z * z;

            if (square < 0.25) {
                snprintf(room, bytes,
                         "atoms %d and %d are %.3f A apart (expected 0.5 or "
                         "more)",
                         j + 1, i + 1, sqrt(square));
                return room;
            }
        }
    return NULL;
}

static const char *bond_flaw(const struct molecule *m, int b, char *room,
                             size_t bytes)
{
    const int32_t *bond = m->bond + 2 * b;
    const char *what = NULL;

    if (bond[0] < 0 || bond[1] >= m->atoms)
        what = "names an atom that is not there";
    else if (bond[0] >= bond[1])
        what = "joins an atom to itself";
    else if (m->order[b] < 1 || m->order[b] > 4)
        what = "has no order 1 to 4";
    else if (b && !precedes(bond[-2], bond[-1], bond))
        what = "is listed twice";
    if (!what)
        return NULL;
    snprintf(room, bytes, "the bond of atoms %ld and %ld %s", bond[0] + 1L,
             bond[1] + 1L, what);
    return room;
}

const char *molecule_flaw(const struct molecule *m, char *room, size_t bytes)
{
    const char *flaw;

    if (m->atoms < 1)
        return "it has no atoms";
    flaw = atom_flaw(m, room, bytes);
    for (int b = 0; b < m->bonds && !flaw; b++)
        flaw = bond_flaw(m, b, room, bytes);
    return flaw;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int element_number(const char *s, size_t n, int *isotope)
{
    if (n < 1 || n > 2)
        return 0;
    if (n == 1 && (lower(s[0]) == 'd' || lower(s[0]) == 't')) {
        *isotope = 1;
        return 1;
    }
    for (int z = 1; z < ELEMENTS; z++)
        if (lower(symbols[z][0]) == lower(s[0]) &&
            symbols[z][1] == (n == 2 ? lower(s[1]) : 0))
            return z;
    return 0;
}

const char *element_symbol(int z)
{
    return z > 0 && z < ELEMENTS ? symbols[z] : "?";
}

double element_radius(int z)
{
    static const double radius[10] = {
        [1] = 0.31, [6] = 0.76, [7] = 0.71, [8] = 0.66, [9] = 0.57};

    return z > 0 && z < 10 ? radius[z] : 0;
}
