/* SPDX-License-Identifier: MIT */
/* job_id.c - from the environment. */
#include "config.h"

#include "run/job_id.h"

#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A word: no blanks and line ends, the lock has one a line. */
static void take(const char *from, char out[JOB_ID_WORD])
{
    int n = (int)strcspn(from, " \t\r\n");

    snprintf(out, JOB_ID_WORD, "%.*s", n, from);
}

void job_id_own(struct job_id *out)
{
    const char *slurm = getenv("SLURM_JOB_ID"), *pbs = getenv("PBS_JOBID");
    const char *restart = getenv("SLURM_RESTART_COUNT");
    char host[JOB_ID_WORD] = "";

    *out = (struct job_id){.pid = getpid()};
    gethostname(host, sizeof host - 1);
    take(*host ? host : "unknown", out->host);
    if (slurm && *slurm)
        take(slurm, out->job);
    else if (pbs && *pbs)
        take(pbs, out->job);
    if (slurm && *slurm && restart)
        num_int64(restart, strlen(restart), &out->restart);
}

void job_id_text(const struct job_id *id, char out[2 * JOB_ID_WORD])
{
    const size_t room = 2 * JOB_ID_WORD;

    if (!*id->job)
        snprintf(out, room, "%lld@%.200s", (long long)id->pid, id->host);
    else if (id->restart > 0)
        snprintf(out, room, "%s restart %lld", id->job, (long long)id->restart);
    else
        snprintf(out, room, "%s", id->job);
}
