/* SPDX-License-Identifier: MIT */
/* device_cpu.c - host memory is device memory, so a transfer is a copy and
 * everything is done when its call returns, but for sums over ranks. */
#include "cpu/device_cpu.h"

#include "comm/comm.h"
#include "cpu/registry.h"
#include "device/device.h"

#include <string.h>

struct cpu {
    struct device d;
    struct comm *comm; /* borrowed; NULL: one rank */
};

static void *cpu_alloc(void *self, size_t bytes)
{
    void *data;

    (void)self;
    return mem_alloc(bytes, 1, "device memory", &data) == OK ? data : NULL;
}

static void cpu_free(void *self, void *data)
{
    (void)self;
    mem_free(data);
}

static void move(struct device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    if (bytes > 0)
        memcpy(to, from, bytes);
}

static void zero(struct device *d, void *to, size_t bytes)
{
    (void)d;
    if (bytes > 0)
        memset(to, 0, bytes);
}

static void sync(struct device *d)
{
    (void)d;
}

static enum comm_sum sum_of(const struct device *d, enum device_sum kind)
{
    const enum comm_sum kinds[] = {
        [DEVICE_REAL] = d->k.real == sizeof(float) ? COMM_FLOAT : COMM_DOUBLE,
        [DEVICE_DOUBLE] = COMM_DOUBLE,
        [DEVICE_INT64] = COMM_INT64,
    };

    return kinds[kind];
}

static enum err reduce_room(struct device *d, int slot, int64_t n,
                            enum device_sum kind)
{
    struct cpu *cpu = d->self;

    return cpu->comm ? comm_add_room(cpu->comm, slot, n, sum_of(d, kind)) : OK;
}

static void reduce_begin(struct device *d, int slot, void *data, int64_t n,
                         enum device_sum kind)
{
    struct cpu *cpu = d->self;

    if (cpu->comm)
        comm_add_begin(cpu->comm, slot, data, n, sum_of(d, kind));
}

static void reduce_finish(struct device *d, int slot)
{
    struct cpu *cpu = d->self;

    if (cpu->comm)
        comm_add_finish(cpu->comm, slot);
}

static void cpu_close(struct device *d)
{
    mem_free(d->self);
}

enum err device_cpu_open(struct comm *c, enum isa isa, size_t real,
                         struct device **out)
{
    struct kernels k;
    struct cpu *cpu;
    void *block;

    TRY(registry_fill(real, isa, &k));
    TRY(mem_alloc(1, sizeof *cpu, "the device", &block));
    cpu = block;
    *cpu = (struct cpu){
        .d = {.name = "cpu",
              .isa = cpuid_name(isa),
              .k = k,
              .memory = {.alloc = cpu_alloc, .free = cpu_free},
              .put = move,
              .get = move,
              .copy = move,
              .zero = zero,
              .sync = sync,
              .reduce_room = reduce_room,
              .reduce_begin = reduce_begin,
              .reduce_finish = reduce_finish,
              .close = cpu_close,
              .self = cpu},
        .comm = c,
    };
    *out = &cpu->d;
    return OK;
}
