/* SPDX-License-Identifier: MIT */
/* profile_work.c - a wrapper around the slots whose work follows from shapes:
 * it counts, then calls. The formulas are those of doc/performance.md.
 *
 * What counts is what the result needs, not what a kernel does for it: of the
 * convolution the rotation of its inputs and the paths in the edge frame, for
 * the radial weights cost what the method makes of them. */
#include "device/profile.h"

#include "device/profile_slots.h"

static struct kernels inner;

static int in_use(const int *used, int n)
{
    return used ? *used : n;
}

static double rows(const struct tensor *t)
{
    return (double)in_use(t->used, t->n) * (2 * t->l + 1);
}

/* --- convolution ---------------------------------------------------------- */

/* Of an edge: m = 0 has one product a channel pair, each other m four. */
static double path_mac(const struct conv_shape *s, const struct conv_path *p)
{
    int ci = fiber_at(&s->node, p->li) + fiber_at(&s->edge, p->li);
    int co = fiber_at(&s->out, p->lo);
    int least = p->li < p->lo ? p->li : p->lo;

    return (1.0 + 4 * least) * ci * co;
}

static double conv_mac(const struct conv *c)
{
    const struct conv_shape *s = &c->shape;
    double sum = 0;

    for (int i = 0; i < s->paths; i++)
        sum += path_mac(s, &s->path[i]);
    for (int l = 0; l < FIBER_DEGREES; l++)
        sum += (2.0 * l + 1) * (2 * l + 1) *
               (fiber_at(&s->node, l) + fiber_at(&s->edge, l));
    return sum * in_use(c->graph->used_edges, c->graph->edges);
}

static void conv_fwd(CONV c, CT x, CT e, T y)
{
    profile_work(AT_conv_fwd, conv_mac(c), 0);
    inner.conv.conv_fwd(c, x, e, y);
}

static void conv_bwd_x(CONV c, CT x, CT e, CT dy, T dx, T de)
{
    profile_work(AT_conv_bwd_x, conv_mac(c), 0);
    inner.conv.conv_bwd_x(c, x, e, dy, dx, de);
}

static void conv_bwd_w(CONV c, CT x, CT e, CT dy)
{
    profile_work(AT_conv_bwd_w, conv_mac(c), 0);
    inner.conv.conv_bwd_w(c, x, e, dy);
}

static void geometry_fwd(G g, GEO geo)
{
    profile_batch(in_use(g->used_edges, g->edges));
    inner.conv.geometry_fwd(g, geo);
}

/* --- radial network ------------------------------------------------------- */

static double trunk_mac(const struct tensor *at, const struct radial *r)
{
    double inputs = r->layer[0].w.c + r->layer[1].w.c;

    return inputs * RADIAL_HIDDEN * in_use(at->used, at->n);
}

static void trunk_fwd(CT at, RADIAL r)
{
    profile_work(AT_trunk_fwd, trunk_mac(at, r), 0);
    inner.conv.trunk_fwd(at, r);
}

static void trunk_bwd(CT at, RADIAL r, T dscalar, T ddistance)
{
    profile_work(AT_trunk_bwd, 2 * trunk_mac(at, r), 0);
    inner.conv.trunk_bwd(at, r, dscalar, ddistance);
}

/* --- linear maps, norms --------------------------------------------------- */

static double map_mac(const struct tensor *x, const struct tensor *w)
{
    return rows(x) * w->n * w->c;
}

/* Of feature rows with so many numbers each, together. */
static double row_bytes(const struct tensor *x, double numbers)
{
    return rows(x) * numbers * (double)inner.real;
}

static void linear_fwd(CT x, CT w, CT b, T y)
{
    profile_work(AT_linear_fwd, map_mac(x, w), row_bytes(x, x->c + y->c));
    inner.node.linear_fwd(x, w, b, y);
}

static void linear_add(CT x, CT w, T y)
{
    profile_work(AT_linear_add, map_mac(x, w), row_bytes(x, x->c + 2.0 * y->c));
    inner.node.linear_add(x, w, y);
}

static void linear_bwd(CT x, CT w, CT dy, T dx, T dw, T db)
{
    double numbers = x->c + dy->c + (dx ? 2.0 * x->c : 0);

    profile_work(AT_linear_bwd, (dx ? 2 : 1) * map_mac(x, w),
                 row_bytes(x, numbers));
    inner.node.linear_bwd(x, w, dy, dx, dw, db);
}

static void self_add(CT x, CT w, CSR in, T y)
{
    profile_work(AT_self_add, map_mac(x, w), row_bytes(x, x->c + 2.0 * y->c));
    inner.node.self_add(x, w, in, y);
}

static void self_bwd(CT x, CT w, CSR in, CT dy, T dx, T dw)
{
    profile_work(AT_self_bwd, (dx ? 2 : 1) * map_mac(x, w),
                 row_bytes(x, x->c + dy->c + (dx ? 2.0 * x->c : 0)));
    inner.node.self_bwd(x, w, in, dy, dx, dw);
}

static void norm_fwd(CT x, CT w, T y, T stat)
{
    profile_work(AT_norm_fwd, 0, row_bytes(x, 2.0 * x->c));
    inner.node.norm_fwd(x, w, y, stat);
}

static void norm_bwd(CT x, CT w, CT stat, CT dy, T dx, T dw)
{
    profile_work(AT_norm_bwd, 0, row_bytes(x, 3.0 * x->c));
    inner.node.norm_bwd(x, w, stat, dy, dx, dw);
}

/* --- the step ------------------------------------------------------------- */

static void grad_norm(CV g, int64_t n, double *work, double *norm)
{
    profile_work(AT_grad_norm, 0, (double)n * (double)inner.real);
    inner.step.grad_norm(g, n, work, norm);
}

/* Reads p, g, m and v, writes p, m and v; the average both. */
static void optim_step(OPTIM o)
{
    int arrays = 3 + (o->m ? 2 : 0) + (o->v ? 2 : 0) + (o->average ? 2 : 0);

    profile_work(AT_optim_step, 0, arrays * (double)o->n * (double)inner.real);
    inner.step.optim_step(o);
}

void profile_count(struct kernels *k)
{
    inner = *k;
    k->conv.geometry_fwd = geometry_fwd;
    k->conv.trunk_fwd = trunk_fwd;
    k->conv.trunk_bwd = trunk_bwd;
    k->conv.conv_fwd = conv_fwd;
    k->conv.conv_bwd_x = conv_bwd_x;
    k->conv.conv_bwd_w = conv_bwd_w;
    k->node.linear_fwd = linear_fwd;
    k->node.linear_add = linear_add;
    k->node.linear_bwd = linear_bwd;
    k->node.self_add = self_add;
    k->node.self_bwd = self_bwd;
    k->node.norm_fwd = norm_fwd;
    k->node.norm_bwd = norm_bwd;
    k->step.grad_norm = grad_norm;
    k->step.optim_step = optim_step;
}
