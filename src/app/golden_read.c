/* SPDX-License-Identifier: MIT */
/* golden_read.c - attributes, arrays, generated weights, graphs. */
#include "app/golden_read.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { LARGEST = 1 << 26 /* numbers in a data set */ };

static void name_of(const char *path, char out[GOLDEN_WORD])
{
    const char *slash = strrchr(path, '/');
    size_t n;

    snprintf(out, GOLDEN_WORD, "%s", slash ? slash + 1 : path);
    n = strlen(out);
    if (n > 3 && strcmp(out + n - 3, ".h5") == 0)
        out[n - 3] = '\0';
}

enum err golden_open(const char *path, struct golden *g)
{
    int format = 0;
    enum err err;

    *g = (struct golden){.path = path};
    name_of(path, g->name);
    TRY(h5_open(path, ERR_DATA, &g->f));
    TRY_GOTO(golden_int(g, "format", 0, &format), close);
    if (format != 1) {
        err = err_set(ERR_DATA,
                      "%s: not a golden file of this format (expected "
                      "attribute format = 1, found %d); see golden/README.md",
                      path, format);
        goto close;
    }
    TRY_GOTO(golden_word(g, "kind", g->kind), close);
    return OK;

close:
    golden_close(g);
    return err;
}

void golden_close(struct golden *g)
{
    h5_close(&g->f);
}

enum err golden_real(const struct golden *g, const char *name, double absent,
                     double *out)
{
    int64_t shape[2];

    *out = absent;
    if (!h5_has_attribute(g->f, "/", name))
        return OK;
    return h5_get_numbers(g->f, "/", name, 1, shape, out);
}

enum err golden_int(const struct golden *g, const char *name, int absent,
                    int *out)
{
    double x;

    TRY(golden_real(g, name, absent, &x));
    if (!(x > -1e9 && x < 1e9))
        return err_set(ERR_DATA,
                       "%s: attribute %s (expected a small number, found %g); "
                       "make the file anew",
                       g->path, name, x);
    *out = (int)x;
    return OK;
}

enum err golden_word(const struct golden *g, const char *name,
                     char out[GOLDEN_WORD])
{
    char *text;

    out[0] = '\0';
    if (!h5_has_attribute(g->f, "/", name))
        return OK;
    TRY(h5_get_string(g->f, "/", name, GOLDEN_WORD - 1, &text));
    snprintf(out, GOLDEN_WORD, "%s", text);
    mem_free(text);
    return OK;
}

enum err golden_fiber(const struct golden *g, const char *name,
                      struct fiber *out)
{
    double x[2 * FIBER_DEGREES];
    int64_t shape[2];

    *out = (struct fiber){0};
    if (!h5_has_attribute(g->f, "/", name))
        return OK;
    TRY(h5_get_numbers(g->f, "/", name, 2 * FIBER_DEGREES, shape, x));
    for (int i = 0; i + 1 < shape[0] * shape[1]; i += 2) {
        const int l = (int)x[i];

        if (!(x[i] >= 0 && x[i] < FIBER_DEGREES && x[i + 1] >= 0 &&
              x[i + 1] < 4096))
            return err_set(ERR_DATA,
                           "%s: attribute %s (expected degrees 0 to %d with "
                           "channels, found %g, %g); make the file anew",
                           g->path, name, FIBER_DEGREES - 1, x[i], x[i + 1]);
        out->channels[l] = (int)x[i + 1];
        out->degrees = l + 1 > out->degrees ? l + 1 : out->degrees;
    }
    return OK;
}

enum err golden_read(const struct golden *g, const char *path,
                     struct golden_array *out)
{
    struct h5_shape s;
    void *data;

    TRY(h5_shape_of(g->f, path, &s));
    s.kind = s.kind == H5_F32 || s.kind == H5_F64 ? H5_F64 : H5_I64;
    TRY(h5_read_new(g->f, path, &s, LARGEST, &data));
    *out = (struct golden_array){.x = data, .rank = s.rank, .count = 1};
    for (int i = 0; i < s.rank; i++) {
        out->n[i] = s.n[i];
        out->count *= s.n[i];
    }
    for (int64_t i = 0; i < out->count && s.kind == H5_I64; i++)
        out->x[i] = (double)((int64_t *)data)[i]; /* of the same size */
    return OK;
}

void golden_array_fini(struct golden_array *a)
{
    mem_free(a->x);
    *a = (struct golden_array){0};
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* The generator of golden/README.md. */
static enum err generate(const struct golden *g, const char *path,
                         int64_t count, double out[])
{
    int64_t seed, shape[2];
    double scale, offset;

    TRY(h5_get_int(g->f, path, "seed", &seed));
    TRY(h5_get_numbers(g->f, path, "scale", 1, shape, &scale));
    TRY(h5_get_numbers(g->f, path, "offset", 1, shape, &offset));
    for (int64_t i = 0; i < count; i++) {
        uint64_t z = (uint64_t)seed + (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u;

        out[i] = offset + scale * (double)((int64_t)(mix(z) >> 48) - 32768);
    }
    return OK;
}

static enum err other_count(const struct golden *g, const char *path,
                            int64_t expected, int64_t found)
{
    return err_set(ERR_DATA,
                   "%s: %s: another shape (expected %lld numbers, found "
                   "%lld); make the file anew",
                   g->path, path, (long long)expected, (long long)found);
}

enum err golden_weight(const struct golden *g, const char *name, int64_t count,
                       double out[], int *found)
{
    char path[GOLDEN_PATH];
    struct golden_array a;
    int64_t n = 1;

    *found = 1;
    snprintf(path, sizeof path, "/generated/%s", name);
    if (h5_has(g->f, path)) {
        TRY(golden_read(g, path, &a)); /* its numbers are the shape */
        for (int64_t i = 0; i < a.count; i++)
            n *= (int64_t)a.x[i];
        golden_array_fini(&a);
        return n == count ? generate(g, path, count, out)
                          : other_count(g, path, count, n);
    }
    snprintf(path, sizeof path, "/weights/%s", name);
    *found = h5_has(g->f, path);
    if (!*found)
        return OK;
    TRY(golden_read(g, path, &a));
    n = a.count;
    if (n == count)
        memcpy(out, a.x, (size_t)n * sizeof *out);
    golden_array_fini(&a);
    return n == count ? OK : other_count(g, path, count, n);
}

/* --- graphs -------------------------------------------------------------- */

/* One array of a group, with the count that it must have (-1: any). */
static enum err member(const struct golden *g, const char *group,
                       const char *name, int64_t count,
                       struct golden_array *out)
{
    char path[GOLDEN_PATH];

    snprintf(path, sizeof path, "/%s/%s", group, name);
    TRY(golden_read(g, path, out));
    if (count >= 0 && out->count != count)
        return other_count(g, path, count, out->count);
    return OK;
}

static enum err features(const struct golden *g, const char *group,
                         const char *what, const struct fiber *f,
                         struct golden_graph *o)
{
    const int is_node = what[0] == 'n';
    const int64_t rows = is_node ? o->nodes : o->edges;
    char name[GOLDEN_WORD];

    for (int l = 0; l < f->degrees; l++) {
        struct golden_array *to = is_node ? &o->node[l] : &o->edge[l];

        if (!f->channels[l])
            continue;
        snprintf(name, sizeof name, "%s/%d", what, l);
        TRY(member(g, group, name, rows * f->channels[l] * (2 * l + 1), to));
    }
    return OK;
}

/* Whether every number is a whole one from least to below `end`. */
static int is_within(const struct golden_array *a, int least, int end)
{
    for (int64_t i = 0; i < a->count; i++)
        if (!(a->x[i] >= least && a->x[i] < end))
            return 0;
    return 1;
}

static enum err check_graph(const struct golden *g, const char *group,
                            const struct golden_graph *o)
{
    double sum = 0;

    for (int64_t k = 0; k < o->n_node.count; k++)
        sum += o->n_node.x[k];
    if (!is_within(&o->n_node, 0, o->nodes + 1) || sum != o->nodes ||
        !is_within(&o->src, 0, o->nodes) || !is_within(&o->dst, 0, o->nodes))
        return err_set(ERR_DATA,
                       "%s: /%s: not a graph (expected edges between %d atoms, "
                       "found others); make the file anew",
                       g->path, group, o->nodes);
    return OK;
}

enum err golden_graph_read(const struct golden *g, const char *group,
                           struct golden_graph *out)
{
    char path[GOLDEN_PATH];
    enum err err;

    TRY_GOTO(member(g, group, "n_node", -1, &out->n_node), fini);
    TRY_GOTO(member(g, group, "x", -1, &out->x), fini);
    TRY_GOTO(member(g, group, "src", -1, &out->src), fini);
    out->molecules = (int)out->n_node.count;
    out->nodes = (int)(out->x.count / 3);
    out->edges = (int)out->src.count;
    TRY_GOTO(member(g, group, "dst", out->edges, &out->dst), fini);
    TRY_GOTO(check_graph(g, group, out), fini);
    TRY_GOTO(features(g, group, "node", &out->node_fiber, out), fini);
    TRY_GOTO(features(g, group, "edge", &out->edge_fiber, out), fini);
    snprintf(path, sizeof path, "/%s/target", group);
    if (h5_has(g->f, path))
        TRY_GOTO(member(g, group, "target", -1, &out->target), fini);
    return OK;

fini:
    golden_graph_fini(out);
    return err;
}

void golden_graph_fini(struct golden_graph *o)
{
    golden_array_fini(&o->n_node);
    golden_array_fini(&o->x);
    golden_array_fini(&o->src);
    golden_array_fini(&o->dst);
    golden_array_fini(&o->target);
    for (int l = 0; l < FIBER_DEGREES; l++) {
        golden_array_fini(&o->node[l]);
        golden_array_fini(&o->edge[l]);
    }
}

/* Row r of [rows, channels, 2l+1] to row `to` of [rows, 2l+1, channels]. */
static void put_row(const struct golden_array *from, int r, int l, int c,
                    int to, double *out)
{
    const int n = 2 * l + 1;

    for (int i = 0; i < c; i++)
        for (int m = 0; m < n; m++)
            out[(to * n + m) * c + i] = from->x[(r * c + i) * n + m];
}

static const double *scalars_of(const struct golden_graph *o, int e)
{
    return o->edge[0].x ? o->edge[0].x + e * o->edge_fiber.channels[0] : NULL;
}

/* The reverse of e with the same scalars that has no bond yet; or -1. */
static int reverse_of(const struct golden_graph *o, int e, const int at[])
{
    const size_t bytes = (size_t)o->edge_fiber.channels[0] * sizeof(double);

    for (int r = e + 1; r < o->edges; r++)
        if (at[r] < 0 && o->src.x[r] == o->dst.x[e] &&
            o->dst.x[r] == o->src.x[e] &&
            (!bytes || memcmp(scalars_of(o, r), scalars_of(o, e), bytes) == 0))
            return r;
    return -1;
}

/* at[e]: twice the bond's number as added, and 1 for its reverse. */
static void put_bonds(const struct golden_graph *o, int shared, struct batch *b,
                      int at[])
{
    for (int e = 0; e < o->edges; e++)
        at[e] = -1;
    for (int e = 0; e < o->edges; e++) {
        int r;

        if (at[e] >= 0)
            continue;
        at[e] = 2 * b->bonds;
        r = shared ? reverse_of(o, e, at) : -1;
        if (r >= 0)
            at[r] = at[e] + 1;
        batch_add_bond(b, (int)o->src.x[e], (int)o->dst.x[e], r >= 0,
                       scalars_of(o, e));
    }
}

static void put_features(const struct golden_graph *o, struct batch *b,
                         const int at[])
{
    for (int l = 0; l < o->node_fiber.degrees; l++)
        for (int n = 0; o->node[l].x && n < o->nodes; n++)
            put_row(&o->node[l], n, l, o->node_fiber.channels[l], n,
                    b->node[l]);
    for (int l = 1; l < o->edge_fiber.degrees; l++)
        for (int e = 0; o->edge[l].x && e < o->edges; e++)
            put_row(&o->edge[l], e, l, o->edge_fiber.channels[l], at[e],
                    b->edge[l]);
    if (o->target.x && o->target.count == (int64_t)o->molecules * b->targets)
        memcpy(b->target, o->target.x,
               (size_t)o->target.count * sizeof *b->target);
}

enum err golden_graph_put(const struct golden_graph *o, int shared,
                          struct batch *b, int at[])
{
    int node = 0, *place;

    TRY(mem_alloc((size_t)o->edges, sizeof *place, "places of bonds",
                  (void **)&place));
    batch_clear(b);
    for (int k = 0; k < o->molecules; k++) {
        const int n = (int)o->n_node.x[k];

        batch_add_molecule(b, k, n, o->x.x + 3 * node);
        node += n;
    }
    put_bonds(o, shared, b, at);
    batch_finish(b, place);
    for (int e = 0; e < o->edges; e++)
        at[e] = b->bond_edge[place[at[e] / 2]] + at[e] % 2;
    put_features(o, b, at);
    mem_free(place);
    return OK;
}
