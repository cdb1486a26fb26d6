/* SPDX-License-Identifier: MIT */
/* comm.c - start and end of MPI, agreement and sums.
 *
 * Every call that may wait for others stands between comm_wait_begin and
 * comm_must, so that the watchdog sees it. Errors are returned by MPI
 * (MPI_ERRORS_RETURN) so that they are said in the program's words.
 */
#include "config.h"

#include "comm/comm.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/timer.h"
#include "comm/comm_world.h"
#include "comm/h5_file.h"
#include "comm/watchdog.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double slow_disk = 20e6;    /* bytes/s, and busy */
static const double patience_least = 20; /* s: a pause is no death */

static enum err mpi_ok(int result, const char *call)
{
    char why[MPI_MAX_ERROR_STRING] = "";
    int n;

    if (result == MPI_SUCCESS)
        return OK;
    MPI_Error_string(result, why, &n);
    return err_set(ERR_ENVIRONMENT,
                   "MPI: %s failed (%s); check the launcher and the network",
                   call, why);
}

/* --- start and end ------------------------------------------------------ */

/* A launcher of another MPI starts N times "rank 0 of 1". The first of them
 * says so, for all. */
static enum err check_launcher(int size)
{
    static const char *const names[] = {"SLURM_STEP_NUM_TASKS",
                                        "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    const char *task = getenv("SLURM_PROCID");
    int64_t n, id = 0;

    if (size > 1)
        return OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = getenv(names[i]);

        if (!text || !num_int64(text, strlen(text), &n) || n < 2)
            continue;
        if (task && num_int64(task, strlen(task), &id) && id > 0)
            return err_set(ERR_ENVIRONMENT, "%s", "");
        return err_set(ERR_ENVIRONMENT,
                       "%s: the launcher started %lld tasks that do not see "
                       "each other (expected %lld MPI ranks, found 1); start "
                       "with the launcher of %s (its mpirun, or srun "
                       "--mpi=pmix)",
                       names[i], (long long)n, (long long)n, comm_version());
    }
    return OK;
}

static enum err divide(struct comm *c)
{
    int n;

    TRY(mpi_ok(MPI_Comm_dup(c->world, &c->farewell), "MPI_Comm_dup"));
    TRY(mpi_ok(MPI_Comm_split_type(c->world, MPI_COMM_TYPE_SHARED, c->rank,
                                   MPI_INFO_NULL, &c->node),
               "MPI_Comm_split_type"));
    MPI_Comm_rank(c->node, &c->node_rank);
    MPI_Comm_size(c->node, &c->node_size);
    return mpi_ok(MPI_Get_processor_name(c->host, &n),
                  "MPI_Get_processor_name");
}

static enum err init(int *argc, char ***argv)
{
    int threads;

    TRY(mpi_ok(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &threads),
               "MPI_Init_thread"));
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    if (threads >= MPI_THREAD_FUNNELED)
        return OK;
    MPI_Finalize();
    return err_set(ERR_ENVIRONMENT,
                   "MPI: no threads beside it (expected MPI_THREAD_FUNNELED); "
                   "use an MPI built with threads");
}

enum err comm_open(int *argc, char ***argv, struct comm **out)
{
    struct comm *c = NULL;
    void *data = NULL;
    enum err err;
    int size;

    h5_start(); /* before MPI: see there */
    TRY(init(argc, argv));
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    TRY_GOTO(check_launcher(size), finalize);
    TRY_GOTO(mem_alloc(1, sizeof *c, "the communicator", &data), finalize);
    c = data;
    c->world = MPI_COMM_WORLD;
    c->size = size;
    c->piece = 1 << 26;
    MPI_Comm_rank(c->world, &c->rank);
    TRY_GOTO(divide(c), finalize);
    if (size > 1)
        err = watchdog_start(c->rank, patience_least, &c->dog);
    TRY_GOTO(comm_agree(c, err), finalize);
    *out = c;
    return OK;

finalize:
    MPI_Finalize();
    if (c)
        watchdog_stop(&c->dog);
    mem_free(c);
    return err;
}

/* After a failure that others may not share nobody is waited for longer than
 * half of what their watchdogs wait, so that this code is the job's. */
static void leave(struct comm *c, enum err code)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    double end = timer_now() + watchdog_patience(c->dog) / 2;
    MPI_Request all;
    int here = 0;

    watchdog_set_code(c->dog, code);
    if (MPI_Ibarrier(c->farewell, &all) != MPI_SUCCESS)
        comm_abort(c, code);
    while (!here) {
        if (MPI_Test(&all, &here, MPI_STATUS_IGNORE) != MPI_SUCCESS ||
            (!here && timer_now() > end))
            comm_abort(c, code);
        if (!here)
            nanosleep(&nap, NULL);
    }
}

void comm_close(struct comm **pc, enum err code)
{
    struct comm *c = *pc;

    if (!c)
        return;
    *pc = NULL;
    comm_wait_begin(c);
    if (c->size > 1 && code != OK && code != ERR_STOPPED)
        leave(c, code);
    comm_sums_close(c);
    MPI_Comm_free(&c->node);
    MPI_Comm_free(&c->farewell);
    MPI_Finalize();
    watchdog_stop(&c->dog);
    mem_free(c);
    if (!h5_is_broken())
        return;
    fflush(NULL);
    _exit(code);
}

void comm_abort(struct comm *c, enum err code)
{
    fflush(NULL);
    if (c) {
        watchdog_set_code(c->dog, code);
        watchdog_arm(c->dog);
        MPI_Abort(c->world, code);
    }
    _exit(code);
}

/* --- facts -------------------------------------------------------------- */

int comm_rank(const struct comm *c)
{
    return c->rank;
}

int comm_size(const struct comm *c)
{
    return c->size;
}

int comm_node_rank(const struct comm *c)
{
    return c->node_rank;
}

int comm_node_size(const struct comm *c)
{
    return c->node_size;
}

const char *comm_host(const struct comm *c)
{
    return c->host;
}

/* "Open MPI v4.1.4, package: .." and "MPICH Version:      4.0.2\n.." */
const char *comm_version(void)
{
    static char name[128];
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    size_t n = 0, end;
    int length;

    MPI_Get_library_version(text, &length);
    end = strcspn(text, ",\n");
    for (size_t i = 0; i < end && n + 1 < sizeof name; i++) {
        int blank = text[i] == ' ' || text[i] == '\t';
        int is_v = text[i] == 'v' && i > 0 && text[i - 1] == ' ';

        if (strncmp(text + i, "Version:", 8) == 0)
            i += 7;
        else if (!is_v && !(blank && n > 0 && name[n - 1] == ' '))
            name[n++] = blank ? ' ' : text[i];
    }
    name[n] = 0;
    return name;
}

/* --- waits -------------------------------------------------------------- */

void comm_set_patience(struct comm *c, double seconds)
{
    c->patience = seconds > patience_least ? seconds : patience_least;
    watchdog_set_patience(c->dog, c->patience + c->more);
}

void comm_expect(struct comm *c, double bytes)
{
    c->more = bytes / slow_disk;
    comm_set_patience(c, c->patience);
}

void comm_wait_begin(struct comm *c)
{
    if (c->waits++ == 0)
        watchdog_arm(c->dog);
}

void comm_wait_end(struct comm *c)
{
    if (--c->waits == 0)
        watchdog_disarm(c->dog);
}

void comm_must(struct comm *c, int result, const char *call)
{
    comm_wait_end(c);
    if (mpi_ok(result, call) == OK)
        return;
    err_print(stderr);
    comm_abort(c, ERR_ENVIRONMENT);
}

/* --- agreement ---------------------------------------------------------- */

/* The worst code, and of the ranks that have it the first that can say why: a
 * failure agreed on before has left its message on one rank. */
enum err comm_agree_among(struct comm *c, MPI_Comm among, enum err mine)
{
    struct {
        int value, rank;
    } worst = {.value = 2 * (int)mine};
    int rank;

    MPI_Comm_rank(among, &rank);
    worst.rank = rank;
    if (mine != OK && err_message()[0])
        worst.value++;
    comm_wait_begin(c);
    comm_must(
        c, MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_2INT, MPI_MAXLOC, among),
        "MPI_Allreduce");
    if (worst.value / 2 != OK && worst.rank != rank)
        err_set(OK, "%s", "");
    return (enum err)(worst.value / 2);
}

enum err comm_agree(struct comm *c, enum err mine)
{
    return comm_agree_among(c, c->world, mine);
}

/* --- sums --------------------------------------------------------------- */

static const struct {
    MPI_Datatype type;
    size_t size;
} sums[] = {
    [COMM_FLOAT] = {MPI_FLOAT, sizeof(float)},
    [COMM_DOUBLE] = {MPI_DOUBLE, sizeof(double)},
    [COMM_INT64] = {MPI_INT64_T, sizeof(int64_t)},
};

static void reduce(struct comm *c, void *data, int64_t n, enum comm_sum kind,
                   MPI_Op op)
{
    unsigned char *at = data;

    for (int64_t done = 0; done < n; done += c->piece) {
        int64_t piece = n - done < c->piece ? n - done : c->piece;

        comm_wait_begin(c);
        comm_must(c,
                  MPI_Allreduce(MPI_IN_PLACE,
                                at + (size_t)done * sums[kind].size, (int)piece,
                                sums[kind].type, op, c->world),
                  "MPI_Allreduce");
    }
}

void comm_add(struct comm *c, void *data, int64_t n, enum comm_sum kind)
{
    reduce(c, data, n, kind, MPI_SUM);
}

void comm_max(struct comm *c, int64_t *data, int64_t n)
{
    reduce(c, data, n, COMM_INT64, MPI_MAX);
}
