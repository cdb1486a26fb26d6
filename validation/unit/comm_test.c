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

/* Pieces of 7 numbers, so that 100 are many. */
static void sums_in_pieces_are_whole(void **state)
{
    enum { N = 100 };
    int64_t piece = comm->piece, x[N];
    double y[N];
    float z[N];
    int n = comm_size(comm);

    (void)state;
    comm->piece = 7;
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = i * 0.5;
        z[i] = (float)(i * comm_rank(comm));
    }
    comm_add(comm, x, N, COMM_INT64);
    comm_add_begin(comm, 3, y, N, COMM_DOUBLE);
    comm_add_begin(comm, 0, z, N, COMM_FLOAT);
    comm_add_finish(comm, 0);
    comm_add_finish(comm, 3);
    comm_add_finish(comm, 3); /* nothing under way: nothing to wait for */
    comm->piece = piece;
    for (int i = 0; i < N; i++) {
        assert_int_equal(x[i], i * n);
        assert_true(y[i] == i * 0.5 * n);
        assert_true(z[i] == (float)(i * (n * (n - 1) / 2)));
    }
}

static void sums_under_way_allocate_nothing(void **state)
{
    double x[40] = {0};
    long before = mem_count();

    (void)state;
    for (int i = 0; i < COMM_SLOTS; i++)
        comm_add_begin(comm, i, x + 5 * i, 5, COMM_DOUBLE);
    for (int i = COMM_SLOTS - 1; i >= 0; i--)
        comm_add_finish(comm, i);
    assert_int_equal(mem_count(), before);
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

static void nap(double seconds)
{
    const struct timespec t = {
        .tv_sec = (time_t)seconds,
        .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};

    nanosleep(&t, NULL);
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
