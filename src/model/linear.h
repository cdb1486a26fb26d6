/* SPDX-License-Identifier: MIT */
/* linear.h - a linear map in each degree that two fibers share, without bias:
 * queries, projections, self-interaction (theory.md sections 3 and 4).
 */
#ifndef LINEAR_H
#define LINEAR_H

#include "model/build.h"

struct linear {
    const struct node_kernels *k; /* borrowed from the device */
    size_t real;
    int degrees;
    struct tensor w[FIBER_DEGREES];  /* [out, in]; n = 0: no such degree */
    struct tensor dw[FIBER_DEGREES]; /* the same */
};

/* Weights name + "L.weight". Called twice, see mem.h. */
enum err linear_init(struct linear *o, struct build *b, const char *name,
                     const struct fiber *in, const struct fiber *out);

/* The part of a map that sees inputs skip .. skip + width - 1 of each degree.
 */
struct linear linear_part(const struct linear *o, const struct fiber *skip,
                          const struct fiber *width);

/* Overwrites y, or adds to it. Degrees that are not mapped stay as they are. */
void linear_forward(const struct linear *o, const struct tensor x[],
                    struct tensor y[]);
void linear_forward_add(const struct linear *o, const struct tensor x[],
                        struct tensor y[]);

/* Adds to the gradient of the weights and to dx (NULL: not wanted). */
void linear_backward(struct linear *o, const struct tensor x[],
                     const struct tensor dy[], struct tensor dx[]);

/* As self-interaction, once for every incoming edge: adds to y; back. */
void linear_self_forward(const struct linear *o, const struct tensor x[],
                         const struct csr *in, struct tensor y[]);
void linear_self_backward(struct linear *o, const struct tensor x[],
                          const struct csr *in, const struct tensor dy[],
                          struct tensor dx[]);

#endif
