/* SPDX-License-Identifier: MIT */
/* lock.c - the kernel's lock says whether a holder lives; the text says who it
 * is, and which generation may write.
 *
 * A stale lock's file is written anew in place. A lock that still lives, of the
 * same job before it was requeued, is replaced by rename: its holder finds
 * another text when it looks (lock_check), and writes no more.
 */
#include "config.h"

#include "run/lock.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "run/job_id.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_PATH = 4096, TEXT = 2048, TRIES = 20 };

struct lock {
    int fd;
    char path[FILE_PATH];
    char text[TEXT]; /* what the file says while it is ours */
};

struct holder {
    struct job_id id;
    int64_t start; /* of the process, in the kernel's ticks; 0: not known */
    int64_t generation;
};

enum answer { LOCK_TAKEN, LOCK_HELD, LOCK_UNKNOWN }; /* no kernel locks here */

/* --- the text ------------------------------------------------------------ */

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything. */
static int64_t start_of(int64_t pid)
{
    char path[64], line[1024] = "", *s;
    int64_t ticks = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    f = fopen(path, "r");
    if (!f)
        return 0;
    s = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    fclose(f);
    for (int field = 2; s && field < 22; field++) {
        s = strchr(s + 1, ' ');
    }
    if (s)
        num_int64(s + 1, strcspn(s + 1, " \n"), &ticks);
    return ticks;
}

static void write_text(const struct holder *h, char text[TEXT])
{
    snprintf(text, TEXT,
             "host: %s\npid: %lld\nstart: %lld\njob: %s\nrestart: %lld\n"
             "generation: %lld\n",
             h->id.host, (long long)h->id.pid, (long long)h->start, h->id.job,
             (long long)h->id.restart, (long long)h->generation);
}

/* The word behind "name: " at the start of a line; its length. */
static size_t find_word(const char *text, const char *name, const char **out)
{
    size_t n = strlen(name);

    while (*text) {
        if (strncmp(text, name, n) == 0 && strncmp(text + n, ": ", 2) == 0) {
            *out = text + n + 2;
            return strcspn(*out, "\n");
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    *out = "";
    return 0;
}

static void read_word(const char *text, const char *name, char out[JOB_ID_WORD])
{
    const char *word;
    size_t n = find_word(text, name, &word);

    snprintf(out, JOB_ID_WORD, "%.*s", (int)n, word);
}

static int64_t read_number(const char *text, const char *name)
{
    const char *word;
    int64_t x = 0;
    size_t n = find_word(text, name, &word);

    num_int64(word, n, &x);
    return x;
}

static struct holder read_holder(const char *text)
{
    struct holder h = {.start = read_number(text, "start"),
                       .generation = read_number(text, "generation")};

    read_word(text, "host", h.id.host);
    read_word(text, "job", h.id.job);
    h.id.pid = read_number(text, "pid");
    h.id.restart = read_number(text, "restart");
    return h;
}

/* --- the file ------------------------------------------------------------ */

static void read_text(int fd, char text[TEXT])
{
    ssize_t n = pread(fd, text, TEXT - 1, 0);

    text[n > 0 ? n : 0] = 0;
}

static int put_text(int fd, const char *text)
{
    size_t n = strlen(text);

    if (ftruncate(fd, 0) != 0)
        return errno;
    errno = ENOSPC;
    if (pwrite(fd, text, n, 0) != (ssize_t)n)
        return errno;
    return fsync(fd) == 0 ? 0 : errno;
}

static enum answer ask(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return LOCK_TAKEN;
    return errno == EAGAIN || errno == EACCES ? LOCK_HELD : LOCK_UNKNOWN;
}

/* Whether the name still leads to what is open. */
static int is_named(const struct lock *l)
{
    struct stat a, b;

    return fstat(l->fd, &a) == 0 && stat(l->path, &b) == 0 &&
           a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static enum err failed(const struct lock *l, int why)
{
    return err_set(ERR_IO,
                   "%s: cannot be written (%s); make room or look at the "
                   "folder's rights",
                   l->path, strerror(why));
}

static enum err open_file(struct lock *l)
{
    l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return l->fd < 0 ? failed(l, errno) : OK;
}

static void close_file(struct lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* --- who may ------------------------------------------------------------- */

static const char *word_or(const char *word, const char *otherwise)
{
    return *word ? word : otherwise;
}

static enum err refuse(const struct lock *l, const struct holder *h)
{
    return err_set(ERR_ENVIRONMENT,
                   "%s: another job is at work in this folder (host %s, pid "
                   "%lld, job %s, restart %lld); wait for its end or choose "
                   "another run.dir",
                   l->path, word_or(h->id.host, "unknown"),
                   (long long)h->id.pid, word_or(h->id.job, "none"),
                   (long long)h->id.restart);
}

static void say_taken_over(const struct lock *l, const struct holder *h,
                           const char *what)
{
    log_warn("%s: %s (host %s, pid %lld, job %s, restart %lld) taken over; "
             "the run goes on",
             l->path, what, word_or(h->id.host, "unknown"),
             (long long)h->id.pid, word_or(h->id.job, "none"),
             (long long)h->id.restart);
}

static struct holder own(int64_t generation)
{
    struct holder h = {.generation = generation};

    job_id_own(&h.id);
    h.start = start_of(h.id.pid);
    return h;
}

static int is_requeued(const struct holder *was)
{
    struct job_id id;

    job_id_own(&id);
    return *id.job && strcmp(id.job, was->id.job) == 0 &&
           id.restart > was->id.restart;
}

/* Without kernel locks: a process of this host that began when the lock says.
 * One of another host cannot be asked; if it lives it will find another
 * generation before it writes. */
static int seems_alive(const struct holder *h)
{
    struct holder me = own(0);

    return strcmp(h->id.host, me.id.host) == 0 && h->id.pid != me.id.pid &&
           h->id.pid > 0 && h->start > 0 && start_of(h->id.pid) == h->start;
}

/* --- taking it ----------------------------------------------------------- */

static enum err write_own(struct lock *l, const struct holder *was)
{
    struct holder me = own(was->generation + 1);
    int why;

    write_text(&me, l->text);
    why = put_text(l->fd, l->text);
    return why ? failed(l, why) : OK;
}

/* The file is nobody's, or a dead one's. */
static enum err take(struct lock *l, enum answer answer)
{
    char text[TEXT];
    struct holder was;

    read_text(l->fd, text);
    was = read_holder(text);
    if (answer == LOCK_UNKNOWN)
        log_warn("%s: this file system has no locks; start one job a folder",
                 l->path);
    if (answer == LOCK_UNKNOWN && seems_alive(&was))
        return refuse(l, &was);
    if (*text)
        say_taken_over(l, &was, "stale lock of a job that is dead");
    return write_own(l, &was);
}

/* A new file in place of one whose holder still lives. */
static enum err replace(struct lock *l, const struct holder *was)
{
    char fresh[FILE_PATH + 8];
    enum err err;

    close_file(l);
    snprintf(fresh, sizeof fresh, "%s.tmp", l->path);
    unlink(fresh);
    l->fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (l->fd < 0)
        return failed(l, errno);
    ask(l->fd); /* nobody else has it open */
    err = write_own(l, was);
    if (!err && rename(fresh, l->path) != 0)
        err = failed(l, errno);
    if (err)
        unlink(fresh);
    else
        say_taken_over(l, was, "lock of this job before its restart");
    return err;
}

/* A holder writes its text just after it took the lock. */
static struct holder look_at_holder(const struct lock *l)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    char text[TEXT];

    read_text(l->fd, text);
    for (int i = 0; i < TRIES && !*text; i++) {
        nanosleep(&pause, NULL);
        read_text(l->fd, text);
    }
    return read_holder(text);
}

/* *again: what was opened is no longer the lock. */
static enum err try_once(struct lock *l, int *again)
{
    enum answer answer;
    struct holder was;

    TRY(open_file(l));
    answer = ask(l->fd);
    *again = !is_named(l);
    if (*again) {
        close_file(l);
        return OK;
    }
    if (answer != LOCK_HELD)
        return take(l, answer);
    was = look_at_holder(l);
    return is_requeued(&was) ? replace(l, &was) : refuse(l, &was);
}

static enum err open_lock(struct lock *l, const char *dir)
{
    int again = 1;

    l->fd = -1;
    if (snprintf(l->path, sizeof l->path, "%s/lock", dir) >= FILE_PATH)
        return failed(l, ENAMETOOLONG);
    for (int i = 0; i < TRIES && again; i++)
        TRY(try_once(l, &again));
    if (again)
        return err_set(ERR_ENVIRONMENT,
                       "%s: other jobs take and leave it all the time; wait "
                       "for them",
                       l->path);
    return OK;
}

enum err lock_open(const char *dir, struct lock **out)
{
    struct lock *l;
    void *data;
    enum err err;

    TRY(mem_alloc(1, sizeof *l, "the lock", &data));
    l = data;
    err = open_lock(l, dir);
    if (!err) {
        *out = l;
        return OK;
    }
    close_file(l);
    mem_free(l);
    return err;
}

/* --- only looking -------------------------------------------------------- */

/* F_OFD_GETLK asks for a lock that a reader could not take. */
static enum err look(const struct lock *l)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int known = fcntl(l->fd, F_OFD_GETLK, &whole) == 0;
    struct holder was;
    char text[TEXT];

    if (known && whole.l_type == F_UNLCK)
        return OK;
    if (known) {
        was = look_at_holder(l);
        return is_requeued(&was) ? OK : refuse(l, &was);
    }
    read_text(l->fd, text);
    was = read_holder(text);
    return seems_alive(&was) ? refuse(l, &was) : OK;
}

enum err lock_look(const char *dir)
{
    struct lock l;
    enum err err;

    if (snprintf(l.path, sizeof l.path, "%s/lock", dir) >= FILE_PATH)
        return OK; /* lock_open says why it cannot */
    l.fd = open(l.path, O_RDONLY | O_CLOEXEC);
    if (l.fd < 0)
        return OK;
    err = look(&l);
    close_file(&l);
    return err;
}

/* --- afterwards ---------------------------------------------------------- */

enum err lock_check(const struct lock *l)
{
    char text[TEXT];
    struct holder now;
    int fd = open(l->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno != ENOENT)
        return err_set(ERR_IO, "%s: cannot be read (%s)", l->path,
                       strerror(errno));
    text[0] = 0;
    if (fd >= 0) {
        read_text(fd, text);
        close(fd);
    }
    if (strcmp(text, l->text) == 0)
        return OK;
    now = read_holder(text);
    return err_set(ERR_ENVIRONMENT,
                   "%s: is no longer this job's (expected generation %lld, "
                   "found %lld of host %s, pid %lld, job %s): another one has "
                   "taken over; this one ends without saving",
                   l->path, (long long)read_number(l->text, "generation"),
                   (long long)now.generation, word_or(now.id.host, "unknown"),
                   (long long)now.id.pid, word_or(now.id.job, "none"));
}

void lock_close(struct lock **out)
{
    struct lock *l = *out;

    if (!l)
        return;
    if (lock_check(l) == OK)
        unlink(l->path);
    close_file(l);
    mem_free(l);
    *out = NULL;
}
