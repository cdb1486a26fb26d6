/* SPDX-License-Identifier: MIT */
/* device_paranoid.c - device memory is mapped without any access, but for the
 * time of a call; an allocation ends at a page without access.
 *
 * put takes the bytes at once and looks at sync whether the host still has
 * them; get keeps them and hands them out at sync, until when the host has
 * poison (NaN in every precision); sums over ranks do likewise.
 */
#include "config.h"

#include "cpu/device_paranoid.h"

#include "base/digest.h"
#include "comm/comm.h"
#include "cpu/paranoid.h"
#include "cpu/registry.h"
#include "device/device.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { POISON = 0xFF };

struct region {
    unsigned char *map; /* span bytes, then a page that nobody may touch */
    size_t span;
    unsigned char *data;
    size_t bytes;
};

struct put {
    const void *from;
    size_t bytes;
    struct digest was;
};

struct get {
    void *to;
    size_t bytes, at; /* in staged */
};

struct sum {
    void *data;          /* of the device; NULL: none under way */
    unsigned char *mine; /* the copy that MPI works on */
    size_t bytes, room;
};

static struct paranoid {
    struct device d;
    struct comm *comm; /* borrowed; NULL: one rank */
    struct region *regions;
    struct put *puts;
    struct get *gets;
    unsigned char *staged; /* what the gets got */
    size_t region_count, put_count, get_count, staged_count;
    size_t region_room, put_room, get_room, staged_room;
    struct sum sums[DEVICE_REDUCTIONS];
} * device; /* of the process */

static void allow(int access)
{
    for (size_t i = 0; i < device->region_count; i++) {
        const struct region *r = &device->regions[i];

        CHECK(mprotect(r->map, r->span, access) == 0);
    }
}

void paranoid_enter(void)
{
    allow(PROT_READ | PROT_WRITE);
}

void paranoid_leave(void)
{
    allow(PROT_NONE);
}

/* All of p .. p + bytes; the end of an allocation is in it. */
static int owns(const void *p, size_t bytes)
{
    const unsigned char *first = p;

    for (size_t i = 0; i < device->region_count; i++) {
        const struct region *r = &device->regions[i];

        if (first >= r->data && first <= r->data + r->bytes)
            return bytes <= (size_t)(r->data + r->bytes - first);
    }
    return 0;
}

int paranoid_owns(const void *p)
{
    return !p || owns(p, 0);
}

static void *paranoid_alloc(void *self, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    size_t span = (whole + page - 1) / page * page;
    void *grown = device->regions, *map;

    (void)self;
    if (bytes > SIZE_MAX / 2 ||
        mem_grow(&grown, &device->region_room, device->region_count + 1,
                 sizeof(struct region), "device memory"))
        return NULL;
    device->regions = grown;
    map =
        mmap(NULL, span + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    device->regions[device->region_count++] = (struct region){
        .map = map,
        .span = span,
        .data = (unsigned char *)map + span - whole,
        .bytes = bytes,
    };
    return (unsigned char *)map + span - whole;
}

static void paranoid_free(void *self, void *data)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), i = 0;
    struct region *r;

    (void)self;
    while (i < device->region_count && device->regions[i].data != data)
        i++;
    CHECK(i < device->region_count && "memory of the device");
    r = &device->regions[i];
    munmap(r->map, r->span + page);
    *r = device->regions[--device->region_count];
}

/* Room is kept, so that a step allocates nothing after the first of its kind.
 */
static void *grow(void *data, size_t *room, size_t need, size_t size)
{
    CHECK(mem_grow(&data, room, need, size, "the paranoid device") == OK);
    return data;
}

static void put(struct device *d, void *to, const void *from, size_t bytes)
{
    struct put *p;

    (void)d;
    if (bytes == 0)
        return;
    CHECK(owns(to, bytes) && "put is to device memory");
    CHECK(!owns(from, 0) && "put is from host memory");
    device->puts = grow(device->puts, &device->put_room, device->put_count + 1,
                        sizeof *device->puts);
    p = &device->puts[device->put_count++];
    *p = (struct put){.from = from, .bytes = bytes};
    digest_bytes(from, bytes, &p->was);
    paranoid_enter();
    memcpy(to, from, bytes);
    paranoid_leave();
}

static void get(struct device *d, void *to, const void *from, size_t bytes)
{
    size_t at = device->staged_count;

    (void)d;
    if (bytes == 0)
        return;
    CHECK(owns(from, bytes) && "get is from device memory");
    CHECK(!owns(to, 0) && "get is to host memory");
    device->gets = grow(device->gets, &device->get_room, device->get_count + 1,
                        sizeof *device->gets);
    device->staged = grow(device->staged, &device->staged_room, at + bytes, 1);
    device->gets[device->get_count++] = (struct get){to, bytes, at};
    device->staged_count += bytes;
    paranoid_enter();
    memcpy(device->staged + at, from, bytes);
    paranoid_leave();
    memset(to, POISON, bytes);
}

static void copy(struct device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    if (bytes == 0)
        return;
    CHECK(owns(to, bytes) && owns(from, bytes) && "copy is on the device");
    paranoid_enter();
    memcpy(to, from, bytes);
    paranoid_leave();
}

static void fill(void *to, int byte, size_t bytes)
{
    if (bytes == 0)
        return;
    CHECK(owns(to, bytes) && "device memory");
    paranoid_enter();
    memset(to, byte, bytes);
    paranoid_leave();
}

static void zero(struct device *d, void *to, size_t bytes)
{
    (void)d;
    fill(to, 0, bytes);
}

void device_paranoid_poison(struct device *d, void *data, size_t bytes)
{
    CHECK(d == &device->d);
    fill(data, POISON, bytes);
}

static void settle(struct device *d)
{
    (void)d;
    for (size_t i = 0; i < device->put_count; i++) {
        const struct put *p = &device->puts[i];
        struct digest is;

        digest_bytes(p->from, p->bytes, &is);
        CHECK(digest_equal(&is, &p->was) &&
              "the host changed what it had put before sync");
    }
    for (size_t i = 0; i < device->get_count; i++) {
        const struct get *g = &device->gets[i];

        memcpy(g->to, device->staged + g->at, g->bytes);
    }
    device->put_count = device->get_count = device->staged_count = 0;
}

static enum comm_sum sum_of(const struct device *d, enum device_sum kind)
{
    return kind == DEVICE_INT64                                ? COMM_INT64
           : kind == DEVICE_REAL && d->k.real == sizeof(float) ? COMM_FLOAT
                                                               : COMM_DOUBLE;
}

static size_t sum_bytes(const struct device *d, int64_t n, enum device_sum kind)
{
    return (size_t)n *
           (sum_of(d, kind) == COMM_FLOAT ? sizeof(float) : sizeof(double));
}

static enum err reduce_room(struct device *d, int slot, int64_t n,
                            enum device_sum kind)
{
    struct sum *s;
    void *mine;
    enum err err;

    CHECK(slot >= 0 && slot < DEVICE_REDUCTIONS);
    s = &device->sums[slot];
    CHECK(!s->data && "no sum is under way in this slot");
    mine = s->mine;
    err = mem_grow(&mine, &s->room, sum_bytes(d, n, kind), 1,
                   "the paranoid device");
    s->mine = mine;
    if (!device->comm)
        return err;
    TRY(comm_agree(device->comm, err));
    return comm_add_room(device->comm, slot, n, sum_of(d, kind));
}

/* Until finish the device has poison: a kernel in between must not look. */
static void reduce_begin(struct device *d, int slot, void *data, int64_t n,
                         enum device_sum kind)
{
    size_t bytes = sum_bytes(d, n, kind);
    struct sum *s;

    CHECK(slot >= 0 && slot < DEVICE_REDUCTIONS);
    s = &device->sums[slot];
    CHECK(!s->data && "one sum at a time in a slot");
    CHECK(owns(data, bytes) && "sums are of device memory");
    CHECK(bytes <= s->room && "reduce_room comes first");
    s->data = data;
    s->bytes = bytes;
    paranoid_enter();
    memcpy(s->mine, data, bytes);
    memset(data, POISON, bytes);
    paranoid_leave();
    if (device->comm)
        comm_add_begin(device->comm, slot, s->mine, n, sum_of(d, kind));
}

static void reduce_finish(struct device *d, int slot)
{
    struct sum *s;

    (void)d;
    CHECK(slot >= 0 && slot < DEVICE_REDUCTIONS);
    s = &device->sums[slot];
    CHECK(s->data && "a sum is under way in this slot");
    if (device->comm)
        comm_add_finish(device->comm, slot);
    paranoid_enter();
    memcpy(s->data, s->mine, s->bytes);
    paranoid_leave();
    s->data = NULL;
}

static void paranoid_close(struct device *d)
{
    CHECK(d == &device->d);
    CHECK(device->region_count == 0 && "its memory is freed first");
    for (int i = 0; i < DEVICE_REDUCTIONS; i++)
        mem_free(device->sums[i].mine);
    mem_free(device->staged);
    mem_free(device->gets);
    mem_free(device->puts);
    mem_free(device->regions);
    mem_free(device);
    device = NULL;
}

enum err device_paranoid_open(struct comm *c, enum isa isa, size_t real,
                              struct device **out)
{
    struct kernels k;
    void *block;

    CHECK(!device && "one paranoid device a process");
    TRY(registry_fill(real, isa, &k));
    TRY(mem_alloc(1, sizeof *device, "the device", &block));
    device = block;
    paranoid_wrap(&k);
    *device = (struct paranoid){
        .d = {.name = "paranoid",
              .isa = cpuid_name(isa),
              .k = k,
              .memory = {.alloc = paranoid_alloc, .free = paranoid_free},
              .put = put,
              .get = get,
              .copy = copy,
              .zero = zero,
              .sync = settle,
              .reduce_room = reduce_room,
              .reduce_begin = reduce_begin,
              .reduce_finish = reduce_finish,
              .close = paranoid_close,
              .self = device},
        .comm = c,
    };
    *out = &device->d;
    return OK;
}
