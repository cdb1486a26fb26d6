/* SPDX-License-Identifier: MIT */
/* import_detect.h - which format a source has, by its names and first lines. */
#ifndef IMPORT_DETECT_H
#define IMPORT_DETECT_H

#include "base/err.h"
#include "data/import.h"

/* ERR_DECK: not there. ERR_DATA: none that is known, or damaged. */
enum err import_detect(const char *path, enum import_format *out);

#endif
