/* SPDX-License-Identifier: MIT */
/* model_world.c - samples from noise; numbers through the device's put and get.
 */
#include "model_world.h"

#include "cpu/device_cpu.h"
#include "math/wigner.h"
#include "noise.h"

#include <math.h>
#include <stdlib.h>
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
static enum err start(struct world *w)
{
    const struct weights *list = model_weights(w->m);

    TRY(weights_init(list, w->d, 5));
    for (int i = 0; i < list->count; i++) {
        const int n = list->list[i].n * list->list[i].c;
        double *x;

        TRY(mem_alloc((size_t)n, sizeof *x, "a weight", (void **)&x));
        weights_get(list, w->d, i, weights_base(list), x);
        for (int k = 0; k < n; k++)
            x[k] += noise((uint64_t)(i << 20 | k)) / 8;
        weights_put(list, w->d, i, weights_base(list), x);
        mem_free(x);
    }
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
    if (!d)
        TRY(device_cpu_open(NULL, ISA_REF, sizeof(double), &w->d));
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

int world_count(const struct world *w, const struct tensor *t)
{
    int n = t->n;

    if (t->used)
        w->d->get(w->d, &n, t->used, sizeof n);
    w->d->sync(w->d);
    return n * (2 * t->l + 1) * t->c;
}

double *world_get(struct world *w, const struct tensor *t)
{
    const int n = world_count(w, t), rows = t->c ? n / t->c : 0;
    double *padded, *out;

    if (mem_alloc((size_t)t->n, (size_t)((2 * t->l + 1) * t->ld) * sizeof *out,
                  "a copy", (void **)&padded) ||
        mem_alloc((size_t)n, sizeof *out, "a copy", (void **)&out))
        abort();
    w->d->get(w->d, padded, t->data, tensor_bytes(t, sizeof *out));
    w->d->sync(w->d);
    for (int r = 0; r < rows; r++)
        memcpy(out + r * t->c, padded + r * t->ld, (size_t)t->c * sizeof *out);
    mem_free(padded);
    return out;
}

static double cotangent(int l, int i)
{
    return noise((uint64_t)(l << 24 | i) + 99999);
}

double world_loss(struct world *w)
{
    double sum = 0;

    model_forward(w->m);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        const struct tensor *t = model_output(w->m, l);
        double *y = t ? world_get(w, t) : NULL;

        for (int i = 0; t && i < world_count(w, t); i++)
            sum += y[i] * cotangent(l, i);
        mem_free(y);
    }
    return sum;
}

void world_backward(struct world *w)
{
    const struct memory *m = &w->memory;

    w->d->zero(w->d, m->grads.base, m->grads.size);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        const struct tensor *t = model_output_gradient(w->m, l);
        double *dy;

        if (!t)
            continue;
        if (mem_alloc(tensor_bytes(t, sizeof *dy), 1, "a gradient",
                      (void **)&dy))
            abort();
        for (int i = 0; i < world_count(w, t); i++)
            dy[i / t->c * t->ld + i % t->c] = cotangent(l, i);
        w->d->put(w->d, t->data, dy, tensor_bytes(t, sizeof *dy));
        w->d->sync(w->d);
        mem_free(dy);
    }
    model_backward(w->m);
}
