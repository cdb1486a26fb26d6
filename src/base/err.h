/* SPDX-License-Identifier: MIT */
/* err.h - how a function says that it failed.
 *
 * A function that can fail returns enum err and sets its outputs only on OK.
 * The function that first knows the cause records one line with err_set; its
 * callers pass the code up; main prints the line once, with err_print. The
 * line is kept per thread.
 */
#ifndef ERR_H
#define ERR_H

#include <stdio.h>

/* The values are the exit codes of the program. */
enum err {
    OK = 0,
    ERR_OTHER = 1,
    ERR_STOPPED = 10, /* not a failure: good checkpoint, resubmit */
    ERR_CHECKPOINT = 20,
    ERR_DATA = 30,
    ERR_DECK = 40,
    ERR_ENVIRONMENT = 50,
    ERR_NONFINITE = 60,
    ERR_IO = 70
};

/* The compiler checks a printf-like function's arguments. */
#ifdef __GNUC__
#define ERR_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define ERR_FORMAT(text, first)
#endif

/* Records "WHERE: WHAT (expected .., found ..); DO" (printf's format, cut at
 * 16383 characters) and returns code, so that failing is one statement. */
enum err err_set(enum err code, const char *format, ...) ERR_FORMAT(2, 3);

/* The same, of several lines, each of which err_one_line has seen. */
enum err err_set_lines(enum err code, const char *format, ...) ERR_FORMAT(2, 3);

/* Control characters, which names of files may hold, become '?': they would
 * break the rule of one line a failure. */
void err_one_line(char *text);

/* This thread's last line; "" when there was none. */
const char *err_message(void);

/* "se3t: error: " and each line of the message (a deck has one a mistake). */
void err_print(FILE *out);

/* Broken invariants only. Prints one line, flushes, and ends the process
 * through the hook that main set (all ranks), else abort. */
void err_abort(const char *file, int line, const char *what);
void err_on_abort(void (*hook)(void));

#define CHECK(condition)                                                       \
    ((condition) ? (void)0 : err_abort(__FILE__, __LINE__, #condition))
#ifdef NDEBUG
#define ASSERT(condition) ((void)0)
#else
#define ASSERT(condition) CHECK(condition)
#endif

/* Passes a failure up where there is nothing to undo. */
#define TRY(call)                                                              \
    do {                                                                       \
        enum err try_err = (call);                                             \
        if (try_err != OK)                                                     \
            return try_err;                                                    \
    } while (0)

/* Sets the caller's variable err and leaves through a label that undoes. */
#define TRY_GOTO(call, label)                                                  \
    do {                                                                       \
        err = (call);                                                          \
        if (err != OK)                                                         \
            goto label;                                                        \
    } while (0)

#endif
