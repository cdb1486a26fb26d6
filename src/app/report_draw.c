/* SPDX-License-Identifier: MIT */
/* report_draw.c - files of data and scripts, and gnuplot as a child without a
 * shell. */
#include "config.h"

#include "app/report_plots.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds for one picture; it takes less than one. */
static const double patience = 30;

enum { PATHS = 4096 };

/* --- files --------------------------------------------------------------- */

static enum err cannot_write(const char *dir, const char *name)
{
    return err_set(ERR_IO,
                   "%s/%s: cannot be written (%s); make room or choose "
                   "another folder by --out",
                   dir, name, strerror(errno));
}

enum err report_file_begin(const char *dir, const char *name, FILE **out)
{
    char path[PATHS];
    FILE *f = NULL;

    errno = ENAMETOOLONG;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) < PATHS)
        f = fopen(path, "w");
    if (!f)
        return cannot_write(dir, name);
    *out = f;
    return OK;
}

enum err report_file_end(const char *dir, const char *name, FILE *f)
{
    int bad = fflush(f) != 0 || ferror(f);

    bad |= fclose(f) != 0;
    return bad ? cannot_write(dir, name) : OK;
}

void report_put_number(FILE *f, double x)
{
    char text[NUM_CHARS] = "?";

    if (isfinite(x))
        num_write(x, text);
    fprintf(f, " %s", text);
}

void report_put_quoted(FILE *f, const char *text)
{
    putc('\'', f);
    for (; *text; text++) {
        if (*text == '\'')
            putc('\'', f);
        putc((unsigned char)*text < ' ' ? ' ' : *text, f);
    }
    putc('\'', f);
}

void report_put_word(const char *name, int target, char *room, size_t bytes)
{
    static const char fit[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.+-";
    size_t n = (size_t)snprintf(room, bytes, "%s", name);
    int changed = n == 0;

    for (char *s = room; *s; s++)
        if (!strchr(fit, *s)) {
            *s = '_';
            changed = 1;
        }
    if (changed)
        snprintf(room + n, bytes - n, "-%d", target + 1);
}

/* --- one picture --------------------------------------------------------- */

static void put_preamble(FILE *f, const struct report_picture *p,
                         const char *size)
{
    fprintf(f,
            "set encoding utf8\n"
            "set terminal svg size %s noenhanced font 'sans-serif,14' "
            "background '#ffffff'\n"
            "set output '%s.svg'\n"
            "set datafile missing '?'\n"
            "set grid linecolor rgb '#dddddd'\n"
            "set border linecolor rgb '#444444'\n"
            "set tics nomirror out\n"
            "set title ",
            size, p->name);
    report_put_quoted(f, p->title);
    fputs("\n", f);
}

enum err report_picture_begin(struct report_pictures *p, const char *name,
                              const char *data, const char *title,
                              const char *size,
                              struct report_picture_files *out)
{
    void *grown = p->picture;
    char script[REPORT_FILE + 4];

    *out = (struct report_picture_files){.dir = p->dir};
    TRY(mem_grow(&grown, &p->room, p->n + 1, sizeof *p->picture,
                 "the pictures of a report"));
    p->picture = grown;
    out->of = &p->picture[p->n++];
    *out->of = (struct report_picture){.drawn = 0};
    snprintf(out->of->name, REPORT_FILE, "%s", name);
    snprintf(out->of->data, REPORT_FILE, "%s", data);
    snprintf(out->of->title, sizeof out->of->title, "%s", title);
    snprintf(script, sizeof script, "%s.gp", out->of->name);
    TRY(report_file_begin(p->dir, script, &out->script));
    put_preamble(out->script, out->of, size);
    return report_file_begin(p->dir, data, &out->data);
}

enum err report_picture_end(struct report_picture_files *f)
{
    enum err script = OK, data = OK;

    if (f->script)
        script = report_file_end(f->dir, f->of->name, f->script);
    if (f->data)
        data = report_file_end(f->dir, f->of->data, f->data);
    return script ? script : data;
}

void report_pictures_fini(struct report_pictures *p)
{
    mem_free(p->picture);
    p->picture = NULL;
    p->n = p->room = 0;
}

/* --- gnuplot ------------------------------------------------------------- */

extern char **environ;

/* cd: a command of gnuplot, since a child cannot be started elsewhere by POSIX
 * means. Settings of the user's home would change the pictures: -d. */
static int spawn(const char *cd, const char *script, pid_t *child)
{
    char *const words[] = {
        "gnuplot", "-d", "-e", (char *)(uintptr_t)cd, (char *)(uintptr_t)script,
        NULL};
    posix_spawn_file_actions_t files;
    int failed;

    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    failed =
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) ||
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) ||
        posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    failed = failed
                 ? ENOMEM
                 : posix_spawnp(child, words[0], &files, NULL, words, environ);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

/* Its status; -1: it took too long and was ended. */
static int wait_for(pid_t child)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    double began = timer_now();
    int status = -1, late = 0;

    for (;;) {
        pid_t ended = waitpid(child, &status, late ? 0 : WNOHANG);

        if (ended == child)
            return late ? -1 : status;
        if (ended < 0 && errno != EINTR)
            return -1;
        late = timer_now() - began > patience;
        if (late)
            kill(child, SIGKILL);
        else
            nanosleep(&pause, NULL);
    }
}

static int is_there(const char *dir, const char *name)
{
    char path[PATHS];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, R_OK) == 0;
}

/* 0: gnuplot is of no use for more pictures either. */
static int draw(const char *dir, const char *cd, struct report_picture *p,
                char *room, size_t bytes)
{
    char script[REPORT_FILE + 4], svg[REPORT_FILE + 4];
    pid_t child;
    int failed, status;

    snprintf(script, sizeof script, "%s.gp", p->name);
    snprintf(svg, sizeof svg, "%s.svg", p->name);
    failed = spawn(cd, script, &child);
    status = failed ? 0 : wait_for(child);
    if (failed == ENOENT ||
        (!failed && WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        snprintf(room, bytes,
                 "gnuplot: not found, no pictures; install it, or draw the "
                 ".dat files of %s by another program",
                 dir);
        return 0;
    }
    p->drawn = !failed && status == 0 && is_there(dir, svg);
    if (!p->drawn && !*room)
        snprintf(room, bytes,
                 "gnuplot: %s/%s was not drawn (%s); run gnuplot %s there to "
                 "see why",
                 dir, svg,
                 failed         ? strerror(failed)
                 : status == -1 ? "it took too long"
                                : "it failed",
                 script);
    return p->drawn || (!failed && status != -1);
}

/* Older pictures would be taken for those of this report. */
static void remove_pictures(const struct report_pictures *p)
{
    char path[PATHS];

    for (size_t i = 0; i < p->n; i++) {
        snprintf(path, sizeof path, "%s/%s.svg", p->dir, p->picture[i].name);
        unlink(path);
    }
}

void report_draw(struct report_pictures *p, char *room, size_t bytes)
{
    char cd[2 * PATHS];
    size_t n = (size_t)snprintf(cd, sizeof cd, "cd '");

    *room = 0;
    remove_pictures(p);
    for (const char *s = p->dir; *s && n < sizeof cd - 4; s++) {
        if (*s == '\'')
            cd[n++] = '\'';
        cd[n++] = *s;
    }
    memcpy(cd + n, "'", 2);
    for (size_t i = 0; i < p->n; i++)
        if (!draw(p->dir, cd, &p->picture[i], room, bytes))
            return;
}
