/* SPDX-License-Identifier: MIT */
/* stop_test.c - signals, run.stop_after, and the end of the time by whoever
 * says it: the deck, SE3T_END_TIME, a squeue of our own in PATH.
 */
#include "config.h"

#include "run/stop.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "run/scheduler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[32], squeue[64], old_path[4096], warned[4096];
static int warnings;

static void on_warning(void *self, const char *warning)
{
    (void)self;
    warnings++;
    snprintf(warned, sizeof warned, "%s", warning);
}

static struct params none(void)
{
    struct params p;

    memset(&p, 0, sizeof p);
    p.run.time_limit = -1;
    return p;
}

static struct stop *opened(const struct params *p, int rank)
{
    struct stop *s;

    if (stop_open(p, rank, 10, &s) != OK)
        fail_msg("not opened: %s", err_message());
    return s;
}

static void pause_ms(int ms)
{
    const struct timespec t = {.tv_sec = ms / 1000,
                               .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

static void without_limit_nobody_wants(void **state)
{
    struct params p = none();
    struct stop *s = opened(&p, 0), *null = NULL;
    const char *why = "as before";

    (void)state;
    assert_int_equal(stop_wanted(s, 1000000, &why), 0);
    assert_string_equal(why, "as before");
    assert_true(isinf(stop_left(s)));
    stop_saw_save(s, 1e6);
    stop_saw_step(s, 1e6);
    assert_int_equal(stop_wanted(s, 1000001, &why), 0);
    assert_int_equal(warnings, 0);
    stop_close(&s);
    stop_close(&null);
}

static void after_steps_epochs_or_a_time(void **state)
{
    struct params p = none();
    struct stop *s;
    const char *why = "";

    (void)state;
    p.run.stop_after = (struct interval){UNIT_STEPS, 3};
    s = opened(&p, 1); /* on any rank alike */
    assert_int_equal(stop_wanted(s, 2, &why), 0);
    assert_int_equal(stop_wanted(s, 3, &why), 1);
    assert_string_equal(why, "run.stop_after");
    stop_close(&s);
    p.run.stop_after = (struct interval){UNIT_EPOCHS, 2};
    s = opened(&p, 0);
    assert_int_equal(stop_wanted(s, 19, &why), 0);
    assert_int_equal(stop_wanted(s, 20, &why), 1);
    stop_close(&s);
    p.run.stop_after = (struct interval){UNIT_SECONDS, 0.1};
    s = opened(&p, 0);
    assert_int_equal(stop_wanted(s, 1, &why), 0);
    pause_ms(110);
    assert_int_equal(stop_wanted(s, 2, &why), 1);
    stop_close(&s);
}

/* Room for the step to come with its save, one more of both, and 2 s. */
static void leaves_while_a_save_still_fits(void **state)
{
    struct params p = none();
    struct stop *s;
    const char *why = "";

    (void)state;
    stop_install();
    p.run.time_limit = 100;
    s = opened(&p, 0);
    assert_true(stop_left(s) > 99 && stop_left(s) <= 100);
    assert_int_equal(stop_wanted(s, 1, &why), 0);
    stop_saw_step(s, 1);
    stop_saw_save(s, 47); /* 2 * 47 + 2 * 1 + 2 = 98 */
    assert_int_equal(stop_wanted(s, 2, &why), 0);
    stop_saw_save(s, 48.2);
    assert_int_equal(stop_wanted(s, 3, &why), 1);
    assert_string_equal(why, "time limit");
    assert_int_equal(warnings, 0);
    stop_close(&s);
    s = opened(&p, 1); /* the time is rank 0's */
    assert_true(isinf(stop_left(s)));
    stop_close(&s);
    p.run.time_limit = INFINITY;
    setenv("SE3T_END_TIME", "1", 1);
    s = opened(&p, 0);
    assert_true(isinf(stop_left(s)));
    stop_close(&s);
}

static void a_limit_shorter_than_a_save_is_said_once(void **state)
{
    struct params p = none();
    struct stop *s;
    const char *why = "";

    (void)state;
    stop_install();
    p.run.time_limit = 5;
    s = opened(&p, 0);
    assert_int_equal(stop_wanted(s, 1, &why), 0);
    assert_int_equal(warnings, 0);
    stop_saw_save(s, 4);
    stop_saw_save(s, 5);
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(warned, "run.time_limit"));
    stop_close(&s);
    p.run.time_limit = 2;
    s = opened(&p, 0);
    assert_int_equal(stop_wanted(s, 1, &why), 1); /* after that step */
    assert_int_equal(warnings, 2);
    assert_non_null(strstr(warned, "run.time_limit"));
    stop_close(&s);
}

static void end_time_of_the_environment(void **state)
{
    struct params p = none();
    struct stop *s;
    char text[32];
    const char *why;

    (void)state;
    stop_install();
    snprintf(text, sizeof text, "%lld", (long long)time(NULL) + 3600);
    setenv("SE3T_END_TIME", text, 1);
    s = opened(&p, 0);
    assert_true(stop_left(s) > 3590 && stop_left(s) <= 3600);
    stop_close(&s);
    p.run.time_limit = 50; /* the deck first */
    s = opened(&p, 0);
    assert_true(stop_left(s) <= 50);
    stop_close(&s);
    p.run.time_limit = -1;
    setenv("SE3T_END_TIME", "1000", 1); /* in 1970 */
    s = opened(&p, 0);
    assert_int_equal(stop_wanted(s, 1, &why), 1);
    stop_close(&s);
    setenv("SE3T_END_TIME", "tomorrow", 1);
    assert_int_equal(stop_open(&p, 0, 10, &s), ERR_DECK);
    assert_non_null(strstr(err_message(), "tomorrow"));
}

static void make_squeue(const char *script)
{
    FILE *f = fopen(squeue, "w");

    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", script);
    fclose(f);
    assert_int_equal(chmod(squeue, 0755), 0);
}

/* Asks until the answer is there, at most 5 s; never waits. */
static void ask_until_known(struct stop *s)
{
    const char *why;
    double begin = timer_now();

    while (isinf(stop_left(s)) && timer_now() - begin < 5) {
        double now = timer_now();

        stop_wanted(s, 1, &why);
        assert_true(timer_now() - now < 1);
        pause_ms(5);
    }
}

static void the_scheduler_is_asked(void **state)
{
    struct params p = none();
    struct stop *s;
    time_t end = time(NULL) + 500;
    struct tm t;
    char word[32], script[256];

    (void)state;
    localtime_r(&end, &t);
    strftime(word, sizeof word, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(script, sizeof script,
             "[ \"$*\" = '-h -j 4711 -o %%e' ] && echo %s", word);
    make_squeue(script);
    setenv("SLURM_JOB_ID", "4711", 1);
    s = opened(&p, 0);
    ask_until_known(s);
    assert_true(stop_left(s) > 490 && stop_left(s) <= 500);
    stop_close(&s);
    s = opened(&p, 1);
    pause_ms(100);
    assert_true(isinf(stop_left(s)));
    stop_close(&s);
}

/* Looks for a while: no limit, no wait, no child left. */
static void knows_nothing(void)
{
    struct params p = none();
    struct stop *s = opened(&p, 0);
    const char *why;

    for (int i = 0; i < 20; i++) {
        double now = timer_now();

        assert_int_equal(stop_wanted(s, 2, &why), 0);
        assert_true(timer_now() - now < 1);
        pause_ms(10);
    }
    assert_true(isinf(stop_left(s)));
    stop_close(&s);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void a_scheduler_that_does_not_know(void **state)
{
    static const char *const scripts[] = {
        "echo Unknown",      "echo N/A",
        "echo NOT_SET",      "exit 1",
        "exec sleep 100",    "echo 2026-13-45T10:00:00",
        "exec yes 2026-11-", "kill -9 $$"};

    (void)state;
    setenv("SLURM_JOB_ID", "4711", 1);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        make_squeue(scripts[i]);
        knows_nothing();
    }
    unlink(squeue);
    setenv("PATH", dir, 1);
    knows_nothing(); /* no squeue at all */
    assert_int_equal(warnings, 0);
}

static void times_as_squeue_writes_them(void **state)
{
    static const char *const bad[] = {"",
                                      "Unknown",
                                      "2026-11-25",
                                      "2026-11-25T10:00",
                                      "2026-11-25 10:00:00",
                                      "2026-11-25T10:00:0x",
                                      "12026-11-25T10:00:00",
                                      "2026-11-25T25:00:00"};
    const char *good = " 2026-11-25T10:00:00 \n";
    double x = 0, y;

    (void)state;
    setenv("TZ", "UTC", 1);
    assert_true(scheduler_time(good, strlen(good), &x));
    assert_true(x == 1795600800.0); /* date -u -d 2026-11-25T10:00:00 +%s */
    setenv("TZ", "EST5EDT", 1);
    assert_true(scheduler_time(good, strlen(good), &y));
    assert_true(y - x == 5 * 3600);
    unsetenv("TZ");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(scheduler_time(bad[i], strlen(bad[i]), &x));
}

/* In a child, since a signal that was caught stays caught. */
static void a_signal_is_a_wish(void **state)
{
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGINT};
    static const char *const reasons[] = {"signal USR1", "signal TERM",
                                          "signal INT"};
    int status;

    (void)state;
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            struct params p = none();
            struct stop *s;
            const char *why = "";
            int ok;

            stop_install();
            ok = stop_signal() == 0 && stop_open(&p, 1, 10, &s) == OK &&
                 !stop_wanted(s, 1, &why);
            for (int k = 0; k < 10; k++)
                raise(numbers[i]);
            raise(SIGPIPE);
            raise(SIGXFSZ);
            ok = ok && stop_signal() == numbers[i] &&
                 stop_wanted(s, 2, &why) == 1 && strcmp(why, reasons[i]) == 0;
            stop_close(&s);
            _exit(!ok);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void children_ignore_it(void **state)
{
    struct sigaction action;
    int status;
    pid_t pid;

    (void)state;
    stop_install();
    pid = fork();
    if (pid == 0) {
        sigaction(SIGTERM, NULL, &action);
        raise(SIGUSR1);
        _exit(action.sa_handler != SIG_IGN || stop_signal() != 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int setup(void **state)
{
    char path[sizeof old_path + sizeof dir + 2];

    (void)state;
    snprintf(dir, sizeof dir, "/tmp/stop_test_XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(squeue, sizeof squeue, "%s/squeue", dir);
    snprintf(path, sizeof path, "%s:%s", dir, old_path);
    setenv("PATH", path, 1);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SE3T_END_TIME");
    warnings = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(squeue);
    return rmdir(dir) != 0 || mem_live() != 0;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limit_nobody_wants),
        cmocka_unit_test(after_steps_epochs_or_a_time),
        cmocka_unit_test(leaves_while_a_save_still_fits),
        cmocka_unit_test(a_limit_shorter_than_a_save_is_said_once),
        cmocka_unit_test(end_time_of_the_environment),
        cmocka_unit_test(the_scheduler_is_asked),
        cmocka_unit_test(a_scheduler_that_does_not_know),
        cmocka_unit_test(times_as_squeue_writes_them),
        cmocka_unit_test(a_signal_is_a_wish),
        cmocka_unit_test(children_ignore_it),
    };

    log_init(0, 1);
    log_on_warning(on_warning, NULL);
    snprintf(old_path, sizeof old_path, "%s", getenv("PATH"));
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
