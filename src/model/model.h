/* SPDX-License-Identifier: MIT */
/* model.h - the network: layers in order, forward and backward (theory.md
 * section 6).
 *
 *     geometry -> [attention block, norm] x layers -> convolution with
 *     self-interaction, summed over edges -> pooling -> Linear, ReLU, Linear
 *
 * tfn has convolutions with self-interaction instead of attention blocks.
 * A model owns nothing on the device: all is slices of the memory it was built
 * on. model_init is called twice (mem.h): on a memory that measures, then,
 * after memory_open, for good. No call below allocates after that.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/err.h"
#include "deck/params.h"
#include "device/kernels_node.h"
#include "model/input.h"
#include "model/weights.h"

struct device;
struct memory;

struct model_shape {
    enum model_type type;
    int layers;
    struct fiber node; /* node features */
    int scalars;       /* edge features of degree 0 */
    struct fiber edge; /* those of degree > 0 */
    struct fiber hidden;
    struct fiber out; /* of the last convolution */
    int heads, channels_div;
    int norm, layer_norm;
    enum pooling pooling; /* POOL_NONE: graph to graph */
    int pooled_degree;    /* 0 but for golden files */
    int targets;          /* outputs of the head; 0: no head */
    enum sharing sharing; /* the ceiling */
    int per_edge; /* golden files: the last convolution stays on the edges, not
                     summed, without self-interaction; POOL_NONE */
};

enum model_mode {
    MODEL_PREDICT,  /* forward only, activations are reused */
    MODEL_TRAIN,    /* and gradients of the weights */
    MODEL_GRADIENTS /* and of positions, node and edge features */
};

struct model_options {
    enum model_mode mode;
    int low_memory;   /* backward makes again what blocks make within */
    double tolerance; /* of the radial networks' output, relative; 0: exact */
};

/* What a deck asks for. */
struct model_options model_options_of(const struct params *p,
                                      enum model_mode mode);

struct model; /* opaque */

/* The shape of a deck's model for data with `elements` kinds of atoms. */
struct model_shape model_shape_of(const struct params *p, int elements);

/* `like`: limits and fibers of the batches. *out is made at the first call
 * (NULL) and built anew at the second.
 * ERR_DECK: a shape that cannot be. ERR_ENVIRONMENT: memory. */
enum err model_init(struct model **out, struct device *d,
                    const struct model_shape *shape,
                    const struct model_options *options,
                    const struct batch *like, struct memory *m);
void model_fini(struct model **m);

struct weights *model_weights(struct model *m);
const struct model_shape *model_shape(const struct model *m);

/* What the sharing rule gave each convolution, in order. */
int model_convolutions(const struct model *m);
enum sharing model_sharing(const struct model *m, int convolution);

/* Of the last forward, after sync: at how many points convolution i evaluated
 * its radial networks, and how far off it took h of a bond to be at most. Waits
 * for the device. */
struct model_radial {
    int points;
    double reached;
};
struct model_radial model_radial(struct model *m, int i);

/* After every change of the weights, before the next forward: private copies.
 */
void model_prepare(struct model *m);

/* The batch to the device. */
void model_put(struct model *m, const struct batch *b);

/* output: [molecules, targets] with a head; pooled [molecules, 2l+1, c]; else
 * node features, degree by degree. Overwritten. */
void model_forward(struct model *m);
const struct tensor *model_output(const struct model *m, int degree);

/* After forward. The loss against the targets of the batch: *scale, sums as
 * node_kernels.loss has them (device memory); and its gradient. */
void model_loss(struct model *m, enum loss_kind kind, const double *scale,
                double *sums);

/* Or any gradient of the output, put here by the caller. */
struct tensor *model_output_gradient(struct model *m, int degree);

/* Once after a forward, of which it overwrites much: adds to the gradients of
 * all weights; overwrites the others. */
void model_backward(struct model *m);

/* The same in steps i = 0, 1, .., one a layer. From which number of the arena
 * of gradients on all are complete after step i: it falls, to 0. */
int model_backward_steps(const struct model *m);
void model_backward_step(struct model *m, int i);
int64_t model_complete_from(const struct model *m, int i);

/* MODEL_GRADIENTS: [nodes, 3], not padded; features; scalars per bond. */
const struct tensor *model_gradient_x(const struct model *m);
const struct tensor *model_gradient_node(const struct model *m, int degree);
const struct tensor *model_gradient_edge(const struct model *m, int degree);
const struct tensor *model_gradient_scalar(const struct model *m);

/* MODEL_GRADIENTS: views by their names in golden files ("block.0.key.1",
 * "block.0.attention", "final.0", "pooled", ..), for tests; NULL: no such name,
 * or not kept.
 * *in_frame: the view is in the edges' frames. */
const struct tensor *model_intermediate(const struct model *m, const char *name,
                                        int *in_frame);
const struct geometry *model_geometry(const struct model *m);

#endif
