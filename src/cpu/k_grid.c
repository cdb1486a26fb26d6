/* SPDX-License-Identifier: MIT */
/* k_grid.c - gradients as 64-bit integers on a grid of 2^-50, and their norm.
 *
 * Integers add up to the same whatever their order. A number is below
 * 2^12 / parts, so that `parts` of them stay below 2^62; others are counted
 * instead. The norm is summed by blocks of a fixed size, each in lanes of a
 * fixed number: bits that do not depend on threads.
 */
#include "cpu/real.h"

enum { BLOCK = 4096, LANES = 8 };

static void grid_add(const void *g, int64_t n, int parts, int64_t *grid)
{
    const real *from = g;
    double limit = 0x1p12 / parts;
    int64_t beyond = 0;

#pragma omp parallel for schedule(static) reduction(+ : beyond)
    for (int64_t i = 0; i < n; i++) {
        double x = (double)from[i];

        if (fabs(x) < limit)
            grid[i] += llrint(x * 0x1p50);
        else
            beyond++;
    }
    grid[n] += beyond;
}

static void grid_get(const int64_t *grid, int64_t n, void *g)
{
    real *to = g;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        to[i] = (real)grid[i] * (real)0x1p-50;
    if (grid[n] != 0 && n > 0)
        to[0] = (real)NAN;
}

static int64_t norm_blocks(int64_t n)
{
    return (n + BLOCK - 1) / BLOCK;
}

static double block_square(const real *g, int64_t n)
{
    double lane[LANES] = {0}, sum = 0;
    int64_t whole = n / LANES * LANES;

    for (int64_t i = 0; i < whole; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)g[i + k] * (double)g[i + k];
    for (int64_t i = whole; i < n; i++)
        lane[i - whole] += (double)g[i] * (double)g[i];
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

static void grad_norm(const void *g, int64_t n, double *work, double *norm)
{
    int64_t blocks = norm_blocks(n);
    double sum = 0;

#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < blocks; b++)
        work[b] = block_square((const real *)g + b * BLOCK,
                               b < blocks - 1 ? BLOCK : n - b * BLOCK);
    for (int64_t b = 0; b < blocks; b++)
        sum += work[b];
    *norm = sqrt(sum);
}

void ENTER(k_grid)(struct kernels *k)
{
    k->step.grid_add = grid_add;
    k->step.grid_get = grid_get;
    k->step.norm_blocks = norm_blocks;
    k->step.grad_norm = grad_norm;
}
