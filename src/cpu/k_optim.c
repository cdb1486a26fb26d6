/* SPDX-License-Identifier: MIT */
/* k_optim.c - one step of the optimisers of theory.md section 7, reference.
 *
 *     AdamW  m = b1 m + (1-b1) g     v = b2 v + (1-b2) g^2
 *            u = (m / bias1) / (sqrt(v / bias2) + eps) + wd p
 *            p -= lr u
 *     LAMB   the same with g / max(1, |g|), and lr |p| / |u| for lr, weight
 *            tensor by tensor
 *     SGD    m = momentum m + g + wd p     p -= lr m
 *
 * and then average = ema average + (1-ema) p. Number by number, so threads do
 * not matter; the norms of a weight tensor have one owner, in double, in lanes.
 */
#include "cpu/real.h"

enum { LANES = 8 };

/* The constants of a step, rounded to real. */
struct rates {
    real lr, beta1, beta2, rest1, rest2, bias1, bias2;
    real eps, decay, momentum, scale; /* of the gradient */
    real ema, rest_ema;
};

/* Clipping, and for LAMB the division by the norm of what clipping left. */
static double gradient_scale(const struct optim *o)
{
    double norm = o->scalars->grad_norm, clip = 1;

    if (o->clip_norm > 0)
        clip = fmin(1, o->clip_norm / (norm + 1e-6));
    return o->kind == OPTIM_LAMB ? clip / fmax(1, clip * norm) : clip;
}

static struct rates rates_of(const struct optim *o)
{
    return (struct rates){
        .lr = (real)o->scalars->lr,
        .beta1 = (real)o->beta1,
        .beta2 = (real)o->beta2,
        .rest1 = (real)(1 - o->beta1),
        .rest2 = (real)(1 - o->beta2),
        .bias1 = (real)o->scalars->bias1,
        .bias2 = (real)o->scalars->bias2,
        .eps = (real)o->eps,
        .decay = (real)o->weight_decay,
        .momentum = (real)o->momentum,
        .scale = (real)gradient_scale(o),
        .ema = (real)o->ema,
        .rest_ema = (real)(1 - o->ema),
    };
}

static void moments(const struct optim *o, const struct rates *r)
{
    const real *restrict g = o->g;
    real *restrict m = o->m, *restrict v = o->v;
    struct rates k = *r;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < o->n; i++) {
        real x = k.scale * g[i];

        m[i] = k.beta1 * m[i] + k.rest1 * x;
        v[i] = k.beta2 * v[i] + k.rest2 * x * x;
    }
}

/* u of number i, after moments. */
static inline real update(const struct rates *k, real m, real v, real p)
{
    return m / k->bias1 / (sqrt(v / k->bias2) + k->eps) + k->decay * p;
}

static void adamw(const struct optim *o, const struct rates *r)
{
    const real *restrict m = o->m, *restrict v = o->v;
    real *restrict p = o->p;
    struct rates k = *r;

    moments(o, r);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < o->n; i++)
        p[i] -= k.lr * update(&k, m[i], v[i], p[i]);
}

/* Squares of the norms of p and u, weight by weight, into work. */
static void squares(const struct optim *o, const struct rates *k, int t)
{
    const real *m = o->m, *v = o->v, *p = o->p;
    double pp[LANES] = {0}, uu[LANES] = {0};

    for (int64_t i = o->begin[t]; i < o->begin[t + 1]; i++) {
        int lane = (int)((i - o->begin[t]) % LANES);
        double u = (double)update(k, m[i], v[i], p[i]);

        pp[lane] += (double)p[i] * (double)p[i];
        uu[lane] += u * u;
    }
    o->work[2 * t] = o->work[2 * t + 1] = 0;
    for (int lane = 0; lane < LANES; lane++) {
        o->work[2 * t] += pp[lane];
        o->work[2 * t + 1] += uu[lane];
    }
}

static void lamb(const struct optim *o, const struct rates *r)
{
    const real *restrict m = o->m, *restrict v = o->v;
    real *restrict p = o->p;

    moments(o, r);
#pragma omp parallel for schedule(dynamic)
    for (int t = 0; t < o->tensors; t++) {
        double pp, uu;
        real rate = r->lr;

        squares(o, r, t);
        pp = o->work[2 * t];
        uu = o->work[2 * t + 1];
        if (pp != 0 && uu != 0 && o->weight_decay != 0)
            rate *= (real)(sqrt(pp) / sqrt(uu));
        for (int64_t i = o->begin[t]; i < o->begin[t + 1]; i++)
            p[i] -= rate * update(r, m[i], v[i], p[i]);
    }
}

/* m starts as zeros, so the first m is g. */
static void sgd(const struct optim *o, const struct rates *r)
{
    const real *restrict g = o->g;
    real *restrict m = o->m, *restrict p = o->p;
    struct rates k = *r;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < o->n; i++) {
        m[i] = k.momentum * m[i] + (k.scale * g[i] + k.decay * p[i]);
        p[i] -= k.lr * m[i];
    }
}

static void average(const struct optim *o, const struct rates *r)
{
    const real *restrict p = o->p;
    real *restrict a = o->average;
    struct rates k = *r;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < o->n; i++)
        a[i] = k.ema * a[i] + k.rest_ema * p[i];
}

static void (*const kinds[])(const struct optim *o, const struct rates *r) = {
    [OPTIM_ADAMW] = adamw,
    [OPTIM_LAMB] = lamb,
    [OPTIM_SGD] = sgd,
};

static void optim_step(const struct optim *o)
{
    struct rates r;

    if (!isfinite(o->scalars->grad_norm))
        return;
    r = rates_of(o);
    kinds[o->kind](o, &r);
    if (o->average)
        average(o, &r);
}

void ENTER(k_optim)(struct kernels *k)
{
    k->step.optim_step = optim_step;
}
