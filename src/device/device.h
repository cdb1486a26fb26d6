/* SPDX-License-Identifier: MIT */
/* device.h - the seam between the model and what computes it.
 *
 * A process has one device: memory, an order of execution, sums over ranks, and
 * the table of kernels. Calls run in the order in which they are made;
 * reduce_begin forks after all before it, reduce_finish joins; the host sees
 * results of get only after sync. Opened by src/app/devices, through
 * cpu/device_cpu.h, cpu/device_paranoid.h or cuda/device_cuda.h; above this
 * header nothing knows which.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "base/mem.h"
#include "device/kernels.h"

#include <stddef.h>
#include <stdint.h>

enum device_sum { DEVICE_REAL, DEVICE_DOUBLE, DEVICE_INT64 };
enum { DEVICE_REDUCTIONS = 8 }; /* under way at once */

struct device {
    const char *name; /* "cpu", .. as the deck spells it */
    const char *isa;  /* of the kernels, for logs and checkpoints */
    struct kernels k;
    struct mem_source memory; /* zero-filled device memory for memory_open */

    /* Host to device, device to host; `from` of put may be changed, `to` of
     * get be read, after sync. */
    void (*put)(struct device *d, void *to, const void *from, size_t bytes);
    void (*get)(struct device *d, void *to, const void *from, size_t bytes);
    void (*copy)(struct device *d, void *to, const void *from, size_t bytes);
    void (*zero)(struct device *d, void *to, size_t bytes);
    void (*sync)(struct device *d);

    /* Collective over the job's ranks: data[n] becomes the sum over ranks, in
     * place, added in their order; the same slot and n on all. reduce_room
     * comes first, at set-up, with the largest n of a slot.
     * ERR_ENVIRONMENT: memory, agreed. */
    enum err (*reduce_room)(struct device *d, int slot, int64_t n,
                            enum device_sum kind);
    void (*reduce_begin)(struct device *d, int slot, void *data, int64_t n,
                         enum device_sum kind);
    void (*reduce_finish)(struct device *d, int slot);

    void (*close)(struct device *d); /* and frees d; see device_close */
    void *self;
};

/* Sets *d to NULL; NULL is fine. */
void device_close(struct device **d);

#endif
