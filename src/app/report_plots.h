/* SPDX-License-Identifier: MIT */
/* report_plots.h - the pictures of a report: for each a file of data, a script
 * for gnuplot beside it, and, where gnuplot is, NAME.svg.
 *
 * Scripts name files of their own folder only, so that they can be changed and
 * run there again. Rank 0 only.
 */
#ifndef REPORT_PLOTS_H
#define REPORT_PLOTS_H

#include "app/report_data.h"
#include "base/err.h"

#include <stddef.h>
#include <stdio.h>

enum { REPORT_FILE = 128 };

struct report_picture {
    char name[REPORT_FILE]; /* of NAME.gp and NAME.svg */
    char data[REPORT_FILE]; /* the file that it is drawn from */
    char title[2 * REPORT_WORD];
    int drawn;
};

struct report_pictures {
    const char *dir; /* borrowed; is there */
    size_t n, room;
    struct report_picture *picture; /* [n] */
};

/* Each adds what there is to show, or nothing. name [targets]: of the targets
 * of the journal. ERR_IO, ERR_ENVIRONMENT (memory). */
enum err report_plot_run(struct report_pictures *p, const struct report_run *r,
                         const char name[][DATASET_NAME]);
enum err report_plot_predictions(struct report_pictures *p,
                                 const struct report_predictions *of);

/* Draws all by gnuplot. What it cannot is told in one line: room [bytes]; ""
 * when all are drawn. */
void report_draw(struct report_pictures *p, char *room, size_t bytes);
void report_pictures_fini(struct report_pictures *p);

/* A file of the folder, and its end. ERR_IO. */
enum err report_file_begin(const char *dir, const char *name, FILE **out);
enum err report_file_end(const char *dir, const char *name, FILE *f);

/* The files of one more picture: data, empty, and script, which lacks axes and
 * the plot command. size: REPORT_WIDE or REPORT_SQUARE. report_picture_end
 * follows, whatever err was. */
#define REPORT_WIDE "720,480"
#define REPORT_SQUARE "600,600"
struct report_picture_files {
    const char *dir;
    struct report_picture *of;
    FILE *data, *script;
};
enum err report_picture_begin(struct report_pictures *p, const char *name,
                              const char *data, const char *title,
                              const char *size,
                              struct report_picture_files *out);
enum err report_picture_end(struct report_picture_files *f);

/* Into a script: in quotes. Into data: a blank and the number, ? for NaN. */
void report_put_quoted(FILE *f, const char *text);
void report_put_number(FILE *f, double x);

/* "homo", or "free_energy-2" where a name is not fit for files. */
void report_put_word(const char *name, int target, char *room, size_t bytes);

#endif
