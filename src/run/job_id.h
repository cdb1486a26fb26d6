/* SPDX-License-Identifier: MIT */
/* job_id.h - who runs: what the lock and the journal say of a job. */
#ifndef JOB_ID_H
#define JOB_ID_H

#include <stdint.h>

enum { JOB_ID_WORD = 256 };

struct job_id {
    char host[JOB_ID_WORD];
    int64_t pid;
    char job[JOB_ID_WORD]; /* the scheduler's number; "" without one */
    int64_t restart;       /* how often the scheduler started it again */
};

/* From SLURM_JOB_ID and SLURM_RESTART_COUNT, PBS_JOBID. */
void job_id_own(struct job_id *out);

/* "4711", "4711 restart 1", "1234@host". */
void job_id_text(const struct job_id *id, char out[2 * JOB_ID_WORD]);

#endif
