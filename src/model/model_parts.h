/* SPDX-License-Identifier: MIT */
/* model_parts.h - what a model is made of; for model.c and model_build.c. */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "model/attn.h"
#include "model/model.h"
#include "model/norm.h"
#include "model/pool.h"
#include "model/tfn.h"

struct features {
    struct tensor t[FIBER_DEGREES];
};

/* One attention block or convolution, and the norm behind it. */
struct block {
    union {
        struct attn attn;
        struct tfn tfn;
    } of;
    struct norm norm;
    struct features before; /* the norm; without one: not there */
    int weight;             /* its first, in the list of weights */
};

struct model {
    struct device *d; /* borrowed */
    struct model_shape shape;
    struct model_options options;
    struct input input;
    struct weights weights;
    struct scratch scratch;
    struct geometry geo;

    struct block *block;        /* [layers] */
    struct features *hidden;    /* of block i, in model_place */
    struct features dhidden[2]; /* alternate; see stage_gradient */
    struct tfn last;
    int last_weight;           /* the first of it and of what follows */
    struct features out, dout; /* of the last convolution */
    struct pool pool;          /* unless shape.pooling is POOL_NONE */
    struct head head;          /* if shape.targets > 0 */

    struct tensor dx, dscalar; /* MODEL_GRADIENTS */
    struct features dnode, dedge;
};

/* What block i reads (i = layers: the last convolution). */
const struct tensor *model_stage(const struct model *m, int i);

/* Training keeps what goes into a norm, not what comes out of it: backward
 * makes that again, layer by layer, and writes gradients over what it no longer
 * needs. */
int model_makes_again(const struct model *m);

/* Which of m->hidden block i writes; behind a norm it may be what it reads. */
int model_place(const struct model *m, int i);

/* How many of them there are. */
int model_places(const struct model *m);

#endif
