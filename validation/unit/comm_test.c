/* SPDX-License-Identifier: MIT */
/* comm_test.c - properties of agreement, sums and moves for any number of
 * ranks, and how a job ends when one of them does not answer.
 *
 * With an argument it is such a job (comm_ranks.t): "lost", rank 1 never
 * comes; "alone", rank 1 fails and tells nobody; "agreed", all fail.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/timer.h"
#include "comm/comm.h"
#include "comm/comm_world.h"
#include "comm/watchdog.h"
#include "validation/noise.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct comm *comm;

static void ranks_are_numbered(void **state)
{
    int64_t sum = comm_rank(comm), most = comm_rank(comm);
    int n = comm_size(comm);

    (void)state;
    comm_add(comm, &sum, 1, COMM_INT64);
    comm_max(comm, &most, 1);
    assert_int_equal(sum, n * (n - 1) / 2);
    assert_int_equal(most, n - 1);
    assert_true(comm_node_size(comm) >= 1 && comm_node_size(comm) <= n);
    assert_true(comm_node_rank(comm) < comm_node_size(comm));
    assert_true(comm_host(comm)[0] != 0);
    assert_true(strpbrk(comm_version(), "0123456789") != NULL);
    assert_null(strpbrk(comm_version(), ",\n"));
}

static void agreement_is_the_worst_and_says_it_once(void **state)
{
    enum err mine = OK, all;
    int64_t said;
    int last = comm_size(comm) - 1;

    (void)state;
    assert_int_equal(comm_agree(comm, OK), OK);
    err_set(OK, "%s", "an old message");
    if (comm_rank(comm) == last)
        mine = err_set(ERR_DATA, "%s", "shard 1 is missing");
    else if (comm_rank(comm) == 0)
        mine = err_set(ERR_CHECKPOINT, "%s", "another failure");
    all = comm_agree(comm, mine);
    assert_int_equal(all, ERR_DATA);
    all = comm_agree(comm, all); /* agreed again: it stays where it was */
    assert_int_equal(all, ERR_DATA);
    said = err_message()[0] != 0;
    if (said)
        assert_string_equal(err_message(), "shard 1 is missing");
    comm_add(comm, &said, 1, COMM_INT64);
    assert_int_equal(said, 1);
}

static void ties_go_to_the_lowest_rank(void **state)
{
    (void)state;
    err_set(ERR_IO, "rank %d", comm_rank(comm));
    assert_int_equal(comm_agree(comm, ERR_IO), ERR_IO);
    assert_string_equal(err_message(), comm_rank(comm) == 0 ? "rank 0" : "");
}

static void nap(double seconds)
{
    const struct timespec t = {
        .tv_sec = (time_t)seconds,
        .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};

    nanosleep(&t, NULL);
}

/* Pieces of 7 numbers, so that 100 are many. */
static void sums_in_pieces_are_whole(void **state)
{
    enum { N = 100 };
    int64_t piece = comm->piece, x[N];

    (void)state;
    comm->piece = 7;
    for (int i = 0; i < N; i++)
        x[i] = i;
    comm_add(comm, x, N, COMM_INT64);
    comm->piece = piece;
    for (int i = 0; i < N; i++)
        assert_int_equal(x[i], i * comm_size(comm));
}

enum { MOST = 5000 }; /* numbers of a sum: some blocks, on each rank */

/* Number i of a rank: sums of such floats depend on their order. */
static double number(int rank, int turn, int i)
{
    uint64_t at = (uint64_t)(rank * 1000 + turn) * MOST + (uint64_t)i;

    return noise(at) / (1 + 1000 * (i % 3));
}

/* What sum number `turn` of n floats gives, added in the order of ranks. */
static void assert_floats(const float *found, int turn, int n)
{
    for (int i = 0; i < n; i++) {
        float sum = (float)number(0, turn, i);

        for (int r = 1; r < comm_size(comm); r++)
            sum += (float)number(r, turn, i);
        assert_memory_equal(&found[i], &sum, sizeof sum);
    }
}

/* Many sums one after the other, two at once, of all lengths; now one rank is
 * late, now another. */
static void add_many(void)
{
    static const int lengths[] = {0,    1,    2,    3,    1023, 1024,
                                  1025, 2048, 3071, 4096, 4999, MOST};
    enum { LENGTHS = sizeof lengths / sizeof *lengths, TURNS = 5 * LENGTHS };
    static float x[MOST], y[MOST];

    for (int t = 0; t < TURNS; t++) {
        int n = lengths[t % LENGTHS], m = lengths[t * 7 % LENGTHS];

        for (int i = 0; i < MOST; i++) {
            x[i] = (float)number(comm_rank(comm), t, i);
            y[i] = (float)number(comm_rank(comm), t + 500, i);
        }
        if (t % 8 == comm_rank(comm))
            nap(0.002);
        comm_add_begin(comm, 3, x, n, COMM_FLOAT);
        comm_add_begin(comm, 0, y, m, COMM_FLOAT);
        comm_add_finish(comm, t % 2 ? 0 : 3);
        comm_add_finish(comm, t % 2 ? 3 : 0);
        assert_floats(x, t, n);
        assert_floats(y, t + 500, m);
        if (n < MOST)
            assert_true(x[n] == (float)number(comm_rank(comm), t, n));
    }
}

/* With the ranks on nodes of so many; 0: as they are. */
static void add_on_nodes_of(int ranks)
{
    MPI_Comm node = comm->node;
    int rank = comm->node_rank, size = comm->node_size;

    if (ranks > 0) {
        MPI_Comm_split(comm->world, comm->rank / ranks, comm->rank,
                       &comm->node);
        MPI_Comm_rank(comm->node, &comm->node_rank);
        MPI_Comm_size(comm->node, &comm->node_size);
    }
    assert_int_equal(comm_add_room(comm, 0, MOST, COMM_FLOAT), OK);
    assert_int_equal(comm_add_room(comm, 3, MOST, COMM_FLOAT), OK);
    add_many();
    comm_sums_close(comm);
    if (ranks > 0)
        MPI_Comm_free(&comm->node);
    comm->node = node;
    comm->node_rank = rank;
    comm->node_size = size;
}

static void sums_are_in_the_order_of_ranks(void **state)
{
    (void)state;
    add_on_nodes_of(0);
}

/* Messages alone, and with three ranks messages and a window: the same bits. */
static void sums_do_not_see_the_nodes(void **state)
{
    (void)state;
    add_on_nodes_of(1);
    add_on_nodes_of(2);
}

static void sums_of_all_kinds(void **state)
{
    enum { N = 1500 };
    static int64_t x[N];
    static double y[N];
    int n = comm_size(comm);

    (void)state;
    assert_int_equal(comm_add_room(comm, 1, 2, COMM_FLOAT), OK);
    assert_int_equal(comm_add_room(comm, 1, N, COMM_INT64), OK); /* grows */
    assert_int_equal(comm_add_room(comm, 2, N, COMM_DOUBLE), OK);
    for (int i = 0; i < N; i++) {
        x[i] = INT64_MAX / 8 - i;
        y[i] = i * 0.1;
    }
    comm_add_begin(comm, 1, x, N, COMM_INT64);
    comm_add_begin(comm, 2, y, N, COMM_DOUBLE);
    comm_add_finish(comm, 1);
    comm_add_finish(comm, 2);
    comm_add_finish(comm, 2); /* nothing under way: nothing to wait for */
    for (int i = 0; i < N; i++) {
        double sum = i * 0.1;

        for (int r = 1; r < n; r++)
            sum += i * 0.1;
        assert_true(x[i] == n * (INT64_MAX / 8 - i));
        assert_true(y[i] == sum);
    }
    comm_sums_close(comm);
}

/* Of 2^40 numbers nothing is made where there is somebody to add them with. */
static void too_many_numbers_are_refused(void **state)
{
    (void)state;
    assert_int_equal(comm_add_room(comm, 0, (int64_t)1 << 40, COMM_FLOAT),
                     comm_size(comm) > 1 ? ERR_ENVIRONMENT : OK);
    if (comm_size(comm) > 1)
        assert_non_null(strstr(err_message(), "use more ranks"));
}

static void sums_under_way_allocate_nothing(void **state)
{
    double x[40] = {0};
    long before;

    (void)state;
    for (int i = 0; i < COMM_SLOTS; i++)
        assert_int_equal(comm_add_room(comm, i, 5, COMM_DOUBLE), OK);
    before = mem_count();
    for (int i = 0; i < COMM_SLOTS; i++)
        comm_add_begin(comm, i, x + 5 * i, 5, COMM_DOUBLE);
    for (int i = COMM_SLOTS - 1; i >= 0; i--)
        comm_add_finish(comm, i);
    assert_int_equal(mem_count(), before);
    comm_sums_close(comm);
}

static void broadcast_reaches_all(void **state)
{
    char text[32] = "";
    int root = comm_size(comm) - 1;

    (void)state;
    if (comm_rank(comm) == root)
        snprintf(text, sizeof text, "from %d", root);
    comm_broadcast(comm, text, sizeof text, root);
    assert_int_equal(text[5], '0' + root);
    comm_broadcast(comm, text, 0, 0);
    comm_barrier(comm);
}

/* Rank r gives r bytes 'a' + r: rank 0 gives none. */
static void gather_keeps_the_order(void **state)
{
    char mine[64], *all;
    size_t sizes[64], at = 0;
    void *out;
    int r = comm_rank(comm);

    (void)state;
    memset(mine, 'a' + r, sizeof mine);
    assert_int_equal(comm_gather(comm, mine, (size_t)r, &out, sizes), OK);
    if (r != 0) {
        assert_null(out);
        return;
    }
    all = out;
    for (int i = 0; i < comm_size(comm); i++) {
        assert_int_equal(sizes[i], i);
        for (int k = 0; k < i; k++)
            assert_int_equal(all[at++], 'a' + i);
    }
    mem_free(out);
    assert_int_equal(mem_live(), 1 + (comm_size(comm) > 1));
}

/* Rank r sends 10 r + s to rank s, r + s times. */
static void exchange_is_a_transposition(void **state)
{
    size_t give[64], got[64], n = 0;
    unsigned char mine[4096], *all;
    int r = comm_rank(comm);
    void *out;

    (void)state;
    for (int s = 0; s < comm_size(comm); s++) {
        give[s] = (size_t)(r + s);
        for (int k = 0; k < r + s; k++)
            mine[n++] = (unsigned char)(10 * r + s);
    }
    assert_int_equal(comm_exchange(comm, mine, give, &out, got), OK);
    all = out;
    n = 0;
    for (int s = 0; s < comm_size(comm); s++) {
        assert_int_equal(got[s], r + s);
        for (int k = 0; k < r + s; k++)
            assert_int_equal(all[n++], 10 * s + r);
    }
    mem_free(out);
}

/* In a child: a watchdog of its own, this patience, and a wait. The exit code
 * of the child, which ends by itself with 0 after `wait` seconds. */
static int exit_after(double patience, double wait, int is_armed,
                      int is_stopped)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct watchdog *w;

        if (watchdog_start(0, patience, &w) != OK)
            _exit(1);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        if (is_armed)
            watchdog_arm(w);
        nap(wait);
        watchdog_disarm(w);
        nap(2 * patience);
        watchdog_stop(&w);
        _exit(0);
    }
    nap(0.1);
    if (is_stopped) {
        kill(child, SIGSTOP);
        nap(2 * patience);
        kill(child, SIGCONT);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void only_a_long_wait_is_too_long(void **state)
{
    (void)state;
    assert_int_equal(exit_after(0.3, 3, 1, 0), ERR_ENVIRONMENT);
    assert_int_equal(exit_after(0.3, 1, 0, 0), 0);
    assert_int_equal(exit_after(1.5, 0.2, 1, 0), 0);
}

/* It waits 3.4 s and is stopped for 3 of them, of which 0.5 count. */
static void own_pause_does_not_count(void **state)
{
    (void)state;
    assert_int_equal(exit_after(1.5, 3.4, 1, 1), 0);
}

static void patience_has_a_lower_bound(void **state)
{
    (void)state;
    comm_set_patience(comm, 1);
    assert_true(watchdog_patience(comm->dog) == (comm->dog ? 20 : 0));
    comm_set_patience(comm, 47);
    assert_true(watchdog_patience(comm->dog) == (comm->dog ? 47 : 0));
    comm_set_patience(comm, 20);
}

static int in_a_job(const char *what)
{
    enum err mine = OK;

    if (comm->dog)
        watchdog_set_patience(comm->dog, 2);
    if (strcmp(what, "lost") == 0) {
        if (comm_rank(comm) == 1)
            raise(SIGSTOP);
        comm_barrier(comm);
    } else if (strcmp(what, "alone") == 0) {
        if (comm_rank(comm) == 1)
            mine = err_set(ERR_DATA, "rank 1 has no data");
        else
            comm_barrier(comm);
    } else if (strcmp(what, "agreed") == 0) {
        if (comm_rank(comm) == 1)
            mine = err_set(ERR_IO, "rank 1 cannot write");
        mine = comm_agree(comm, mine);
    }
    if (mine != OK)
        err_print(stderr);
    comm_close(&comm, mine);
    return mine;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_numbered),
        cmocka_unit_test(agreement_is_the_worst_and_says_it_once),
        cmocka_unit_test(ties_go_to_the_lowest_rank),
        cmocka_unit_test(sums_in_pieces_are_whole),
        cmocka_unit_test(sums_are_in_the_order_of_ranks),
        cmocka_unit_test(sums_do_not_see_the_nodes),
        cmocka_unit_test(sums_of_all_kinds),
        cmocka_unit_test(too_many_numbers_are_refused),
        cmocka_unit_test(sums_under_way_allocate_nothing),
        cmocka_unit_test(broadcast_reaches_all),
        cmocka_unit_test(gather_keeps_the_order),
        cmocka_unit_test(exchange_is_a_transposition),
        cmocka_unit_test(only_a_long_wait_is_too_long),
        cmocka_unit_test(own_pause_does_not_count),
        cmocka_unit_test(patience_has_a_lower_bound),
    };
    int failed;

    failed = comm_open(&argc, &argv, &comm);
    if (failed) {
        err_print(stderr);
        return failed;
    }
    if (argc > 1)
        return in_a_job(argv[1]);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    comm_close(&comm, failed ? ERR_OTHER : OK);
    return failed || mem_live() != 0;
}
