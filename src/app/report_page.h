/* SPDX-License-Identifier: MIT */
/* report_page.h - index.html: pictures and figures on one page that needs
 * nothing but its folder. Rank 0 only. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "app/report_data.h"
#include "app/report_plots.h"
#include "base/err.h"

struct deck;

struct report_page {
    const char *path;                        /* what is reported; borrowed */
    const char *title;                       /* what people call it */
    int is_run;                              /* else a CSV */
    struct report_run run;                   /* events 0: no journal */
    struct deck *deck;                       /* of the run, or NULL */
    char *deck_text;                         /* zero-terminated, or NULL */
    char name[LOADER_TARGETS][DATASET_NAME]; /* of the run's targets */
    double speed[3];                         /* least, median, greatest */
    struct report_predictions predictions;   /* targets 0: none */
    struct report_pictures pictures;
    char *lacking; /* lines of what could not be shown; "" or NULL: nothing */
};

/* Writes DIR/index.html of pictures.dir. ERR_IO. */
enum err report_page_write(const struct report_page *p);

#endif
