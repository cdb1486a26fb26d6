/* SPDX-License-Identifier: MIT */
/* scheduler.c - `squeue -h -j JOB -o %e` at the other end of a pipe that is
 * read without waiting. */
#include "config.h"

#include "run/scheduler.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Limits change; slurmctld should not be asked often. */
static const double ask_again = 180, patience = 30;

enum { ANSWER = 256 };

struct scheduler {
    const char *job; /* of the environment */
    pid_t child;     /* 0: nobody is asking */
    int pipe;
    char text[ANSWER];
    size_t bytes;
    double asked; /* timer_now */
    int said;     /* that there is no answer */
};

/* --- the time ------------------------------------------------------------ */

/* Digits of a fixed width, and the character behind them. */
static int take(const char **s, int digits, char behind, int *out)
{
    int64_t x;

    if (!num_int64(*s, (size_t)digits, &x) || x < 0 || (*s)[digits] != behind)
        return 0;
    *s += digits + 1;
    *out = (int)x;
    return 1;
}

static int parse(const char *s, struct tm *t)
{
    if (!take(&s, 4, '-', &t->tm_year) || !take(&s, 2, '-', &t->tm_mon) ||
        !take(&s, 2, 'T', &t->tm_mday) || !take(&s, 2, ':', &t->tm_hour) ||
        !take(&s, 2, ':', &t->tm_min) || !take(&s, 2, 0, &t->tm_sec))
        return 0;
    t->tm_year -= 1900;
    t->tm_mon -= 1;
    t->tm_isdst = -1; /* as it is on that day */
    return t->tm_mon < 12 && t->tm_mday < 32 && t->tm_hour < 24 &&
           t->tm_min < 60 && t->tm_sec < 62;
}

int scheduler_time(const char *text, size_t bytes, double *out)
{
    enum { LENGTH = 19 };
    char word[LENGTH + 1] = "";
    struct tm t = {.tm_year = 0};
    time_t end;

    while (bytes > 0 && strchr(" \t\r\n", *text))
        text++, bytes--;
    while (bytes > 0 && strchr(" \t\r\n", text[bytes - 1]))
        bytes--;
    if (bytes != LENGTH)
        return 0;
    memcpy(word, text, LENGTH);
    if (!parse(word, &t))
        return 0;
    end = mktime(&t);
    if (end == (time_t)-1)
        return 0;
    *out = (double)end;
    return 1;
}

/* --- asking -------------------------------------------------------------- */

extern char **environ;

static int spawn(const char *job, int out, pid_t *child)
{
    char *const words[] = {"squeue", "-h", "-j", (char *)(uintptr_t)job,
                           "-o",     "%e", NULL};
    posix_spawn_file_actions_t files;
    int failed;

    if (posix_spawn_file_actions_init(&files) != 0)
        return 0;
    /* first: with all three closed, `out` may be any of them */
    failed =
        posix_spawn_file_actions_adddup2(&files, out, 1) ||
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) ||
        posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0) ||
        posix_spawnp(child, words[0], &files, NULL, words, environ);
    posix_spawn_file_actions_destroy(&files);
    return !failed;
}

static void ask(struct scheduler *s)
{
    int ends[2];

    s->asked = timer_now();
    s->bytes = 0;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return;
    if (spawn(s->job, ends[1], &s->child)) {
        s->pipe = ends[0];
    } else {
        s->child = 0;
        close(ends[0]);
    }
    close(ends[1]);
}

/* Ends the child, too; waits for it a few milliseconds, no longer. */
static void finish(struct scheduler *s)
{
    const struct timespec pause = {.tv_nsec = 1000 * 1000};

    if (!s->child)
        return;
    kill(s->child, SIGKILL);
    for (int i = 0; i < 50 && waitpid(s->child, NULL, WNOHANG) == 0; i++)
        nanosleep(&pause, NULL);
    close(s->pipe);
    s->child = 0;
}

enum err scheduler_open(struct scheduler **out)
{
    const char *job = getenv("SLURM_JOB_ID");
    struct scheduler *s;
    void *data;

    *out = NULL;
    if (!job || !*job)
        return OK;
    TRY(mem_alloc(1, sizeof *s, "the scheduler's answer", &data));
    s = data;
    s->job = job;
    ask(s);
    *out = s;
    return OK;
}

void scheduler_close(struct scheduler **out)
{
    struct scheduler *s = *out;

    if (!s)
        return;
    finish(s);
    mem_free(s);
    *out = NULL;
}

/* --- listening ----------------------------------------------------------- */

/* 1: the child has said all it will. */
static int listen_to(struct scheduler *s)
{
    char rest[ANSWER];
    ssize_t n;

    do {
        size_t room = sizeof s->text - s->bytes;

        n = read(s->pipe, room > 0 ? s->text + s->bytes : rest,
                 room > 0 ? room : sizeof rest);
        if (n > 0 && room > 0)
            s->bytes += (size_t)n;
    } while (n > 0);
    return n == 0 || (errno != EAGAIN && errno != EINTR) ||
           timer_now() - s->asked > patience;
}

static void say_no_answer(struct scheduler *s)
{
    if (!s->said++)
        log_note("run.time_limit: squeue knows no end of job %s; a limit can "
                 "be set there or in SE3T_END_TIME",
                 s->job);
}

int scheduler_answer(struct scheduler *s, double *end)
{
    if (!s->child) {
        if (timer_now() - s->asked > ask_again)
            ask(s);
        else
            say_no_answer(s);
        return 0;
    }
    if (!listen_to(s))
        return 0;
    finish(s);
    if (scheduler_time(s->text, s->bytes, end)) {
        s->said = 1;
        return 1;
    }
    say_no_answer(s);
    return 0;
}
