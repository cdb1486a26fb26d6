/* SPDX-License-Identifier: MIT */
/* comm_move.c - bytes from rank to rank, in pieces that MPI can count.
 *
 * Gather and exchange are for set-up: plain messages in a fixed order, no tree.
 * Who must make room may fail, so sizes go first, then agreement, then bytes.
 */
#include "comm/comm.h"

#include "base/mem.h"
#include "comm/comm_world.h"

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "sizes travel as 64 bits");

static int piece(size_t bytes)
{
    return bytes < COMM_BYTES ? (int)bytes : COMM_BYTES;
}

void comm_broadcast(struct comm *c, void *data, size_t bytes, int root)
{
    unsigned char *at = data;

    for (size_t done = 0; done < bytes; done += COMM_BYTES) {
        comm_wait_begin(c);
        comm_must(
            c,
            MPI_Bcast(at + done, piece(bytes - done), MPI_BYTE, root, c->world),
            "MPI_Bcast");
    }
}

void comm_barrier(struct comm *c)
{
    comm_wait_begin(c);
    comm_must(c, MPI_Barrier(c->world), "MPI_Barrier");
}

/* Sends to one rank and receives from another (or itself) at the same time;
 * the two lengths differ, so the shorter has nobody to talk to in the end. */
static void swap(struct comm *c, int to, const unsigned char *mine, size_t give,
                 int from, unsigned char *theirs, size_t take)
{
    size_t most = give > take ? give : take;

    for (size_t done = 0; done < most; done += COMM_BYTES) {
        int sends = done < give, gets = done < take;

        comm_wait_begin(c);
        comm_must(c,
                  MPI_Sendrecv(sends ? mine + done : NULL,
                               sends ? piece(give - done) : 0, MPI_BYTE,
                               sends ? to : MPI_PROC_NULL, 0,
                               gets ? theirs + done : NULL,
                               gets ? piece(take - done) : 0, MPI_BYTE,
                               gets ? from : MPI_PROC_NULL, 0, c->world,
                               MPI_STATUS_IGNORE),
                  "MPI_Sendrecv");
    }
}

static size_t total(const size_t bytes[], int n)
{
    size_t sum = 0;

    for (int r = 0; r < n; r++)
        sum += bytes[r];
    return sum;
}

enum err comm_exchange(struct comm *c, const void *mine, const size_t bytes[],
                       void **out, size_t got[])
{
    const unsigned char *give = mine;
    void *data = NULL;
    unsigned char *take;
    enum err err;

    comm_wait_begin(c);
    comm_must(
        c, MPI_Alltoall(bytes, 1, MPI_UINT64_T, got, 1, MPI_UINT64_T, c->world),
        "MPI_Alltoall");
    err = mem_alloc(total(got, c->size), 1, "what other ranks send", &data);
    err = comm_agree(c, err);
    if (err) {
        mem_free(data);
        return err;
    }
    take = data;
    for (int step = 0; step < c->size; step++) {
        int to = (c->rank + step) % c->size;
        int from = (c->rank + c->size - step) % c->size;

        swap(c, to, give + total(bytes, to), bytes[to], from,
             take + total(got, from), got[from]);
    }
    *out = data;
    return OK;
}

/* An exchange in which all is for rank 0. */
enum err comm_gather(struct comm *c, const void *mine, size_t bytes, void **out,
                     size_t sizes[])
{
    void *block = NULL, *data = NULL;
    size_t *give, *got;
    enum err err;

    err = mem_alloc((size_t)c->size, 2 * sizeof *give, "sizes", &block);
    TRY_GOTO(comm_agree(c, err), done);
    give = block;
    got = give + c->size;
    give[0] = bytes;
    TRY_GOTO(comm_exchange(c, mine, give, &data, got), done);
    if (c->rank == 0 && sizes)
        for (int r = 0; r < c->size; r++)
            sizes[r] = got[r];
    if (c->rank != 0) {
        mem_free(data);
        data = NULL;
    }
    *out = data;

done:
    mem_free(block);
    return err;
}
