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

/* Bytes of this rank, and whom they come from or go to. */
struct span {
    unsigned char *at;
    size_t bytes;
    int rank;
};

/* Sends and receives at the same time; the two lengths differ, so the shorter
 * has nobody to talk to in the end. */
static void swap(struct comm *c, struct span give, struct span take)
{
    size_t most = give.bytes > take.bytes ? give.bytes : take.bytes;

    for (size_t done = 0; done < most; done += COMM_BYTES) {
        int sends = done < give.bytes, gets = done < take.bytes;

        comm_wait_begin(c);
        comm_must(c,
                  MPI_Sendrecv(sends ? give.at + done : NULL,
                               sends ? piece(give.bytes - done) : 0, MPI_BYTE,
                               sends ? give.rank : MPI_PROC_NULL, 0,
                               gets ? take.at + done : NULL,
                               gets ? piece(take.bytes - done) : 0, MPI_BYTE,
                               gets ? take.rank : MPI_PROC_NULL, 0, c->world,
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
    unsigned char *from = (unsigned char *)mine; /* only read */
    void *data = NULL;
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
    for (int step = 0; step < c->size; step++) {
        int there = (c->rank + step) % c->size;
        int back = (c->rank + c->size - step) % c->size;
        struct span give = {from ? from + total(bytes, there) : NULL,
                            bytes[there], there};
        struct span take = {(unsigned char *)data + total(got, back), got[back],
                            back};

        swap(c, give, take);
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
