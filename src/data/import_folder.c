/* SPDX-License-Identifier: MIT */
/* import_folder.c - a folder as a source, and what a source is known by. */
#include "config.h"

#include "data/import_folder.h"

#include "base/mem.h"
#include "data/import_source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_wanted(const char *name)
{
    struct slice s = slice_of(name);

    return *name != '.' && (slice_ends(s, ".xyz") || slice_ends(s, ".xyz.gz"));
}

static enum err add(struct import_folder *f, size_t *room, const char *name)
{
    void *file = f->file;

    TRY(mem_grow(&file, room, (size_t)f->files + 1, sizeof(char *),
                 "names of files"));
    f->file = file;
    TRY(mem_string(name, &f->file[f->files]));
    f->files++;
    return OK;
}

enum err import_folder_list(const char *path, struct import_folder *out)
{
    enum err err = OK;
    struct import_folder f = {0};
    struct dirent *entry;
    size_t room = 0;
    DIR *dir = opendir(path);

    if (!dir)
        return err_set(ERR_DATA, "%s: the folder cannot be read (%s)", path,
                       strerror(errno));
    while (!err && (entry = readdir(dir)) != NULL)
        if (is_wanted(entry->d_name))
            err = add(&f, &room, entry->d_name);
    closedir(dir);
    if (!err && f.files == 0)
        err = err_set(ERR_DATA,
                      "%s: nothing to import in this folder (expected .xyz "
                      "files, found none); name the files themselves",
                      path);
    if (err) {
        import_folder_fini(&f);
        return err;
    }
    qsort(f.file, (size_t)f.files, sizeof *f.file, by_name);
    *out = f;
    return OK;
}

void import_folder_fini(struct import_folder *f)
{
    for (int i = 0; i < f->files; i++)
        mem_free(f->file[i]);
    mem_free(f->file);
    f->file = NULL;
    f->files = 0;
}

static enum err folder_digest(const char *path, struct digest *out)
{
    enum err err = OK;
    struct import_folder f;
    struct digest_stream s;
    struct digest one;
    char name[4096];

    TRY(import_folder_list(path, &f));
    digest_begin(&s);
    for (int i = 0; i < f.files && !err; i++) {
        snprintf(name, sizeof name, "%s/%s", path, f.file[i]);
        err = digest_file(name, -1, &one);
        digest_add(&s, f.file[i], strlen(f.file[i]) + 1);
        digest_add(&s, one.hex, DIGEST_CHARS);
    }
    if (!err)
        digest_end(&s, out);
    import_folder_fini(&f);
    return err;
}

enum err source_digest(const char *path, struct digest *out)
{
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return folder_digest(path, out);
    return digest_file(path, -1, out);
}
