/* SPDX-License-Identifier: MIT */
/* comm.h - the ranks of a job: agreement, sums, waits that end.
 *
 * The only MPI of the program stands in this folder. A communicator is opened
 * once, in main; one thread calls. Everything marked collective is called by
 * all ranks in the same order. While a rank waits in a collective call a
 * watchdog thread counts; past the limit it says so and ends the job with 50
 * (doc/reliability.md R6).
 */
#ifndef COMM_H
#define COMM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct comm; /* opaque */

enum comm_sum { COMM_FLOAT, COMM_DOUBLE, COMM_INT64 };

/* Collective; starts MPI. ERR_ENVIRONMENT: no MPI, or the launcher trap (one
 * rank inside a Slurm step of several tasks). argc, argv as of main. */
enum err comm_open(int *argc, char ***argv, struct comm **out);

/* Collective; ends MPI. After a failure (neither OK nor ERR_STOPPED) the other
 * ranks get some seconds to come too, then the job ends with this code. A
 * process in which a write of HDF5 failed (h5_is_broken) does not return: it
 * ends by _exit(code). NULL is fine. */
void comm_close(struct comm **c, enum err code);

/* Ends the job at once with this exit code; does not return. */
void comm_abort(struct comm *c, enum err code);

int comm_rank(const struct comm *c);
int comm_size(const struct comm *c);
int comm_node_rank(const struct comm *c); /* among the ranks of this host */
int comm_node_size(const struct comm *c);
const char *comm_host(const struct comm *c);
const char *comm_version(void); /* "Open MPI 4.1.4", for --version */

/* Collective. The worst of all ranks' codes, the same everywhere (the largest
 * of those that are not OK; ties: the lowest rank that has a message). The rank
 * whose failure counts keeps its message, the others' becomes "", for which
 * err_print prints nothing; so each failure is printed once. Agreeing again on
 * what was agreed changes nothing. */
enum err comm_agree(struct comm *c, enum err mine);

/* Collective. In place. */
void comm_broadcast(struct comm *c, void *data, size_t bytes, int root);
void comm_add(struct comm *c, void *data, int64_t n, enum comm_sum kind);
void comm_max(struct comm *c, int64_t *data, int64_t n);
void comm_barrier(struct comm *c);

/* Collective. Each rank's bytes, in order of ranks, on rank 0 (mem_free); *out
 * is NULL elsewhere; sizes [size] on rank 0, or NULL. ERR_ENVIRONMENT: memory,
 * agreed. */
enum err comm_gather(struct comm *c, const void *mine, size_t bytes, void **out,
                     size_t sizes[]);

/* Collective. Sends bytes[r] bytes to each rank r, one after the other in
 * `mine`; *out (mem_free) has what the others sent here, in order of ranks, of
 * got[r] bytes each. ERR_ENVIRONMENT: memory, agreed. */
enum err comm_exchange(struct comm *c, const void *mine, const size_t bytes[],
                       void **out, size_t got[]);

/* Collective. Sums under way: begin returns at once, finish waits; each call
 * moves on all that are. Added in the order of ranks, on whichever nodes they
 * are: all ranks get the same bits, and so does every job of as many. One at a
 * time for each slot 0..COMM_SLOTS-1, for whose largest sum comm_add_room makes
 * room, while none is under way. ERR_ENVIRONMENT: memory, agreed. */
enum { COMM_SLOTS = 8 };
enum err comm_add_room(struct comm *c, int slot, int64_t n, enum comm_sum kind);
void comm_add_begin(struct comm *c, int slot, void *data, int64_t n,
                    enum comm_sum kind);
void comm_add_finish(struct comm *c, int slot);

/* How long a rank may wait for the others: 20 s, or longer after a save that
 * took longer (twice the slowest seen). Collective waits only. */
void comm_set_patience(struct comm *c, double seconds);

/* Local. One rank will read or write so many bytes while the others wait: they
 * wait as much longer as that may take. 0: that is over. */
void comm_expect(struct comm *c, double bytes);

/* Around work that is collective without being in this header (HDF5): the
 * watchdog counts between the two. */
void comm_wait_begin(struct comm *c);
void comm_wait_end(struct comm *c);

#endif
