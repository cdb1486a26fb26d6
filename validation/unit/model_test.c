/* SPDX-License-Identifier: MIT */
/* model_test.c - whole networks in double: they turn with their molecules,
 * their gradients are the differences, memory is what was measured, and what
 * should not matter does not.
 */
#include "app/selftest_world.h"

#include "cpu/device_cpu.h"
#include "cpu/device_paranoid.h"
#include "math/wigner.h"
#include "model/model_parts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COMMON .scalars = WORLD_SCALARS, .heads = 2, .channels_div = 2
#define NODE4                                                                  \
    {                                                                          \
        1,                                                                     \
        {                                                                      \
            4                                                                  \
        }                                                                      \
    }

static const struct model_shape shapes[] = {
    {MODEL_SE3_TRANSFORMER, 2, NODE4, .hidden = {3, {4, 4, 4}}, .out = {1, {6}},
     .norm = 1, .layer_norm = 1, .pooling = POOL_MAX, .targets = 2,
     .sharing = SHARING_AUTO, COMMON},
    {MODEL_SE3_TRANSFORMER, 2, NODE4, .hidden = {3, {4, 4, 4}}, .out = {1, {6}},
     .pooling = POOL_AVG, .targets = 1, .sharing = SHARING_PER_OUTPUT, COMMON},
    {MODEL_SE3_TRANSFORMER,
     1,
     {2, {3, 2}},
     .hidden = {2, {4, 4}},
     .edge = {2, {0, 1}},
     .out = {3, {3, 2, 1}},
     .norm = 1,
     .pooling = POOL_NONE,
     .sharing = SHARING_PER_INPUT,
     COMMON},
    {MODEL_SE3_TRANSFORMER,
     2,
     {3, {3, 0, 2}},
     .hidden = {3, {8, 4, 4}},
     .edge = {3, {0, 1, 2}},
     .out = {2, {0, 3}},
     .norm = 1,
     .layer_norm = 1,
     .pooling = POOL_AVG,
     .pooled_degree = 1,
     .sharing = SHARING_NONE,
     COMMON},
    {MODEL_SE3_TRANSFORMER, 1, NODE4, .hidden = {5, {4, 4, 4, 4, 4}},
     .out = {2, {2, 3}}, .layer_norm = 1, .pooling = POOL_NONE,
     .sharing = SHARING_AUTO, COMMON},
    {MODEL_TFN, 3, NODE4, .hidden = {4, {3, 3, 3, 3}}, .out = {1, {5}},
     .norm = 1, .layer_norm = 1, .pooling = POOL_MAX, .targets = 1,
     .sharing = SHARING_AUTO, COMMON},
    {MODEL_TFN,
     1,
     {2, {2, 1}},
     .hidden = {3, {3, 2, 1}},
     .edge = {2, {0, 2}},
     .out = {2, {2, 2}},
     .pooling = POOL_NONE,
     .sharing = SHARING_NONE,
     COMMON},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, SAMPLES = 2 };

static const struct model_options gradients = {.mode = MODEL_GRADIENTS};
static const struct model_shape *shape; /* of the tests that run */

static void open_world(struct world *w, const struct model_options *options)
{
    struct device *d;

    if (device_cpu_open(NULL, ISA_REF, sizeof(double), &d) ||
        world_open(w, d, shape, options, SAMPLES))
        fail_msg("%s", err_message());
}

/* A host copy: a new block (mem_free). */
static double *copy_of(struct world *w, const struct tensor *t)
{
    double *x;

    assert_int_equal(
        mem_alloc((size_t)world_count(w, t), sizeof *x, "a copy", (void **)&x),
        OK);
    assert_int_equal(world_get(w, t, x), OK);
    return x;
}

static double loss_of(struct world *w)
{
    double loss;

    assert_int_equal(world_loss(w, &loss), OK);
    return loss;
}

static void close_world(struct world *w)
{
    world_close(w);
    assert_int_equal(mem_live(), 0);
}

static void assert_close(const double *found, const double *expected, int n,
                         double tolerance)
{
    double largest = 0;

    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (int i = 0; i < n; i++)
        if (!(fabs(found[i] - expected[i]) <= tolerance * largest))
            fail_msg("number %d: %.17g, expected %.17g", i, found[i],
                     expected[i]);
}

/* Features at rest, turned and renumbered as the motion does; row r of a
 * molecule's becomes how->move[r], or stays when there is one a molecule. */
static double *move(const double *x, const struct tensor *t, int n,
                    const struct motion *how)
{
    const int m_count = 2 * t->l + 1, width = m_count * t->c;
    double d[(2 * FIBER_DEGREES - 1) * (2 * FIBER_DEGREES - 1)], *out;
    const int rows = n / width, atoms = rows % WORLD_ATOMS == 0;

    assert_int_equal(mem_alloc((size_t)n, sizeof *out, "x", (void **)&out), OK);
    wigner_d(t->l, how->turn, d);
    for (int r = 0; r < rows; r++) {
        int to =
            atoms ? r / WORLD_ATOMS * WORLD_ATOMS + how->move[r % WORLD_ATOMS]
                  : r;

        for (int m = 0; m < m_count; m++)
            for (int c = 0; c < t->c; c++)
                for (int k = 0; k < m_count; k++)
                    out[to * width + m * t->c + c] +=
                        (t->l % 2 ? how->sign : 1) * d[m * m_count + k] *
                        x[r * width + k * t->c + c];
    }
    return out;
}

/* Outputs after the motion are the outputs at rest, moved. 1e-11: rounding
 * through three layers; a norm divides by what may be small. */
static void assert_moves(struct world *w, double *rest[], int samples,
                         const struct motion *how)
{
    world_put(w, 0, samples, how);
    model_forward(w->m);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        const struct tensor *t = model_output(w->m, l);
        double *found, *expected;
        int n;

        if (!t)
            continue;
        n = world_count(w, t);
        found = copy_of(w, t);
        expected = move(rest[l], t, n, how);
        assert_close(found, expected, n, 1e-11);
        mem_free(found);
        mem_free(expected);
    }
}

static void outputs(struct world *w, double *out[])
{
    model_forward(w->m);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        const struct tensor *t = model_output(w->m, l);

        out[l] = t ? copy_of(w, t) : NULL;
    }
}

static void free_all(double *x[])
{
    for (int l = 0; l < FIBER_DEGREES; l++)
        mem_free(x[l]);
}

static void moves_with_the_molecule(void **state)
{
    struct motion still = world_rest(), moved = world_moved();
    double *rest[FIBER_DEGREES];
    struct world w;

    (void)state;
    open_world(&w, &(struct model_options){.mode = MODEL_PREDICT});
    world_put(&w, 0, SAMPLES, &still);
    outputs(&w, rest);
    assert_moves(&w, rest, SAMPLES, &moved);
    free_all(rest);
    close_world(&w);
}

/* Negates the rows of odd f of every last radial layer. */
static void negate_odd(struct world *w)
{
    for (int i = 0; i < model_convolutions(w->m); i++) {
        const struct conv_layer *o = i == w->m->shape.layers ? &w->m->last.conv
                                     : shape->type == MODEL_TFN
                                         ? &w->m->block[i].of.tfn.conv
                                         : &w->m->block[i].of.attn.conv;

        for (int p = 0; p < o->conv.shape.paths; p++) {
            const struct conv_path *path = &o->conv.shape.path[p];
            const struct tensor *w3 = &o->radial[path->trunk].w3;
            const int least = path->li < path->lo ? path->li : path->lo;

            for (int r = 0; r < w3->n; r++) {
                int f = r % path->rows - path->first;

                for (int c = 0; f % 2 == 1 && f <= 2 * least && c < w3->c; c++)
                    ((double *)w3->data)[r * w3->ld + c] *= -1;
            }
        }
    }
    model_prepare(w->m);
}

/* theory.md section 3: under inversion the network with the rows of odd f
 * negated gives outputs times (-1)^l. */
static void inverts_with_odd_rows_negated(void **state)
{
    struct motion still = world_rest(), inverted = still;
    double *rest[FIBER_DEGREES];
    struct world w;

    (void)state;
    inverted.sign = -1;
    open_world(&w, &(struct model_options){.mode = MODEL_PREDICT});
    world_put(&w, 0, SAMPLES, &still);
    outputs(&w, rest);
    negate_odd(&w);
    assert_moves(&w, rest, SAMPLES, &inverted);
    free_all(rest);
    close_world(&w);
}

/* Central difference of the loss in *x. */
static double slope(struct world *w, double *x, int is_weight)
{
    const double step = 0x1p-17, was = *x;
    double value[2];

    for (int side = 0; side < 2; side++) {
        *x = side ? was - step : was + step;
        if (is_weight)
            model_prepare(w->m);
        value[side] = loss_of(w);
    }
    *x = was;
    if (is_weight)
        model_prepare(w->m);
    return (value[0] - value[1]) / (2 * step);
}

/* A step h leaves h^2/6 = 1e-11 times the third derivative, which norms make
 * large (up to 1e4 times the first), and 1e-16/h = 1e-11 of the loss. */
static void assert_slopes(struct world *w, const struct tensor *x,
                          const double *dx, int every, double largest)
{
    const int n = world_count(w, x);

    for (int i = every / 2; i < n; i += every) {
        double *at = (double *)x->data + i / x->c * x->ld + i % x->c;
        double found = slope(w, at, !x->used);

        if (!(fabs(found - dx[i]) < 1e-6 * (largest + fabs(found))))
            fail_msg("number %d of %d: gradient %.9g, by differences %.9g", i,
                     n, dx[i], found);
    }
}

static double largest_of(const double *x, int n)
{
    double largest = 0;

    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(x[i]));
    return largest;
}

static void assert_input_slopes(struct world *w, const struct tensor *x,
                                const struct tensor *dx, int every)
{
    double *grad;

    if (!x->c)
        return;
    grad = copy_of(w, dx);
    assert_slopes(w, x, grad, every, largest_of(grad, world_count(w, dx)));
    mem_free(grad);
}

static void gradients_are_the_differences(void **state)
{
    struct motion still = world_rest();
    const struct weights *list;
    struct graph *g;
    struct world w;

    (void)state;
    open_world(&w, &gradients);
    list = model_weights(w.m);
    g = &w.m->input.graph;
    world_put(&w, 0, SAMPLES, &still);
    loss_of(&w);
    assert_int_equal(world_backward(&w), OK);
    assert_input_slopes(&w, &g->x, model_gradient_x(w.m), 5);
    assert_input_slopes(&w, &g->scalar, model_gradient_scalar(w.m), 7);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        assert_input_slopes(&w, &g->node[l], model_gradient_node(w.m, l), 13);
        assert_input_slopes(&w, &g->edge[l], model_gradient_edge(w.m, l), 17);
    }
    for (int i = 0; i < list->count; i++) {
        struct tensor t = tensor_weights(list->list[i].n, list->list[i].c);
        double *grad = (double *)w.memory.grads.base + list->list[i].offset;
        int n = t.n * t.c;

        t.data = (double *)w.memory.weights.base + list->list[i].offset;
        assert_slopes(&w, &t, grad, n / 2 + 1, largest_of(grad, n) + 1e-3);
    }
    close_world(&w);
}

/* All gradients and outputs of one pass, as one digestible array. */
static double *everything(struct world *w, int *n)
{
    double *x;
    size_t bytes = w->memory.grads.size;

    loss_of(w);
    assert_int_equal(world_backward(w), OK);
    *n = (int)(bytes / sizeof *x);
    assert_int_equal(mem_alloc(bytes, 1, "gradients", (void **)&x), OK);
    w->d->get(w->d, x, w->memory.grads.base, bytes);
    w->d->sync(w->d);
    return x;
}

/* A smaller batch, there and back, as a run has had before. */
static void pass_before(struct world *w)
{
    struct motion still = world_rest();
    double *x;
    int n;

    world_put(w, 0, 1, &still);
    x = everything(w, &n);
    mem_free(x);
    w->d->zero(w->d, w->memory.grads.base, w->memory.grads.size);
}

/* Recomputing gives the same bits, whatever was there; prediction the same
 * outputs. */
static void modes_agree(void **state)
{
    const struct model_options modes[] = {
        {.mode = MODEL_TRAIN},
        {.mode = MODEL_TRAIN, .low_memory = 1},
        {.mode = MODEL_GRADIENTS},
        {.mode = MODEL_GRADIENTS, .low_memory = 1}};
    struct motion still = world_rest();
    double *first = NULL, loss = 0;
    struct world w;

    (void)state;
    for (int k = 0; k < 4; k++) {
        double *x, l;
        int n;

        open_world(&w, &modes[k]);
        if (k > 0)
            pass_before(&w);
        world_put(&w, 0, SAMPLES, &still);
        l = loss_of(&w);
        x = everything(&w, &n);
        if (first) {
            assert_memory_equal(x, first, (size_t)n * sizeof *x);
            assert_true(l == loss);
            mem_free(x);
        } else {
            first = x;
            loss = l;
        }
        world_close(&w);
    }
    mem_free(first);
    open_world(&w, &(struct model_options){.mode = MODEL_PREDICT});
    world_put(&w, 0, SAMPLES, &still);
    assert_true(loss_of(&w) == loss);
    close_world(&w);
}

static void memory_is_what_was_measured(void **state)
{
    struct motion still = world_rest();
    struct arena *a[4];
    struct world w;
    long count;

    (void)state;
    open_world(&w, &gradients);
    a[0] = &w.memory.weights;
    a[1] = &w.memory.grads;
    a[2] = &w.memory.state;
    a[3] = &w.memory.work;
    for (int i = 0; i < 4; i++)
        assert_int_equal(a[i]->used, a[i]->size);
    assert_int_equal(a[0]->used, a[1]->used);
    count = mem_count();
    world_put(&w, 0, SAMPLES, &still);
    model_prepare(w.m);
    model_forward(w.m);
    model_backward(w.m);
    assert_int_equal(mem_count(), count);
    close_world(&w);
}

/* Two molecules are the two alone; and a smaller batch after a larger one
 * leaves nothing behind. Sums over rows run in another order: 1e-12. */
static void molecules_do_not_see_each_other(void **state)
{
    struct motion still = world_rest();
    double *both[FIBER_DEGREES], *alone[FIBER_DEGREES];
    struct world w;

    (void)state;
    open_world(&w, &(struct model_options){.mode = MODEL_PREDICT});
    world_put(&w, 0, SAMPLES, &still);
    outputs(&w, both);
    for (int k = SAMPLES - 1; k >= 0; k--) {
        world_put(&w, k, 1, &still);
        outputs(&w, alone);
        for (int l = 0; l < FIBER_DEGREES; l++)
            if (alone[l]) {
                int n = world_count(&w, model_output(w.m, l));

                assert_close(alone[l], both[l] + k * n, n, 1e-12);
            }
        free_all(alone);
    }
    free_all(both);
    close_world(&w);
}

/* Forward and backward of an empty batch, then of one that is not. */
static void empty_batch_is_harmless(void **state)
{
    struct motion still = world_rest();
    struct world w;
    double *x;
    int n;

    (void)state;
    open_world(&w, &gradients);
    world_put(&w, 0, 0, &still);
    x = everything(&w, &n);
    for (int i = 0; i < n; i++)
        assert_true(x[i] == 0);
    mem_free(x);
    close_world(&w);
}

static int is_zero(const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (x[i] != 0)
            return 0;
    return 1;
}

/* A step writes gradients between what it completes and what was complete
 * before, all of which stay as they are. The device is the host. */
static void gradients_are_complete_from_the_end(void **state)
{
    struct motion still = world_rest();
    struct world w;
    const double *now;
    double *then, loss;
    int64_t n, end;
    void *data;

    (void)state;
    open_world(&w, &(struct model_options){.mode = MODEL_TRAIN});
    world_put(&w, 0, SAMPLES, &still);
    assert_int_equal(world_loss(&w, &loss), OK);
    assert_int_equal(world_backward(&w), OK); /* has put output gradients */
    w.d->zero(w.d, w.memory.grads.base, w.memory.grads.size);
    model_forward(w.m);
    now = weights_grads(model_weights(w.m));
    end = n = weights_span(model_weights(w.m));
    assert_int_equal(mem_alloc((size_t)n, sizeof *then, "gradients", &data),
                     OK);
    then = data;
    for (int i = 0; i < model_backward_steps(w.m); i++) {
        int64_t from = model_complete_from(w.m, i);

        assert_true(from >= 0 && from < end);
        model_backward_step(w.m, i);
        assert_true(is_zero(now, from));
        assert_false(is_zero(now + from, end - from));
        for (int64_t k = from; k < end; k++)
            then[k] = now[k];
        end = from;
    }
    assert_int_equal(end, 0);
    assert_memory_equal(now, then, (size_t)n * sizeof *then);
    mem_free(then);
    close_world(&w);
}

/* A device whose memory the host cannot see, in both memory modes. */
static void no_transfer_is_missing(void **state)
{
    struct motion still = world_rest();
    struct device *d;
    double *seen, *hidden;
    struct world w;
    int n;

    (void)state;
    open_world(&w, &gradients);
    world_put(&w, 0, SAMPLES, &still);
    seen = everything(&w, &n);
    world_close(&w);
    assert_int_equal(device_paranoid_open(NULL, ISA_REF, sizeof *seen, &d), OK);
    assert_int_equal(world_open(&w, d, shape,
                                &(struct model_options){.mode = MODEL_TRAIN,
                                                        .low_memory = 1},
                                SAMPLES),
                     OK);
    world_put(&w, 0, SAMPLES, &still);
    hidden = everything(&w, &n);
    assert_memory_equal(hidden, seen, (size_t)n * sizeof *seen);
    mem_free(seen);
    mem_free(hidden);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_with_the_molecule),
        cmocka_unit_test(inverts_with_odd_rows_negated),
        cmocka_unit_test(gradients_are_the_differences),
        cmocka_unit_test(modes_agree),
        cmocka_unit_test(memory_is_what_was_measured),
        cmocka_unit_test(molecules_do_not_see_each_other),
        cmocka_unit_test(empty_batch_is_harmless),
        cmocka_unit_test(gradients_are_complete_from_the_end),
        cmocka_unit_test(no_transfer_is_missing),
    };
    int failed = 0;

    for (shape = shapes; shape < shapes + SHAPES; shape++)
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    return failed != 0;
}
