/* SPDX-License-Identifier: MIT */
/* kcheck_bench.c - operands between guards, filled with noise, and graphs with
 * rows to spare. */
#include "kcheck/kcheck.h"

#include "noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* BYTE: NaN in every precision; TRAP: an index that nobody may use. */
enum { BYTE = 0xFF, TRAP = 1 << 30, BONDS_MAX = 8192 };

static const size_t sizes[] = {[REAL] = 0,
                               [DOUBLE] = sizeof(double),
                               [INT] = sizeof(int),
                               [INT64] = sizeof(int64_t)};

int capacity(const struct bench *b, enum space space)
{
    return b->count[space] + (b->slack ? b->slack + (int)space : 0);
}

static void *take(struct bench *b, size_t bytes)
{
    void *data = NULL;
    enum err err = arena_take(&b->m.work, bytes, &data);

    if (err && !b->err)
        b->err = err;
    return data;
}

/* ahead: numbers before the view's first, of the same row. */
static struct operand *declare(struct bench *b, enum role role,
                               enum number number, struct tensor t, int ahead)
{
    struct operand *o = &b->o[b->operands++];
    size_t size = number == REAL ? b->k.real : sizes[number];
    size_t data = tensor_bytes(&t, size);

    CHECK(b->operands <= OPERANDS);
    data = (data + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    *o = (struct operand){.t = t,
                          .role = role,
                          .number = number,
                          .rows = t.n * (2 * t.l + 1),
                          .columns = t.c,
                          .is_padded = number == REAL && t.ld > t.c && !ahead,
                          .bytes = data + (size_t)2 * GUARD,
                          .scale = 1};
    o->front = take(b, o->bytes);
    o->was = take(b, o->bytes);
    if (o->front)
        o->t.data = o->front + GUARD + (size_t)ahead * size;
    return o;
}

static void in_space(struct bench *b, struct operand *o, enum space space)
{
    if (space == ALL)
        return;
    o->rows = b->count[space] * (2 * o->t.l + 1);
    o->t.used = b->slack ? b->used + space : NULL;
}

struct tensor operand_of(struct bench *b, enum role role, enum space space,
                         struct tensor shape, double scale, double shift)
{
    struct operand *o = declare(b, role, REAL, shape, 0);

    in_space(b, o, space);
    o->scale = scale;
    o->shift = shift;
    return o->t;
}

struct tensor operand(struct bench *b, enum role role, enum space space,
                      struct tensor shape)
{
    return operand_of(b, role, space, shape, 1, 0);
}

struct tensor numbers(struct bench *b, enum role role, enum number number,
                      enum space space, struct tensor shape)
{
    struct operand *o = declare(b, role, number, shape, 0);

    in_space(b, o, space);
    return o->t;
}

struct tensor weights(struct bench *b, enum role role, int n, int c)
{
    struct tensor t = tensor_weights(n, c);

    t.ld = c + 5;
    return declare(b, role, REAL, t, 3)->t;
}

struct tensor part(struct bench *b, enum role role, enum space space,
                   struct tensor shape)
{
    struct tensor wide =
        tensor_feature(shape.n, shape.l, shape.c + 3, b->k.real);
    struct operand *o;

    shape.ld = wide.ld;
    o = declare(b, role, REAL, shape, 2);
    in_space(b, o, space);
    return o->t;
}

static char *place(const struct bench *b, const struct operand *o, int row,
                   int c)
{
    size_t size = o->number == REAL ? b->k.real : sizes[o->number];

    return (char *)o->t.data + ((int64_t)row * o->t.ld + c) * (int64_t)size;
}

double value(const struct bench *b, const struct operand *o, int row, int c)
{
    const void *p = place(b, o, row, c);

    if (o->number == INT)
        return *(const int *)p;
    if (o->number == INT64)
        return (double)*(const int64_t *)p;
    return o->number == REAL && b->k.real == sizeof(float)
               ? (double)*(const float *)p
               : *(const double *)p;
}

void set_value(struct bench *b, const struct operand *o, int row, int c,
               double x)
{
    void *p = place(b, o, row, c);

    if (o->number == INT)
        *(int *)p = isnan(x) ? TRAP : (int)x;
    else if (o->number == INT64)
        *(int64_t *)p = isnan(x) ? TRAP : (int64_t)(x * TRAP);
    else if (o->number == REAL && b->k.real == sizeof(float))
        *(float *)p = (float)x;
    else
        *(double *)p = x;
}

/* Noise where the kernel reads or adds, NaN where it overwrites and in rows out
 * of use, zeros in the padding of features. */
static void fill(struct bench *b, int i)
{
    struct operand *o = &b->o[i];
    int all = o->t.n * (2 * o->t.l + 1);

    memset(o->front, BYTE, o->bytes);
    for (int r = 0; r < all; r++)
        for (int c = 0; c < o->t.ld; c++) {
            int at = (i * 50000 + r) * 100 + c;
            double x = o->scale * noise((uint64_t)at) + o->shift;

            if (c >= o->t.c && !o->is_padded)
                continue;
            if (o->role == OUT || o->role == KEPT || r >= o->rows ||
                c >= o->columns)
                x = (double)NAN;
            set_value(b, o, r, c, c < o->t.c ? (double)(float)x : 0);
        }
}

void bench_refill(struct bench *b, const struct op *op)
{
    for (int i = 0; i < b->operands; i++)
        fill(b, i);
    if (op->prepare)
        op->prepare(b);
}

void bench_fill(struct bench *b, const struct op *op)
{
    bench_refill(b, op);
    for (int i = 0; i < b->operands; i++)
        memcpy(b->o[i].was, b->o[i].front, b->o[i].bytes);
}

/* Copies what the kernel may have changed to `was`, so that it compares equal:
 * what is in use; and padding may become another zero. */
static void forgive(const struct bench *b, const struct operand *o)
{
    ptrdiff_t back = o->was - o->front;
    size_t size = o->number == REAL ? b->k.real : sizes[o->number];

    for (int r = 0; r < o->rows; r++)
        for (int c = 0; c < o->t.ld; c++) {
            char *p = place(b, o, r, c);

            if (c < o->columns ||
                (c >= o->t.c && o->is_padded && value(b, o, r, c) == 0))
                memcpy(p + back, p, size);
        }
}

int bench_intact(const struct bench *b)
{
    int broken = 0;

    for (int i = 0; i < b->operands; i++) {
        const struct operand *o = &b->o[i];

        if (o->role == OUT || o->role == ADD || o->role == KEPT)
            forgive(b, o);
        broken += memcmp(o->front, o->was, o->bytes) != 0;
    }
    return !broken;
}

static struct bond {
    int src, dst, directions, type;
    double distance;
} bonds[BONDS_MAX];
static int bond_count;

/* As fill fills the first operand. */
static double position(int node, int axis)
{
    return 1.5 * noise((uint64_t)(100 * node + axis));
}

static void bind(int src, int dst, int directions)
{
    double square = 0;

    CHECK(bond_count < BONDS_MAX);
    for (int k = 0; k < 3; k++) {
        double d = position(dst, k) - position(src, k);

        square += d * d;
    }
    bonds[bond_count] =
        (struct bond){src, dst, directions, (src + dst) / 2 % 4, sqrt(square)};
    bond_count++;
}

static void chain(int first, int last)
{
    for (int i = first + 1; i < last; i++) {
        if (i < last - 1 && (i % 7 == 4 || i % 7 == 5))
            continue;
        bind(i - 1, i, i % 5 == 2 ? 1 : 2);
        if (i - first >= 3 && i % 4 == 1)
            bind(i - 3, i, 2);
    }
}

static void hub(int first, int last)
{
    for (int i = first + 1; i < last; i++)
        bind(first, i, i % 3 == 0 ? 1 : 2);
}

static void single(int first, int last)
{
    if (first == 0 && last > 1)
        bind(0, 1, 1);
}

static void loose(int first, int last)
{
    (void)first;
    (void)last;
}

static int by_type_and_distance(const void *a, const void *b)
{
    const struct bond *x = a, *y = b;

    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return (x->distance > y->distance) - (x->distance < y->distance);
}

static int first_atom(const struct shape *s, int molecule)
{
    return (int)((int64_t)molecule * s->nodes / s->molecules);
}

static void bind_all(struct bench *b)
{
    static void (*const topologies[])(int first, int last) = {
        [LOOSE] = loose, [SINGLE] = single, [CHAIN] = chain, [HUB] = hub};
    const struct shape *s = b->shape;
    int edges = 0;

    bond_count = 0;
    for (int i = 0; i < s->molecules; i++)
        topologies[s->topology](first_atom(s, i), first_atom(s, i + 1));
    qsort(bonds, (size_t)bond_count, sizeof *bonds, by_type_and_distance);
    for (int i = 0; i < bond_count; i++)
        edges += bonds[i].directions;
    b->count[NODES] = s->nodes;
    b->count[MOLECULES] = s->molecules;
    b->count[BONDS] = bond_count;
    b->count[EDGES] = edges;
}

static int *indices(struct bench *b, int n)
{
    int *out = take(b, (size_t)n * sizeof *out);

    for (int i = 0; out && i < n; i++)
        out[i] = TRAP;
    return out;
}

/* Rows by `end`, one end of each edge. */
static struct csr by(struct bench *b, const int *end)
{
    int *begin = indices(b, capacity(b, NODES) + 1);
    int *edge = indices(b, capacity(b, EDGES)), at = 0;

    for (int n = 0; begin && n <= b->count[NODES]; n++) {
        begin[n] = at;
        for (int e = 0; n < b->count[NODES] && e < b->count[EDGES]; e++)
            if (end[e] == n)
                edge[at++] = e;
    }
    return (struct csr){capacity(b, NODES), NULL, begin, edge};
}

static struct csr by_molecule(struct bench *b)
{
    int *begin = indices(b, capacity(b, MOLECULES) + 1);

    for (int i = 0; begin && i <= b->count[MOLECULES]; i++)
        begin[i] = b->count[MOLECULES] ? first_atom(b->shape, i) : 0;
    return (struct csr){capacity(b, MOLECULES), NULL, begin, NULL};
}

static void use(struct bench *b)
{
    struct graph *g = &b->g;

    if (!b->slack)
        return;
    g->used_molecules = g->atoms.used = b->used + MOLECULES;
    g->used_nodes = g->in.used = g->out.used = b->used + NODES;
    g->used_bonds = b->used + BONDS;
    g->used_edges = b->used + EDGES;
}

static void direct_edges(struct bench *b, int *src, int *dst, int *bond,
                         int *bond_edge)
{
    int e = 0;

    for (int i = 0; i < bond_count; i++) {
        bond_edge[i] = e;
        for (int k = 0; k < bonds[i].directions; k++, e++) {
            src[e] = k ? bonds[i].dst : bonds[i].src;
            dst[e] = k ? bonds[i].src : bonds[i].dst;
            bond[e] = i;
        }
    }
    bond_edge[bond_count] = e;
    for (int s = 0; s < SPACES; s++)
        b->used[s] = b->count[s];
}

static void build_graph(struct bench *b)
{
    struct graph *g = &b->g;
    int edges, *src, *dst, *bond, *bond_edge;

    CHECK(b->operands == 0 && "position() is the noise of operand 0");
    bind_all(b);
    edges = capacity(b, EDGES);
    b->used = take(b, SPACES * sizeof *b->used);
    src = indices(b, edges);
    dst = indices(b, edges);
    bond = indices(b, edges);
    bond_edge = indices(b, capacity(b, BONDS) + 1);
    if (src)
        direct_edges(b, src, dst, bond, bond_edge);
    *g = (struct graph){.molecules = capacity(b, MOLECULES),
                        .nodes = capacity(b, NODES),
                        .bonds = capacity(b, BONDS),
                        .edges = edges,
                        .src = src,
                        .dst = dst,
                        .bond = bond,
                        .bond_edge = bond_edge,
                        .in = by(b, dst),
                        .out = by(b, src),
                        .atoms = by_molecule(b)};
    use(b);
    g->x = operand_of(b, IN, NODES, tensor_weights(g->nodes, 3), 1.5, 0);
}

static enum err build(struct bench *b, const struct op *op)
{
    b->operands = 0;
    b->err = OK;
    build_graph(b);
    op->build(b);
    return b->err;
}

enum err bench_open(struct bench *b, const struct op *op, size_t real,
                    enum isa isa)
{
    enum err err;

    b->m = memory_measure();
    TRY(variant_fill(real, isa, &b->k));
    TRY(build(b, op));
    TRY(memory_open(&b->m, NULL));
    TRY_GOTO(build(b, op), close);
    return OK;
close:
    memory_close(&b->m);
    return err;
}

void bench_close(struct bench *b)
{
    memory_close(&b->m);
}
