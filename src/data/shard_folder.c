/* SPDX-License-Identifier: MIT */
/* shard_folder.c - only files of a data set are ever removed. */
#include "config.h"

#include "data/shard_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err failed(const char *what, const char *path)
{
    return err_set(ERR_IO, "%s: cannot be %s (%s); check permissions and room",
                   path, what, strerror(errno));
}

/* A file that a data set has. */
static int is_ours(const char *name)
{
    size_t n = strlen(name);

    return strcmp(name, "manifest.yaml") == 0 ||
           strcmp(name, "rejected.csv") == 0 ||
           (n > 9 && strncmp(name, "shard-", 6) == 0 &&
            strcmp(name + n - 3, ".h5") == 0);
}

/* Calls visit for each entry; its first error stops. */
static enum err each(const char *dir,
                     enum err (*visit)(void *self, const char *dir,
                                       const char *name),
                     void *self)
{
    enum err err = OK;
    struct dirent *entry;
    DIR *d = opendir(dir);

    if (!d)
        return failed("read", dir);
    while (!err && (entry = readdir(d)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            err = visit(self, dir, entry->d_name);
    closedir(d);
    return err;
}

/* What a folder holds. */
struct contents {
    int files, manifest;
    char name[256]; /* of one that is not of a data set, or "" */
};

static enum err look(void *self, const char *dir, const char *name)
{
    struct contents *c = self;

    (void)dir;
    c->files++;
    if (strcmp(name, "manifest.yaml") == 0)
        c->manifest = 1;
    if (!is_ours(name))
        snprintf(c->name, sizeof c->name, "%s", name);
    return OK;
}

enum err shard_folder_check(const char *dir)
{
    struct contents c = {.name = ""};
    struct stat st;

    if (lstat(dir, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? OK : failed("read", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(ERR_DECK,
                       "%s: something else stands there (expected a data set, "
                       "an empty folder, or nothing); choose another --out",
                       dir);
    TRY(each(dir, look, &c));
    if (c.files == 0 || (c.manifest && !*c.name))
        return OK;
    return err_set(ERR_DECK,
                   "%s: the folder is not empty and not a data set (expected "
                   "manifest.yaml and shards, found %s); choose another --out",
                   dir, *c.name ? c.name : "shards without manifest.yaml");
}

static enum err join(char out[FOLDER_PATH], const char *a, const char *mark,
                     const char *b)
{
    int n = snprintf(out, FOLDER_PATH, "%s%s%s", a, mark, b);

    if (n < 0 || n >= FOLDER_PATH)
        return err_set(ERR_DECK, "%s: the path is too long", a);
    return OK;
}

enum err shard_folder_names(const char *dir, struct shard_folder *out)
{
    char number[32];
    size_t n;

    TRY(join(out->place, dir, "", ""));
    n = strlen(out->place);
    while (n > 1 && out->place[n - 1] == '/')
        out->place[--n] = 0;
    snprintf(number, sizeof number, "%ld", (long)getpid());
    TRY(join(out->made, out->place, ".new-", number));
    TRY(join(out->old, out->place, ".old-", number));
    return shard_folder_check(out->place);
}

const char *shard_folder_name(const struct shard_folder *f)
{
    const char *slash = strrchr(f->place, '/');

    return slash && slash[1] ? slash + 1 : f->place;
}

/* The folders above. */
static enum err make_parents(const char *path)
{
    char part[FOLDER_PATH];

    TRY(join(part, path, "", ""));
    for (char *p = part + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(part, 0777) != 0 && errno != EEXIST)
                return failed("made", part);
            *p = '/';
        }
    return OK;
}

enum err shard_folder_make(const struct shard_folder *f)
{
    TRY(make_parents(f->made));
    if (mkdir(f->made, 0777) != 0)
        return failed("made", f->made);
    return OK;
}

static enum err sync_path(const char *path)
{
    int fd = open(path, O_RDONLY);
    int bad = fd < 0 || fsync(fd) != 0;
    enum err err = bad ? failed("written to the disk", path) : OK;

    if (fd >= 0)
        close(fd);
    return err;
}

static enum err sync_file(void *self, const char *dir, const char *name)
{
    char path[FOLDER_PATH];

    (void)self;
    TRY(join(path, dir, "/", name));
    return sync_path(path);
}

static enum err remove_file(void *self, const char *dir, const char *name)
{
    char path[FOLDER_PATH];

    (void)self;
    if (is_ours(name) && join(path, dir, "/", name) == OK)
        unlink(path);
    return OK;
}

static void remove_folder(const char *path)
{
    if (each(path, remove_file, NULL) == OK)
        rmdir(path);
}

void shard_folder_drop(const struct shard_folder *f)
{
    struct stat st;

    if (lstat(f->made, &st) == 0)
        remove_folder(f->made);
}

/* The folder above, "." when there is none. */
static enum err sync_parent(const char *path)
{
    char parent[FOLDER_PATH];
    char *slash;

    TRY(join(parent, path, "", ""));
    slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = 0;
    return sync_path(slash ? parent : ".");
}

enum err shard_folder_show(const struct shard_folder *f)
{
    struct stat st;
    int stood;

    TRY(each(f->made, sync_file, NULL));
    TRY(sync_path(f->made));
    TRY(shard_folder_check(f->place));
    rmdir(f->place); /* when it is empty */
    stood = lstat(f->place, &st) == 0;
    if (stood && rename(f->place, f->old) != 0)
        return failed("moved aside", f->place);
    if (rename(f->made, f->place) != 0) {
        enum err err = failed("made", f->place);

        if (stood)
            rename(f->old, f->place);
        return err;
    }
    TRY(sync_parent(f->place));
    if (stood)
        remove_folder(f->old);
    return OK;
}
