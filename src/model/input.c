/* SPDX-License-Identifier: MIT */
/* input.c - one list of arrays, walked to lay the block out and to fill it. */
#include "model/input.h"

#include "base/mem.h"
#include "device/device.h"

#include <string.h>

enum { USED_MOLECULES, USED_NODES, USED_BONDS, USED_EDGES };

/* Where the next array of the block begins. */
struct layout {
    char *data; /* device; NULL while memory is measured */
    size_t bytes;
};

static void *next(struct layout *o, size_t bytes)
{
    void *at = o->data ? o->data + o->bytes : NULL;

    o->bytes += (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    return at;
}

static const int *next_ints(struct layout *o, int n)
{
    return next(o, (size_t)n * sizeof(int));
}

static struct tensor next_tensor(struct layout *o, struct tensor t,
                                 const int *used, size_t real)
{
    t.used = used;
    t.data = next(o, tensor_bytes(&t, real));
    return t;
}

static void lay_integers(struct input *in, struct layout *o)
{
    struct graph *g = &in->graph;
    const int *used = next_ints(o, INPUT_COUNTS);

    g->used_molecules = used ? used + USED_MOLECULES : NULL;
    g->used_nodes = used ? used + USED_NODES : NULL;
    g->used_bonds = used ? used + USED_BONDS : NULL;
    g->used_edges = used ? used + USED_EDGES : NULL;
    g->src = next_ints(o, g->edges);
    g->dst = next_ints(o, g->edges);
    g->bond = next_ints(o, g->edges);
    g->bond_edge = next_ints(o, g->bonds + 1);
    g->in = (struct csr){g->nodes, g->used_nodes, next_ints(o, g->nodes + 1),
                         next_ints(o, g->edges)};
    g->out = (struct csr){g->nodes, g->used_nodes, next_ints(o, g->nodes + 1),
                          next_ints(o, g->edges)};
    g->atoms = (struct csr){g->molecules, g->used_molecules,
                            next_ints(o, g->molecules + 1), NULL};
    in->each =
        (struct csr){g->edges, g->used_edges, next_ints(o, g->edges + 1), NULL};
}

static void lay_numbers(struct input *in, const struct batch *like,
                        struct layout *o)
{
    struct graph *g = &in->graph;
    const size_t real = in->real;

    g->x = next_tensor(o, tensor_weights(g->nodes, 3), g->used_nodes, real);
    g->scalar = next_tensor(o, tensor_weights(g->bonds, like->scalars),
                            g->used_bonds, real);
    g->target = next_tensor(o, tensor_weights(g->molecules, like->targets),
                            g->used_molecules, real);
    for (int l = 0; l < like->node_fiber.degrees; l++)
        g->node[l] = next_tensor(
            o, tensor_feature(g->nodes, l, like->node_fiber.channels[l], real),
            g->used_nodes, real);
    for (int l = 1; l < like->edge_fiber.degrees; l++)
        g->edge[l] = next_tensor(
            o, tensor_feature(g->edges, l, like->edge_fiber.channels[l], real),
            g->used_edges, real);
}

/* Offsets are the same whatever `data` is. */
static size_t lay(struct input *in, const struct batch *like, void *data)
{
    struct layout o = {.data = data};

    lay_integers(in, &o);
    lay_numbers(in, like, &o);
    return o.bytes;
}

enum err input_init(struct input *in, const struct batch *like, size_t real,
                    struct memory *m)
{
    in->real = real;
    in->graph = (struct graph){.molecules = like->limits.molecules,
                               .nodes = like->limits.nodes,
                               .bonds = like->limits.bonds,
                               .edges = like->limits.edges};
    in->bytes = lay(in, like, NULL);
    if (!in->host)
        TRY(mem_alloc(in->bytes, 1, "a batch on its way to the device",
                      &in->host));
    TRY(arena_take(&m->work, in->bytes, &in->data));
    lay(in, like, in->data);
    return OK;
}

void input_fini(struct input *in)
{
    mem_free(in->host);
    in->host = NULL;
}

/* The staging of what lies at `device`. */
static void *staged(const struct input *in, const void *device)
{
    return (char *)in->host + ((const char *)device - (const char *)in->data);
}

/* The way of the arrays of one batch. */
struct putting {
    const struct input *in;
    struct device *d; /* NULL: the whole block goes at once */
};

/* What is staged for `to` now. */
static void send(const struct putting *p, const void *to, size_t bytes)
{
    if (p->d)
        p->d->put(p->d, (void *)to, staged(p->in, to), bytes);
}

static void put_ints(const struct putting *p, const int *to, const int *from,
                     int n)
{
    memcpy(staged(p->in, to), from, (size_t)n * sizeof *from);
    send(p, to, (size_t)n * sizeof *from);
}

/* rows of c numbers, into rows of ld */
static void put_rows(const struct putting *p, const struct tensor *to,
                     const double *from, int rows)
{
    size_t real = p->in->real;
    void *at = staged(p->in, to->data);

    for (int r = 0; r < rows; r++)
        for (int c = 0; c < to->c; c++)
            if (real == sizeof(float))
                ((float *)at)[(size_t)r * (size_t)to->ld + (size_t)c] =
                    (float)*from++;
            else
                ((double *)at)[(size_t)r * (size_t)to->ld + (size_t)c] =
                    *from++;
    send(p, to->data, (size_t)rows * (size_t)to->ld * real);
}

static void put_integers(const struct putting *p, const struct batch *b)
{
    const struct input *in = p->in;
    const struct graph *g = &in->graph;
    int *each = staged(in, in->each.begin);

    put_ints(p, g->used_molecules, in->rows, INPUT_COUNTS);
    put_ints(p, g->src, b->src, b->edges);
    put_ints(p, g->dst, b->dst, b->edges);
    put_ints(p, g->bond, b->bond, b->edges);
    put_ints(p, g->bond_edge, b->bond_edge, b->bonds + 1);
    put_ints(p, g->in.begin, b->in_begin, b->nodes + 1);
    put_ints(p, g->in.edge, b->in_edge, b->edges);
    put_ints(p, g->out.begin, b->out_begin, b->nodes + 1);
    put_ints(p, g->out.edge, b->out_edge, b->edges);
    put_ints(p, g->atoms.begin, b->node_begin, b->molecules + 1);
    for (int e = 0; e <= b->edges; e++)
        each[e] = e;
    send(p, in->each.begin, ((size_t)b->edges + 1) * sizeof *each);
}

static void put_numbers(const struct putting *p, const struct batch *b)
{
    const struct graph *g = &p->in->graph;

    put_rows(p, &g->x, b->x, b->nodes);
    put_rows(p, &g->scalar, b->scalar, b->bonds);
    put_rows(p, &g->target, b->target, b->molecules);
    for (int l = 0; l < b->node_fiber.degrees; l++)
        put_rows(p, &g->node[l], b->node[l], b->nodes * (2 * l + 1));
    for (int l = 1; l < b->edge_fiber.degrees; l++)
        put_rows(p, &g->edge[l], b->edge[l], b->edges * (2 * l + 1));
}

void input_put(struct input *in, struct device *d, const struct batch *b)
{
    enum { FEW = 8 /* as many would do */ };
    const struct putting p = {in, b->nodes < in->graph.nodes / FEW ? d : NULL};

    d->sync(d); /* the last put may still read the staging */
    in->rows[USED_MOLECULES] = b->molecules;
    in->rows[USED_NODES] = b->nodes;
    in->rows[USED_BONDS] = b->bonds;
    in->rows[USED_EDGES] = b->edges;
    put_integers(&p, b);
    put_numbers(&p, b);
    if (!p.d)
        d->put(d, in->data, in->host, in->bytes);
}

int input_rows(const struct input *in, const struct tensor *t)
{
    const struct graph *g = &in->graph;

    return !t->used                       ? t->n
           : t->used == g->used_molecules ? in->rows[USED_MOLECULES]
           : t->used == g->used_nodes     ? in->rows[USED_NODES]
           : t->used == g->used_bonds     ? in->rows[USED_BONDS]
           : t->used == g->used_edges     ? in->rows[USED_EDGES]
                                          : t->n;
}
