/* SPDX-License-Identifier: MIT */
/* views.c - views with memory, and gradients by differences. */
#include "unit/views.h"

#include "base/mem.h"
#include "noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BLOCKS = 32 };

static void *blocks[BLOCKS];
static int block_count;

static struct tensor with_memory(struct tensor t)
{
    assert_true(block_count < BLOCKS);
    assert_int_equal(
        mem_alloc(tensor_bytes(&t, sizeof(double)), 1, "a test", &t.data), OK);
    blocks[block_count++] = t.data;
    return t;
}

struct tensor views_feature(int n, int l, int c)
{
    return with_memory(tensor_feature(n, l, c, sizeof(double)));
}

struct tensor views_weights(int n, int c)
{
    return with_memory(tensor_weights(n, c));
}

void views_free(void)
{
    while (block_count > 0)
        mem_free(blocks[--block_count]);
}

int views_count(const struct tensor *t)
{
    return t->n * (2 * t->l + 1) * t->c;
}

double *views_at(const struct tensor *t, int i)
{
    return (double *)t->data + i / t->c * t->ld + i % t->c;
}

void views_noise(const struct tensor *t, uint64_t seed)
{
    for (int i = 0; i < views_count(t); i++)
        *views_at(t, i) = noise(seed << 32 | (uint64_t)i);
}

void views_set(const struct tensor *t, double x)
{
    for (int i = 0; i < views_count(t); i++)
        *views_at(t, i) = x;
}

double views_dot(const struct tensor *x, const struct tensor *y)
{
    double sum = 0;

    for (int i = 0; i < views_count(x); i++)
        sum += *views_at(x, i) * *views_at(y, i);
    return sum;
}

void views_reflect(const struct tensor *t)
{
    int width = 2 * t->l + 1;

    for (int i = 0; i < t->n * t->c; i++) {
        int first = i / t->c * width * t->c + i % t->c;
        double sum = 0;

        for (int m = 0; m < width; m++)
            sum += *views_at(t, first + m * t->c);
        for (int m = 0; m < width; m++)
            *views_at(t, first + m * t->c) -= 2 * sum / width;
    }
}

void views_assert_close(const struct tensor *x, const struct tensor *y,
                        double tolerance)
{
    for (int i = 0; i < views_count(y); i++)
        if (!(fabs(*views_at(x, i) - *views_at(y, i)) <= tolerance))
            fail_msg("number %d: %.17g, expected %.17g", i, *views_at(x, i),
                     *views_at(y, i));
}

void views_assert_gradient(double (*loss)(void *self), void *self,
                           const struct tensor *x, const struct tensor *dx,
                           double tolerance)
{
    const double step = 0x1p-17;

    for (int i = 0; i < views_count(x); i++) {
        double was = *views_at(x, i), up, down, slope;

        *views_at(x, i) = was + step;
        up = loss(self);
        *views_at(x, i) = was - step;
        down = loss(self);
        *views_at(x, i) = was;
        slope = (up - down) / (2 * step);
        if (!(fabs(slope - *views_at(dx, i)) <= tolerance))
            fail_msg("number %d: gradient %.9g, by differences %.9g", i,
                     *views_at(dx, i), slope);
    }
}
