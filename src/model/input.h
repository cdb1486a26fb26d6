/* SPDX-License-Identifier: MIT */
/* input.h - a batch in device memory: struct graph, and the way there.
 *
 * Everything lies in one block, with one staging copy on the host in the
 * precision of the device, so that a batch is one put, or, where most of the
 * block is not in use, one for each array.
 */
#ifndef INPUT_H
#define INPUT_H

#include "base/err.h"
#include "data/batch.h"
#include "device/graph.h"

struct device;
struct memory;

enum { INPUT_COUNTS = 4 };

struct input {
    struct graph graph;
    struct csr each; /* every edge a row of its own */
    void *host;      /* staging, mem_free'd by input_fini */
    void *data;      /* device */
    size_t bytes;
    size_t real;
    int rows[INPUT_COUNTS]; /* of the last put: molecules, nodes, bonds, edges
                             */
};

/* For batches within these limits, of the fibers of `like` (limits, scalars,
 * targets, fibers are read). Called twice, see mem.h; host is kept between. */
enum err input_init(struct input *in, const struct batch *like, size_t real,
                    struct memory *m);
void input_fini(struct input *in);

/* Converts and copies, of a batch that is far below the limits what is in use.
 * The batch may be changed after it. */
void input_put(struct input *in, struct device *d, const struct batch *b);

/* Rows of a view that the last put has in use, by where the device reads their
 * number. */
int input_rows(const struct input *in, const struct tensor *t);

#endif
