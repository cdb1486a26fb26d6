/* SPDX-License-Identifier: MIT */
/* log.c - whole lines, one write each, so that ranks do not mix theirs. */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 4096 };

static int my_rank, is_quiet, is_terminal;
static int file = -1, lost, progress_shown;
static void (*warning_hook)(void *self, const char *text);
static void *warning_self;

void log_init(int rank, int quiet)
{
    my_rank = rank;
    is_quiet = quiet;
    is_terminal = isatty(STDERR_FILENO);
}

void log_on_warning(void (*hook)(void *self, const char *text), void *self)
{
    warning_hook = hook;
    warning_self = self;
}

enum err log_open(const char *path)
{
    if (my_rank != 0)
        return OK;
    log_close();
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0)
        return err_set(ERR_IO, "%s: cannot be written (%s)", path,
                       strerror(errno));
    lost = 0;
    return OK;
}

void log_close(void)
{
    if (file >= 0)
        close(file);
    file = -1;
}

/* On a terminal a progress line is wiped first. */
static void to_stderr(const char *line, size_t n)
{
    ssize_t done;

    if (progress_shown)
        done = write(STDERR_FILENO, "\r\033[K", 4);
    progress_shown = 0;
    done = write(STDERR_FILENO, line, n);
    (void)done; /* nobody is left to tell */
}

/* A line that does not fit is taken back: the file holds whole lines only. */
static void to_file(const char *line, size_t n)
{
    off_t end;

    if (file < 0)
        return;
    end = lseek(file, 0, SEEK_END);
    if (write(file, line, n) == (ssize_t)n)
        return;
    if (end >= 0 && ftruncate(file, end) != 0)
        end = -1;
    if (!lost++)
        log_warn("log.txt: a line could not be written (%s); make room, the "
                 "run goes on",
                 strerror(errno));
}

/* prefix and text and a newline; the length. */
static size_t compose(char *line, const char *prefix, const char *format,
                      va_list args)
{
    size_t n = (size_t)snprintf(line, LINE - 1, "%s", prefix);
    int more = vsnprintf(line + n, LINE - 1 - n, format, args);

    if (more > 0)
        n += (size_t)more < LINE - 2 - n ? (size_t)more : LINE - 2 - n;
    line[n] = 0;
    err_one_line(line);
    line[n] = '\n';
    line[n + 1] = 0;
    return n + 1;
}

void log_note(const char *format, ...)
{
    char line[LINE];
    va_list args;
    size_t n;

    if (my_rank != 0)
        return;
    va_start(args, format);
    n = compose(line, "", format, args);
    va_end(args);
    if (!is_quiet)
        to_stderr(line, n);
    to_file(line, n);
}

void log_detail(const char *format, ...)
{
    char line[LINE];
    va_list args;

    if (my_rank != 0)
        return;
    va_start(args, format);
    to_file(line, compose(line, "", format, args));
    va_end(args);
}

static const char warning[] = "se3t: warning: ";

void log_warn(const char *format, ...)
{
    char line[LINE];
    va_list args;
    size_t n;

    if (my_rank != 0)
        return;
    va_start(args, format);
    n = compose(line, warning, format, args);
    va_end(args);
    to_stderr(line, n);
    to_file(line, n);
    if (warning_hook) {
        line[n - 1] = 0;
        warning_hook(warning_self, line + sizeof warning - 1);
    }
}

void log_rank(const char *format, ...)
{
    char line[LINE], prefix[64];
    va_list args;

    snprintf(prefix, sizeof prefix, "%srank %d: ", warning, my_rank);
    va_start(args, format);
    to_stderr(line, compose(line, prefix, format, args));
    va_end(args);
}

void log_progress(const char *format, ...)
{
    char line[LINE];
    va_list args;
    size_t n;

    if (my_rank != 0 || is_quiet)
        return;
    va_start(args, format);
    n = compose(line, "", format, args);
    va_end(args);
    to_stderr(line, is_terminal ? n - 1 : n);
    progress_shown = is_terminal;
}
