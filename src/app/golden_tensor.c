/* SPDX-License-Identifier: MIT */
/* golden_tensor.c - copies through the device's put and get. */
#include "app/golden_tensor.h"

#include "base/mem.h"
#include "device/device.h"

#include <string.h>

static double number(const void *x, size_t real, int64_t i)
{
    return real == sizeof(float) ? (double)((const float *)x)[i]
                                 : ((const double *)x)[i];
}

static void set_number(void *x, size_t real, int64_t i, double value)
{
    if (real == sizeof(float))
        ((float *)x)[i] = (float)value;
    else
        ((double *)x)[i] = value;
}

enum err golden_get_flat(struct device *d, const void *data, int64_t n,
                         double out[])
{
    const size_t real = d->k.real;
    void *host;

    TRY(mem_alloc((size_t)n, real, "a copy", &host));
    d->get(d, host, data, (size_t)n * real);
    d->sync(d);
    for (int64_t i = 0; i < n; i++)
        out[i] = number(host, real, i);
    mem_free(host);
    return OK;
}

enum err golden_put_flat(struct device *d, void *data, int64_t n,
                         const double x[])
{
    const size_t real = d->k.real;
    void *host;

    TRY(mem_alloc((size_t)n, real, "a copy", &host));
    for (int64_t i = 0; i < n; i++)
        set_number(host, real, i, x[i]);
    d->put(d, data, host, (size_t)n * real);
    d->sync(d);
    mem_free(host);
    return OK;
}

static int64_t numbers(const struct tensor *t)
{
    return (int64_t)t->n * (2 * t->l + 1) * t->ld;
}

/* Where number (row, m, c) of a tensor stands. */
static int64_t place(const struct tensor *t, int row, int m, int c)
{
    return ((int64_t)row * (2 * t->l + 1) + m) * t->ld + c;
}

enum err golden_get(struct device *d, const struct tensor *t, int rows,
                    const int at[], struct golden_array *out)
{
    const int n = 2 * t->l + 1;
    double *padded, *x;
    enum err err;

    TRY(mem_alloc((size_t)numbers(t), sizeof *padded, "a copy",
                  (void **)&padded));
    TRY_GOTO(golden_get_flat(d, t->data, numbers(t), padded), free);
    TRY_GOTO(
        mem_alloc((size_t)(rows * n * t->c), sizeof *x, "a copy", (void **)&x),
        free);
    *out = (struct golden_array){.x = x, .count = (int64_t)rows * n * t->c};
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < t->c; c++)
            for (int m = 0; m < n; m++)
                *x++ = padded[place(t, at ? at[r] : r, m, c)];
free:
    mem_free(padded);
    return err;
}

enum err golden_put(struct device *d, const struct tensor *t, int rows,
                    const int at[], const double *x)
{
    const int n = 2 * t->l + 1;
    double *padded;
    enum err err;

    TRY(mem_alloc((size_t)numbers(t), sizeof *padded, "a copy",
                  (void **)&padded));
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < t->c; c++)
            for (int m = 0; m < n; m++)
                padded[place(t, at ? at[r] : r, m, c)] = *x++;
    err = golden_put_flat(d, t->data, numbers(t), padded);
    mem_free(padded);
    return err;
}

enum err golden_turn(const struct golden_frames *f, int back, int l,
                     struct golden_array *x)
{
    const struct tensor *d = &f->geo->d[l];
    const int n = 2 * l + 1, edges = f->batch->edges;
    const int64_t c = edges ? x->count / edges / n : 0;
    double *turn, was[2 * FIBER_DEGREES];
    enum err err;

    TRY(mem_alloc((size_t)numbers(d), sizeof *turn, "frames", (void **)&turn));
    TRY_GOTO(golden_get_flat(f->d, d->data, numbers(d), turn), free);
    for (int64_t i = 0; i < edges * c; i++) {
        const double *frame = turn + f->batch->bond[f->at[i / c]] * n * n;
        double *now = x->x + i * n;

        memcpy(was, now, (size_t)n * sizeof *now);
        for (int p = 0; p < n; p++) {
            now[p] = 0;
            for (int q = 0; q < n; q++)
                now[p] += frame[back ? q * n + p : p * n + q] * was[q];
        }
    }
free:
    mem_free(turn);
    return err;
}
