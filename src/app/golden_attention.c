/* SPDX-License-Identifier: MIT */
/* golden_attention.c - golden files of attention alone: keys, values and
 * queries are given, in the global frame; ours live in the frames of bonds.
 */
#include "app/golden_bench.h"
#include "app/golden_kinds.h"
#include "app/golden_tensor.h"
#include "device/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum feature { KEY, VALUE, QUERY, FEATURES };

/* rows of edges (in frames) or of nodes */
static const struct {
    const char *name; /* within /graph and, behind grad_, in /expect */
    int on_edges;
} list[FEATURES] = {
    [KEY] = {"edge/key.", 1},
    [VALUE] = {"edge/value.", 1},
    [QUERY] = {"node/query.", 0},
};

struct attention {
    struct golden_bench bench;
    struct fiber fiber[FEATURES];
    int heads;
    struct tensor x[FEATURES][FIBER_DEGREES], dx[FEATURES][FIBER_DEGREES];
    struct tensor a, da;
    struct tensor z[FIBER_DEGREES], dz[FIBER_DEGREES];
};

static enum err take_pair(struct build *b, struct tensor shape,
                          struct tensor *x, struct tensor *dx)
{
    *x = *dx = shape;
    TRY(build_take(b, x));
    return build_take(b, dx);
}

static enum err layout(void *self, struct build *b)
{
    struct attention *o = self;

    for (int i = 0; i < FEATURES; i++)
        for (int l = 0; l < o->fiber[i].degrees; l++) {
            const int c = o->fiber[i].channels[l];

            TRY(take_pair(
                b, list[i].on_edges ? build_edge(b, l, c) : build_node(b, l, c),
                &o->x[i][l], &o->dx[i][l]));
        }
    for (int l = 0; l < o->fiber[VALUE].degrees; l++)
        TRY(take_pair(b, build_node(b, l, o->fiber[VALUE].channels[l]),
                      &o->z[l], &o->dz[l]));
    return take_pair(b, build_edge(b, 0, o->heads), &o->a, &o->da);
}

static enum err check(const struct attention *o)
{
    for (int i = 0; i < FEATURES; i++)
        for (int l = 0; l < o->fiber[i].degrees; l++)
            if (o->heads < 1 || o->fiber[i].channels[l] % o->heads ||
                l >= o->fiber[VALUE].degrees)
                return err_set(ERR_DATA,
                               "%s: heads, fiber_key, fiber_value (expected "
                               "channels that %d heads divide, values in "
                               "every degree of keys); make the file anew",
                               o->bench.g->path, o->heads);
    return OK;
}

static int rows_of(const struct attention *o, enum feature i)
{
    return list[i].on_edges ? o->bench.batch->edges : o->bench.batch->nodes;
}

static const int *at_of(const struct attention *o, enum feature i)
{
    return list[i].on_edges ? o->bench.at : NULL;
}

static enum err put(struct attention *o, enum feature i, int l)
{
    struct golden_bench *b = &o->bench;
    const struct golden_frames frames = {b->d, &b->geo, b->batch, b->at};
    const struct tensor *x = &o->x[i][l];
    struct golden_array a = {0};
    char path[GOLDEN_PATH];
    enum err err;

    snprintf(path, sizeof path, "/graph/%s%d", list[i].name, l);
    TRY(golden_read(b->g, path, &a));
    if (a.count != (int64_t)rows_of(o, i) * (2 * l + 1) * x->c) {
        err = err_set(ERR_DATA,
                      "%s: %s: another shape (expected %d channels, found "
                      "others); make the file anew",
                      b->g->path, path, x->c);
        goto fini;
    }
    if (list[i].on_edges)
        TRY_GOTO(golden_turn(&frames, 0, l, &a), fini);
    err = golden_put(b->d, x, rows_of(o, i), at_of(o, i), a.x);
fini:
    golden_array_fini(&a);
    return err;
}

static enum err put_all(struct attention *o)
{
    for (int i = 0; i < FEATURES; i++)
        for (int l = 0; l < o->fiber[i].degrees; l++)
            if (o->fiber[i].channels[l])
                TRY(put(o, (enum feature)i, l));
    return OK;
}

static enum err run(struct attention *o)
{
    struct golden_bench *b = &o->bench;
    const struct kernels *k = &b->d->k;
    const struct graph *g = &b->input.graph;
    const struct heads heads = {.degrees = o->fiber[KEY].degrees,
                                .heads = o->heads,
                                .scale = 1 / sqrt(fiber_width(&o->fiber[KEY])),
                                .q = o->x[QUERY],
                                .key = o->x[KEY]};
    const struct attend_grad grad = {.dq = o->dx[QUERY],
                                     .dkey = o->dx[KEY],
                                     .dvalue = o->dx[VALUE],
                                     .dscore = o->da};
    const struct gather gather = {.degrees = o->fiber[VALUE].degrees,
                                  .rows = &g->in,
                                  .value = o->x[VALUE],
                                  .a = o->a};

    k->conv.geometry_fwd(g, &b->geo);
    TRY(put_all(o));
    k->conv.attend_fwd(g, &b->geo, &heads, &gather, o->z);
    for (int l = 0; l < gather.degrees; l++)
        if (o->z[l].c)
            TRY(golden_bench_product(b, &o->z[l], &o->dz[l], b->batch->nodes));
    k->conv.attend_bwd(g, &b->geo, &heads, &gather, o->dz, &grad);
    return OK;
}

static enum err find_gradient(struct attention *o, enum feature i, int l,
                              struct golden_array *out)
{
    struct golden_bench *b = &o->bench;
    const struct golden_frames frames = {b->d, &b->geo, b->batch, b->at};

    TRY(golden_get(b->d, &o->dx[i][l], rows_of(o, i), at_of(o, i), out));
    return list[i].on_edges ? golden_turn(&frames, 1, l, out) : OK;
}

static enum err find(void *self, const char *path, struct golden_array *out)
{
    struct attention *o = self;
    struct golden_bench *b = &o->bench;
    const int l = path[strlen(path) - 1] - '0';

    if (strcmp(path, "loss") == 0)
        return golden_bench_loss(b, out);
    if (strcmp(path, "intermediate/attention") == 0)
        return golden_get(b->d, &o->a, b->batch->edges, b->at, out);
    if (l < 0 || l >= FIBER_DEGREES)
        return OK;
    if (strncmp(path, "output/", 7) == 0 && o->z[l].c)
        return golden_get(b->d, &o->z[l], b->batch->nodes, NULL, out);
    for (int i = 0; i < FEATURES; i++) {
        const size_t n = strlen(list[i].name);

        if (strncmp(path, "grad_", 5) == 0 && o->dx[i][l].c &&
            strncmp(path + 5, list[i].name, n) == 0)
            return find_gradient(o, (enum feature)i, l, out);
    }
    return OK;
}

enum err golden_attention(const struct golden *g, struct device *d,
                          const struct golden_report *to)
{
    const struct fiber none = {0};
    struct attention o = {.bench = {.g = g, .d = d}};
    const struct golden_subject subject = {find, &o};
    enum err err;

    TRY(golden_fiber(g, "fiber_key", &o.fiber[KEY]));
    TRY(golden_fiber(g, "fiber_value", &o.fiber[VALUE]));
    TRY(golden_int(g, "heads", 1, &o.heads));
    o.fiber[QUERY] = o.fiber[KEY];
    TRY(check(&o));
    TRY_GOTO(
        golden_bench_open(&o.bench, &none, o.fiber[VALUE].degrees, layout, &o),
        close);
    TRY_GOTO(run(&o), close);
    err = golden_compare(g, &subject, 1, to);
close:
    golden_bench_close(&o.bench);
    return err;
}
