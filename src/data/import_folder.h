/* SPDX-License-Identifier: MIT */
/* import_folder.h - the .xyz files of a folder. */
#ifndef IMPORT_FOLDER_H
#define IMPORT_FOLDER_H

#include "base/digest.h"
#include "base/err.h"

struct import_folder {
    int files;
    char **file; /* names without the folder, in byte order */
};

/* Names that end in .xyz or .xyz.gz, but those that start with a point.
 * ERR_DATA: there are none. */
enum err import_folder_list(const char *path, struct import_folder *out);
void import_folder_fini(struct import_folder *f);

#endif
