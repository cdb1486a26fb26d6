/* SPDX-License-Identifier: MIT */
/* nccl.c - stands for NCCL (cuda/calls.h), on MPI: one rank a process, in
 * stream order, and calls of a communicator one after another as they were
 * made, in whichever streams. Sums run in the order of ranks.
 *
 * SIMT_NCCL_FAIL=n: from the n-th call on nothing is sent and the communicator
 * has an error, as if a peer were gone.
 */
#include "cuda/calls.h"
#include "simt/simt_work.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { FINE = 0, INVALID = 4, REMOTE = 6 };

struct ncclComm {
    MPI_Comm ranks;
    cudaStream_t last_stream; /* of the last call */
    uint64_t last_turn;
    int calls, fails_at; /* 0: never */
    int error;
};

struct reduction {
    struct ncclComm *c;
    const void *from;
    void *to;
    size_t n;
    int type, op, root;
};

static size_t bytes_of(int type)
{
    return type == CALLS_NCCL_FP32 ? 4 : 8;
}

static int is_served(int type)
{
    return type == CALLS_NCCL_FP32 || type == CALLS_NCCL_FP64 ||
           type == CALLS_NCCL_INT64;
}

#define COMBINE(type)                                                          \
    for (size_t i = 0; i < n; i++) {                                           \
        type x = ((const type *)from)[i], *sum = (type *)to + i;               \
                                                                               \
        *sum = op == CALLS_NCCL_SUM ? *sum + x : x > *sum ? x : *sum;          \
    }

static void combine(int type, int op, void *to, const void *from, size_t n)
{
    if (type == CALLS_NCCL_FP32)
        COMBINE(float)
    else if (type == CALLS_NCCL_FP64)
        COMBINE(double)
    else
        COMBINE(int64_t)
}

/* Whether the call is made: it counts, and may be the one that fails. */
static int is_alive(struct ncclComm *c)
{
    c->calls++;
    if (c->fails_at > 0 && c->calls >= c->fails_at)
        c->error = REMOTE;
    return c->error == FINE;
}

static void all_reduce_now(void *self)
{
    struct reduction *r = self;
    size_t bytes = r->n * bytes_of(r->type);
    int ranks;
    char *all;

    MPI_Comm_size(r->c->ranks, &ranks);
    if (!is_alive(r->c) || !simt_work_reads(r->from, bytes, "NCCL") ||
        !simt_work_writes(r->to, bytes, "NCCL"))
        return;
    all = malloc(bytes * (size_t)ranks + 1);
    if (!all)
        abort();
    MPI_Allgather(r->from, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE,
                  r->c->ranks);
    memcpy(r->to, all, bytes);
    for (int i = 1; i < ranks; i++)
        combine(r->type, r->op, r->to, all + (size_t)i * bytes, r->n);
    free(all);
}

static void broadcast_now(void *self)
{
    struct reduction *r = self;
    size_t bytes = r->n * bytes_of(r->type);
    int rank;

    MPI_Comm_rank(r->c->ranks, &rank);
    if (!is_alive(r->c) ||
        (rank == r->root && !simt_work_reads(r->from, bytes, "NCCL")) ||
        !simt_work_writes(r->to, bytes, "NCCL"))
        return;
    if (rank == r->root)
        memmove(r->to, r->from, bytes);
    MPI_Bcast(r->to, (int)bytes, MPI_BYTE, r->root, r->c->ranks);
}

static int add(void (*work)(void *), const struct reduction *r, cudaStream_t s)
{
    struct ncclComm *c = r->c;

    if (!is_served(r->type) ||
        (r->op != CALLS_NCCL_SUM && r->op != CALLS_NCCL_MAX))
        return INVALID;
    simt_work_not_before(s, c->last_stream, c->last_turn);
    simt_work_add(s, work, r, sizeof *r);
    c->last_stream = s;
    c->last_turn = simt_work_turn(s);
    return FINE;
}

/* --- calls ---------------------------------------------------------------- */

static int get_unique_id(struct calls_nccl_id *id)
{
    memset(id->bytes, 'i', sizeof id->bytes);
    return FINE;
}

/* All ranks of the job, or one alone; every rank has the id that rank 0 made.
 */
static int comm_init_rank(calls_comm *c, int ranks, struct calls_nccl_id id,
                          int rank)
{
    const char *word = getenv("SIMT_NCCL_FAIL");
    struct ncclComm *fresh;
    int world;

    MPI_Comm_size(MPI_COMM_WORLD, &world);
    if ((ranks != world && ranks != 1) || id.bytes[127] != 'i')
        return INVALID;
    fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        abort();
    fresh->fails_at = word ? (int)strtol(word, NULL, 10) : 0;
    MPI_Comm_split(ranks == 1 ? MPI_COMM_SELF : MPI_COMM_WORLD, 0, rank,
                   &fresh->ranks);
    *c = fresh;
    return FINE;
}

static int comm_destroy(calls_comm c)
{
    MPI_Comm_free(&c->ranks);
    free(c);
    return FINE;
}

/* Not collective: the peers may be gone. */
static int comm_abort(calls_comm c)
{
    free(c);
    return FINE;
}

static int comm_get_async_error(calls_comm c, int *error)
{
    *error = c->error;
    return FINE;
}

static int group(void)
{
    return FINE;
}

static int all_reduce(const void *from, void *to, size_t n, int type, int op,
                      calls_comm c, cudaStream_t s)
{
    return add(all_reduce_now, &(struct reduction){c, from, to, n, type, op, 0},
               s);
}

static int broadcast(const void *from, void *to, size_t n, int type, int root,
                     calls_comm c, cudaStream_t s)
{
    return add(broadcast_now,
               &(struct reduction){c, from, to, n, type, CALLS_NCCL_SUM, root},
               s);
}

static const char *error_string(int error)
{
    return error == FINE      ? "no error"
           : error == INVALID ? "invalid argument"
           : error == REMOTE  ? "remote process exited or there was a network "
                                "error"
                              : "unknown result code";
}

const struct nccl_calls *calls_nccl(const char **why)
{
    static const struct nccl_calls calls = {
        get_unique_id, comm_init_rank,       comm_destroy,
        comm_abort,    comm_get_async_error, group,
        group,         all_reduce,           broadcast,
        error_string};

    *why = "";
    return &calls;
}
