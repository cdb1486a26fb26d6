/* SPDX-License-Identifier: MIT */
/* lock_test.c - one job a folder; a dead one's lock is taken over; a requeued
 * job fences off its former life.
 *
 * Another job is a forked child: locks of one process would not tell.
 */
#include "config.h"

#include "run/lock.h"

#include "base/log.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[32], path[64];
static char warned[4096];

static void on_warning(void *self, const char *warning)
{
    (void)self;
    snprintf(warned, sizeof warned, "%s", warning);
}

static void be(const char *job, const char *restart)
{
    setenv("SLURM_JOB_ID", job, 1);
    setenv("SLURM_RESTART_COUNT", restart, 1);
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static struct lock *opened(void)
{
    struct lock *l;

    if (lock_open(dir, &l) != OK)
        fail_msg("not opened: %s", err_message());
    return l;
}

/* A job that holds the lock until something is written to *go (or it is
 * killed), and then exits with what lock_check says. */
static pid_t other_job(int *go)
{
    int there[2], wait[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(there), 0);
    assert_int_equal(pipe(wait), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct lock *l;
        int code = 99;

        close(wait[1]);
        if (lock_open(dir, &l) == OK && write(there[1], "x", 1) == 1 &&
            read(wait[0], &byte, 1) == 1) {
            code = (int)lock_check(l);
            lock_close(&l);
        }
        _exit(code);
    }
    close(there[1]);
    close(wait[0]);
    assert_int_equal(read(there[0], &byte, 1), 1);
    close(there[0]);
    *go = wait[1];
    return pid;
}

static int end_of(pid_t pid, int go)
{
    int status;

    if (write(go, "x", 1) != 1)
        return -1;
    close(go);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void is_ours_until_closed(void **state)
{
    struct lock *l = opened(), *none = NULL;

    (void)state;
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(lock_check(l), OK);
    lock_close(&l);
    assert_null(l);
    assert_int_not_equal(access(path, F_OK), 0);
    lock_close(&none);
    assert_string_equal(warned, "");
}

static void a_second_job_is_told_of_the_first(void **state)
{
    struct lock *l = NULL;
    char pid[32], host[256] = "";
    int go;
    pid_t other;

    (void)state;
    be("4711", "2");
    other = other_job(&go);
    be("4712", "0");
    assert_int_equal(lock_open(dir, &l), ERR_ENVIRONMENT);
    assert_null(l);
    snprintf(pid, sizeof pid, "pid %d,", (int)other);
    gethostname(host, sizeof host - 1);
    assert_says(err_message(), path);
    assert_says(err_message(), pid);
    assert_says(err_message(), host);
    assert_says(err_message(), "job 4711");
    be("4711", "2"); /* the same restart count is no later life */
    assert_int_equal(lock_open(dir, &l), ERR_ENVIRONMENT);
    be("4711", "1");
    assert_int_equal(lock_open(dir, &l), ERR_ENVIRONMENT);
    assert_int_equal(end_of(other, go), OK);
    l = opened();
    lock_close(&l);
    assert_string_equal(warned, "");
}

/* What lock_open would say, and the folder is as it was. */
static void looking_leaves_no_trace(void **state)
{
    char pid[32];
    int go, status;
    pid_t other;

    (void)state;
    assert_int_equal(lock_look(dir), OK);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(lock_look("/nowhere/at/all"), OK);
    be("4711", "2");
    other = other_job(&go);
    be("4712", "0");
    assert_int_equal(lock_look(dir), ERR_ENVIRONMENT);
    snprintf(pid, sizeof pid, "pid %d,", (int)other);
    assert_says(err_message(), pid);
    be("4711", "3"); /* its later life may take it */
    assert_int_equal(lock_look(dir), OK);
    kill(other, SIGKILL);
    assert_int_equal(waitpid(other, &status, 0), other);
    close(go);
    be("4712", "0");
    assert_int_equal(lock_look(dir), OK);
    assert_int_equal(access(path, F_OK), 0); /* a stale one stays */
    assert_string_equal(warned, "");
}

static void a_dead_job_is_no_obstacle(void **state)
{
    struct lock *l;
    char pid[32];
    int go, status;
    pid_t other;

    (void)state;
    be("4711", "0");
    other = other_job(&go);
    kill(other, SIGSTOP); /* a stopped one holds it */
    assert_int_equal(lock_open(dir, &l), ERR_ENVIRONMENT);
    kill(other, SIGKILL);
    assert_int_equal(waitpid(other, &status, 0), other);
    close(go);
    l = opened();
    snprintf(pid, sizeof pid, "pid %d,", (int)other);
    assert_says(warned, "stale lock");
    assert_says(warned, pid);
    assert_int_equal(lock_check(l), OK);
    lock_close(&l);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void rubbish_is_a_dead_jobs(void **state)
{
    FILE *f = fopen(path, "w");
    struct lock *l;

    (void)state;
    for (int i = 0; i < 5000; i++)
        fprintf(f, "generation: 99999999999999999999\nhost");
    fclose(f);
    l = opened();
    assert_int_equal(lock_check(l), OK);
    lock_close(&l);
}

static void a_requeued_job_fences_off_its_former_life(void **state)
{
    struct lock *l;
    int go;
    pid_t other;

    (void)state;
    be("77", "0");
    other = other_job(&go);
    be("77", "1");
    l = opened();
    assert_says(warned, "restart");
    assert_int_equal(lock_check(l), OK);
    assert_int_equal(end_of(other, go), ERR_ENVIRONMENT);
    assert_int_equal(lock_check(l), OK); /* not removed by the other */
    be("78", "0");
    other = fork();
    if (other == 0)
        _exit(lock_open(dir, &l));
    assert_int_equal(waitpid(other, &go, 0), other);
    assert_int_equal(WEXITSTATUS(go), ERR_ENVIRONMENT); /* it is locked */
    lock_close(&l);
}

static void a_lock_that_is_gone_is_not_ours(void **state)
{
    struct lock *l = opened();

    (void)state;
    unlink(path);
    assert_int_equal(lock_check(l), ERR_ENVIRONMENT);
    assert_says(err_message(), path);
    lock_close(&l);
}

static void a_folder_that_is_not_there(void **state)
{
    struct lock *l;

    (void)state;
    assert_int_equal(lock_open("/nowhere/at/all", &l), ERR_IO);
    assert_says(err_message(), "No such file");
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "lock_test_XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/lock", dir);
    warned[0] = 0;
    unsetenv("SLURM_JOB_ID");
    unsetenv("PBS_JOBID");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir) != 0 || mem_live() != 0;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(is_ours_until_closed),
        cmocka_unit_test(a_second_job_is_told_of_the_first),
        cmocka_unit_test(looking_leaves_no_trace),
        cmocka_unit_test(a_dead_job_is_no_obstacle),
        cmocka_unit_test(rubbish_is_a_dead_jobs),
        cmocka_unit_test(a_requeued_job_fences_off_its_former_life),
        cmocka_unit_test(a_lock_that_is_gone_is_not_ours),
        cmocka_unit_test(a_folder_that_is_not_there),
    };

    log_init(0, 1);
    log_on_warning(on_warning, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
