/* SPDX-License-Identifier: MIT */
/* main.c - argv, MPI, and the command. */
#include "config.h"

#include "app/commands.h"
#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/h5.h"
#include "cpu/cpuid.h"
#include "cuda/device_cuda.h"
#include "deck/deck.h"
#include "run/stop.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &command_import, &command_train, &command_predict,  &command_check,
    &command_info,   &command_bench, &command_selftest, &command_report,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static struct comm *job;

static void end_job(void)
{
    comm_abort(job, ERR_OTHER);
}

static void print_help(void)
{
    printf("se3t " PACKAGE_VERSION " - SE(3)-Transformers on molecules\n\n"
           "[mpirun -n P] se3t COMMAND ARGUMENTS [--set SECTION.KEY=VALUE]... "
           "[--json] [--quiet]\n\n");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
    printf("\nse3t COMMAND --help says more; so does man se3t.\n");
}

static void print_version(void)
{
    const char *why = "";
    int gpus = device_cuda_count(&why);

    printf("se3t " PACKAGE_VERSION "\nMPI   %s\nHDF5  %s\n", comm_version(),
           h5_version());
    if (gpus > 0)
        printf("CUDA  %d GPUs\n", gpus);
    else
        printf("CUDA  no GPU: %s\n", why);
    printf("CPU   %s\n", cpuid_name(cpuid_best()));
}

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static enum err unknown(const char *name)
{
    const char *names[COMMANDS], *nearest;

    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    nearest = deck_nearest(name, COMMANDS, names);
    return err_set(ERR_DECK, "unknown command %s%s%s%s; see se3t --help", name,
                   nearest ? " (did you mean " : "", nearest ? nearest : "",
                   nearest ? "?)" : "");
}

/* The words that need no job: 1 when that was all. */
static int is_question(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        print_help();
    else if (strcmp(argv[1], "--version") == 0)
        print_version();
    else
        return 0;
    return 1;
}

static enum err run(int argc, char **argv)
{
    const struct command *c = find(argv[1]);
    struct options o = {.words = 0};
    enum err err = OK;

    if (!c)
        return unknown(argv[1]);
    TRY(options_parse(c, argc - 1, argv + 1, &o));
    log_init(comm_rank(job), options_count(&o, "quiet") > 0);
    if (c != &command_train)
        stop_uninstall();
    if (options_count(&o, "help") == 0)
        err = c->run(job, &o);
    else if (comm_rank(job) == 0)
        fputs(c->help, stdout);
    options_fini(&o);
    return err;
}

/* Standard output is a product of every command but train. */
static enum err flush(enum err err, const char *command)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return err;
    if (strcmp(command, "train") == 0) {
        log_warn("standard output: cannot be written; the run is not harmed");
        return err;
    }
    return err ? err
               : err_set(ERR_IO, "standard output: cannot be written; free "
                                 "the disk or the pipe");
}

/* A file opened later must not become standard output or error. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    enum err err;

    stop_install();
    fill_standard_files();
    log_init(0, 0);
    if (is_question(argc, argv))
        return flush(OK, "--help");
    err = comm_open(&argc, &argv, &job);
    if (err) {
        err_print(stderr);
        return (int)err;
    }
    err_on_abort(end_job);
    log_init(comm_rank(job), 0);
    err = run(argc, argv);
    err = flush(err, argc > 1 ? argv[1] : "");
    if (err && *err_message())
        err_print(stderr);
    comm_close(&job, err);
    return (int)err;
}
