/* SPDX-License-Identifier: MIT */
/* real.h - what a CPU kernel file knows of the archive it is compiled for.
 *
 * The build compiles a k_*.c once for every archive that lists it, with the
 * archive's flags and two names: -DREAL=float, -DVARIANT=ref_f32. All its
 * functions are static but one, which enters its kernels in the table:
 * ENTER(k_norm) is k_norm_ref_f32, declared in registry_entries.h.
 */
#ifndef REAL_H
#define REAL_H

#include "cpu/registry_entries.h"
#include "device/kernels.h"

#include <stdint.h>
#include <tgmath.h>

typedef REAL real;

#define ENTER(family) ENTER_(family, VARIANT)
#define ENTER_(family, variant) ENTER_2(family, variant)
#define ENTER_2(family, variant) family##_##variant

/* How many of the n that there is room for are in use. */
static inline int used_of(int n, const int *in_use)
{
    return in_use ? *in_use : n;
}

static inline int used(const struct tensor *t)
{
    return used_of(t->n, t->used);
}

static inline int used_rows(const struct csr *r)
{
    return used_of(r->n, r->used);
}

static inline int used_nodes(const struct graph *g)
{
    return used_of(g->nodes, g->used_nodes);
}

static inline int used_bonds(const struct graph *g)
{
    return used_of(g->bonds, g->used_bonds);
}

static inline int used_edges(const struct graph *g)
{
    return used_of(g->edges, g->used_edges);
}

/* What stands at place i, begin[n] <= i < begin[n+1], of the rows summed. */
static inline int entry(const struct csr *r, int i)
{
    return r->edge ? r->edge[i] : i;
}

/* The channels of component m of node (or edge) n. */
static inline real *row(const struct tensor *t, int n, int m)
{
    return (real *)t->data + ((int64_t)n * (2 * t->l + 1) + m) * t->ld;
}

#endif
