/* SPDX-License-Identifier: MIT */
/* comm_world.h - what the files of src/comm know of a communicator. */
#ifndef COMM_WORLD_H
#define COMM_WORLD_H

#include "comm/comm.h"

#include <mpi.h>

/* A message of MPI counts in int: longer ones go in pieces. */
enum { COMM_PIECES = 16, COMM_BYTES = 1 << 30 };

struct watchdog;

struct comm {
    MPI_Comm world;
    MPI_Comm node;     /* the ranks that share memory with this one */
    MPI_Comm farewell; /* for comm_close alone */
    int rank, size;
    int node_rank, node_size;
    int64_t piece; /* numbers of one reduction, at most */
    MPI_Request under_way[COMM_SLOTS][COMM_PIECES];
    int pieces[COMM_SLOTS];
    int waits;             /* depth of comm_wait_begin */
    double patience, more; /* s: comm_set_patience, comm_expect */
    struct watchdog *dog;  /* NULL: nobody to wait for */
    char host[MPI_MAX_PROCESSOR_NAME];
};

/* Ends a wait that comm_wait_begin began; an MPI call that failed in it ends
 * the job: what the other ranks now do is not known. */
void comm_must(struct comm *c, int result, const char *call);

/* comm_agree among the ranks of a communicator. */
enum err comm_agree_among(struct comm *c, MPI_Comm among, enum err mine);

#endif
