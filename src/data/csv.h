/* SPDX-License-Identifier: MIT */
/* csv.h - the fields of one line of comma-separated values. */
#ifndef CSV_H
#define CSV_H

#include "data/slice.h"

/* Takes the next field off *line, without the quotes around it; a doubled quote
 * within stays doubled. 1; 0 when there is none left; -1: a quote without its
 * partner, or text beside a quoted field. */
int csv_field(struct slice *line, struct slice *field);

/* All fields, up to most. How many, most + 1 when there are more; -1 as above.
 */
int csv_fields(struct slice line, struct slice field[], int most);

/* Finds each of `names` names in a header; place[k] is name k's column. Returns
 * the first name that is missing or stands there twice, or NULL. */
const char *csv_columns(const struct slice field[], int fields,
                        const char *const name[], int names, int place[]);

#endif
