/* SPDX-License-Identifier: MIT */
/* golden_net.h - a golden file's network, or its convolution (a network
 * without blocks), on one of the file's graphs.
 */
#ifndef GOLDEN_NET_H
#define GOLDEN_NET_H

#include "app/golden_read.h"
#include "base/mem.h"
#include "model/model.h"

struct golden_net {
    const struct golden *g; /* borrowed, like d and graph */
    struct device *d;
    struct model_shape shape;
    const struct golden_graph *graph; /* the one that was put */
    const char *prefix; /* of weights, that the file leaves out: "final." */
    int may_lack_self;  /* the file's convolution has no self-interaction */
    int shared;         /* both directions of a bond are one */
    struct memory memory;
    struct batch *batch;
    struct model *model;
    int *at;       /* [edges] edge of the file to edge of the batch */
    void *loss_at; /* device: scale, then sums */
    double loss;
};

/* From the attributes: kind model or train; kind conv. */
enum err golden_shape_model(const struct golden *g, struct model_shape *out);
enum err golden_shape_conv(const struct golden *g, struct model_shape *out);

/* g, d, shape, prefix, may_lack_self, shared are set; large enough for each of
 * the graphs. With the file's weights. On failure golden_net_close. */
enum err golden_net_open(struct golden_net *o,
                         const struct golden_graph graph[], int graphs);
void golden_net_close(struct golden_net *o);

enum err golden_net_put(struct golden_net *o, const struct golden_graph *graph);

/* Forward; loss: the mean difference from the targets times `factor`, or the
 * product with the file's cotangents; backward. o->loss is without factor. */
enum err golden_net_run(struct golden_net *o, double factor);

/* For struct golden_subject; self is a struct golden_net. */
enum err golden_net_find(void *self, const char *path,
                         struct golden_array *out);

/* A weight's numbers in an array of the arenas' layout; *out->x NULL: there is
 * no such weight. */
enum err golden_net_weight(struct golden_net *o, const void *base,
                           const char *name, struct golden_array *out);

#endif
