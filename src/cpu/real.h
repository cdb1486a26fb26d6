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

static inline int used(const struct tensor *t)
{
    return t->used ? *t->used : t->n;
}

static inline int used_nodes(const struct csr *in)
{
    return in->used ? *in->used : in->n;
}

static inline int used_bonds(const struct graph *g)
{
    return g->used_bonds ? *g->used_bonds : g->bonds;
}

static inline int used_edges(const struct graph *g)
{
    return g->used_edges ? *g->used_edges : g->edges;
}

/* What stands at place i, begin[n] <= i < begin[n+1], of the rows summed. */
static inline int entry(const struct csr *rows, int i)
{
    return rows->edge ? rows->edge[i] : i;
}

/* The channels of component m of node (or edge) n. */
static inline real *row(const struct tensor *t, int n, int m)
{
    return (real *)t->data + ((int64_t)n * (2 * t->l + 1) + m) * t->ld;
}

#endif
