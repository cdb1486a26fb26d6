/* SPDX-License-Identifier: MIT */
/* kernels_step.h - slots that work on whole arenas of numbers, once a step:
 * gradients on a grid, their norm, the optimiser. Rules for all slots:
 * kernels.h. Arrays are flat, in `real` unless said otherwise.
 */
#ifndef KERNELS_STEP_H
#define KERNELS_STEP_H

#include <stddef.h>
#include <stdint.h>

enum optim_kind { OPTIM_ADAMW, OPTIM_LAMB, OPTIM_SGD };

/* Device memory; put by the host before each step, grad_norm by its slot. */
struct optim_scalars {
    double lr;
    double bias1, bias2; /* 1 - beta1^t, 1 - beta2^t at step t = 1, 2, .. */
    double grad_norm;    /* of the gradient as reduced, before clipping */
};

struct optim {
    enum optim_kind kind;
    double beta1, beta2, eps, weight_decay, momentum;
    double clip_norm; /* 0: none */
    double ema;       /* 0: none */
    int64_t n;        /* numbers in p, g, m, v, average; padding included */
    void *p, *g;
    void *m;              /* first moment, or momentum */
    void *v;              /* second moment; NULL for SGD */
    void *average;        /* NULL without ema */
    int tensors;          /* LAMB: weights one by one */
    const int64_t *begin; /* device [tensors + 1] */
    double *work;         /* device [2 tensors] */
    struct optim_scalars *scalars;
};

struct step_kernels {
    /* Sums that do not depend on their order: numbers on a grid of 2^-50, as
     * 64-bit integers; grid has n + 1, the last counts numbers that are not
     * finite or not below 2^12 / parts (parts: how many sums there will be).
     * add adds g to the grid; get overwrites g, with NaN in g[0] when the
     * count is not 0. */
    void (*grid_add)(const void *g, int64_t n, int parts, int64_t *grid);
    void (*grid_get)(const int64_t *grid, int64_t n, void *g);

    /* Overwrites *norm with the 2-norm, summed in double by blocks of fixed
     * size; work [blocks] double, as many as norm_blocks says. */
    int64_t (*norm_blocks)(int64_t n);
    void (*grad_norm)(const void *g, int64_t n, double *work, double *norm);

    /* One step of theory.md section 7 and, with ema, the average; g is clipped
     * on the fly and not changed. Leaves everything alone when grad_norm is
     * not finite. The arithmetic is in `real`, scalars rounded to it. */
    void (*optim_step)(const struct optim *o);
};

#endif
