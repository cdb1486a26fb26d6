/* SPDX-License-Identifier: MIT */
/* k_loss.c - losses of standardised values (theory.md section 7), reference.
 *
 * With d = y - target: |d|; d^2; or d^2/2 below 1 and |d| - 1/2 above. The
 * sums are few and their order matters, so one thread does them, in double.
 */
#include "cpu/real.h"

struct value {
    double loss, slope;
};

static double sign(double d)
{
    return d == 0 ? 0 : copysign(1, d);
}

static struct value l1(double d)
{
    return (struct value){fabs(d), d != d ? d : sign(d)};
}

static struct value l2(double d)
{
    return (struct value){d * d, 2 * d};
}

static struct value huber(double d)
{
    if (fabs(d) >= 1)
        return (struct value){fabs(d) - 0.5, sign(d)};
    return (struct value){0.5 * d * d, d};
}

static struct value (*const losses[])(double d) = {
    [LOSS_KIND_L1] = l1,
    [LOSS_KIND_L2] = l2,
    [LOSS_KIND_HUBER] = huber,
};

static void loss(enum loss_kind kind, const struct tensor *y,
                 const struct tensor *target, const double *scale,
                 struct tensor *dy, double *sums)
{
    int molecules = used(y);

    for (int i = 0; i < molecules; i++)
        for (int t = 0; t < target->c; t++) {
            double label = (double)row(target, i, 0)[t];
            double d = (double)row(y, i, 0)[t] - label;
            struct value v = losses[kind](d);

            row(dy, i, 0)[t] = 0;
            if (isnan(label))
                continue;
            row(dy, i, 0)[t] = (real)(v.slope * *scale);
            sums[0] += v.loss;
            sums[1 + t] += fabs(d);
        }
}

void ENTER(k_loss)(struct kernels *k)
{
    k->node.loss = loss;
}
