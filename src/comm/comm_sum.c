/* SPDX-License-Identifier: MIT */
/* comm_sum.c - sums under way, that need no MPI within a node.
 *
 * The numbers are cut into a slice a rank. Each rank gives the others their
 * slices of its numbers, adds its own slice over all ranks, in their order, and
 * takes the other slices' sums. Ranks of a node do so through a window: every
 * rank has a seat in it, that has a place for each rank (at its own place: the
 * sums of its slice) and counts the rank's steps. Others get messages; what
 * they give lies in their places of this rank's seat.
 *
 * A step is taken when all ranks have taken the one before, which is looked for
 * in every call: nobody computes for another rank, so nothing is lost while
 * nobody calls, as an MPI_Iallreduce does between its steps.
 *
 * No place is written too early: what a rank gives anew in its next sum was
 * read when the others added, for which it waited; its sums are written anew
 * when all have begun the next sum, so have taken these.
 */
#include "config.h"

#include "comm/comm.h"

#include "base/mem.h"
#include "comm/comm_world.h"
#include "comm/window.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { HEAD = 64, BLOCK = 4096 }; /* bytes: of a seat; added at a time */
enum { TAG = 1 };                 /* of slot 0; comm_move.c has 0 */

#define ADD(name, type)                                                        \
    static void name(void *to, const void *from, size_t bytes)                 \
    {                                                                          \
        const type *restrict x = from;                                         \
        type *restrict sum = to;                                               \
        size_t n = bytes / sizeof *x;                                          \
                                                                               \
        _Pragma("omp simd") for (size_t i = 0; i < n; i++) sum[i] += x[i];     \
    }
ADD(add_float, float)
ADD(add_double, double)
ADD(add_int64, uint64_t) /* may wrap */

static const struct {
    size_t size;
    void (*add)(void *to, const void *from, size_t bytes);
} kinds[] = {
    [COMM_FLOAT] = {sizeof(float), add_float},
    [COMM_DOUBLE] = {sizeof(double), add_double},
    [COMM_INT64] = {sizeof(int64_t), add_int64},
};

/* --- who has what --------------------------------------------------------- */

/* Of one kind of number on this many ranks, in whole blocks. */
static size_t slice_bytes(const struct comm *c, int64_t n, enum comm_sum kind)
{
    size_t bytes = (size_t)n * kinds[kind].size, size = (size_t)c->size;
    size_t blocks = (bytes + BLOCK - 1) / BLOCK;

    return (blocks + size - 1) / size * BLOCK;
}

/* The last slices may be shorter, or empty. */
static size_t slice_begin(const struct sum *s, int rank)
{
    size_t all = (size_t)s->n * kinds[s->kind].size;
    size_t at = (size_t)rank * s->slice;

    return at < all ? at : all;
}

static size_t slice_length(const struct sum *s, int rank)
{
    return slice_begin(s, rank + 1) - slice_begin(s, rank);
}

/* The seat of a near rank, or this rank's. */
static unsigned char *seat(const struct comm *c, const struct sum *s, int rank)
{
    size_t bytes = HEAD + (size_t)c->size * s->place;

    return s->seats + (s->near[rank] < 0 ? 0 : (size_t)s->near[rank] * bytes);
}

static unsigned char *place(const struct comm *c, const struct sum *s, int of,
                            int rank)
{
    return seat(c, s, of) + HEAD + (size_t)rank * s->place;
}

static atomic_uint *counter(const struct comm *c, const struct sum *s, int rank)
{
    return (atomic_uint *)(void *)seat(c, s, rank);
}

/* --- the steps ------------------------------------------------------------ */

static void copy(void *to, const void *from, size_t bytes)
{
    unsigned char *out = to;
    const unsigned char *in = from;

#pragma omp parallel for schedule(static) if (bytes > 64 * BLOCK)
    for (size_t at = 0; at < bytes; at += BLOCK)
        memcpy(out + at, in + at, bytes - at < BLOCK ? bytes - at : BLOCK);
}

static void take_step(struct comm *c, struct sum *s)
{
    s->steps++;
    atomic_store_explicit(counter(c, s, c->rank), s->steps,
                          memory_order_release);
}

static void get_from(struct comm *c, struct sum *s, int rank, void *to,
                     size_t bytes)
{
    comm_wait_begin(c);
    comm_must(c,
              MPI_Irecv(to, (int)bytes, MPI_BYTE, rank,
                        TAG + (int)(s - c->sums), c->world,
                        &s->far[s->far_count++]),
              "MPI_Irecv");
}

static void send_to(struct comm *c, struct sum *s, int rank, const void *from,
                    size_t bytes)
{
    comm_wait_begin(c);
    comm_must(c,
              MPI_Isend(from, (int)bytes, MPI_BYTE, rank,
                        TAG + (int)(s - c->sums), c->world,
                        &s->far[s->far_count++]),
              "MPI_Isend");
}

static void give(struct comm *c, struct sum *s)
{
    for (int i = 1; i < c->size; i++) {
        int r = (c->rank + i) % c->size;
        const unsigned char *from = s->data + slice_begin(s, r);
        void *to = place(c, s, c->rank, r);

        if (s->near[r] >= 0) {
            copy(to, from, slice_length(s, r));
            continue;
        }
        get_from(c, s, r, to, slice_length(s, c->rank));
        send_to(c, s, r, from, slice_length(s, r));
    }
    take_step(c, s);
}

static void add_block(const struct comm *c, const struct sum *s, size_t at,
                      size_t bytes)
{
    unsigned char *own = s->data + slice_begin(s, c->rank) + at;
    double sum[BLOCK / sizeof(double)];

    for (int r = 0; r < c->size; r++) {
        int is_near = s->near[r] >= 0;
        const unsigned char *from = r == c->rank ? own
                                    : is_near    ? place(c, s, r, c->rank) + at
                                                 : place(c, s, c->rank, r) + at;

        if (r == 0)
            memcpy(sum, from, bytes);
        else
            kinds[s->kind].add(sum, from, bytes);
    }
    memcpy(own, sum, bytes);
    memcpy(place(c, s, c->rank, c->rank) + at, sum, bytes);
}

static void add(struct comm *c, struct sum *s)
{
    size_t bytes = slice_length(s, c->rank);

#pragma omp parallel for schedule(static) if (bytes > 64 * BLOCK)
    for (size_t at = 0; at < bytes; at += BLOCK)
        add_block(c, s, at, bytes - at < BLOCK ? bytes - at : BLOCK);
    for (int i = 1; i < c->size; i++) {
        int r = (c->rank + i) % c->size;

        if (s->near[r] >= 0)
            continue;
        get_from(c, s, r, s->data + slice_begin(s, r), slice_length(s, r));
        send_to(c, s, r, place(c, s, c->rank, c->rank), bytes);
    }
    take_step(c, s);
}

static void take(struct comm *c, struct sum *s)
{
    for (int i = 1; i < c->size; i++) {
        int r = (c->rank + i) % c->size;

        if (s->near[r] >= 0)
            copy(s->data + slice_begin(s, r), place(c, s, r, r),
                 slice_length(s, r));
    }
    s->data = NULL;
}

/* Whether all ranks have taken the step that this one has. */
static int is_met(struct comm *c, struct sum *s)
{
    int done = 1;

    for (int r = 0; r < c->size; r++)
        if (s->near[r] >= 0 &&
            (int)(atomic_load_explicit(counter(c, s, r), memory_order_acquire) -
                  s->steps) < 0)
            return 0;
    if (s->far_count == 0)
        return 1;
    comm_wait_begin(c);
    comm_must(c, MPI_Testall(s->far_count, s->far, &done, MPI_STATUSES_IGNORE),
              "MPI_Testall");
    if (done)
        s->far_count = 0;
    return done;
}

static void move_on(struct comm *c)
{
    for (int i = 0; i < COMM_SLOTS; i++) {
        struct sum *s = &c->sums[i];

        if (s->data && s->steps % 2 == 1 && is_met(c, s))
            add(c, s);
        if (s->data && s->steps % 2 == 0 && is_met(c, s))
            take(c, s);
    }
}

/* --- room ----------------------------------------------------------------- */

static void close_room(struct comm *c, struct sum *s)
{
    window_close(c, &s->window);
    mem_free(s->far);
    *s = (struct sum){.seats = NULL};
}

void comm_sums_close(struct comm *c)
{
    for (int i = 0; i < COMM_SLOTS; i++)
        close_room(c, &c->sums[i]);
}

/* Who is near: has a seat in this rank's window. */
static void find_near(struct comm *c, struct sum *s)
{
    MPI_Group all, node;

    for (int r = 0; r < c->size; r++)
        s->far[r] = MPI_REQUEST_NULL;
    MPI_Comm_group(c->world, &all);
    MPI_Comm_group(c->node, &node);
    for (int r = 0; r < c->size; r++) {
        MPI_Group_translate_ranks(all, 1, &r, node, &s->near[r]);
        if (s->near[r] == MPI_UNDEFINED || !window_is_shared(s->window))
            s->near[r] = -1;
    }
    MPI_Group_free(&all);
    MPI_Group_free(&node);
}

enum err comm_add_room(struct comm *c, int slot, int64_t n, enum comm_sum kind)
{
    size_t size = (size_t)c->size, need = slice_bytes(c, n, kind);
    struct sum *s = &c->sums[slot];
    void *block = NULL, *seats;
    enum err err;

    CHECK(slot >= 0 && slot < COMM_SLOTS && n >= 0 && !s->data);
    if (c->size == 1 || need <= s->place)
        return OK;
    if (need > COMM_BYTES)
        return err_set(ERR_ENVIRONMENT,
                       "sums over ranks: %lld numbers are too many (expected "
                       "at most %d bytes a rank, found %zu); use more ranks",
                       (long long)n, COMM_BYTES, need);
    close_room(c, s);
    err = mem_alloc(size, sizeof *s->near + 2 * sizeof *s->far,
                    "sums over ranks", &block);
    TRY_GOTO(comm_agree(c, err), failed);
    TRY_GOTO(window_open_seats(c, HEAD + size * need, &s->window, &seats),
             failed);
    s->far = block;
    s->near = (int *)(void *)(s->far + 2 * size);
    s->seats = seats;
    s->place = need;
    find_near(c, s);
    return OK;

failed:
    mem_free(block);
    return err;
}

/* --- begin and finish ----------------------------------------------------- */

void comm_add_begin(struct comm *c, int slot, void *data, int64_t n,
                    enum comm_sum kind)
{
    struct sum *s = &c->sums[slot];

    CHECK(slot >= 0 && slot < COMM_SLOTS && !s->data);
    if (c->size == 1 || n == 0)
        return;
    s->slice = slice_bytes(c, n, kind);
    CHECK(s->slice <= s->place && "comm_add_room comes first");
    s->data = data;
    s->n = n;
    s->kind = kind;
    give(c, s);
    move_on(c);
}

void comm_add_finish(struct comm *c, int slot)
{
    CHECK(slot >= 0 && slot < COMM_SLOTS);
    comm_wait_begin(c);
    move_on(c);
    while (c->sums[slot].data) {
        sched_yield();
        move_on(c);
    }
    comm_wait_end(c);
}
