/* SPDX-License-Identifier: MIT */
/* selftest_world.c - samples from noise; numbers through the device's put and
 * get.
 */
#include "app/selftest_world.h"

#include "app/golden_tensor.h"
#include "base/rng.h"
#include "math/wigner.h"

#include <math.h>
#include <string.h>

/* A ring of five with a tail that has one direction only; atom 5 stands alone
 * when the sample's number is odd. */
static const int bonds[WORLD_BONDS][3] = {{0, 1, 1}, {1, 2, 1}, {2, 3, 1},
                                          {3, 4, 1}, {4, 0, 1}, {1, 3, 0},
                                          {5, 2, 1}};

struct motion world_rest(void)
{
    return (struct motion){.turn = {1, 0, 0, 0, 1, 0, 0, 0, 1},
                           .sign = 1,
                           .move = {0, 1, 2, 3, 4, 5}};
}

struct motion world_moved(void)
{
    const double c = cos(0.7), s = sin(0.7), d = cos(1.9), t = sin(1.9);

    return (struct motion){
        .turn = {c, -s * d, s * t, s, c * d, -c * t, 0, t, d},
        .shift = {3, -2, 0.5},
        .sign = 1,
        .move = {4, 2, 5, 0, 3, 1}};
}

/* In [-1, 1), a multiple of 2^-15: exact in every precision. */
static double noise(uint64_t i)
{
    const struct rng r = rng_stream(0, RNG_TEST, 0);

    return (double)(rng_bits(r, i) >> 48) / 32768 - 1;
}

static uint64_t key(int sample, int what, int i)
{
    return (uint64_t)sample << 40 | (uint64_t)what << 20 | (uint64_t)i;
}

/* Component m of D feature, features of `what` at row i of a sample. */
static double turned(const struct motion *how, int l, int c, int channel,
                     uint64_t at, int m)
{
    double d[(2 * FIBER_DEGREES - 1) * (2 * FIBER_DEGREES - 1)], sum = 0;
    int n = 2 * l + 1;

    wigner_d(l, how->turn, d);
    for (int k = 0; k < n; k++)
        sum += d[m * n + k] * noise(at + (uint64_t)(k * c + channel));
    return l % 2 ? how->sign * sum : sum;
}

static void features(const struct motion *how, const struct fiber *f, int row,
                     uint64_t at, double *out[])
{
    for (int l = 0; l < f->degrees; l++)
        for (int m = 0; out[l] && m < 2 * l + 1; m++)
            for (int c = 0; c < f->channels[l]; c++)
                out[l][(row * (2 * l + 1) + m) * f->channels[l] + c] = turned(
                    how, l, f->channels[l], c, at + (uint64_t)(l << 12), m);
}

static void place_atoms(const struct motion *how, int sample, double x[])
{
    for (int i = 0; i < WORLD_ATOMS; i++)
        for (int k = 0; k < 3; k++) {
            double *to = &x[3 * how->move[i] + k];

            *to = how->shift[k];
            for (int j = 0; j < 3; j++)
                *to +=
                    how->sign * how->turn[3 * k + j] *
                    (1.5 * noise(key(sample, 0, 3 * i + j)) + 2 * (j == i % 3));
        }
}

static void add_bonds(struct batch *b, const struct motion *how, int sample,
                      int first)
{
    int n = sample % 2 ? WORLD_BONDS - 1 : WORLD_BONDS;
    double s[WORLD_SCALARS];

    for (int k = 0; k < n; k++) {
        for (int c = 0; c < WORLD_SCALARS; c++)
            s[c] = noise(key(sample, 1, k * WORLD_SCALARS + c));
        batch_add_bond(b, first + how->move[bonds[k][0]],
                       first + how->move[bonds[k][1]], bonds[k][2], s);
    }
}

/* Edge features of each sample, known by the bond and the direction. */
static void edge_features(struct batch *b, const struct motion *how,
                          const int place[], int first_sample)
{
    int p = 0;

    for (int k = 0; k < b->molecules; k++) {
        int sample = first_sample + k;
        int n = sample % 2 ? WORLD_BONDS - 1 : WORLD_BONDS;

        for (int i = 0; i < n; i++, p++)
            for (int e = b->bond_edge[place[p]]; e < b->bond_edge[place[p] + 1];
                 e++) {
                int side = e - b->bond_edge[place[p]];

                features(how, &b->edge_fiber, e,
                         key(sample, 3 + 2 * i + side, 0), b->edge);
            }
    }
}

void world_put(struct world *w, int first, int n, const struct motion *how)
{
    struct batch *b = w->batch;
    int place[64];

    batch_clear(b);
    for (int k = 0; k < n; k++) {
        double x[3 * WORLD_ATOMS];
        int node = b->nodes;

        place_atoms(how, first + k, x);
        batch_add_molecule(b, first + k, WORLD_ATOMS, x);
        for (int i = 0; i < WORLD_ATOMS; i++)
            features(how, &b->node_fiber, node + how->move[i],
                     key(first + k, 2, i << 16), b->node);
        add_bonds(b, how, first + k, node);
        for (int t = 0; t < b->targets; t++)
            b->target[k * b->targets + t] = noise(key(first + k, 40, t));
    }
    batch_finish(b, place);
    edge_features(b, how, place, first);
    model_put(w->m, b);
}

static enum err build(struct world *w, const struct model_options *options)
{
    return model_init(&w->m, w->d, &w->shape, options, w->batch, &w->memory);
}

/* Gains of 1 and biases of 0 would hide mistakes. */
static enum err move_weight(struct world *w, int i)
{
    const struct weights *list = model_weights(w->m);
    const int64_t n = (int64_t)list->list[i].n * list->list[i].c;
    char *at = (char *)w->memory.weights.base +
               (size_t)list->list[i].offset * list->real;
    double *x;
    enum err err;

    TRY(mem_alloc((size_t)n, sizeof *x, "a weight", (void **)&x));
    TRY_GOTO(golden_get_flat(w->d, at, n, x), free);
    for (int64_t k = 0; k < n; k++)
        x[k] += noise((uint64_t)i << 20 | (uint64_t)k) / 8;
    err = golden_put_flat(w->d, at, n, x);
free:
    mem_free(x);
    return err;
}

static enum err start(struct world *w)
{
    const struct weights *list = model_weights(w->m);

    TRY(weights_init(list, w->d, 5));
    for (int i = 0; i < list->count; i++)
        TRY(move_weight(w, i));
    model_prepare(w->m);
    return OK;
}

enum err world_open(struct world *w, struct device *d,
                    const struct model_shape *shape,
                    const struct model_options *options, int samples)
{
    const struct batch_limits limits = {samples, samples * WORLD_ATOMS,
                                        samples * WORLD_BONDS,
                                        samples * 2 * WORLD_BONDS};

    *w = (struct world){.d = d, .shape = *shape};
    w->memory = memory_measure();
    TRY(batch_create(&limits, WORLD_SCALARS, shape->targets, &shape->node,
                     &shape->edge, &w->batch));
    TRY(build(w, options));
    TRY(memory_open(&w->memory, &w->d->memory));
    TRY(build(w, options));
    return start(w);
}

void world_close(struct world *w)
{
    model_fini(&w->m);
    memory_close(&w->memory);
    batch_destroy(&w->batch);
    device_close(&w->d);
}

static int rows_of(const struct world *w, const struct tensor *t)
{
    int n = t->n;

    if (t->used)
        w->d->get(w->d, &n, t->used, sizeof n);
    w->d->sync(w->d);
    return n * (2 * t->l + 1);
}

int world_count(const struct world *w, const struct tensor *t)
{
    return rows_of(w, t) * t->c;
}

enum err world_get(const struct world *w, const struct tensor *t, double out[])
{
    const int64_t n = (int64_t)t->n * (2 * t->l + 1) * t->ld;
    const int rows = rows_of(w, t);
    double *padded;
    enum err err;

    TRY(mem_alloc((size_t)n, sizeof *padded, "a copy", (void **)&padded));
    err = golden_get_flat(w->d, t->data, n, padded);
    for (int r = 0; r < rows; r++)
        memcpy(out + r * t->c, padded + r * t->ld, (size_t)t->c * sizeof *out);
    mem_free(padded);
    return err;
}

enum err world_outputs(struct world *w, double **out, int *n)
{
    double *x;
    enum err err = OK;

    *n = 0;
    model_forward(w->m);
    for (int l = 0; l < FIBER_DEGREES; l++)
        if (model_output(w->m, l))
            *n += world_count(w, model_output(w->m, l));
    TRY(mem_alloc((size_t)*n, sizeof *x, "outputs", (void **)&x));
    *out = x;
    for (int l = 0; l < FIBER_DEGREES && !err; l++)
        if (model_output(w->m, l)) {
            err = world_get(w, model_output(w->m, l), x);
            x += world_count(w, model_output(w->m, l));
        }
    if (err)
        mem_free(*out);
    return err;
}

static double cotangent(int l, int i)
{
    return noise((uint64_t)(l << 24 | i) + 99999);
}

enum err world_loss(struct world *w, double *loss)
{
    const double *x;
    double *y;
    int n;

    TRY(world_outputs(w, &y, &n));
    x = y;
    *loss = 0;
    for (int l = 0; l < FIBER_DEGREES; l++)
        if (model_output(w->m, l))
            for (int i = 0; i < world_count(w, model_output(w->m, l)); i++)
                *loss += *x++ * cotangent(l, i);
    mem_free(y);
    return OK;
}

static enum err put_cotangent(struct world *w, int l, const struct tensor *t)
{
    const int64_t n = (int64_t)t->n * (2 * t->l + 1) * t->ld;
    double *dy;
    enum err err;

    TRY(mem_alloc((size_t)n, sizeof *dy, "a gradient", (void **)&dy));
    for (int i = 0; i < world_count(w, t); i++)
        dy[i / t->c * t->ld + i % t->c] = cotangent(l, i);
    err = golden_put_flat(w->d, t->data, n, dy);
    mem_free(dy);
    return err;
}

enum err world_backward(struct world *w)
{
    const struct arena *grads = &w->memory.grads;

    w->d->zero(w->d, grads->base, grads->size);
    for (int l = 0; l < FIBER_DEGREES; l++)
        if (model_output_gradient(w->m, l))
            TRY(put_cotangent(w, l, model_output_gradient(w->m, l)));
    model_backward(w->m);
    return OK;
}
