/* SPDX-License-Identifier: MIT */
/* selftest_machine.c - a few small networks that use every layer. */
#include "app/selftest_machine.h"

#include "app/devices.h"
#include "app/golden_tensor.h"
#include "app/selftest_world.h"
#include "deck/params.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 2, INSTRUCTION_SETS = 5, QUANTITY = 96 };

static const struct {
    const char *name;
    struct model_shape shape;
} nets[] = {
    {"transformer",
     {.type = MODEL_SE3_TRANSFORMER,
      .layers = 2,
      .node = {1, {4}},
      .scalars = WORLD_SCALARS,
      .hidden = {4, {8, 8, 8, 8}},
      .out = {1, {16}},
      .heads = 2,
      .channels_div = 2,
      .norm = 1,
      .layer_norm = 1,
      .pooling = POOL_MAX,
      .targets = 2,
      .sharing = SHARING_AUTO}},
    {"graph",
     {.type = MODEL_SE3_TRANSFORMER,
      .layers = 1,
      .node = {2, {4, 2}},
      .scalars = WORLD_SCALARS,
      .edge = {2, {0, 1}},
      .hidden = {3, {8, 4, 4}},
      .out = {3, {3, 2, 1}},
      .heads = 2,
      .channels_div = 1,
      .norm = 1,
      .pooling = POOL_NONE,
      .sharing = SHARING_NONE}},
    {"tfn",
     {.type = MODEL_TFN,
      .layers = 2,
      .node = {1, {4}},
      .scalars = WORLD_SCALARS,
      .hidden = {3, {5, 5, 5}},
      .out = {2, {4, 4}},
      .pooling = POOL_AVG,
      .pooled_degree = 1,
      .sharing = SHARING_AUTO}},
};
enum { NETS = sizeof nets / sizeof *nets };

struct bench {
    struct comm *comm;
    const struct golden_report *to;
    const char *name; /* of the network */
};

static void say(const struct bench *b, const char *what, double error,
                double tolerance)
{
    char quantity[QUANTITY];
    const struct golden_line line = {
        .golden = "selftest",
        .quantity = quantity,
        .precision = b->to->real == sizeof(double) ? "fp64" : "fp32",
        .error = error <= DBL_MAX ? error : DBL_MAX,
        .tolerance = tolerance,
        .pass = error <= tolerance};

    snprintf(quantity, sizeof quantity, "%s/%s", b->name, what);
    b->to->line(b->to->self, &line);
}

/* 2-norm of the difference / 2-norm. */
static double distance(const double *x, const double *y, int n)
{
    double off = 0, all = 0;

    for (int i = 0; i < n; i++) {
        off += (x[i] - y[i]) * (x[i] - y[i]);
        all += y[i] * y[i];
    }
    return sqrt(off / all);
}

/* --- a network's numbers ------------------------------------------------- */

/* Outputs, and the gradients of all weights. */
struct numbers {
    double *output, *gradient;
    int outputs, gradients;
};

static void numbers_fini(struct numbers *x)
{
    mem_free(x->output);
    mem_free(x->gradient);
    *x = (struct numbers){0};
}

/* Weight by weight: the gaps between them depend on the precision. */
static enum err gradients(struct world *w, struct numbers *out)
{
    const struct weights *list = model_weights(w->m);
    double *x;

    out->gradients = (int)list->parameters;
    TRY(mem_alloc((size_t)out->gradients, sizeof *x, "gradients", (void **)&x));
    out->gradient = x;
    for (int i = 0; i < list->count; i++) {
        const int n = list->list[i].n * list->list[i].c;

        TRY(golden_get_flat(w->d,
                            w->memory.grads.base +
                                (size_t)list->list[i].offset * list->real,
                            n, x));
        x += n;
    }
    return OK;
}

static enum err compute(struct world *w, struct numbers *out)
{
    const struct motion still = world_rest();

    world_put(w, 0, SAMPLES, &still);
    TRY(world_outputs(w, &out->output, &out->outputs));
    TRY(world_backward(w));
    return gradients(w, out);
}

static enum err open_device(struct comm *c, enum precision precision, int isa,
                            struct device **out)
{
    struct params p = {.run = {.device = DEVICE_CPU, .cpu_isa = isa},
                       .compute = {.precision = precision}};

    return device_choose(c, &p, "", out);
}

static enum err one_variant(const struct bench *b, struct device *d,
                            const struct model_shape *shape,
                            const struct numbers *reference)
{
    const struct model_options options = {.mode = MODEL_TRAIN};
    /* single precision is 6e-8, and networks of this size lose up to two
     * digits (golden/README.md); double sums in another order: 1e-14 and two */
    const double tolerance = d->k.real == sizeof(double) ? 1e-10 : 1e-4;
    struct numbers x = {0};
    char what[QUANTITY];
    struct world w;
    enum err err;

    TRY_GOTO(world_open(&w, d, shape, &options, SAMPLES), close);
    TRY_GOTO(compute(&w, &x), close);
    snprintf(what, sizeof what, "output/%s", d->isa);
    say(b, what, distance(x.output, reference->output, x.outputs), tolerance);
    snprintf(what, sizeof what, "gradient/%s", d->isa);
    say(b, what, distance(x.gradient, reference->gradient, x.gradients),
        tolerance);
close:
    numbers_fini(&x);
    world_close(&w);
    return err;
}

static enum err reference_of(struct comm *c, const struct model_shape *shape,
                             struct numbers *out)
{
    const struct model_options options = {.mode = MODEL_TRAIN};
    struct device *d;
    struct world w;
    enum err err;

    TRY(open_device(c, PRECISION_FP64, 0, &d));
    TRY_GOTO(world_open(&w, d, shape, &options, SAMPLES), close);
    err = compute(&w, out);
close:
    world_close(&w);
    return err;
}

/* Each instruction set that runs here; others cannot be opened. */
static enum err variants(const struct bench *b, const struct params *p,
                         const struct model_shape *shape)
{
    struct numbers reference = {0};
    enum err err;

    TRY_GOTO(reference_of(b->comm, shape, &reference), fini);
    for (int isa = 0; isa < INSTRUCTION_SETS; isa++) {
        struct device *d;

        if (open_device(b->comm, p->compute.precision, isa, &d) != OK)
            continue;
        TRY_GOTO(one_variant(b, d, shape, &reference), fini);
    }
fini:
    numbers_fini(&reference);
    return err;
}

/* --- properties, in double ----------------------------------------------- */

/* Scalars stay; of vectors and more their length does, whatever the motion. */
static enum err turned(const struct bench *b, struct world *w)
{
    const struct motion still = world_rest(), moved = world_moved();
    double loss[2];

    for (int i = 0; i < 2; i++) {
        double *x;
        int n;

        world_put(w, 0, SAMPLES, i ? &moved : &still);
        TRY(world_outputs(w, &x, &n));
        loss[i] = 0;
        for (int k = 0; k < n; k++)
            loss[i] += x[k] * x[k];
        mem_free(x);
    }
    say(b, "motion", fabs(loss[0] - loss[1]) / loss[0], 1e-10);
    return OK;
}

/* Central difference of the loss in number k of weight i. */
static enum err slope(struct world *w, int i, int k, double *out)
{
    const struct weights *list = model_weights(w->m);
    double *at = (double *)w->memory.weights.base + list->list[i].offset + k;
    const double step = 0x1p-17;
    double was, now, loss[2];

    TRY(golden_get_flat(w->d, at, 1, &was));
    for (int side = 0; side < 2; side++) {
        now = side ? was - step : was + step;
        TRY(golden_put_flat(w->d, at, 1, &now));
        model_prepare(w->m);
        TRY(world_loss(w, &loss[side]));
    }
    TRY(golden_put_flat(w->d, at, 1, &was));
    model_prepare(w->m);
    *out = (loss[0] - loss[1]) / (2 * step);
    return OK;
}

/* The largest entry of each weight's gradient against the difference: a step h
 * leaves h^2/6 = 1e-11 times the third derivative, which norms make large, and
 * 1e-16/h = 1e-11 of the loss. */
static enum err differences(const struct bench *b, struct world *w)
{
    const struct weights *list = model_weights(w->m);
    struct numbers x = {0};
    const double *g;
    double worst = 0, largest = 0, found;
    enum err err;

    TRY_GOTO(compute(w, &x), fini);
    for (int i = 0; i < x.gradients; i++)
        largest = fmax(largest, fabs(x.gradient[i]));
    g = x.gradient;
    for (int i = 0; i < list->count; i++) {
        const int n = list->list[i].n * list->list[i].c;
        int k = 0;

        for (int j = 1; j < n; j++)
            k = fabs(g[j]) > fabs(g[k]) ? j : k;
        TRY_GOTO(slope(w, i, k, &found), fini);
        if (!(fabs(found - g[k]) <= worst * largest))
            worst = fabs(found - g[k]) / largest;
        g += n;
    }
    say(b, "differences", worst, 1e-6);
fini:
    numbers_fini(&x);
    return err;
}

static enum err properties(const struct bench *b,
                           const struct model_shape *shape)
{
    const struct model_options options = {.mode = MODEL_TRAIN};
    struct device *d;
    struct world w;
    enum err err;

    TRY(open_device(b->comm, PRECISION_FP64, 0, &d));
    TRY_GOTO(world_open(&w, d, shape, &options, SAMPLES), close);
    TRY_GOTO(turned(b, &w), close);
    err = differences(b, &w);
close:
    world_close(&w);
    return err;
}

enum err selftest_machine(struct comm *c, const struct params *p,
                          const struct golden_report *to)
{
    for (int i = 0; i < NETS; i++) {
        const struct bench b = {.comm = c, .to = to, .name = nets[i].name};

        TRY(variants(&b, p, &nets[i].shape));
        if (p->compute.precision == PRECISION_FP64)
            TRY(properties(&b, &nets[i].shape));
    }
    return OK;
}
