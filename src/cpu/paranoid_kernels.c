/* SPDX-License-Identifier: MIT */
/* paranoid_kernels.c - one wrapper a slot: operands must be in device memory,
 * which is within reach while the kernel runs. A slot that is not in the list
 * runs without reach and faults at once. */
#include "cpu/paranoid.h"

#include "base/err.h"
#include "device/kernel_list.h"

static struct kernels inner;

/* What the wrappers ask of an operand, by its type. */
static void device_pointer(const void *p)
{
    CHECK(paranoid_owns(p) && "a kernel was given host memory");
}

static void view(const struct tensor *t)
{
    if (!t)
        return;
    device_pointer(t->used);
    if (t->n > 0 && t->c > 0)
        device_pointer(t->data);
}

static void rows(const struct csr *rows)
{
    device_pointer(rows->used);
    device_pointer(rows->begin);
    device_pointer(rows->edge);
}

static void batch(const struct graph *g)
{
    rows(&g->in);
    rows(&g->out);
    rows(&g->atoms);
    device_pointer(g->src);
    device_pointer(g->dst);
    device_pointer(g->bond);
    device_pointer(g->bond_edge);
    view(&g->x);
    view(&g->scalar);
}

static void step(const struct optim *o)
{
    device_pointer(o->p);
    device_pointer(o->g);
    device_pointer(o->m);
    device_pointer(o->v);
    device_pointer(o->average);
    device_pointer(o->begin);
    device_pointer(o->work);
    device_pointer(o->scalars);
}

static void other(const void *p)
{
    (void)p;
}

static void number(int64_t n)
{
    (void)n;
}

#define ASK(x)                                                                 \
    _Generic((x),                                                              \
        struct tensor *: view,                                                 \
        const struct tensor *: view,                                           \
        const struct csr *: rows,                                              \
        const struct graph *: batch,                                           \
        const struct optim *: step,                                            \
        void *: device_pointer,                                                \
        const void *: device_pointer,                                          \
        int *: device_pointer,                                                 \
        const int *: device_pointer,                                           \
        int64_t *: device_pointer,                                             \
        const int64_t *: device_pointer,                                       \
        double *: device_pointer,                                              \
        const double *: device_pointer,                                        \
        int: number,                                                           \
        int64_t: number,                                                       \
        enum loss_kind: number,                                                \
        default: other)(x)

/* The body of a wrapper: its questions, and the call between the gates. */
#define RUN(group, slot, questions, arguments)                                 \
    {                                                                          \
        questions;                                                             \
        paranoid_enter();                                                      \
        inner.group.slot arguments;                                            \
        paranoid_leave();                                                      \
    }

#define WRAP1(group, slot, A)                                                  \
    static void group##_##slot(A a) RUN(group, slot, ASK(a), (a))
#define WRAP2(group, slot, A, B)                                               \
    static void group##_##slot(A a, B b)                                       \
        RUN(group, slot, (ASK(a), ASK(b)), (a, b))
#define WRAP3(group, slot, A, B, C)                                            \
    static void group##_##slot(A a, B b, C c)                                  \
        RUN(group, slot, (ASK(a), ASK(b), ASK(c)), (a, b, c))
#define WRAP4(group, slot, A, B, C, D)                                         \
    static void group##_##slot(A a, B b, C c, D d)                             \
        RUN(group, slot, (ASK(a), ASK(b), ASK(c), ASK(d)), (a, b, c, d))
#define WRAP5(group, slot, A, B, C, D, E)                                      \
    static void group##_##slot(A a, B b, C c, D d, E e)                        \
        RUN(group, slot, (ASK(a), ASK(b), ASK(c), ASK(d), ASK(e)),             \
            (a, b, c, d, e))
#define WRAP6(group, slot, A, B, C, D, E, F)                                   \
    static void group##_##slot(A a, B b, C c, D d, E e, F f)                   \
        RUN(group, slot, (ASK(a), ASK(b), ASK(c), ASK(d), ASK(e), ASK(f)),     \
            (a, b, c, d, e, f))

#define WRAP(n, ...) WRAP##n(__VA_ARGS__)
KERNEL_LIST(WRAP)

/* A slot that the device does not have stays NULL. */
#define ENTER(n, group, slot, ...)                                             \
    if (k->group.slot)                                                         \
        k->group.slot = group##_##slot;

void paranoid_wrap(struct kernels *k)
{
    inner = *k;
    KERNEL_LIST(ENTER)
}
