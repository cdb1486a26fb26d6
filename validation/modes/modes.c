/* SPDX-License-Identifier: MIT */
/* modes.c - how far outputs and gradients of each mode, precision by radial
 * networks, are from those of the reference kernels in double.
 *
 *   modes       a small net on chains of carbon, figures against their bounds:
 *               exit status 1 if one is off
 *   modes DECK [--steps N | --model FILE] [--molecules N] [--steep X]
 *               of the deck's net and data: figures
 *
 * A table a set of weights: initial, and trained for N steps or taken from a
 * model file; with X, distances count X times as much in the radial networks.
 *
 *   rms             of differences of outputs, by the target's deviation
 *   free held       2-norm of the difference of the gradient of all weights,
 *                   by that of the gradient; decisions free or held (held.h)
 *   y dx            the worst layer alone: its outputs, gradients of its inputs
 *   layer head ..   gradients of weights, every layer alone: all, and groups
 *   points reached  of all convolutions; the largest error of h of a bond
 */
#include "app/commands.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "comm/comm.h"
#include "cpu/cpuid.h"
#include "model/weights.h"
#include "modes/held.h"
#include "modes/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct mode reference_mode = {"fp64", PRECISION_FP64, 0};

static const struct mode modes[] = {
    {"fp32 exact", PRECISION_FP32, 0},   {"fp32 1e-5", PRECISION_FP32, 1e-5},
    {"fp32 1e-4", PRECISION_FP32, 1e-4}, {"fp32 1e-3", PRECISION_FP32, 1e-3},
    {"bf16 exact", PRECISION_BF16, 0},   {"bf16 1e-5", PRECISION_BF16, 1e-5},
    {"bf16 1e-4", PRECISION_BF16, 1e-4}, {"bf16 1e-3", PRECISION_BF16, 1e-3},
};
enum { MODES = sizeof modes / sizeof *modes };

/* Groups of weights: the first whose word is in the name. */
enum group { HEAD, W3, TRUNK, NORM, LINEAR, GROUPS };
static const char *const words[GROUPS][2] = {
    [HEAD] = {"head", "head."},    [W3] = {"W3", ".fc2."},
    [TRUNK] = {"trunk", ".conv."}, [NORM] = {"norm", ".norm."},
    [LINEAR] = {"linear", ""},
};

/* One line of a table. */
struct line {
    double rms, free, held, y, dx, layer, group[GROUPS];
    int points;
    double reached;
};

static enum group group_of(const char *name)
{
    int g = 0;

    while (!strstr(name, words[g][1]))
        g++;
    return (enum group)g;
}

static double norm(const double *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static double difference(const double *x, const double *y, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(sum);
}

static void compare_groups(const struct weight_set *w, const double *x,
                           const double *want, double out[GROUPS])
{
    double off[GROUPS] = {0}, size[GROUPS] = {0};

    for (int i = 0; i < w->count; i++) {
        int n = w->list[i].n * w->list[i].c;
        enum group g = group_of(w->list[i].name);

        off[g] = hypot(off[g], difference(x, want, n));
        size[g] = hypot(size[g], norm(want, n));
        x += n;
        want += n;
    }
    for (int g = 0; g < GROUPS; g++)
        out[g] = size[g] > 0 ? off[g] / size[g] : off[g];
}

static struct line compare(const struct weight_set *w, const struct numbers *x,
                           const struct numbers *want)
{
    double size = norm(want->free, x->weights);
    struct line o = {
        .rms = difference(x->y, want->y, x->outputs) / sqrt(x->outputs),
        .free = difference(x->free, want->free, x->weights) / size,
        .held = difference(x->held, want->free, x->weights) / size,
        .y = x->layer_y,
        .dx = x->layer_dx,
        .layer = difference(x->layer, want->free, x->weights) / size};

    compare_groups(w, x->layer, want->free, o.group);
    for (int i = 0; i < x->convolutions; i++) {
        o.points += x->points[i];
        o.reached = fmax(o.reached, x->reached[i]);
    }
    return o;
}

/* --- bounds --------------------------------------------------------------- */

/* Of a layer alone. */
struct bounds {
    double y; /* and dx */
    double gradient;
};

/* fp64: sums in another order. fp32: roundings of 6e-8, of which kcheck finds
 * up to 2e-6 behind norms. Tabulated: h of the worst bond is as far off as the
 * tolerance, so that sums over bonds and units are less, 0.1 to 0.3 of it; the
 * slope of h, which a trunk's gradient is made of, may be off by more than h
 * is: 1.3 of it was met, of steep weights. bf16: features and weights are off
 * by 2^-9 at most and by a third of it on average, 1.4e-3 was met (AMX rounds
 * once more); a gradient of weights is a sum that may cancel, through moments
 * that are rounded again, 3.6e-3 was met. What cutting takes off, 2.8e-3, is
 * noticed. */
static struct bounds bounds_of(const struct mode *m)
{
    const double rounding = m->precision == PRECISION_FP64 ? 1e-12 : 2e-6;
    const int is_bf16 = m->precision == PRECISION_BF16;

    return (struct bounds){
        .y = rounding + 0.5 * m->tolerance + is_bf16 * 2.4e-3,
        .gradient = rounding + 2 * m->tolerance + is_bf16 * 6e-3};
}

static int is_within(const struct bounds *b, const struct line *o)
{
    int all = o->y <= b->y && o->dx <= b->y && o->layer <= b->gradient;

    for (int g = 0; g < GROUPS; g++)
        all = all && o->group[g] <= b->gradient;
    return all;
}

/* held.c's own norms, where there is nothing to decide otherwise. */
static int is_held(const struct mode *m, const struct line *o)
{
    return m->precision != PRECISION_FP64 || o->held <= 1e-12;
}

/* exact: h to 1e-7. */
static int is_reached(const struct mode *m, const struct line *o)
{
    return o->reached <= fmax(1e-7, m->tolerance);
}

/* --- tables --------------------------------------------------------------- */

struct work {
    struct setup *setup;
    int checks, failed;
    int64_t steps, molecules;
    double steep; /* 0: as they are */
    const char *model;
};

static void print_head(const struct work *o, const char *what,
                       const struct numbers *want)
{
    printf("%s weights", what);
    if (o->steep > 0)
        printf(", distances times %g", o->steep);
    printf(": %d outputs, %d weights, %d bonds, %d convolutions\n",
           want->outputs, want->weights, want->bonds, want->convolutions);
    printf("%-10s %8s %8s %8s %8s %8s %8s", "", "rms", "free", "held", "y",
           "dx", "layer");
    for (int g = 0; g < GROUPS; g++)
        printf(" %8s", words[g][0]);
    printf(" %8s %8s\n", "points", "reached");
}

static void print_line(const char *name, const struct line *o)
{
    const double x[] = {o->rms, o->free, o->held, o->y, o->dx, o->layer};

    printf("%-10s", name);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        printf(" %8.1e", x[i]);
    for (int g = 0; g < GROUPS; g++)
        printf(" %8.1e", o->group[g]);
    printf(" %8d %8.1e", o->points, o->reached);
}

static enum err one_mode(struct work *o, const struct subject *s,
                         const struct mode *m, const struct numbers *want,
                         struct line *out)
{
    struct numbers x;

    TRY(measure(s, m, want, &x));
    *out = compare(s->weights, &x, want);
    numbers_fini(&x);
    print_line(m->name, out);
    if (o->checks) {
        const struct bounds b = bounds_of(m);
        const int is_good =
            is_within(&b, out) && is_held(m, out) && is_reached(m, out);

        o->failed += !is_good;
        printf("  %s", is_good ? "ok" : "FAILED");
    }
    printf("\n");
    return OK;
}

/* An error five times the tolerance must show. */
static enum err planted(struct work *o, const struct subject *s,
                        const struct numbers *want)
{
    static const struct mode mode = {"fp32 1e-4", PRECISION_FP32, 1e-4},
                             five = {"fp32 5e-4", PRECISION_FP32, 5e-4};
    const struct bounds b = bounds_of(&mode);
    struct line line;

    TRY(one_mode(o, s, &five, want, &line));
    if (is_within(&b, &line)) {
        printf("FAILED: the bounds of %s do not notice %s\n", mode.name,
               five.name);
        o->failed++;
    }
    return OK;
}

static enum err compare_modes(struct work *o, const struct subject *s,
                              const struct numbers *want)
{
    struct line line;

    if (o->checks)
        TRY(one_mode(o, s, &reference_mode, want, &line));
    for (int i = 0; i < MODES; i++) {
        const char *why;

        if (modes[i].precision != PRECISION_BF16 ||
            cpuid_runs(ISA_AVX512_BF16, &why))
            TRY(one_mode(o, s, &modes[i], want, &line));
        else
            printf("%-10s skipped: %s\n", modes[i].name, why);
    }
    return OK;
}

/* The last column of a first layer is the distance's. */
static void steepen(const struct weight_set *w, double times)
{
    double *x = w->x;

    for (int i = 0; i < w->count; i++) {
        const struct weight *o = &w->list[i];

        if (strstr(o->name, ".fc0.weight") && group_of(o->name) == TRUNK)
            for (int r = 0; r < o->n; r++)
                x[r * o->c + o->c - 1] *= times;
        x += o->n * o->c;
    }
}

static enum err table(struct work *o, int is_trained)
{
    const char *model = is_trained ? o->model : NULL;
    struct weight_set w;
    struct subject s = {o->setup, &w, (int)o->molecules};
    struct numbers want;
    enum err err;

    TRY(weights_make(o->setup, is_trained ? (int)o->steps : 0, model, &w));
    if (o->steep > 0)
        steepen(&w, o->steep);
    TRY_GOTO(measure(&s, &reference_mode, NULL, &want), drop);
    print_head(o, is_trained ? "trained" : "initial", &want);
    err = compare_modes(o, &s, &want);
    if (!err && o->checks && !is_trained) /* the same weights on every CPU */
        err = planted(o, &s, &want);
    numbers_fini(&want);
drop:
    held_fini();
    weights_drop(&w);
    return err;
}

/* --- the command ---------------------------------------------------------- */

static const char *const own_net[] = {"model.layers=2",    "model.degrees=3",
                                      "model.channels=16", "model.heads=4",
                                      "train.batch=60",    "train.epochs=100"};
enum { OWN = sizeof own_net / sizeof *own_net, SETS = 32 };

static enum err check(struct comm *c, struct work *o)
{
    static const double steep[] = {0, 4, 40};

    o->checks = 1;
    o->steps = 60;
    TRY(setup_open(c, NULL, OWN, own_net, &o->setup));
    TRY(table(o, 0));
    for (size_t i = 0; i < sizeof steep / sizeof *steep; i++) {
        o->steep = steep[i];
        TRY(table(o, 1));
    }
    return OK;
}

static enum err read_words(const struct options *o, struct work *out)
{
    const char *steps = options_value(o, "steps");
    const char *molecules = options_value(o, "molecules");
    const char *steep = options_value(o, "steep");
    int all = 1;

    if (steps)
        all = all && num_int64(steps, strlen(steps), &out->steps);
    if (molecules)
        all = all && num_int64(molecules, strlen(molecules), &out->molecules);
    if (steep)
        all = all && num_double(steep, strlen(steep), &out->steep);
    out->model = options_value(o, "model");
    if (all && out->steps >= 0 && out->steps < 1000000 && out->molecules > 0 &&
        out->molecules < 100000)
        return OK;
    return err_set(ERR_DECK, "modes: no such number (expected --steps, "
                             "--molecules or --steep with one, found another "
                             "word); see validation/modes/modes.c");
}

static enum err run(struct comm *c, const struct options *o, struct work *w)
{
    const char *set[SETS];
    int sets = options_count(o, "set");

    if (!o->words)
        return check(c, w);
    TRY(read_words(o, w));
    CHECK(sets <= SETS);
    options_values(o, "set", set);
    TRY(setup_open(c, o->word[0], sets, set, &w->setup));
    if (w->molecules > w->setup->split.n[PART_TRAIN])
        return err_set(ERR_DECK,
                       "--molecules: more than train (expected at most %lld, "
                       "found %lld); take fewer",
                       (long long)w->setup->split.n[PART_TRAIN],
                       (long long)w->molecules);
    TRY(table(w, 0));
    return w->steps || w->model ? table(w, 1) : OK;
}

static const struct option options[] = {
    {"model", "FILE", 0}, {"molecules", "N", 0},           {"steep", "X", 0},
    {"steps", "N", 0},    {"set", "SECTION.KEY=VALUE", 1},
};

static const struct command command = {
    .name = "modes",
    .option = options,
    .options = sizeof options / sizeof *options,
    .most = 1,
};

int main(int argc, char **argv)
{
    struct work w = {.molecules = 60};
    struct options o = {.words = 0};
    struct comm *c = NULL;
    enum err err;

    log_init(0, 1);
    setvbuf(stdout, NULL, _IOLBF, 0); /* a table takes minutes */
    err = comm_open(&argc, &argv, &c);
    if (!err)
        err = options_parse(&command, argc, argv, &o);
    if (!err)
        err = run(c, &o, &w);
    if (err)
        err_print(stderr);
    setup_close(&w.setup);
    options_fini(&o);
    comm_close(&c, err);
    return err ? (int)err : w.failed > 0 || mem_live() != 0;
}
