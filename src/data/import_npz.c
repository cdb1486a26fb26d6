/* SPDX-License-Identifier: MIT */
/* import_npz.c - qm9_edge.npz, a graph for each molecule of gdb9.sdf: counts,
 * node features of which the elements are used, positions, directed bonds with
 * one-hot types, nineteen targets in eV and the like.
 *
 * An array is turned into what is kept of it while it is read; one whose header
 * says more than its file can hold is refused before memory is taken.
 */
#include "data/import_format.h"

#include "base/mem.h"
#include "data/npy.h"
#include "data/qm9.h"

#include <math.h>
#include <string.h>

enum array {
    N_NODE,
    N_EDGE,
    NODE_ATTR,
    NODE_POS,
    EDGE_ATTR,
    SRC,
    DST,
    TARGETS,
    ARRAYS
};

/* Columns that are read; more may stand there where `more` is 1. */
static const struct {
    const char *name;
    int rank, columns, more;
    size_t kept; /* bytes a row */
} layout[ARRAYS] = {
    {"n_node.npy", 1, 1, 0, sizeof(int32_t)},
    {"n_edge.npy", 1, 1, 0, sizeof(int32_t)},
    {"node_attr.npy", 2, 6, 1, 1},
    {"node_pos.npy", 2, 3, 0, 3 * sizeof(double)},
    {"edge_attr.npy", 2, 4, 0, 1},
    {"src.npy", 1, 1, 0, sizeof(int32_t)},
    {"dst.npy", 1, 1, 0, sizeof(int32_t)},
    {"targets.npy", 2, QM9_TARGETS, 0, QM9_TARGETS * sizeof(double)},
};

/* Flaws of a number are kept in its place and judged with the molecule. */
enum {
    BAD_COUNT = -1,
    BAD_ELEMENT = 0,
    ONE_HOT = 64, /* of the element's bits: read so far */
    BAD_ORDER = 255
};

struct npz {
    void *data[ARRAYS];
    int64_t rows[ARRAYS]; /* -1: not seen */
    int at;               /* the array being read */
    int64_t kept;         /* bytes of all of them in memory */
    int64_t atom, edge;   /* where the next molecule starts */
};

static enum err damaged(const struct import_input *in, const char *array,
                        const char *what)
{
    return err_set(ERR_DATA,
                   "%s: the array '%.*s' %s (expected the arrays of "
                   "qm9_edge.npz); make the file again",
                   in->path ? in->path : "npz", (int)(strlen(array) - 4), array,
                   what);
}

static int32_t whole(double x)
{
    return x >= 0 && x < 1e9 && x == floor(x) ? (int32_t)x : BAD_COUNT;
}

/* Five columns one-hot for H C N O F, then the atomic number: both must agree.
 * In between the byte holds which of the five it was, from 1. */
static uint8_t element(uint8_t was, int64_t column, double x)
{
    static const int number[5] = {1, 6, 7, 8, 9};

    if (column > 5)
        return was;
    if (column == 5) {
        int which = was & ONE_HOT ? was - ONE_HOT : 0;

        return which >= 1 && which <= 5 && x == number[which - 1]
                   ? (uint8_t)number[which - 1]
                   : BAD_ELEMENT;
    }
    if (x == 0)
        return was;
    return x == 1 && was == 0 ? (uint8_t)(ONE_HOT + column + 1) : ONE_HOT + 6;
}

/* One-hot single, double, triple, aromatic. */
static uint8_t bond_order(uint8_t was, int64_t column, double x)
{
    if (x == 0)
        return was;
    return x == 1 && was == 0 ? (uint8_t)(column + 1) : BAD_ORDER;
}

static enum err put(void *self, int64_t row, int64_t column, double x)
{
    struct npz *z = self;
    void *data = z->data[z->at];
    size_t i = (size_t)row;

    switch (z->at) {
    case NODE_ATTR:
        ((uint8_t *)data)[i] = element(((uint8_t *)data)[i], column, x);
        break;
    case NODE_POS:
        ((double *)data)[3 * i + (size_t)column] = x;
        break;
    case EDGE_ATTR:
        ((uint8_t *)data)[i] = bond_order(((uint8_t *)data)[i], column, x);
        break;
    case TARGETS:
        ((double *)data)[QM9_TARGETS * i + (size_t)column] = x;
        break;
    default:
        ((int32_t *)data)[i] = whole(x);
    }
    return OK;
}

static int array_of(struct slice member)
{
    for (int i = 0; i < ARRAYS; i++)
        if (slice_equal(member, layout[i].name))
            return i;
    return -1;
}

static enum err read_array(struct import_input *in, struct npz *z)
{
    struct npy a;
    int64_t most;
    int i = array_of(source_member(in->source));

    if (i < 0)
        return OK;
    if (z->rows[i] >= 0)
        return damaged(in, layout[i].name, "is there twice");
    TRY(npy_header(in->source, &a));
    if (a.rank != layout[i].rank || a.columns < layout[i].columns ||
        (!layout[i].more && a.columns != layout[i].columns))
        return damaged(in, layout[i].name, "has another shape");
    most = source_most(in->source);
    if (a.rows > most / (a.columns * a.width) ||
        a.rows > (most - z->kept) / (int64_t)layout[i].kept)
        return damaged(in, layout[i].name, "is too large for its file");
    TRY(mem_alloc((size_t)a.rows, layout[i].kept, layout[i].name, &z->data[i]));
    z->at = i;
    z->kept += a.rows * (int64_t)layout[i].kept;
    z->rows[i] = a.rows;
    return npy_numbers(in->source, &a, put, z);
}

/* Sums of counts, bad ones left out; rows must agree with each other. */
static enum err check_rows(const struct import_input *in, const struct npz *z)
{
    int64_t sum[2] = {0, 0};
    const int64_t *rows = z->rows;

    for (int i = 0; i < ARRAYS; i++)
        if (rows[i] < 0)
            return damaged(in, layout[i].name, "is missing");
    if (rows[N_EDGE] != rows[N_NODE])
        return damaged(in, layout[N_EDGE].name, "has another length");
    if (rows[TARGETS] != rows[N_NODE])
        return damaged(in, layout[TARGETS].name, "has another length");
    for (int k = N_NODE; k <= N_EDGE; k++)
        for (int64_t i = 0; i < rows[k]; i++) {
            int32_t n = ((const int32_t *)z->data[k])[i];

            if (n == BAD_COUNT)
                return damaged(in, layout[k].name, "has a count that is none");
            sum[k] += n;
        }
    for (int k = NODE_ATTR; k <= NODE_POS; k++)
        if (rows[k] != sum[N_NODE])
            return damaged(in, layout[k].name, "has not a row for each atom");
    for (int k = EDGE_ATTR; k <= DST; k++)
        if (rows[k] != sum[N_EDGE])
            return damaged(in, layout[k].name, "has not a row for each bond");
    return OK;
}

static enum err open_npz(struct import_input *in)
{
    struct npz *z;
    void *data;
    int more;

    TRY(mem_alloc(1, sizeof *z, "a reader", &data));
    in->state = z = data;
    for (int i = 0; i < ARRAYS; i++)
        z->rows[i] = -1;
    for (;;) {
        TRY(source_next(in->source, &more));
        if (!more)
            return check_rows(in, z);
        TRY(read_array(in, z));
    }
}

static void close_npz(struct import_input *in)
{
    struct npz *z = in->state;

    for (int i = 0; z && i < ARRAYS; i++)
        mem_free(z->data[i]);
    mem_free(z);
    in->state = NULL;
}

static enum err next(struct import_input *in, int mine,
                     struct import_record *out, int *more)
{
    struct npz *z = in->state;

    (void)mine;
    *more = in->records < z->rows[N_NODE];
    if (!*more)
        return OK;
    if (in->records > 0) {
        z->atom += ((const int32_t *)z->data[N_NODE])[in->records - 1];
        z->edge += ((const int32_t *)z->data[N_EDGE])[in->records - 1];
    }
    *out = (struct import_record){.index = in->records};
    return OK;
}

/* --- a molecule --------------------------------------------------------- */

/* The directed bonds of a molecule. */
struct edges {
    int n;
    const int32_t *src, *dst;
    const uint8_t *order;
};

/* Place of edge (a, b), or -1; they are sorted. */
static int find_edge(const struct edges *e, int32_t a, int32_t b)
{
    int low = 0, high = e->n;

    while (low < high) {
        int k = (low + high) / 2;

        if (e->src[k] < a || (e->src[k] == a && e->dst[k] < b))
            low = k + 1;
        else
            high = k;
    }
    return low < e->n && e->src[low] == a && e->dst[low] == b ? low : -1;
}

static const char *flaw_of_edges(const struct edges *e, int atoms)
{
    for (int k = 0; k < e->n; k++) {
        int32_t a = e->src[k], b = e->dst[k];

        if (a < 0 || a >= atoms || b < 0 || b >= atoms || a == b)
            return "a bond joins atoms that are not there";
        if (k > 0 &&
            (e->src[k - 1] > a || (e->src[k - 1] == a && e->dst[k - 1] >= b)))
            return "its bonds are not sorted by src and dst, or twice there";
        if (e->order[k] < 1 || e->order[k] > 4)
            return "a bond has not exactly one type";
    }
    for (int k = 0; k < e->n; k++) {
        int back = find_edge(e, e->dst[k], e->src[k]);

        if (back < 0 || e->order[back] != e->order[k])
            return "a bond has no counterpart in the other direction";
    }
    return NULL;
}

static enum err parse_bonds(const struct edges *e, struct import_result *r)
{
    struct molecule *m = &r->m;
    const char *flaw = flaw_of_edges(e, m->atoms);
    int n = 0;

    if (flaw)
        return import_refuse(r, 0, "%s", flaw);
    TRY(molecule_bonds(m, e->n / 2));
    m->bonds = e->n / 2;
    for (int k = 0; k < e->n; k++)
        if (e->src[k] < e->dst[k]) {
            m->bond[2 * n] = e->src[k];
            m->bond[2 * n + 1] = e->dst[k];
            m->order[n++] = e->order[k];
        }
    return OK;
}

static enum err parse(const struct import_input *in,
                      const struct import_record *rec, struct import_result *r)
{
    const struct npz *z = in->state;
    const double *target = (const double *)z->data[TARGETS];
    int32_t atoms = ((const int32_t *)z->data[N_NODE])[rec->index];
    int32_t edges = ((const int32_t *)z->data[N_EDGE])[rec->index];
    struct edges e = {edges, (const int32_t *)z->data[SRC] + z->edge,
                      (const int32_t *)z->data[DST] + z->edge,
                      (const uint8_t *)z->data[EDGE_ATTR] + z->edge};

    if (atoms < 1 || atoms > IMPORT_ATOMS || edges > 16 * IMPORT_ATOMS)
        return import_refuse(r, 0, "%d atoms and %d bonds", atoms, edges);
    TRY(molecule_atoms(&r->m, atoms));
    r->m.atoms = atoms;
    memcpy(r->m.number, (const uint8_t *)z->data[NODE_ATTR] + z->atom,
           (size_t)atoms);
    memcpy(r->m.x, (const double *)z->data[NODE_POS] + 3 * z->atom,
           3 * (size_t)atoms * sizeof(double));
    for (int i = 0; i < atoms; i++)
        if (!import_is_qm9_element(r->m.number[i]))
            return import_refuse(r, 0,
                                 "atom %d: its element is not one of H C N O "
                                 "F, or not that of its number",
                                 i + 1);
    TRY(molecule_targets(&r->m, QM9_TARGETS));
    r->m.targets = QM9_TARGETS;
    for (int t = 0; t < QM9_TARGETS; t++) {
        r->m.target[t] = target[QM9_TARGETS * rec->index + t];
        if (!isfinite(r->m.target[t]))
            return import_refuse(r, 0, "its target %s is not finite",
                                 qm9_target[t].name);
    }
    return parse_bonds(&e, r);
}

const struct import_reader import_npz = {
    .qm9 = 1,
    .open = open_npz,
    .next = next,
    .close = close_npz,
    .parse = parse,
};
