/* SPDX-License-Identifier: MIT */
/* views.h - for tests of kernels in double: views with memory of their own, and
 * gradients by differences. */
#ifndef VIEWS_H
#define VIEWS_H

#include "device/kernels.h"

#include <stdint.h>

/* Zero; memory until views_free. */
struct tensor views_feature(int n, int l, int c);
struct tensor views_weights(int n, int c);
void views_free(void);

/* Numbers without the padding, in C order. */
int views_count(const struct tensor *t);
double *views_at(const struct tensor *t, int i);

void views_noise(const struct tensor *t, uint64_t seed);
void views_set(const struct tensor *t, double x);
double views_dot(const struct tensor *x, const struct tensor *y);

/* Reflects the components of every channel at the plane normal to (1, .., 1):
 * orthogonal, and it mixes all of them, as a rotation does. */
void views_reflect(const struct tensor *t);

/* Fails the test when a number of x is further than `tolerance` from y's. */
void views_assert_close(const struct tensor *x, const struct tensor *y,
                        double tolerance);

/* Central differences of loss in every number of x against dx, at a step h of
 * 2^-17: the error is h^2/6 = 1e-11 times the third derivative, and rounding,
 * 2e-11 of the loss. Fails the test beyond `tolerance`. */
void views_assert_gradient(double (*loss)(void *self), void *self,
                           const struct tensor *x, const struct tensor *dx,
                           double tolerance);

#endif
