/* SPDX-License-Identifier: MIT */
/* import_table.h - NAME.sdf.csv, the targets beside NAME.sdf, joined by mol_id.
 */
#ifndef IMPORT_TABLE_H
#define IMPORT_TABLE_H

#include "base/err.h"
#include "data/qm9.h"
#include "data/slice.h"

#include <stddef.h>

struct source;
struct import_table; /* opaque: rows by mol_id */

/* The table's path when a file stands there: 1, else 0. "NAME.sdf.gz" has
 * "NAME.sdf.csv" too. */
int import_table_path(const char *sdf, char *room, size_t bytes);

/* Reads the member at hand. ERR_DATA: a column is missing. */
enum err import_table_read(struct source *s, struct import_table **out);
void import_table_free(struct import_table **t);

/* A row's numbers: as published, and the four atomisation energies in
 * kcal/mol. NULL: no row, two of them, or one that is damaged. */
struct import_row {
    double raw[QM9_NUMBERS];
    double atomisation[4];
};
const struct import_row *import_table_find(const struct import_table *t,
                                           struct slice id);

#endif
