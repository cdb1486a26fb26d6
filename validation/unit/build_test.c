/* SPDX-License-Identifier: MIT */
/* build_test.c - what a model is built of: which trunks are shared, how many
 * parameters there are, how they start, what memory each mode takes, shapes
 * that cannot be, and the optimiser's arrays.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "cpu/device_cpu.h"
#include "deck/params.h"
#include "device/device.h"
#include "model/model.h"
#include "model/optim.h"
#include "model/radial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct device *d;
    struct batch *batch;
    struct memory memory;
    struct model *m;
    struct deck *deck;
    struct params params;
};

/* The default model for the five elements of QM9, but for these settings. */
static struct model_shape shape_with(struct bench *b, const char *const set[],
                                     int n)
{
    assert_int_equal(deck_parse("{}", 2, "test", &b->deck), OK);
    for (int i = 0; i < n; i++)
        assert_int_equal(deck_set(b->deck, set[i]), OK);
    assert_int_equal(params_read(b->deck, 0, &b->params), OK);
    return model_shape_of(&b->params, 5);
}

static void open_bench(struct bench *b, const struct model_shape *shape)
{
    const struct batch_limits limits = {2, 20, 24, 48};

    b->memory = memory_measure();
    assert_int_equal(device_cpu_open(NULL, ISA_REF, sizeof(double), &b->d), OK);
    assert_int_equal(batch_create(&limits, shape->scalars, shape->targets,
                                  &shape->node, &shape->edge, &b->batch),
                     OK);
}

static enum err build(struct bench *b, const struct model_shape *shape,
                      enum model_mode mode, int low_memory)
{
    const struct model_options options = {.mode = mode,
                                          .low_memory = low_memory};

    return model_init(&b->m, b->d, shape, &options, b->batch, &b->memory);
}

static void close_bench(struct bench *b)
{
    model_fini(&b->m);
    memory_close(&b->memory);
    batch_destroy(&b->batch);
    device_close(&b->d);
    params_fini(&b->params);
    deck_close(&b->deck);
    assert_int_equal(mem_live(), 0);
}

/* theory.md section 3. */
static void default_model_has_the_published_parameters(void **state)
{
    static const struct {
        const char *set;
        int64_t parameters;
        enum sharing first, middle, last;
    } cases[] = {
        {"model.sharing=auto", 9279553, SHARING_NONE, SHARING_FULL,
         SHARING_PER_OUTPUT},
        {"model.sharing=per_output", 9304321, SHARING_NONE, SHARING_PER_OUTPUT,
         SHARING_PER_OUTPUT},
        {"model.sharing=per_input", 9308449, SHARING_NONE, SHARING_PER_INPUT,
         SHARING_NONE},
        {"model.sharing=none", 9407521, SHARING_NONE, SHARING_NONE,
         SHARING_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b = {0};
        struct model_shape shape = shape_with(&b, &cases[i].set, 1);

        open_bench(&b, &shape);
        assert_int_equal(build(&b, &shape, MODEL_PREDICT, 0), OK);
        assert_int_equal(model_weights(b.m)->parameters, cases[i].parameters);
        assert_int_equal(model_convolutions(b.m), 8);
        assert_int_equal(model_sharing(b.m, 0), cases[i].first);
        for (int k = 1; k < 7; k++)
            assert_int_equal(model_sharing(b.m, k), cases[i].middle);
        assert_int_equal(model_sharing(b.m, 7), cases[i].last);
        close_bench(&b);
    }
}

/* Every ceiling and condition: the first of the four, from the ceiling on,
 * that holds. */
static void sharing_takes_the_first_that_holds(void **state)
{
    const struct fiber even = fiber_uniform(3, 4), odd = {3, {4, 2, 4}};
    const struct fiber low = fiber_uniform(2, 4);
    const enum sharing F = SHARING_FULL, O = SHARING_PER_OUTPUT,
                       I = SHARING_PER_INPUT, N = SHARING_NONE;
    const struct {
        const struct fiber *in, *out;
        enum sharing wanted[4]; /* under the ceilings F, O, I, N */
    } cases[] = {
        {&even, &even, {F, O, I, N}}, {&even, &odd, {O, O, N, N}},
        {&odd, &even, {I, I, I, N}},  {&odd, &odd, {N, N, N, N}},
        {&low, &low, {N, N, N, N}},   {&low, &even, {I, I, I, N}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int s = 0; s < 4; s++)
            assert_int_equal(
                radial_sharing((enum sharing)s, cases[i].in, cases[i].out, 3),
                cases[i].wanted[s]);
        assert_int_equal(
            radial_sharing(SHARING_AUTO, cases[i].in, cases[i].out, 3),
            cases[i].wanted[0]);
    }
}

/* The rows of a trunk's last layer are each of one path, in published order. */
static void rows_of_paths_fill_their_trunks(void **state)
{
    const struct fiber f = fiber_uniform(3, 2), none = {0};

    (void)state;
    for (int s = SHARING_FULL; s <= SHARING_NONE; s++) {
        struct conv_shape c = radial_shape((enum sharing)s, &f, &none, &f);
        int rows[CONV_PATHS] = {0};

        assert_int_equal(c.paths, 9);
        for (int p = 0; p < c.paths; p++) { /* lo outer, li inner */
            const struct conv_path *path = &c.path[p];

            assert_int_equal(path->lo * 3 + path->li, p);
            assert_int_equal(path->first, rows[path->trunk]);
            rows[path->trunk] +=
                2 * (path->li < path->lo ? path->li : path->lo) + 1;
        }
        for (int p = 0; p < c.paths; p++)
            assert_int_equal(c.path[p].rows, rows[c.path[p].trunk]);
        assert_true(c.basis00 ==
                    (s == SHARING_NONE ? 1 : sqrt(1 / (16 * atan(1)))));
    }
}

/* Mean and deviation of a weight as it starts; n of 1000 and more. */
static void moments(const struct bench *b, const char *name, double out[2])
{
    const struct weights *w = model_weights(b->m);
    const int i = weights_find(w, name);
    double *x;
    int n;

    assert_true(i >= 0);
    n = w->list[i].n * w->list[i].c;
    assert_int_equal(mem_alloc((size_t)n, sizeof *x, name, (void **)&x), OK);
    weights_get(w, b->d, i, weights_base(w), x);
    out[0] = out[1] = 0;
    for (int k = 0; k < n; k++) {
        out[0] += x[k] / n;
        out[1] += x[k] * x[k] / n;
    }
    out[1] = sqrt(out[1] - out[0] * out[0]);
    mem_free(x);
}

/* Uniform in +-1/sqrt(32): deviation 0.102; normal / sqrt(48): 0.144. A
 * thousand numbers know theirs to 2 %, five times that is allowed. */
static void weights_start_as_published(void **state)
{
    static const struct {
        const char *name;
        double mean, deviation;
    } cases[] = {
        {"block.1.conv.full.fc1.weight", 0, 0.10206},
        {"block.1.conv.full.fc2.weight", 0, 0.10206},
        {"block.1.query.0.weight", 0, 0.17678},
        {"block.1.project.2.weight", 0, 0.14434},
        {"final.self.0.weight", 0, 0.17678},
        {"head.fc0.weight", 0, 0.05103},
        {"block.0.norm.weight", 1, 0},
        {"block.0.norm.bias", 0, 0},
        {"block.1.conv.full.ln0.weight", 1, 0},
    };
    const char *const set[] = {"model.layers=2"};
    struct bench b = {0};
    struct model_shape shape = shape_with(&b, set, 1);

    (void)state;
    open_bench(&b, &shape);
    assert_int_equal(build(&b, &shape, MODEL_TRAIN, 0), OK);
    assert_int_equal(memory_open(&b.memory, &b.d->memory), OK);
    assert_int_equal(build(&b, &shape, MODEL_TRAIN, 0), OK);
    assert_int_equal(weights_init(model_weights(b.m), b.d, 3), OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double found[2];

        moments(&b, cases[i].name, found);
        assert_true(fabs(found[0] - cases[i].mean) <= 0.2 * cases[i].deviation);
        assert_true(fabs(found[1] - cases[i].deviation) <=
                    0.1 * cases[i].deviation + 1e-12);
    }
    close_bench(&b);
}

/* A weight's numbers are a function of seed and name: not of the other
 * weights, nor of the order in which they are made. */
static void start_depends_on_seed_and_name(void **state)
{
    double head[3] = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *const set[] = {i ? "model.layers=1" : "model.layers=2"};
        struct bench b = {0};
        struct model_shape shape = shape_with(&b, set, 1);
        const struct weights *w;
        double x[128];

        open_bench(&b, &shape);
        assert_int_equal(build(&b, &shape, MODEL_PREDICT, 0), OK);
        assert_int_equal(memory_open(&b.memory, &b.d->memory), OK);
        assert_int_equal(build(&b, &shape, MODEL_PREDICT, 0), OK);
        w = model_weights(b.m);
        assert_int_equal(weights_init(w, b.d, i == 2 ? 4 : 3), OK);
        weights_get(w, b.d, weights_find(w, "head.fc0.bias"), weights_base(w),
                    x);
        head[i] = x[77];
        close_bench(&b);
    }
    assert_true(head[0] == head[1]);
    assert_true(head[1] != head[2]);
}

static size_t work_of(const char *layers, enum model_mode mode, int low)
{
    const char *const set[] = {layers, "model.sharing=none"};
    struct bench b = {0};
    struct model_shape shape = shape_with(&b, set, 2);
    size_t bytes;

    open_bench(&b, &shape);
    assert_int_equal(build(&b, &shape, mode, low), OK);
    bytes = b.memory.work.used;
    assert_true(mode != MODEL_PREDICT || b.memory.grads.used == 0);
    close_bench(&b);
    return bytes;
}

/* Activations are reused in prediction: what a layer adds is the device's
 * private copy of its weights. Low memory keeps what goes into the norm and
 * nothing else; training all within the layer as well. */
static void memory_grows_as_the_mode_says(void **state)
{
    const char *const three = "model.layers=3", *const six = "model.layers=6";
    const size_t predict =
        work_of(six, MODEL_PREDICT, 0) - work_of(three, MODEL_PREDICT, 0);
    const size_t low =
        work_of(six, MODEL_TRAIN, 1) - work_of(three, MODEL_TRAIN, 1);
    const size_t train =
        work_of(six, MODEL_TRAIN, 0) - work_of(three, MODEL_TRAIN, 0);
    /* features of 20 atoms: 32 channels, 16 components in degrees 0 to 3 */
    const size_t nodes = 3 * 20 * 32 * 16 * sizeof(double);

    (void)state;
    assert_true(low >= nodes && low < nodes + nodes / 4);
    /* 48 edges with 32 channels of keys and values; queries and z */
    assert_true(train - predict >
                2 * nodes + 3 * 48 * 32 * 16 * sizeof(double));
}

static void impossible_shapes_are_refused(void **state)
{
    const struct model_shape good = {.type = MODEL_SE3_TRANSFORMER,
                                     .layers = 1,
                                     .node = {1, {2}},
                                     .hidden = {2, {4, 4}},
                                     .out = {2, {4, 4}},
                                     .heads = 2,
                                     .channels_div = 2,
                                     .pooling = POOL_AVG};
    const struct {
        struct model_shape shape;
        const char *said;
    } cases[] = {
        {{.heads = 3}, "(expected a multiple of channels_div x heads = 6"},
        {{.heads = -1}, "heads and channels_div"},
        {{.pooling = POOL_MAX, .pooled_degree = 1}, "has no maximum"},
        {{.pooled_degree = 2}, "nothing to pool in degree 2"},
        {{.targets = 1, .pooling = POOL_NONE}, "the head works on molecules"},
        {{.hidden = {10, {1}}}, "layers and degrees"},
        {{.out = {1, {0}}}, "a fiber is empty"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct model_shape *c = &cases[i].shape;
        struct model_shape shape = good;
        struct bench b = {0};

        shape.heads = c->heads ? c->heads : good.heads;
        shape.pooling = c->pooling || c->pooled_degree ? c->pooling : POOL_AVG;
        if (c->pooled_degree == 2)
            shape.pooling = POOL_AVG;
        shape.pooled_degree = c->pooled_degree;
        shape.targets = c->targets;
        if (c->hidden.degrees)
            shape.hidden = c->hidden;
        if (c->out.degrees)
            shape.out = c->out;
        open_bench(&b, &good);
        assert_int_equal(build(&b, &shape, MODEL_TRAIN, 0), ERR_DECK);
        assert_non_null(strstr(err_message(), cases[i].said));
        assert_null(b.m);
        close_bench(&b);
    }
}

/* Moments, average and grid as the deck wants them; the average starts as the
 * weights, and one step moves both. */
static void optimiser_owns_what_it_needs(void **state)
{
    static const struct {
        const char *name, *ema, *ranks;
        int states;
    } cases[] = {
        {"train.optimizer.name=adamw", "train.ema=0.5", "run.seed=1", 3},
        {"train.optimizer.name=lamb", "train.ema=none",
         "run.deterministic=any_ranks", 2},
        {"train.optimizer.name=sgd", "train.ema=none", "run.seed=1", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const set[] = {cases[i].name, cases[i].ema, cases[i].ranks,
                                   "model.layers=1"};
        struct bench b = {0};
        struct model_shape shape = shape_with(&b, set, 4);
        struct optimizer_state s[3];
        struct optimizer o;
        double *p, was;

        open_bench(&b, &shape);
        for (int k = 0; k < 2; k++) {
            if (k)
                assert_int_equal(memory_open(&b.memory, &b.d->memory), OK);
            assert_int_equal(build(&b, &shape, MODEL_TRAIN, 0), OK);
            assert_int_equal(optimizer_init(&o, &b.params, b.d,
                                            model_weights(b.m), &b.memory),
                             OK);
        }
        assert_int_equal(b.memory.state.used, b.memory.state.size);
        assert_int_equal(optimizer_states(&o, s), cases[i].states);
        assert_int_equal(o.grid != NULL, i == 1);
        assert_int_equal(weights_init(model_weights(b.m), b.d, 1), OK);
        optimizer_start(&o);
        p = o.o.p;
        was = p[0];
        if (cases[i].states == 3)
            assert_true(((double *)s[2].data)[0] == was);
        ((double *)o.o.g)[0] = 3;
        ((double *)o.o.g)[o.o.n - 1] = 4;
        optimizer_norm(&o);
        assert_true(optimizer_last_norm(&o) == 5);
        optimizer_step(&o, 1, 1e-3);
        assert_true(p[0] < was);
        if (cases[i].states == 3) /* half the way */
            assert_true(fabs(((double *)s[2].data)[0] - (p[0] + was) / 2) <
                        1e-15);
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_model_has_the_published_parameters),
        cmocka_unit_test(sharing_takes_the_first_that_holds),
        cmocka_unit_test(rows_of_paths_fill_their_trunks),
        cmocka_unit_test(weights_start_as_published),
        cmocka_unit_test(start_depends_on_seed_and_name),
        cmocka_unit_test(memory_grows_as_the_mode_says),
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(optimiser_owns_what_it_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
