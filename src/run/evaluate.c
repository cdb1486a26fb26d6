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

/* Blocks of rows [n], and what one needs on its way. */
struct blocks {
    int64_t n, count;
    int64_t *row; /* of a block */
    void *room;   /* its output */
};

static int64_t blocks_of(int64_t n, int block)
{
    return n > 0 ? (n + block - 1) / block : 0;
}

/* Rows of block k of `count`. */
static int64_t block_rows(int64_t n, int64_t count, int64_t k)
{
    return (n - k + count - 1) / count;
}

void evaluate_measure(const struct dataset *d, const int64_t rows[], int64_t n,
                      int block, struct batch_limits *limits)
{
    int64_t count = blocks_of(n, block);

    for (int64_t k = 0; k < count; k++)
        loader_measure(d, rows + k, block_rows(n, count, k), count, limits);
}

/* Output t of molecule i, standardised. */
static double output(const struct evaluation *e, const struct tensor *y,
                     const void *room, int i, int t)
{
    int64_t at = (int64_t)i * y->ld + t;

    return e->device->k.real == sizeof(float)
               ? (double)((const float *)room)[at]
               : ((const double *)room)[at];
}

static void run_block(const struct evaluation *e, const struct blocks *b,
                      int64_t k, const int64_t rows[], double out[])
{
    const struct target_scale *s = e->loader->scale;
    const struct tensor *y = model_output(e->model, 0);
    int n = (int)block_rows(b->n, b->count, k);

    for (int i = 0; i < n; i++)
        b->row[i] = rows[k + i * b->count];
    loader_fill(e->loader, b->row, n, e->batch);
    model_put(e->model, e->batch);
    model_forward(e->model);
    e->device->get(e->device, b->room, y->data,
                   (size_t)n * (size_t)y->ld * e->device->k.real);
    e->device->sync(e->device);
    for (int i = 0; i < n; i++)
        for (int t = 0; t < s->n; t++)
            out[(k + i * b->count) * s->n + t] =
                s->mean[t] + s->std[t] * output(e, y, b->room, i, t) +
                loader_reference(e->loader, b->row[i], t);
}

static enum err take_blocks(const struct evaluation *e, int64_t n,
                            struct blocks *b)
{
    const struct tensor *y = model_output(e->model, 0);
    void *row;

    *b = (struct blocks){.n = n, .count = blocks_of(n, e->block)};
    TRY(mem_alloc((size_t)y->n * (size_t)y->ld, e->device->k.real,
                  "predictions", &b->room));
    TRY(mem_alloc((size_t)e->block, sizeof *b->row, "a block", &row));
    b->row = row;
    return OK;
}

enum err evaluate_predict(const struct evaluation *e, const int64_t rows[],
                          int64_t n, double out[])
{
    int targets = e->loader->scale->n, size = comm_size(e->comm);
    struct blocks b;
    enum err err = comm_agree(e->comm, take_blocks(e, n, &b));

    if (!err) {
        memset(out, 0, (size_t)(n * targets) * sizeof *out);
        for (int64_t k = comm_rank(e->comm); k < b.count; k += size)
            run_block(e, &b, k, rows, out);
        comm_add(e->comm, out, n * targets, COMM_DOUBLE);
    }
    mem_free(b.row);
    mem_free(b.room);
    return err;
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
