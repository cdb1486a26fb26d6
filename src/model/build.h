/* SPDX-License-Identifier: MIT */
/* build.h - what layers take their weights and memory from while a model is
 * built.
 *
 * Three kinds of memory behind a layer: what must outlive its forward (kept for
 * backward), what is only alive within one call of the layer (scratch, shared
 * by all layers: the largest counts), and what is always there. Which of the
 * first two a result belongs to depends on the model's mode. Scratch that had
 * another shape before has other numbers in its padding: scratch_clean before
 * use.
 */
#ifndef BUILD_H
#define BUILD_H

#include "base/err.h"
#include "device/graph.h"
#include "math/fiber.h"
#include "model/weights.h"

struct device;
struct input;
struct memory;

struct scratch {
    struct device *d;
    size_t real;
    char *base;  /* NULL in the pass that measures */
    size_t used; /* of the layer that is being built */
    size_t peak;
    const struct input *input; /* prediction: rows in use are cleaned alone;
                                  NULL: always the same rows */
};

struct build {
    struct device *d;
    struct memory *m;
    struct weights *weights;
    struct scratch *scratch;
    const struct graph *graph;
    struct geometry *geo;
    size_t real;
    int train;                /* gradients of weights; results are kept */
    int keep;                 /* those of edges and bonds too */
    int inputs;               /* gradients of positions and features */
    double tolerance;         /* of radial networks, as conv.tolerance */
    struct tensor *dedge;     /* [degrees], with data if inputs */
    struct tensor *dscalar;   /* the same */
    char prefix[WEIGHT_NAME]; /* of the layer's weights: "block.0." */
};

/* The next layer: scratch starts anew. */
void build_layer(struct build *b, const char *prefix);

/* A weight called prefix + name; grad stays as it is when none is wanted. */
enum err build_weight(struct build *b, const char *name, const struct weight *w,
                      struct tensor *value, struct tensor *grad);

/* Shapes of features of c channels, for the largest batch. */
struct tensor build_node(const struct build *b, int l, int c);
struct tensor build_edge(const struct build *b, int l, int c);
struct tensor build_bond(const struct build *b, int c);
struct tensor build_molecule(const struct build *b, int l, int c);

/* Memory for a shape: always there; scratch; one or the other. */
enum err build_take(struct build *b, struct tensor *t);
enum err build_scratch(struct build *b, struct tensor *t);
enum err build_take_if(struct build *b, int kept, struct tensor *t);

/* The same for bytes. */
enum err build_bytes(struct build *b, int kept, size_t bytes, void **out);

/* Memory with numbers that never change: rows of t, which are not padded. */
enum err build_constant(struct build *b, struct tensor *t, const double *x);

/* Rows of the bonds that are not padded; kept as above. */
enum err build_bond_rows(struct build *b, int kept, int c, struct tensor *t);

/* Everything of *b->geo; that of gradients if the model has those of inputs. */
enum err build_geometry(struct build *b, int degrees);

/* Zeroes those of t[n] that are padded and lie in scratch. */
void scratch_clean(const struct scratch *s, const struct tensor t[], int n);

/* Zeroes t[n]. */
void scratch_zero(const struct scratch *s, const struct tensor t[], int n);

#endif
