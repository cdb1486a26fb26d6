/* SPDX-License-Identifier: MIT */
/* profile_test.c - what a slot's row says: its calls, and the work that follows
 * from shapes, of those rows that are in use. */
#include "device/profile.h"

#include "device/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int ran;

static void conv_fwd(struct conv *c, const struct tensor x[],
                     const struct tensor e[], struct tensor y[])
{
    (void)c, (void)x, (void)e, (void)y;
    ran++;
}

static void geometry_fwd(const struct graph *g, struct geometry *geo)
{
    (void)g, (void)geo;
    ran++;
}

static void linear_bwd(const struct tensor *x, const struct tensor *w,
                       const struct tensor *dy, struct tensor *dx,
                       struct tensor *dw, struct tensor *db)
{
    (void)x, (void)w, (void)dy, (void)dx, (void)dw, (void)db;
    ran++;
}

static void optim_step(const struct optim *o)
{
    (void)o;
    ran++;
}

static const struct profile *row(const char *slot)
{
    const struct profile *p;
    int n = profile_get(&p);

    for (int i = 0; i < n; i++)
        if (strcmp(p[i].slot, slot) == 0)
            return &p[i];
    fail_msg("no slot %s", slot);
    return NULL;
}

static struct kernels wrapped(void)
{
    struct kernels k = {
        .real = sizeof(float),
        .conv = {.conv_fwd = conv_fwd, .geometry_fwd = geometry_fwd},
        .node = {.linear_bwd = linear_bwd},
        .step = {.optim_step = optim_step}};

    profile_wrap(&k);
    profile_count(&k);
    profile_clear();
    ran = 0;
    return k;
}

/* The full layer of the default model: 73,728 products on the paths of an edge
 * (theory.md section 8), 32 (1 + 9 + 25 + 49) to turn its inputs. */
static void convolution_counts_edges_in_use(void **state)
{
    struct kernels k = wrapped();
    int edges = 10;
    const struct graph g = {.edges = 1000, .used_edges = &edges};
    struct conv c = {.graph = &g};

    (void)state;
    c.shape.node = c.shape.out = fiber_uniform(4, 32);
    for (int li = 0; li < 4; li++)
        for (int lo = 0; lo < 4; lo++)
            c.shape.path[c.shape.paths++] =
                (struct conv_path){.li = li, .lo = lo};
    k.conv.conv_fwd(&c, NULL, NULL, NULL);
    k.conv.conv_fwd(&c, NULL, NULL, NULL);
    assert_int_equal(ran, 2);
    assert_int_equal(row("conv_fwd")->calls, 2);
    assert_true(row("conv_fwd")->mac == 2 * 10 * (73728 + 2688));
    assert_true(row("conv_bwd_x")->mac == 0);
}

static void edges_are_a_mean_of_batches(void **state)
{
    struct kernels k = wrapped();
    int edges = 10;
    const struct graph g = {.edges = 1000, .used_edges = &edges};

    (void)state;
    assert_true(profile_edges() == 0);
    k.conv.geometry_fwd(&g, NULL);
    edges = 30;
    k.conv.geometry_fwd(&g, NULL);
    assert_true(profile_edges() == 20);
    profile_clear();
    assert_true(profile_edges() == 0);
    assert_int_equal(row("geometry_fwd")->calls, 0);
}

static void linear_counts_what_is_wanted(void **state)
{
    struct kernels k = wrapped();
    int nodes = 5;
    struct tensor x = {.used = &nodes, .n = 100, .l = 1, .c = 8, .ld = 16};
    struct tensor dy = {.used = &nodes, .n = 100, .l = 1, .c = 4, .ld = 16};
    struct tensor w = tensor_weights(4, 8), dw = w;

    (void)state;
    k.node.linear_bwd(&x, &w, &dy, NULL, &dw, NULL);
    assert_true(row("linear_bwd")->mac == 5 * 3 * 8 * 4);
    assert_true(row("linear_bwd")->bytes == 5 * 3 * (8 + 4) * 4);
    k.node.linear_bwd(&x, &w, &dy, &x, &dw, NULL);
    assert_true(row("linear_bwd")->mac == 3 * 5 * 3 * 8 * 4);
}

/* AdamW reads four arrays and writes three. */
static void the_step_counts_its_arrays(void **state)
{
    struct kernels k = wrapped();
    float m, v;
    const struct optim o = {.n = 100, .m = &m, .v = &v};

    (void)state;
    k.step.optim_step(&o);
    assert_true(row("optim_step")->bytes == 7 * 100 * 4);
    assert_true(row("optim_step")->mac == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_counts_edges_in_use),
        cmocka_unit_test(edges_are_a_mean_of_batches),
        cmocka_unit_test(linear_counts_what_is_wanted),
        cmocka_unit_test(the_step_counts_its_arrays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
