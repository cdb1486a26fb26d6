/* SPDX-License-Identifier: MIT */
/* golden_run.c - the table of kinds; models and convolutions.
 *
 * Both run twice on the same numbers: with bonds that both directions share,
 * and with every edge a bond of its own. The worse of the two counts; the
 * gradient of each edge's scalars exists in the second only.
 */
#include "app/golden_run.h"

#include "app/golden_kinds.h"
#include "app/golden_net.h"

#include <stdio.h>
#include <string.h>

enum { SHARED, ALONE, WAYS };

static const struct {
    const char *name;
    golden_kind *run;
} kinds[] = {
    {"model", golden_model},         {"train", golden_train},
    {"conv", golden_conv},           {"linear", golden_layer},
    {"norm", golden_layer},          {"pool", golden_layer},
    {"attention", golden_attention}, {"wigner", golden_wigner},
};

enum err golden_run(const char *path, struct device *d,
                    const struct golden_report *to)
{
    struct golden g;
    enum err err;

    TRY(golden_open(path, &g));
    err = err_set(ERR_DATA,
                  "%s: attribute kind (expected model, train, conv, linear, "
                  "norm, attention, pool or wigner, found \"%s\"); see "
                  "golden/README.md",
                  path, g.kind);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(g.kind, kinds[k].name) == 0)
            err = kinds[k].run(&g, d, to);
    golden_close(&g);
    return err;
}

static enum err pass(struct golden_net *o, const struct golden_graph *graph)
{
    TRY(golden_net_open(o, graph, 1));
    TRY(golden_net_put(o, graph));
    return golden_net_run(o, 1);
}

/* Both ways of `like` over a graph, compared. */
static enum err compare_ways(const struct golden *g,
                             const struct golden_net *like,
                             const struct golden_subject *more,
                             const struct golden_report *to)
{
    struct golden_graph graph = {.node_fiber = like->shape.node,
                                 .edge_fiber = like->shape.edge};
    struct golden_net way[WAYS] = {*like, *like};
    struct golden_subject subject[WAYS + 1];
    enum err err;

    TRY(golden_graph_read(g, "graph", &graph));
    for (int i = 0; i < WAYS; i++) {
        way[i].shared = i == SHARED;
        subject[i] = (struct golden_subject){golden_net_find, &way[i]};
        TRY_GOTO(pass(&way[i], &graph), close);
    }
    if (more)
        subject[WAYS] = *more;
    err = golden_compare(g, subject, more ? WAYS + 1 : WAYS, to);
close:
    for (int i = 0; i < WAYS; i++)
        golden_net_close(&way[i]);
    golden_graph_fini(&graph);
    return err;
}

enum err golden_model(const struct golden *g, struct device *d,
                      const struct golden_report *to)
{
    struct golden_net net = {.g = g, .d = d, .prefix = ""};

    TRY(golden_shape_model(g, &net.shape));
    return compare_ways(g, &net, NULL, to);
}

/* --- one path of a convolution alone ------------------------------------- */

static struct fiber only(const struct fiber *f, int l)
{
    struct fiber one = {.degrees = l + 1};

    one.channels[l] = fiber_at(f, l);
    return one;
}

/* "intermediate/path.LI.LO": a convolution with nothing else. Its trunk is the
 * same where no path shares one. */
static enum err find_path(void *self, const char *path,
                          struct golden_array *out)
{
    const struct golden_net *whole = self;
    struct golden_net net = *whole;
    struct golden_graph graph = {.edge_fiber = whole->shape.edge};
    const char *name = strstr(path, "intermediate/path.");
    char output[] = "output/0";
    int li, lo;
    enum err err;

    if (name != path || strlen(path) != 21 ||
        whole->shape.sharing != SHARING_NONE)
        return OK;
    li = path[18] - '0';
    lo = path[20] - '0';
    if (!fiber_at(&whole->shape.node, li) || !fiber_at(&whole->shape.out, lo))
        return OK;
    net.shape.node = graph.node_fiber = only(&whole->shape.node, li);
    net.shape.hidden = net.shape.node;
    net.shape.out = only(&whole->shape.out, lo);
    output[7] = (char)('0' + lo);
    TRY(golden_graph_read(net.g, "graph", &graph));
    TRY_GOTO(golden_net_open(&net, &graph, 1), close);
    TRY_GOTO(golden_net_put(&net, &graph), close);
    model_forward(net.model);
    err = golden_net_find(&net, output, out);
close:
    golden_net_close(&net);
    golden_graph_fini(&graph);
    return err;
}

enum err golden_conv(const struct golden *g, struct device *d,
                     const struct golden_report *to)
{
    struct golden_net net = {.g = g, .d = d, .prefix = "final.", .shared = 1};
    const struct golden_subject paths = {find_path, &net};
    int self;

    TRY(golden_shape_conv(g, &net.shape));
    TRY(golden_int(g, "self_interaction", 0, &self));
    net.may_lack_self = !self;
    if (self && net.shape.per_edge)
        return err_set(ERR_DATA,
                       "%s: self-interaction without a sum (expected pool = 1 "
                       "with self_interaction, found 0); not a layer of ours",
                       g->path);
    return compare_ways(g, &net, &paths, to);
}
