/* SPDX-License-Identifier: MIT */
/* kernels_conv.h - slots that work on bonds and edges: geometry, radial
 * network, convolution, attention, aggregation. Rules for all slots: kernels.h.
 *
 * The convolution (theory.md section 3) runs in the frame of each bond (section
 * 8.2): features of the source are gathered and rotated by D^l, there each path
 * li -> lo is, for m = 0 .. min(li, lo),
 *
 *     y[+m] += a_m x[+m] + b_m x[-m]      y[-m] += a_m x[-m] - b_m x[+m]
 *
 * with (a, b) = fold * R, R = W3 h the radial weights of the bond. The reverse
 * edge uses the same D and R with b negated and all paths times (-1)^(li+lo).
 * Its result y stays in the frame; attend and aggregate rotate the rest. No
 * slot hands out R.
 *
 * The radial networks are evaluated at points, rows of (edge scalars,
 * distance). These may be the bonds themselves; but bonds of one type have h on
 * a curve over the distance, and a device may choose fewer points, from which
 * it has h of every bond, and to which it gives the gradient, to
 * conv.tolerance.
 */
#ifndef KERNELS_CONV_H
#define KERNELS_CONV_H

#include "device/graph.h"

enum {
    RADIAL_HIDDEN = 32, /* width of the radial network */
    CONV_PATHS = FIBER_DEGREES * FIBER_DEGREES
};

/* One Linear, LayerNorm, ReLU of a radial network; gain, shift without data:
 * no LayerNorm. */
struct radial_layer {
    struct tensor w;           /* [32, inputs] */
    struct tensor b;           /* [1, 32] */
    struct tensor gain, shift; /* [1, 32] */
};

/* A trunk and the last Linear behind it. Inputs of the first layer: the edge
 * scalars, then the distance. Gradients have the same shapes. */
struct radial {
    struct radial_layer layer[2], grad[2];
    struct tensor w3, dw3; /* [co * ci * rows, 32] published order */
    struct tensor h, dh;   /* [points, 0, 32] output of the trunk */
};

/* R_f of (co, ci) is row (co * ci_all + ci) * rows + first + f of its trunk's
 * w3, f = 0 .. 2 min(li, lo); ci counts the node's channels, then the edge's.
 */
struct conv_path {
    int li, lo;
    int trunk; /* index of struct radial */
    int rows;  /* of this trunk for one (co, ci): all its paths */
    int first;
};

struct conv_shape {
    struct fiber node; /* channels of x that come from the source node */
    struct fiber edge; /* and, appended to them, from the edge; l > 0 */
    struct fiber out;
    double basis00; /* B^{0,0}: 1/sqrt(4 pi), or 1 (sharing none) */
    int trunks;
    int paths;
    struct conv_path path[CONV_PATHS];
    int is_final; /* for prediction: forward alone, with weights that stay */
};

/* What a device wants to keep for a convolution, in bytes. */
struct conv_bytes {
    size_t packed; /* private copy of W3, made by prepare */
    size_t table;  /* is_final: kept from batch to batch, emptied by prepare */
    size_t plan;   /* made by plan, for forward and backward of this batch */
    size_t work;   /* within one call; shared by all convolutions */
};

/* One convolution. Built once by its layer. */
struct conv {
    struct conv_shape shape;
    const struct graph *graph;
    struct geometry *geo;
    const struct radial *radial;    /* [trunks] */
    struct tensor fold[CONV_PATHS]; /* [nf, nf] of wigner_fold, device;
                                       times basis00 sqrt(4 pi) for 0, 0 */
    struct tensor at;               /* [points, scalars + 1], not padded */
    int *points;                    /* device: how many, at most the bonds;
                                       `used` of at, h and dh of all trunks */
    double tolerance;               /* of h of any bond, relative to |h|; 0: as
                                       `real` has it */
    double *reached;                /* device: that of the worst bond */
    int by_bond;                    /* the points shall be the bonds */
    void *packed, *table, *plan, *work; /* device, as large as asked for */
};

/* Operands of the scores: views of all degrees that keys have. */
struct heads {
    int degrees, heads;
    double scale;
    const struct tensor *q;   /* [degrees] */
    const struct tensor *key; /* [degrees] */
};

/* Operands of the weighted sum. */
struct gather {
    int degrees;
    const struct csr *rows;
    const struct tensor *value; /* [degrees] */
    struct tensor a;            /* [edges, 0, heads]; data NULL: ones */
};

struct attend_grad {
    struct tensor *dq, *dkey; /* [degrees] of the keys */
    struct tensor *dvalue;    /* [degrees] of the values */
    struct tensor dscore;     /* [edges, 0, heads] */
};

struct conv_kernels {
    /* Distances, directions and frames of the bonds from x; frame.h has the
     * formula. fwd overwrites distance, unit and d. bwd overwrites dx [nodes,
     * 3], not padded, from ddistance and torque: with r = d u,
     * dr = ddistance u + (torque x u) / d, added to the first edge's dst,
     * subtracted at its src; sums over a node's edges ascending, those of `in`
     * before those of `out`. */
    void (*geometry_fwd)(const struct graph *g, struct geometry *geo);
    void (*geometry_bwd)(const struct graph *g, const struct geometry *geo,
                         struct tensor *dx);

    /* Radial network without its last layer, a point a row:
     * h = relu(LN(W1 relu(LN(W0 s + b0)) + b1)), s of `at`. LayerNorm: eps
     * 1e-5, biased variance. fwd overwrites r->h. bwd takes r->dh, adds to
     * r->grad and, where these have data, to dscalar [points, scalars] and
     * ddistance [points, 1]; relu'(0) = 0. */
    void (*trunk_fwd)(const struct tensor *at, const struct radial *r);
    void (*trunk_bwd)(const struct tensor *at, const struct radial *r,
                      struct tensor *dscalar, struct tensor *ddistance);

    /* What conv needs for a graph of so many bonds and edges. */
    struct conv_bytes (*conv_size)(const struct conv_shape *shape, int bonds,
                                   int edges);

    /* After every change of the weights: overwrites packed. */
    void (*conv_prepare)(struct conv *c);

    /* Chooses the points, after geometry and every change of the weights:
     * overwrites *points, *reached, at, and a part of plan. Then, after
     * trunk_fwd of all its trunks, plan overwrites the rest; may do nothing.
     * What a table has needs no points (0). */
    void (*conv_points)(struct conv *c);
    void (*conv_plan)(struct conv *c);

    /* x [degrees of node] of [nodes, 2l+1, c], e [degrees of edge] of [edges,
     * 2l+1, c], y and dy [degrees of out] of [edges, 2l+1, c] in the frame.
     * fwd overwrites y. bwd_x adds to dx and de (NULL: not wanted) and, where
     * it has data, to geo->torque (minus the sum over the edge's inputs,
     * dx . L x). bwd_w adds to dw3 and overwrites dh of all trunks, which of a
     * unit with h = 0 may be anything finite, for relu'(0) = 0. Sums run over
     * the out edges of a node, and over bonds, ascending. */
    void (*conv_fwd)(struct conv *c, const struct tensor x[],
                     const struct tensor e[], struct tensor y[]);
    void (*conv_bwd_x)(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[],
                       struct tensor dx[], struct tensor de[]);
    void (*conv_bwd_w)(struct conv *c, const struct tensor x[],
                       const struct tensor e[], const struct tensor dy[]);

    /* Attention (theory.md section 4) with keys and values in the frame; head
     * h owns channels h c/heads .. of each degree:
     *
     *     score[e, h] = scale sum over degrees, m and the head's channels of
     *                   key[e] . D q[dst(e)]
     *     a = softmax of score over the edges into a node (softmax_fwd)
     *     z[n] = sum over e into n of a[e, head(c)] D^T value[e]
     *
     * q dq [degrees] of [nodes, 2l+1, c], key dkey value dvalue [degrees] of
     * [edges, 2l+1, c] in the frame, z dz [degrees] of [nodes, 2l+1, c];
     * v->rows is the graph's `in`, v->a has data. fwd overwrites v->a and z.
     * bwd takes the v->a of fwd, overwrites all of d (dq of nodes without
     * edges: 0) and adds to geo->torque (dvalue . L value + dkey . L key).
     * Where torque has no data dvalue may be value and dkey key. Sums run over
     * the edges of a node in the order of `in`. */
    void (*attend_fwd)(const struct graph *g, const struct geometry *geo,
                       const struct heads *a, const struct gather *v,
                       struct tensor z[]);
    void (*attend_bwd)(const struct graph *g, struct geometry *geo,
                       const struct heads *a, const struct gather *v,
                       const struct tensor dz[], const struct attend_grad *d);

    /* z[n] = sum over rows->edge of n of a[e, head(c)] D^T value[e]. value
     * dvalue [degrees] of [edges, 2l+1, c] in the frame, z dz [degrees] of
     * [rows->n, 2l+1, c]. rows is the graph's `in`, or every edge a row of its
     * own. Without a (data NULL) all weights are 1. fwd overwrites z. bwd
     * overwrites dvalue and da (where a has data), adds to geo->torque
     * (dz . L (a D^T value)). */
    void (*aggregate_fwd)(const struct graph *g, const struct geometry *geo,
                          const struct gather *v, struct tensor z[]);
    void (*aggregate_bwd)(const struct graph *g, struct geometry *geo,
                          const struct gather *v, const struct tensor dz[],
                          struct tensor dvalue[], struct tensor *da);
};

#endif
