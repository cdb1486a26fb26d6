/* SPDX-License-Identifier: MIT */
/* stop.c - flags of signals, and the end of the time on the monotonic clock.
 *
 * Whoever stops after the step to come needs, at worst, that step with what
 * follows it (evaluation, a save that is due), a save and 2 s for the launcher;
 * whoever goes on needs the next step as well. So a run leaves when less than
 * all of that is left.
 */
#include "config.h"

#include "run/stop.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/timer.h"
#include "run/scheduler.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double launcher_seconds = 2;

/* --- signals ------------------------------------------------------------- */

static volatile sig_atomic_t caught;
static double began; /* timer_now of the start of main */

static const int wishes[] = {SIGUSR1, SIGTERM, SIGINT};
static const int ignored[] = {SIGPIPE, SIGXFSZ};

static void on_signal(int number)
{
    caught = number;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void ignore_in_child(void)
{
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        handle(wishes[i], SIG_IGN);
}

void stop_install(void)
{
    static int installed;

    began = timer_now();
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        handle(wishes[i], on_signal);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        handle(ignored[i], SIG_IGN);
    if (!installed++)
        pthread_atfork(NULL, NULL, ignore_in_child);
}

void stop_uninstall(void)
{
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        handle(wishes[i], SIG_DFL);
    if (caught)
        raise(caught);
}

int stop_signal(void)
{
    return caught;
}

/* --- the end ------------------------------------------------------------- */

struct stop {
    int64_t steps;   /* of this call; -1: no such limit */
    double after;    /* timer_now, run.stop_after in time; INFINITY */
    double deadline; /* timer_now of the end; INFINITY: none known */
    double whole;    /* seconds from the start to it, when it became known */
    const char *who; /* says so */
    double slowest_save, slowest_step, slowest_turn, turned;
    int warned;
    struct scheduler *scheduler; /* NULL: need not be asked */
};

static void set_deadline(struct stop *s, double left, const char *who)
{
    s->deadline = timer_now() + left;
    s->whole = s->deadline - began;
    s->who = who;
}

static double clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum err read_variable(struct stop *s, const char *text)
{
    double end;

    if (!num_double(text, strlen(text), &end))
        return err_set(ERR_DECK,
                       "SE3T_END_TIME: is no time (expected seconds since "
                       "1970, found %.40s); set it as in date +%%s",
                       text);
    set_deadline(s, end - clock_now(), "SE3T_END_TIME");
    return OK;
}

/* The first of these that says something. */
static enum err find_end(struct stop *s, const struct params *p)
{
    const char *variable = getenv("SE3T_END_TIME");

    if (p->run.time_limit >= 0) {
        if (isfinite(p->run.time_limit))
            set_deadline(s, began + p->run.time_limit - timer_now(),
                         "run.time_limit");
        return OK;
    }
    if (variable && *variable)
        return read_variable(s, variable);
    return scheduler_open(&s->scheduler);
}

static void set_stop_after(struct stop *s, const struct interval *after,
                           int64_t steps_per_epoch)
{
    if (after->unit == UNIT_STEPS)
        s->steps = (int64_t)after->amount;
    else if (after->unit == UNIT_EPOCHS)
        s->steps = (int64_t)after->amount * steps_per_epoch;
    else if (after->unit == UNIT_SECONDS)
        s->after = timer_now() + after->amount;
}

enum err stop_open(const struct params *p, int rank, int64_t steps_per_epoch,
                   struct stop **out)
{
    struct stop *s;
    void *data;
    enum err err = OK;

    TRY(mem_alloc(1, sizeof *s, "the end of the time", &data));
    s = data;
    s->steps = -1;
    s->after = s->deadline = s->whole = INFINITY;
    set_stop_after(s, &p->run.stop_after, steps_per_epoch);
    if (rank == 0)
        err = find_end(s, p);
    if (err)
        stop_close(&s);
    else
        *out = s;
    return err;
}

void stop_close(struct stop **out)
{
    struct stop *s = *out;

    if (!s)
        return;
    scheduler_close(&s->scheduler);
    mem_free(s);
    *out = NULL;
}

double stop_left(const struct stop *s)
{
    return s->deadline - timer_now();
}

/* --- what was seen ------------------------------------------------------- */

static void warn_short(struct stop *s, const char *what, double seconds)
{
    if (s->warned++)
        return;
    log_warn("%s: the time limit is too short (expected more than %.1f s, "
             "which %s, found %.1f s); give the job more time",
             s->who, seconds, what, s->whole > 0 ? s->whole : 0);
}

void stop_saw_save(struct stop *s, double seconds)
{
    s->slowest_save = fmax(s->slowest_save, seconds);
    if (s->slowest_save + launcher_seconds > s->whole)
        warn_short(s, "a save and the launcher need",
                   s->slowest_save + launcher_seconds);
}

void stop_saw_step(struct stop *s, double seconds)
{
    s->slowest_step = fmax(s->slowest_step, seconds);
}

/* From one question to the next: the step and all that followed it. */
static void saw_turn(struct stop *s)
{
    double now = timer_now();

    if (s->turned > 0)
        s->slowest_turn = fmax(s->slowest_turn, now - s->turned);
    s->turned = now;
}

/* --- the question -------------------------------------------------------- */

static void ask_scheduler(struct stop *s)
{
    double end;

    if (s->scheduler && scheduler_answer(s->scheduler, &end))
        set_deadline(s, end - clock_now(), "the scheduler's end time");
}

static int time_is_over(struct stop *s, int64_t done)
{
    double turn = fmax(s->slowest_turn, s->slowest_step + s->slowest_save);
    double need = turn + s->slowest_step + s->slowest_save + launcher_seconds;

    if (stop_left(s) > need)
        return 0;
    if (done <= 1)
        warn_short(s, "one step, a save and the launcher need", need);
    return 1;
}

int stop_wanted(struct stop *s, int64_t done, const char **why)
{
    saw_turn(s);
    ask_scheduler(s);
    if (caught)
        *why = caught == SIGUSR1  ? "signal USR1"
               : caught == SIGINT ? "signal INT"
                                  : "signal TERM";
    else if ((s->steps >= 0 && done >= s->steps) || timer_now() >= s->after)
        *why = "run.stop_after";
    else if (time_is_over(s, done))
        *why = "time limit";
    else
        return 0;
    return 1;
}
