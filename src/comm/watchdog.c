/* SPDX-License-Identifier: MIT */
/* watchdog.c - counts how long one and the same wait lasts.
 *
 * The waiting thread adds one to `turns` when it begins to wait and one when
 * it ends: odd means waiting, and an odd number seen again the same wait. Time
 * is the sum of the watchdog's own sleeps, each counted as tick_most at most:
 * the clock goes on while this very process is stopped, its patience must not.
 */
#include "config.h"

#include "comm/watchdog.h"

#include "base/mem.h"
#include "base/timer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static const struct timespec tick = {.tv_nsec = 50000000};
static const double tick_most = 0.5; /* s; a busy machine sleeps longer */

struct watchdog {
    pthread_t thread;
    int rank;
    atomic_uint turns;
    atomic_int code;
    _Atomic double patience; /* s */
};

/* In the watchdog's thread, while the other one hangs: no exit handlers. */
static void give_up(const struct watchdog *w, double waited)
{
    char line[512];
    int n = snprintf(line, sizeof line,
                     "se3t: error: rank %d: waited %.0f s for the other ranks "
                     "(expected all of them, found one dead, stopped, slow or "
                     "cut off); look for its message, then submit the job "
                     "again\n",
                     w->rank, waited);
    ssize_t done = write(STDERR_FILENO, line, (size_t)n);

    (void)done;
    _exit(w->code);
}

static void *watch(void *self)
{
    struct watchdog *w = self;
    double last = timer_now(), waited = 0;
    unsigned seen = 0;

    for (;;) {
        double now, slept;
        unsigned turns;

        nanosleep(&tick, NULL);
        now = timer_now();
        slept = now - last < tick_most ? now - last : tick_most;
        last = now;
        turns = atomic_load(&w->turns);
        waited = turns % 2 && turns == seen ? waited + slept : 0;
        seen = turns;
        if (waited > w->patience)
            give_up(w, waited);
    }
    return NULL;
}

/* Signals are for the program's own thread. */
static int start_thread(struct watchdog *w)
{
    enum { STACK = 256 << 10 };
    pthread_attr_t how;
    sigset_t all, before;
    int failed;

    if (pthread_attr_init(&how) != 0)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_attr_setstacksize(&how, STACK) != 0 ||
             pthread_create(&w->thread, &how, watch, w) != 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&how);
    return failed ? -1 : 0;
}

enum err watchdog_start(int rank, double patience, struct watchdog **out)
{
    struct watchdog *w;
    void *data;

    TRY(mem_alloc(1, sizeof *w, "the watchdog", &data));
    w = data;
    w->rank = rank;
    w->code = ERR_ENVIRONMENT;
    w->patience = patience;
    if (start_thread(w) != 0) {
        mem_free(w);
        return err_set(ERR_ENVIRONMENT,
                       "rank %d: the watchdog's thread cannot start; raise "
                       "the limits on threads and memory",
                       rank);
    }
    *out = w;
    return OK;
}

void watchdog_stop(struct watchdog **w)
{
    if (!*w)
        return;
    pthread_cancel((*w)->thread); /* nanosleep is a cancellation point */
    pthread_join((*w)->thread, NULL);
    mem_free(*w);
    *w = NULL;
}

void watchdog_arm(struct watchdog *w)
{
    if (w && w->turns % 2 == 0)
        w->turns++;
}

void watchdog_disarm(struct watchdog *w)
{
    if (w && w->turns % 2 == 1)
        w->turns++;
}

void watchdog_set_patience(struct watchdog *w, double seconds)
{
    if (w)
        w->patience = seconds;
}

double watchdog_patience(const struct watchdog *w)
{
    return w ? w->patience : 0;
}

void watchdog_set_code(struct watchdog *w, enum err code)
{
    if (w)
        w->code = code;
}
