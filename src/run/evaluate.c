/* SPDX-License-Identifier: MIT */
/* evaluate.c - each rank fills its blocks of a table of zeros; a sum over ranks
 * of one number and zeros is exact. */
#include "run/evaluate.h"

#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "device/device.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

/* The model's output, standardised, of the molecules in e->batch. */
static void output(const struct evaluation *e, const struct tensor *y, int n,
                   void *room, double out[])
{
    int targets = e->loader->scale->n;
    size_t real = e->device->k.real;

    e->device->get(e->device, room, y->data, (size_t)n * (size_t)y->ld * real);
    e->device->sync(e->device);
    for (int i = 0; i < n; i++)
        for (int t = 0; t < targets; t++) {
            int64_t at = (int64_t)i * y->ld + t;

            out[i * targets + t] = real == sizeof(float)
                                       ? (double)((float *)room)[at]
                                       : ((double *)room)[at];
        }
}

static void block(const struct evaluation *e, const int64_t rows[], int n,
                  void *room, double out[])
{
    const struct target_scale *s = e->loader->scale;

    loader_fill(e->loader, rows, n, e->batch);
    model_put(e->model, e->batch);
    model_forward(e->model);
    output(e, model_output(e->model, 0), n, room, out);
    for (int i = 0; i < n; i++)
        for (int t = 0; t < s->n; t++)
            out[i * s->n + t] = s->mean[t] + s->std[t] * out[i * s->n + t] +
                                loader_reference(e->loader, rows[i], t);
}

enum err evaluate_predict(const struct evaluation *e, const int64_t rows[],
                          int64_t n, double out[])
{
    const struct tensor *y = model_output(e->model, 0);
    int targets = e->loader->scale->n;
    int rank = comm_rank(e->comm), size = comm_size(e->comm);
    void *room = NULL;
    enum err err;

    err = mem_alloc((size_t)y->n * (size_t)y->ld, e->device->k.real,
                    "predictions", &room);
    err = comm_agree(e->comm, err);
    if (err) {
        mem_free(room);
        return err;
    }
    memset(out, 0, (size_t)(n * targets) * sizeof *out);
    for (int64_t first = 0, k = 0; first < n; first += e->block, k++) {
        int64_t count = n - first < e->block ? n - first : e->block;

        if (k % size == rank)
            block(e, rows + first, (int)count, room, out + first * targets);
    }
    mem_free(room);
    comm_add(e->comm, out, n * targets, COMM_DOUBLE);
    return OK;
}

static double label(const struct loader *l, int64_t row, int t)
{
    return l->column[t] < 0 ? (double)NAN
                            : l->d->label[row * l->d->targets + l->column[t]];
}

void evaluate_mae(const struct loader *l, const int64_t rows[], int64_t n,
                  const double predicted[], double out[])
{
    for (int t = 0; t < l->scale->n; t++) {
        struct evaluate_figures f;

        evaluate_figures(l, rows, n, predicted, t, &f);
        out[t] = f.mae;
    }
}

void evaluate_figures(const struct loader *l, const int64_t rows[], int64_t n,
                      const double predicted[], int target,
                      struct evaluate_figures *out)
{
    double sum = 0, square = 0, largest = 0, labels = 0, spread = 0;
    int64_t known = 0;

    for (int64_t i = 0; i < n; i++) {
        double y = label(l, rows[i], target);
        double d = predicted[i * l->scale->n + target] - y;

        if (isnan(y))
            continue;
        sum += fabs(d);
        square += d * d;
        largest = fabs(d) <= largest ? largest : fabs(d); /* keeps NaN */
        labels += y;
        known++;
    }
    for (int64_t i = 0; i < n; i++) {
        double y = label(l, rows[i], target), d = y - labels / (double)known;

        spread += isnan(y) ? 0 : d * d;
    }
    out->molecules = known;
    out->mae = sum / (double)known;
    out->rmse = sqrt(square / (double)known);
    out->max = known ? largest : (double)NAN;
    out->r2 = 1 - square / spread;
}
