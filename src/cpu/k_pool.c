/* SPDX-License-Identifier: MIT */
/* k_pool.c - maximum and mean over the atoms of a molecule (theory.md section
 * 6), reference.
 *
 * The atoms of a molecule are neighbours, so one owner goes through them in
 * order; NaN is the largest number, and the first largest atom gets the
 * gradient. A molecule without atoms has y = 0.
 */
#include "cpu/real.h"

static int is_larger(real x, real than)
{
    return x > than || (x != x && than == than);
}

static void molecule_max(const struct tensor *x, int first, int last,
                         real *restrict y, int *restrict arg)
{
    for (int c = 0; c < x->c; c++) {
        y[c] = first < last ? row(x, first, 0)[c] : 0;
        arg[c] = first < last ? first : -1;
    }
    for (int n = first + 1; n < last; n++) {
        const real *p = row(x, n, 0);

        for (int c = 0; c < x->c; c++)
            if (is_larger(p[c], y[c])) {
                y[c] = p[c];
                arg[c] = n;
            }
    }
}

static void pool_max_fwd(const struct tensor *x, const struct csr *atoms,
                         struct tensor *y, int *arg)
{
    int molecules = used_nodes(atoms);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < molecules; i++)
        molecule_max(x, atoms->begin[i], atoms->begin[i + 1], row(y, i, 0),
                     arg + (int64_t)i * x->c);
}

static void pool_max_bwd(const struct tensor *dy, const struct csr *atoms,
                         const int *arg, struct tensor *dx)
{
    int molecules = used_nodes(atoms);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < molecules; i++)
        for (int n = atoms->begin[i]; n < atoms->begin[i + 1]; n++)
            for (int c = 0; c < dx->c; c++)
                row(dx, n, 0)[c] =
                    arg[(int64_t)i * dx->c + c] == n ? row(dy, i, 0)[c] : 0;
}

static void component_avg(const struct tensor *x, int first, int last, int m,
                          real *restrict y)
{
    real atoms = (real)(last - first);

    for (int c = 0; c < x->c; c++)
        y[c] = 0;
    for (int n = first; n < last; n++)
        for (int c = 0; c < x->c; c++)
            y[c] += row(x, n, m)[c];
    for (int c = 0; c < x->c && first < last; c++)
        y[c] /= atoms;
}

static void pool_avg_fwd(const struct tensor *x, const struct csr *atoms,
                         struct tensor *y)
{
    int molecules = used_nodes(atoms);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < molecules; i++)
        for (int m = 0; m < 2 * x->l + 1; m++)
            component_avg(x, atoms->begin[i], atoms->begin[i + 1], m,
                          row(y, i, m));
}

static void pool_avg_bwd(const struct tensor *dy, const struct csr *atoms,
                         struct tensor *dx)
{
    int molecules = used_nodes(atoms);

#pragma omp parallel for schedule(static)
    for (int i = 0; i < molecules; i++)
        for (int n = atoms->begin[i]; n < atoms->begin[i + 1]; n++)
            for (int m = 0; m < 2 * dx->l + 1; m++)
                for (int c = 0; c < dx->c; c++)
                    row(dx, n, m)[c] =
                        row(dy, i, m)[c] /
                        (real)(atoms->begin[i + 1] - atoms->begin[i]);
}

void ENTER(k_pool)(struct kernels *k)
{
    k->node.pool_max_fwd = pool_max_fwd;
    k->node.pool_max_bwd = pool_max_bwd;
    k->node.pool_avg_fwd = pool_avg_fwd;
    k->node.pool_avg_bwd = pool_avg_bwd;
}
