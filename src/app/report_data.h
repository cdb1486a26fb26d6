/* SPDX-License-Identifier: MIT */
/* report_data.h - what a report shows: a run's journal and deck, predictions,
 * and the figures of both.
 *
 * Readers take what is there: numbers that are not known are NaN, events that
 * are not known are passed over, and so is a line that is no JSON (the last one
 * of a run that was killed). Rank 0 only.
 */
#ifndef REPORT_DATA_H
#define REPORT_DATA_H

#include "base/err.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "data/slice.h"

#include <stdint.h>

enum { REPORT_PHASES = 16, REPORT_WORD = 128 };

/* An end of an epoch, or an evaluation within one. */
struct report_point {
    int64_t step, epoch;
    int whole; /* 1: an epoch has ended, with seconds and phases */
    double train[LOADER_TARGETS], validation[LOADER_TARGETS];
    double seconds, phase[REPORT_PHASES];
};

struct report_step {
    int64_t step;
    double loss, lr, grad_norm, speed; /* molecules/s */
};

/* A journal. Texts are "" and numbers -1 where it does not say. */
struct report_run {
    int events, bad_lines;
    int targets; /* of the lists of MAE; 0: none seen */
    char unit[LOADER_TARGETS][DATASET_NAME];
    size_t points, point_room, steps, step_room;
    struct report_point *point; /* [points] ascending step */
    struct report_step *step;   /* [steps] */
    int phases;
    char phase[REPORT_PHASES][REPORT_WORD];
    /* of the last start */
    char version[REPORT_WORD], host[REPORT_WORD], device[REPORT_WORD];
    char cpu_isa[REPORT_WORD], deck_digest[REPORT_WORD];
    char data_digest[REPORT_WORD];
    int64_t ranks, threads, parameters, memory_bytes;
    char began[REPORT_WORD], last[REPORT_WORD]; /* times */
    /* of what came behind the last start */
    int done;
    char stopped[REPORT_WORD]; /* the reason */
    int64_t best_epoch, best_step;
    double validation_mae[LOADER_TARGETS], test_mae[LOADER_TARGETS];
};

/* text [bytes]: of a journal. ERR_ENVIRONMENT: memory. */
enum err report_run_read(const char *text, size_t bytes,
                         struct report_run *out);
void report_run_fini(struct report_run *r);

/* Seconds of all epochs, and of each phase of theirs: phase
 * [REPORT_PHASES]. */
double report_run_seconds(const struct report_run *r, double phase[]);

/* Steps of an epoch; 0: no epoch has ended. */
double report_run_steps_per_epoch(const struct report_run *r);

/* Least, median and greatest speed: out [3]; NaN: none is known.
 * ERR_ENVIRONMENT: memory. */
enum err report_run_speed(const struct report_run *r, double out[]);

/* One target of predictions, and its figures over the rows where prediction
 * and reference are numbers. */
struct report_target {
    char name[DATASET_NAME], unit[DATASET_NAME];
    int column[2];                 /* prediction, reference (-1: none) */
    double *predicted, *reference; /* [rows] */
    int64_t known;
    int64_t unpredicted; /* rows whose prediction is no number */
    double mae, rmse, max, r2;
    double mean_mae; /* MAE of always answering the mean of the references */
};

struct report_predictions {
    int64_t rows;
    struct slice *id; /* [rows] borrowed from the text */
    int targets;
    struct report_target target[LOADER_TARGETS];
};

/* text [bytes]: a CSV as run/predictions.h says; borrowed for as long as *out
 * lives. ERR_DATA: something else; path is for messages. ERR_ENVIRONMENT:
 * memory. */
enum err report_predictions_read(const char *text, size_t bytes,
                                 const char *path,
                                 struct report_predictions *out);
void report_predictions_fini(struct report_predictions *p);

/* A whole file (mem_free), with a zero behind its bytes. ERR_DATA: it cannot be
 * read. */
enum err report_file_read(const char *path, char **text, size_t *bytes);

#endif
