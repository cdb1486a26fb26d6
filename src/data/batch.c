/* SPDX-License-Identifier: MIT */
/* batch.c - molecules are appended; finish sorts the bonds and numbers their
 * edges. Until then bonds stand in `order` as they were added. */
#include "data/batch.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

/* A bond as it was added, and what it is sorted by. */
struct entry {
    int i, j, both;
    int number; /* in the order added; its scalars stand there */
    int type;   /* first largest scalar */
    double distance;
};

struct sorter {
    struct entry *now, *next; /* [bonds]; changed over by the merge sort */
    double *scalar;           /* [bonds, scalars] as added */
};

struct block {
    void **data;
    size_t n, size;
};

static enum err take(const struct block list[], int n)
{
    for (int k = 0; k < n; k++)
        TRY(mem_alloc(list[k].n, list[k].size, "the batch", list[k].data));
    return OK;
}

static enum err take_graph(struct batch *b)
{
    const size_t molecules = (size_t)b->limits.molecules;
    const size_t nodes = (size_t)b->limits.nodes;
    const size_t bonds = (size_t)b->limits.bonds;
    const size_t edges = (size_t)b->limits.edges;
    const struct block list[] = {
        {(void **)&b->id, molecules, sizeof *b->id},
        {(void **)&b->node_begin, molecules + 1, sizeof(int)},
        {(void **)&b->src, edges, sizeof(int)},
        {(void **)&b->dst, edges, sizeof(int)},
        {(void **)&b->bond, edges, sizeof(int)},
        {(void **)&b->bond_edge, bonds + 1, sizeof(int)},
        {(void **)&b->in_begin, nodes + 1, sizeof(int)},
        {(void **)&b->in_edge, edges, sizeof(int)},
        {(void **)&b->out_begin, nodes + 1, sizeof(int)},
        {(void **)&b->out_edge, edges, sizeof(int)},
        {(void **)&b->x, 3 * nodes, sizeof(double)},
        {(void **)&b->scalar, bonds * (size_t)b->scalars, sizeof(double)},
        {(void **)&b->target, molecules * (size_t)b->targets, sizeof(double)},
    };

    return take(list, sizeof list / sizeof *list);
}

static enum err take_features(const struct fiber *f, int first, int n,
                              double *out[])
{
    for (int l = first; l < f->degrees; l++) {
        size_t width = (size_t)(2 * l + 1) * (size_t)f->channels[l];

        TRY(mem_alloc((size_t)n * width, sizeof(double), "features",
                      (void **)&out[l]));
    }
    return OK;
}

static enum err take_sorter(struct batch *b)
{
    const size_t bonds = (size_t)b->limits.bonds;
    struct sorter *s;

    TRY(mem_alloc(1, sizeof *s, "the batch", &b->order));
    s = b->order;
    TRY(mem_alloc(bonds, sizeof *s->now, "the batch", (void **)&s->now));
    TRY(mem_alloc(bonds, sizeof *s->next, "the batch", (void **)&s->next));
    return mem_alloc(bonds * (size_t)b->scalars, sizeof(double), "the batch",
                     (void **)&s->scalar);
}

enum err batch_create(const struct batch_limits *limits, int scalars,
                      int targets, const struct fiber *node,
                      const struct fiber *edge, struct batch **out)
{
    struct batch *b;
    enum err err;

    TRY(mem_alloc(1, sizeof *b, "the batch", (void **)&b));
    b->limits = *limits;
    b->scalars = scalars;
    b->targets = targets;
    b->node_fiber = *node;
    b->edge_fiber = *edge;
    b->edge_fiber.channels[0] = 0;
    TRY_GOTO(take_graph(b), destroy);
    TRY_GOTO(take_features(node, 0, limits->nodes, b->node), destroy);
    TRY_GOTO(take_features(edge, 1, limits->edges, b->edge), destroy);
    TRY_GOTO(take_sorter(b), destroy);
    batch_clear(b);
    *out = b;
    return OK;

destroy:
    batch_destroy(&b);
    return err;
}

void batch_destroy(struct batch **b)
{
    if (!*b)
        return;

    struct batch *o = *b;
    struct sorter *s = o->order;
    void *list[] = {o->id,        o->node_begin, o->src,      o->dst,
                    o->bond,      o->bond_edge,  o->in_begin, o->in_edge,
                    o->out_begin, o->out_edge,   o->x,        o->scalar,
                    o->target};

    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        mem_free(list[k]);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        mem_free(o->node[l]);
        mem_free(o->edge[l]);
    }
    if (s) {
        mem_free(s->now);
        mem_free(s->next);
        mem_free(s->scalar);
        mem_free(s);
    }
    mem_free(o);
    *b = NULL;
}

void batch_clear(struct batch *b)
{
    b->molecules = b->nodes = b->bonds = b->edges = 0;
    b->node_begin[0] = 0;
    b->bond_edge[0] = 0;
    b->in_begin[0] = b->out_begin[0] = 0;
}

int batch_add_molecule(struct batch *b, int64_t id, int nodes, const double *x)
{
    double middle[3] = {0, 0, 0};
    int k = b->molecules;

    CHECK(k < b->limits.molecules && nodes <= b->limits.nodes - b->nodes);
    for (int n = 0; n < nodes; n++)
        for (int i = 0; i < 3; i++)
            middle[i] += x[3 * n + i] / nodes;
    for (int n = 0; n < nodes; n++)
        for (int i = 0; i < 3; i++)
            b->x[3 * (b->nodes + n) + i] = x[3 * n + i] - middle[i];
    b->id[k] = id;
    b->nodes += nodes;
    b->molecules++;
    b->node_begin[k + 1] = b->nodes;
    return k;
}

static int first_largest(const double s[], int n)
{
    int best = 0;

    for (int k = 1; k < n; k++)
        if (s[k] > s[best])
            best = k;
    return best;
}

static double distance(const double *x, int i, int j)
{
    double r[3];

    for (int k = 0; k < 3; k++)
        r[k] = x[3 * j + k] - x[3 * i + k];
    return sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
}

int batch_add_bond(struct batch *b, int i, int j, int both, const double *s)
{
    struct sorter *o = b->order;
    int k = b->bonds, edges = both ? 2 : 1;

    CHECK(k < b->limits.bonds && edges <= b->limits.edges - b->edges);
    CHECK(0 <= i && i < b->nodes && 0 <= j && j < b->nodes);
    o->now[k] = (struct entry){
        i, j, both, k, first_largest(s, b->scalars), distance(b->x, i, j)};
    for (int c = 0; c < b->scalars; c++)
        o->scalar[k * b->scalars + c] = s[c];
    b->bonds++;
    b->edges += edges;
    return k;
}

/* Whether p must stand before q; p was added first. A distance that is not a
 * number keeps its place. */
static int is_before(const struct entry *p, const struct entry *q)
{
    if (p->type != q->type)
        return p->type < q->type;
    return !(q->distance < p->distance);
}

/* Bottom-up merge sort, stable: the C library's qsort may allocate. */
static void sort(struct sorter *o, int n)
{
    for (int width = 1; width < n; width *= 2) {
        struct entry *sorted = o->next;

        for (int first = 0; first < n; first += 2 * width) {
            int p = first, p_end = first + width < n ? first + width : n;
            int q = p_end, q_end = q + width < n ? q + width : n;

            for (int k = first; k < q_end; k++)
                o->next[k] = q >= q_end || (p < p_end &&
                                            is_before(&o->now[p], &o->now[q]))
                                 ? o->now[p++]
                                 : o->now[q++];
        }
        o->next = o->now;
        o->now = sorted;
    }
}

/* begin[n+1] and edge[] such that each end[e] lists e, ascending. */
static void index_by(const int end[], int edges, int nodes, int begin[],
                     int edge[])
{
    memset(begin, 0, ((size_t)nodes + 1) * sizeof *begin);
    for (int e = 0; e < edges; e++)
        begin[end[e] + 1]++;
    for (int n = 0; n < nodes; n++)
        begin[n + 1] += begin[n];
    for (int e = edges - 1; e >= 0; e--)
        edge[--begin[end[e] + 1]] = e;
    for (int n = 0; n < nodes; n++)
        begin[n] = begin[n + 1];
    begin[nodes] = edges;
}

void batch_finish(struct batch *b, int place[])
{
    struct sorter *o = b->order;
    int e = 0;

    sort(o, b->bonds);
    for (int k = 0; k < b->bonds; k++) {
        const struct entry *p = &o->now[k];

        for (int c = 0; c < b->scalars; c++)
            b->scalar[k * b->scalars + c] =
                o->scalar[p->number * b->scalars + c];
        for (int side = 0; side < (p->both ? 2 : 1); side++, e++) {
            b->src[e] = side ? p->j : p->i;
            b->dst[e] = side ? p->i : p->j;
            b->bond[e] = k;
        }
        b->bond_edge[k + 1] = e;
        if (place)
            place[p->number] = k;
    }
    index_by(b->dst, e, b->nodes, b->in_begin, b->in_edge);
    index_by(b->src, e, b->nodes, b->out_begin, b->out_edge);
}
