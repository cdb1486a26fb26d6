/* SPDX-License-Identifier: MIT */
/* kcheck.h - a kernel under test: its op, the shape, its operands.
 *
 * kcheck.c runs ops, kcheck_bench.c makes operands and graphs; what there is to
 * run stands in the tables of the other files.
 * An op's build declares the operands in the order in which call finds them;
 * operand 0 are the graph's positions.
 */
#ifndef KCHECK_H
#define KCHECK_H

#include "base/mem.h"
#include "cpu/registry.h"
#include "device/kernels.h"

/* How the nodes of a molecule are bound: not at all; the first two, one way;
 * in chains with rings, loose ends and one-way bonds; all to the first. */
enum topology { LOOSE, SINGLE, CHAIN, HUB };

/* Where the trunks of a convolution's paths come from. */
enum sharing { FULL, PER_OUTPUT, NONE };

struct shape {
    int molecules, nodes;
    enum topology topology;
    int l, c, out; /* one degree: channels in, out; or targets, heads */
    struct fiber node, edge, y; /* of a convolution */
    enum sharing sharing;
    int is_sorted;  /* its bonds, by type and distance; h is the trunks' */
    int is_forward; /* not for gradients: summed over a few bonds and through
                       norms they leave single precision no digits */
};

/* IN must not change. OUT is NaN at the call, ADD is not. LABEL: as IN, but
 * NaN does not go through. KEPT: what a device keeps for itself. */
enum role { IN, LABEL, OUT, ADD, KEPT };
enum number { REAL, DOUBLE, INT, INT64 };
enum space { ALL, NODES, EDGES, BONDS, MOLECULES, SPACES };

struct operand {
    struct tensor t;
    enum role role;
    enum number number;
    int rows, columns;    /* in use */
    int is_padded;        /* rows end in zeros */
    unsigned char *front; /* GUARD bytes; the data; GUARD bytes */
    unsigned char *was;   /* the same after fill */
    size_t bytes;         /* of all three */
    double scale, shift;  /* of the noise */
};

enum { OPERANDS = 160, GUARD = 64 };

struct conv_bench {
    struct conv conv;
    struct radial radial[CONV_PATHS];
    struct tensor x[FIBER_DEGREES], e[FIBER_DEGREES], y[FIBER_DEGREES];
    struct tensor dx[FIBER_DEGREES], de[FIBER_DEGREES], dy[FIBER_DEGREES];
    struct tensor q[FIBER_DEGREES], key[FIBER_DEGREES], dkey[FIBER_DEGREES];
    struct heads heads;
    struct attend_grad dattend;
    struct gather gather;
    struct csr rows;
};

struct bench {
    const struct shape *shape;
    struct kernels k;
    struct memory m;
    int slack; /* rows of the largest batch that are not in use: 0, or some */
    int *used; /* [SPACES] */
    int count[SPACES]; /* in use; of ALL: 0 */
    struct graph g;
    struct geometry geo;
    struct conv_bench c;
    struct operand o[OPERANDS];
    int operands;
    enum err err; /* the first */
};

/* Declares one; returns its view. Data is NULL while memory is measured. */
struct tensor operand(struct bench *b, enum role role, enum space space,
                      struct tensor shape);

/* The same with values scale * noise + shift. */
struct tensor operand_of(struct bench *b, enum role role, enum space space,
                         struct tensor shape, double scale, double shift);

/* Numbers of another kind, not padded. */
struct tensor numbers(struct bench *b, enum role role, enum number number,
                      enum space space, struct tensor shape);

/* w [n, c]: columns of a wider table; what is beside them must stay. */
struct tensor weights(struct bench *b, enum role role, int n, int c);

/* Columns of a feature. */
struct tensor part(struct bench *b, enum role role, enum space space,
                   struct tensor shape);

/* [rows of space, c], [n, c], neither padded; and a feature, without data if
 * c = 0. */
struct tensor bench_plain(struct bench *b, enum role role, enum space space,
                          int c);
struct tensor bench_table(struct bench *b, enum role role, int n, int c);
struct tensor bench_feature(struct bench *b, enum role role, enum space space,
                            int l, int c);

/* b->geo of all degrees that the shape has, but for the gradients; after fill
 * its numbers, or where it is an output the constants. */
int shape_degrees(const struct shape *s);
void bench_geometry(struct bench *b, enum role role);
void bench_set_geometry(struct bench *b);

/* Number `at` of a view's row; put rounds to float in both precisions. */
double bench_number(const struct bench *b, const struct tensor *t, int row,
                    int at);
void bench_put(struct bench *b, const struct tensor *t, int row, int at,
               double x);

/* Rows of the largest batch. */
int capacity(const struct bench *b, enum space space);

/* Number c of row `row` of an operand. */
double value(const struct bench *b, const struct operand *o, int row, int c);
void set_value(struct bench *b, const struct operand *o, int row, int c,
               double x);

struct op {
    const char *name;
    size_t slot;
    void (*build)(struct bench *b);
    void (*call)(struct bench *b);
    double tolerance; /* in roundings of the largest number expected */
    int same[2];      /* operands that may be one; or 0, 0 */
    void (*prepare)(struct bench *b); /* after fill; or NULL */
};

struct op_table {
    const struct op *ops;
    int op_count;
    const struct shape *shapes;
    int shape_count;
    const struct shape *large; /* to time */
};

extern const struct op_table geometry_ops, conv_ops, attend_ops, node_ops,
    step_ops;

/* Kernels of an instruction set. Behind the last, ISAS, are those of the matrix
 * unit on tiles of C (tiles_c.h), which no program has: of what they compute,
 * only the tiles are not what runs on the unit itself. */
int variant_runs(enum isa isa);
const char *variant_name(enum isa isa);
enum isa variant_below(enum isa isa);
enum err variant_fill(size_t real, enum isa isa, struct kernels *out);

#define OP_SLOT(group, name) #name, offsetof(struct kernels, group.name)

enum err bench_open(struct bench *b, const struct op *op, size_t real,
                    enum isa isa);
void bench_close(struct bench *b);
void bench_refill(struct bench *b, const struct op *op);

/* And remembers what it filled in. */
void bench_fill(struct bench *b, const struct op *op);

/* Whether what had to stay is as fill left it: guards, inputs, padding, rows
 * out of use. */
int bench_intact(const struct bench *b);

#endif
