/* SPDX-License-Identifier: MIT */
/* journal.c - lines of one write each, behind a copy of what was known.
 *
 * The copy is made line by line under a temporary name and renamed, so that a
 * journal may be large, and what an older writer has open is another file. A
 * line that does not fit is taken back: the file holds whole lines only.
 */
#include "config.h"

#include "run/journal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "run/job_id.h"
#include "run/journal_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_PATH = 4096, WORD = 256 };

struct journal {
    int fd;
    int lost; /* lines that could not be written */
    char *path;
    char job[2 * JOB_ID_WORD];
    char checkpoint_time[WORD], checkpoint_job[WORD];
    int64_t checkpoint_ranks; /* 0: unknown */
    struct json json;
};

/* --- what was known ------------------------------------------------------ */

/* Events that a resumed run says again. */
static const char *const again[] = {"step", "epoch", "evaluation", "checkpoint",
                                    "done"};

static int is_said_again(const char *event)
{
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        if (strcmp(event, again[i]) == 0)
            return 1;
    return 0;
}

static void note_checkpoint(struct journal *j, const char *line)
{
    char text[WORD];

    if (journal_line_member(line, "time", text, sizeof text))
        memcpy(j->checkpoint_time, text, sizeof text);
    if (journal_line_member(line, "job", text, sizeof text))
        memcpy(j->checkpoint_job, text, sizeof text);
    if (journal_line_member(line, "ranks", text, sizeof text))
        num_int64(text, strlen(text), &j->checkpoint_ranks);
}

/* Whether a line stays when the run goes on from `step`; *last: the step that
 * the lines have come to, for events that name none. */
static int stays(struct journal *j, const char *line, int64_t step,
                 int64_t *last)
{
    char event[WORD], number[WORD];
    int64_t at = *last;

    if (!journal_line_good(line) ||
        !journal_line_member(line, "event", event, sizeof event))
        return 0;
    if (!is_said_again(event))
        return 1;
    if (journal_line_member(line, "step", number, sizeof number))
        num_int64(number, strlen(number), &at);
    *last = at;
    if (at == step && strcmp(event, "checkpoint") == 0)
        note_checkpoint(j, line);
    return at <= step;
}

/* A failed write shows in ferror, with the first reason kept in *why. */
static void copy_lines(struct journal *j, FILE *from, FILE *to, int64_t step)
{
    char *line = j->json.line; /* nothing is said yet */
    int64_t last = -1;
    int bad;

    while (journal_line_read(from, line, JSON_LINE, &bad))
        if (!bad && stays(j, line, step, &last) &&
            fprintf(to, "%s\n", line) < 0)
            return;
}

static int close_copy(FILE *f, int failed)
{
    int why = failed;

    if (!why && (fflush(f) != 0 || fsync(fileno(f)) != 0))
        why = errno;
    if (fclose(f) != 0 && !why)
        why = errno;
    return why;
}

/* An errno. A journal that is not there was empty. */
static int copy_file(struct journal *j, const char *fresh, int64_t step)
{
    FILE *from = step >= 0 ? fopen(j->path, "r") : NULL, *to;
    int why = 0;

    unlink(fresh);
    to = fopen(fresh, "w");
    if (!to)
        why = errno;
    if (from && to) {
        errno = EIO;
        copy_lines(j, from, to, step);
        why = ferror(to) || ferror(from) ? errno : 0;
    }
    if (to)
        why = close_copy(to, why);
    if (from)
        fclose(from);
    return why;
}

static enum err replace(struct journal *j, int64_t step)
{
    char fresh[FILE_PATH];
    int why = ENAMETOOLONG;

    if (snprintf(fresh, sizeof fresh, "%s.tmp", j->path) < FILE_PATH)
        why = copy_file(j, fresh, step);
    if (!why) {
        j->fd = open(fresh, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (j->fd < 0 || rename(fresh, j->path) != 0)
            why = errno;
    }
    if (!why)
        return OK;
    unlink(fresh);
    return err_set(ERR_IO,
                   "%s: cannot be written (%s); make room or look at the "
                   "folder's rights",
                   j->path, strerror(why));
}

/* --- open and close ------------------------------------------------------ */

enum err journal_open(const char *path, int64_t step, struct journal **out)
{
    struct journal *j;
    struct job_id id;
    void *data;
    enum err err;

    TRY(mem_alloc(1, sizeof *j, "the journal", &data));
    j = data;
    j->fd = -1;
    job_id_own(&id);
    job_id_text(&id, j->job);
    snprintf(j->checkpoint_time, WORD, "unknown");
    snprintf(j->checkpoint_job, WORD, "unknown");
    err = mem_string(path, &j->path);
    if (!err)
        err = replace(j, step);
    if (err)
        journal_close(&j);
    else
        *out = j;
    return err;
}

void journal_close(struct journal **out)
{
    struct journal *j = *out;

    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    mem_free(j->path);
    mem_free(j);
    *out = NULL;
}

const char *journal_checkpoint_time(const struct journal *j)
{
    return j ? j->checkpoint_time : "unknown";
}

const char *journal_checkpoint_job(const struct journal *j)
{
    return j ? j->checkpoint_job : "unknown";
}

int64_t journal_checkpoint_ranks(const struct journal *j)
{
    return j ? j->checkpoint_ranks : 0;
}

/* --- lines --------------------------------------------------------------- */

/* "2026-01-31T12:00:00.123Z" */
static void write_time(char *out, size_t bytes)
{
    struct timespec now;
    struct tm t;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &t);
    n = strftime(out, bytes, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out + n, bytes - n, ".%03ldZ", now.tv_nsec / 1000000);
}

struct json *journal_begin(struct journal *j, const char *event)
{
    char now[64];

    if (!j)
        return NULL;
    write_time(now, sizeof now);
    json_begin(&j->json);
    json_string(&j->json, "event", event);
    json_string(&j->json, "time", now);
    json_string(&j->json, "job", j->job);
    return &j->json;
}

/* An errno. What a failed write left of the line is cut off. */
static int append(int fd, const char *line, size_t bytes)
{
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n;
    int why;

    do
        n = write(fd, line, bytes);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)bytes)
        return 0;
    why = n < 0 ? errno : ENOSPC;
    if (n > 0 && end >= 0 && ftruncate(fd, end) != 0)
        why = errno;
    return why;
}

/* The warning is a line too: it finds lost > 0 and is silent. */
void journal_end(struct journal *j)
{
    int why;

    if (!j)
        return;
    why = json_end(&j->json)
              ? append(j->fd, j->json.line, (size_t)j->json.length)
              : EMSGSIZE;
    if (why && !j->lost++)
        log_warn("%s: a line could not be written (%s); make room, the run "
                 "goes on",
                 j->path, strerror(why));
}

int journal_is_done(const char *path)
{
    static char line[JSON_LINE];
    FILE *f = fopen(path, "r");
    char event[32];
    int done = 0, bad;

    while (f && journal_line_read(f, line, sizeof line, &bad)) {
        if (bad || !journal_line_member(line, "event", event, sizeof event))
            continue;
        if (strcmp(event, "start") == 0)
            done = 0;
        else if (strcmp(event, "done") == 0)
            done = 1;
    }
    if (f)
        fclose(f);
    return done;
}

double journal_last_save(const char *path)
{
    static char line[JSON_LINE];
    FILE *f = fopen(path, "r");
    char event[32], text[WORD];
    double seconds = 0;
    int bad;

    while (f && journal_line_read(f, line, sizeof line, &bad))
        if (!bad && journal_line_member(line, "event", event, sizeof event) &&
            strcmp(event, "checkpoint") == 0 &&
            journal_line_member(line, "seconds", text, sizeof text))
            num_double(text, strlen(text), &seconds);
    if (f)
        fclose(f);
    return seconds;
}
