/* SPDX-License-Identifier: MIT */
/* file.c - loops around write and mkdir. */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_write(int fd, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t n = write(fd, at, bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int file_make_folder(const char *path)
{
    char part[FILE_PATH];
    size_t n = strlen(path);

    if (n + 1 > sizeof part)
        return ENAMETOOLONG;
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] && path[i] != '/')
            continue;
        part[i] = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return errno;
        part[i] = path[i];
    }
    return 0;
}

int file_look_folder(const char *path)
{
    char part[FILE_PATH];
    struct stat st;

    if (snprintf(part, sizeof part, "%s", path) >= FILE_PATH)
        return ENAMETOOLONG;
    while (stat(part, &st) != 0) {
        char *slash = strrchr(part, '/');

        if (errno != ENOENT)
            return errno;
        if (slash == part)
            slash[1] = 0;
        else if (slash)
            *slash = 0;
        else
            snprintf(part, sizeof part, ".");
    }
    if (!S_ISDIR(st.st_mode))
        return ENOTDIR;
    return access(part, W_OK | X_OK) == 0 ? 0 : errno;
}
