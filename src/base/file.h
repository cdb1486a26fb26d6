/* SPDX-License-Identifier: MIT */
/* file.h - what POSIX leaves to its callers: whole writes, folders with all
 * above them. An errno is returned, 0 for success; who calls says the rest. */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>

enum { FILE_PATH = 4096 }; /* bytes of a path, its zero included */

/* All of it, however many calls that takes. */
int file_write(int fd, const void *data, size_t bytes);

/* The folder and those above it; one that is there is fine. */
int file_make_folder(const char *path);

/* Whether that would do, and files could be made in it, as far as the nearest
 * folder that is there tells. */
int file_look_folder(const char *path);

#endif
