/* SPDX-License-Identifier: MIT */
/* qm9.c - Ramakrishnan, Dral, Rupp, von Lilienfeld, Scientific Data 1:140022
 * (2014); the energies of the free atoms (B3LYP/6-31G(2df,p)) are those of its
 * file atomref.txt.
 */
#include "data/qm9.h"

#include <string.h>

enum { U0 = 7, ENERGIES = 4, FREE = 10 }; /* places of U0, and of U0 as read */

const struct qm9_target qm9_target[QM9_TARGETS] = {
    {"mu", "D"},       {"alpha", "a0^3"}, {"homo", "eV"},
    {"lumo", "eV"},    {"gap", "eV"},     {"r2", "a0^2"},
    {"zpve", "eV"},    {"U0", "eV"},      {"U", "eV"},
    {"H", "eV"},       {"G", "eV"},       {"Cv", "cal/(mol K)"},
    {"U0_atom", "eV"}, {"U_atom", "eV"},  {"H_atom", "eV"},
    {"G_atom", "eV"},  {"A", "GHz"},      {"B", "GHz"},
    {"C", "GHz"},
};

/* Where a target comes from, and its factor. */
static const struct {
    int raw;
    double factor;
} from[QM9_TARGETS] = {
    {3, 1},
    {4, 1},
    {5, QM9_HARTREE},
    {6, QM9_HARTREE},
    {7, QM9_HARTREE},
    {8, 1},
    {9, QM9_HARTREE},
    {10, QM9_HARTREE},
    {11, QM9_HARTREE},
    {12, QM9_HARTREE},
    {13, QM9_HARTREE},
    {14, 1},
    {10, QM9_HARTREE},
    {11, QM9_HARTREE},
    {12, QM9_HARTREE},
    {13, QM9_HARTREE},
    {0, 1},
    {1, 1},
    {2, 1},
};

/* Hartree, at U0, U, H, G. */
static const struct {
    int element;
    double energy[ENERGIES];
} free_atom[] = {
    {1, {-0.500273, -0.498857, -0.497912, -0.510927}},
    {6, {-37.846772, -37.845355, -37.844411, -37.861317}},
    {7, {-54.583861, -54.582445, -54.581501, -54.598897}},
    {8, {-75.064579, -75.063163, -75.062219, -75.079532}},
    {9, {-99.718730, -99.717314, -99.716370, -99.733544}},
};
enum { ATOMS = sizeof free_atom / sizeof *free_atom };

int qm9_find(const char *name)
{
    for (int i = 0; i < QM9_TARGETS; i++)
        if (strcmp(name, qm9_target[i].name) == 0)
            return i;
    return -1;
}

static double hartree_of(int energy, int element)
{
    for (int i = 0; i < ATOMS; i++)
        if (free_atom[i].element == element)
            return free_atom[i].energy[energy];
    return 0;
}

double qm9_free_atom(int target, int element)
{
    return QM9_HARTREE * hartree_of(target - U0, element);
}

void qm9_convert(const double raw[QM9_NUMBERS], const uint8_t number[],
                 int atoms, double out[QM9_TARGETS])
{
    for (int t = 0; t < QM9_TARGETS; t++) {
        double x = raw[from[t].raw];

        if (t >= QM9_ATOMIC && t < QM9_ATOMIC + ENERGIES)
            for (int i = 0; i < atoms; i++)
                x -= hartree_of(from[t].raw - FREE, number[i]);
        out[t] = x * from[t].factor;
    }
}
