/* SPDX-License-Identifier: MIT */
/* commands.h - what `se3t COMMAND` can be; one file a command. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "app/options.h"
#include "base/err.h"

struct comm;

struct command {
    const char *name;
    const char *summary; /* one line of `se3t --help` */
    const char *help;    /* `COMMAND --help`: usage, text */
    const struct option *option;
    int options;
    const char *needs; /* the words that may not lack, for messages; or NULL */
    int least, most;   /* words; most -1: any number */
    /* Collective; the same code on all ranks. */
    enum err (*run)(struct comm *c, const struct options *o);
};

extern const struct command command_import, command_train, command_predict,
    command_check, command_info, command_bench, command_selftest,
    command_report;

#endif
