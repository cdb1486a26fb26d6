/* SPDX-License-Identifier: MIT */
/* golden_read.h - golden files (format "golden v1") as arrays in double.
 *
 * Features stand in the file as [rows, channels, 2l+1]; they are turned into
 * [rows, 2l+1, channels] when they are put in a batch. Failures are ERR_DATA
 * and name file and object.
 */
#ifndef GOLDEN_READ_H
#define GOLDEN_READ_H

#include "comm/h5.h"
#include "data/batch.h"
#include "math/fiber.h"

enum { GOLDEN_WORD = 64, GOLDEN_PATH = 256 };

struct golden {
    struct h5 *f;
    const char *path;       /* borrowed */
    char name[GOLDEN_WORD]; /* the file's name without folder and ".h5" */
    char kind[GOLDEN_WORD];
};

struct golden_array {
    double *x; /* mem_free */
    int rank;
    int64_t n[H5_RANK];
    int64_t count;
};

/* One graph of a file. */
struct golden_graph {
    int molecules, nodes, edges;
    struct golden_array n_node, x, src, dst, target;
    struct fiber node_fiber, edge_fiber; /* as the caller wants them read */
    struct golden_array node[FIBER_DEGREES], edge[FIBER_DEGREES];
};

enum err golden_open(const char *path, struct golden *g);
void golden_close(struct golden *g);

/* Attributes of the file; what is absent is `absent`, "", or an empty fiber. */
enum err golden_int(const struct golden *g, const char *name, int absent,
                    int *out);
enum err golden_real(const struct golden *g, const char *name, double absent,
                     double *out);
enum err golden_word(const struct golden *g, const char *name,
                     char out[GOLDEN_WORD]);
enum err golden_fiber(const struct golden *g, const char *name,
                      struct fiber *out);

/* A data set as numbers, whatever its type. */
enum err golden_read(const struct golden *g, const char *path,
                     struct golden_array *out);
void golden_array_fini(struct golden_array *a);

/* The weight `name` [count numbers]: stored, or generated. *found = 0: the
 * file does not have it. */
enum err golden_weight(const struct golden *g, const char *name, int64_t count,
                       double out[], int *found);

/* `group`: "graph", "graph.0"; features of the fibers that *out has, edge
 * features of degree 0 too. */
enum err golden_graph_read(const struct golden *g, const char *group,
                           struct golden_graph *out);
void golden_graph_fini(struct golden_graph *o);

/* The graph as a batch: edge e of the file is edge at[e] of the batch. shared:
 * an edge and its reverse with the same scalars are one bond; else every edge
 * is one. The batch is large enough. ERR_ENVIRONMENT: memory. */
enum err golden_graph_put(const struct golden_graph *o, int shared,
                          struct batch *b, int at[]);

#endif
