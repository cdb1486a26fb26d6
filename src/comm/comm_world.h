/* SPDX-License-Identifier: MIT */
/* comm_world.h - what the files of src/comm know of a communicator. */
#ifndef COMM_WORLD_H
#define COMM_WORLD_H

#include "comm/comm.h"

#include <mpi.h>

/* A message of MPI counts in int: longer ones go in pieces. */
enum { COMM_BYTES = 1 << 30 };

struct watchdog;
struct window;

/* A sum under way, as comm_sum.c has it. */
struct sum {
    struct window *window;
    unsigned char *seats; /* of the ranks of this node, or this rank's alone */
    MPI_Request *far;     /* [2 size] messages under way */
    int far_count;
    int *near;    /* [size] whose seat is a rank's; -1: it gets messages */
    size_t place; /* bytes of each place in a seat */
    size_t slice; /* bytes of a whole slice of the numbers */
    unsigned char *data; /* [n]; NULL: nothing under way */
    int64_t n;
    enum comm_sum kind;
    unsigned steps; /* of this rank, over all sums; odd: given, not added */
};

struct comm {
    MPI_Comm world;
    MPI_Comm node;     /* the ranks that share memory with this one */
    MPI_Comm farewell; /* for comm_close alone */
    int rank, size;
    int node_rank, node_size;
    int64_t piece; /* numbers of one reduction, at most */
    struct sum sums[COMM_SLOTS];
    int warned;            /* shared memory was refused */
    int waits;             /* depth of comm_wait_begin */
    double patience, more; /* s: comm_set_patience, comm_expect */
    struct watchdog *dog;  /* NULL: nobody to wait for */
    char host[MPI_MAX_PROCESSOR_NAME];
};

/* Ends a wait that comm_wait_begin began; an MPI call that failed in it ends
 * the job: what the other ranks now do is not known. */
void comm_must(struct comm *c, int result, const char *call);

/* Frees the room for sums; the ranks of a node together. */
void comm_sums_close(struct comm *c);

/* comm_agree among the ranks of a communicator. */
enum err comm_agree_among(struct comm *c, MPI_Comm among, enum err mine);

#endif
