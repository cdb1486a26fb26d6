/* SPDX-License-Identifier: MIT */
/* kcheck.c - every kernel, in every variant this machine runs, on odd shapes.
 *
 *   kcheck       compares with the reference in double; exit status 1 if one is
 *                off, writes outside its output or beyond the rows in use,
 *                swallows a NaN, or gives other bits with other threads
 *   kcheck -b    and times them
 *   kcheck NAME  only ops whose name begins so
 *
 * A kernel is a row of an op_table, a shape a row of its shapes; variants come
 * from the registry, and the kernels of the matrix unit on tiles of C beside; a
 * slot that is the one of the set below is none. Every shape runs twice: as the
 * whole batch, and as a part of a larger one.
 */
#include "config.h"

#include "kcheck/kcheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <omp.h>

static const struct op_table *const tables[] = {
    &geometry_ops, &conv_ops, &attend_ops, &node_ops, &step_ops};
enum { TABLES = sizeof tables / sizeof *tables };

/* Products of bf16: a feature is off by 2^-9 at most, a radial weight by 2^-9
 * for each of W', p and its terms and 2^-8 for what is cut off, or on the
 * matrix unit for each of W', p and W' p; in the gradient of weights x, dy,
 * moments and p by 2^-9 each. These have any sign, and 2^-7 of what a sum adds
 * up is four in a row with the same. In roundings, for each of the 40 that
 * conv_fwd has in fp32: behind trunks and their norms more are granted in both.
 */
static const double in_bf16 = 0x1p17 / 40;

static struct bench run, oracle; /* too large for the stack */

static int is_output(const struct operand *o)
{
    return o->role == OUT || o->role == ADD;
}

/* Largest difference of operand i in roundings of its largest number; infinite
 * for NaN on one side, and for whole numbers that differ. */
static double difference(const struct bench *b, const struct bench *expected,
                         int i)
{
    const struct operand *o = &b->o[i], *e = &expected->o[i];
    double worst = 0, largest = 1e-30;

    if (o->number == INT || o->number == INT64)
        return memcmp(o->front, e->front, o->bytes) ? INFINITY : 0;
    for (int r = 0; r < o->rows; r++)
        for (int c = 0; c < o->columns; c++) {
            double want = value(expected, e, r, c);
            double d = fabs(value(b, o, r, c) - want);

            worst = fmax(worst, isnan(d) ? INFINITY : d);
            largest = fmax(largest, fabs(want));
        }
    return worst / (largest * 0x1p-24);
}

static double compare(const struct bench *b, const struct bench *expected)
{
    double worst = 0;

    for (int i = 0; i < b->operands; i++)
        if (is_output(&b->o[i]))
            worst = fmax(worst, difference(b, expected, i));
    return worst;
}

static void call(struct bench *b, const struct op *op)
{
    bench_fill(b, op);
    op->call(b);
}

static double in_place(struct bench *b, const struct op *op)
{
    struct operand *in = &b->o[op->same[0]], *out = &b->o[op->same[1]];
    void *own = out->t.data;
    double worst;

    bench_fill(b, op);
    out->t.data = in->t.data;
    op->call(b);
    worst = compare(b, &oracle);
    out->t.data = own;
    return worst;
}

static int has_nan(const struct bench *b)
{
    double sum = 0;

    for (int i = 0; i < b->operands; i++)
        for (int r = 0; is_output(&b->o[i]) && r < b->o[i].rows; r++)
            for (int c = 0; c < b->o[i].columns; c++)
                sum += value(b, &b->o[i], r, c);
    return isnan(sum);
}

/* The operand whose NaN in the last node's, edge's or row's last channel does
 * not reach an output; 0: none. In its component m = 0, which every path has.
 * Where the last node has no edges its features count for nothing. */
static int swallows_nan(struct bench *b, const struct op *op)
{
    if (b->shape->topology != CHAIN && b->shape->topology != HUB)
        return 0;
    for (int i = 1; i < b->operands; i++) {
        const struct operand *o = &b->o[i];

        if (o->role != IN || o->rows == 0 || o->columns == 0)
            continue;
        bench_fill(b, op);
        set_value(b, o, o->rows - 1 - o->t.l, o->columns - 1, (double)NAN);
        op->call(b);
        if (!has_nan(b))
            return i;
    }
    return 0;
}

/* One, two and three threads must give the same bytes. */
static int threads_matter(struct bench *b, const struct op *op)
{
    int threads = omp_get_max_threads(), differ = 0;

    omp_set_num_threads(1);
    call(b, op);
    for (int i = 0; i < b->operands; i++)
        memcpy(b->o[i].was, b->o[i].front, b->o[i].bytes);
    for (int n = 2; n <= 3; n++) {
        omp_set_num_threads(n);
        bench_refill(b, op);
        op->call(b);
        for (int i = 0; i < b->operands; i++)
            differ += is_output(&b->o[i]) &&
                      memcmp(b->o[i].front, b->o[i].was, b->o[i].bytes) != 0;
    }
    omp_set_num_threads(threads);
    return differ;
}

/* What is wrong with a variant, in words; NULL: nothing. */
static const char *fault(struct bench *b, const struct op *op, double *worst)
{
    int input;
    static char words[64];

    call(&oracle, op);
    call(b, op);
    *worst = fmax(*worst, compare(b, &oracle));
    if (!bench_intact(b) || !bench_intact(&oracle))
        return "writes where it must not";
    if (op->same[1])
        *worst = fmax(*worst, in_place(b, op));
    input = swallows_nan(b, op);
    if (input) {
        snprintf(words, sizeof words, "swallows a NaN of operand %d, shape %d",
                 input, (int)b->shape->nodes);
        return words;
    }
    return threads_matter(b, op) ? "has other bits with other threads" : NULL;
}

static enum err check(const struct op *op, enum isa isa, const struct shape *s,
                      double *worst, const char **wrong)
{
    enum err err;

    for (int slack = 0; slack < 3; slack += 2) {
        const char *f;

        oracle = (struct bench){.shape = s, .slack = slack};
        run = oracle;
        TRY(bench_open(&oracle, op, sizeof(double), ISA_REF));
        TRY_GOTO(bench_open(&run, op, sizeof(float), isa), close_oracle);
        f = fault(&run, op, worst);
        if (f)
            *wrong = f;
        bench_close(&run);
        bench_close(&oracle);
    }
    return OK;
close_oracle:
    bench_close(&oracle);
    return err;
}

/* The fastest of 15 calls, in microseconds. */
static enum err timed(const struct op *op, enum isa isa, const struct shape *s,
                      double *out)
{
    double fastest = INFINITY;

    run = (struct bench){.shape = s};
    TRY(bench_open(&run, op, sizeof(float), isa));
    bench_fill(&run, op);
    for (int i = 0; i < 15; i++) {
        struct timespec t0, t1;

        timespec_get(&t0, TIME_UTC);
        op->call(&run);
        timespec_get(&t1, TIME_UTC);
        fastest = fmin(fastest, (double)(t1.tv_sec - t0.tv_sec) * 1e6 +
                                    (double)(t1.tv_nsec - t0.tv_nsec) * 1e-3);
    }
    bench_close(&run);
    *out = fastest;
    return OK;
}

/* Whether op has a variant of its own for isa, which runs here. */
static int differs(const struct op *op, enum isa isa)
{
    struct kernels here, below;

    if (isa == ISA_REF)
        return 1;
    variant_fill(sizeof(float), isa, &here);
    variant_fill(sizeof(float), variant_below(isa), &below);
    return memcmp((char *)&here + op->slot, (char *)&below + op->slot,
                  sizeof(void (*)(void))) != 0;
}

static enum err report(const struct op_table *t, const struct op *op,
                       enum isa isa, int times, int *bad)
{
    const char *wrong = NULL;
    double tolerance = op->tolerance * (isa > ISA_SINGLE ? in_bf16 : 1);
    double worst = 0, us;

    for (int i = 0; i < t->shape_count; i++)
        if (!t->shapes[i].is_forward || !strstr(op->name, "_bwd"))
            TRY(check(op, isa, &t->shapes[i], &worst, &wrong));
    if (!wrong && !(worst <= tolerance))
        wrong = "is off";
    *bad += wrong != NULL;
    printf("%-6s %-13s %-11s off by %6.2f roundings (%g) %s",
           wrong ? "not ok" : "ok", op->name, variant_name(isa), worst,
           tolerance, wrong ? wrong : "");
    if (times) {
        TRY(timed(op, isa, t->large, &us));
        printf("  %8.1f us", us);
    }
    printf("\n");
    return OK;
}

/* Of the ops whose name begins with `name`; there must be some. */
static enum err every_variant(const char *name, int times, int *bad)
{
    int found = 0;

    for (int t = 0; t < TABLES; t++)
        for (int i = 0; i < tables[t]->op_count; i++)
            for (enum isa isa = ISA_REF; isa <= ISAS; isa++) {
                const struct op *op = &tables[t]->ops[i];

                if (strncmp(op->name, name, strlen(name)) ||
                    !variant_runs(isa) || !differs(op, isa))
                    continue;
                found = 1;
                TRY(report(tables[t], op, isa, times, bad));
            }
    if (!found)
        return err_set(ERR_DECK,
                       "kcheck: no such kernel (expected -b, or how a kernel's "
                       "name begins, found %s); leave it out",
                       name);
    return OK;
}

int main(int argc, char **argv)
{
    int times = argc > 1 && strcmp(argv[1], "-b") == 0, bad = 0;
    const char *name = argc > times + 1 ? argv[times + 1] : "";
    enum err err = every_variant(name, times, &bad);

    if (err)
        err_print(stderr);
    return err ? (int)err : bad > 0 || mem_live() != 0;
}
