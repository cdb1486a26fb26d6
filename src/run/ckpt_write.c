/* SPDX-License-Identifier: MIT */
/* ckpt_write.c - a file that is there as a whole or not at all.
 *
 * HDF5 makes it in memory (h5_create_image): a copy more of the state while it
 * is saved, but HDF5 never sees a full disk, after which it could not be
 * trusted, and every failure has its errno. Written to PATH.tmp, fsynced, read
 * back through the loader, compared by digest with the buffers it was made of,
 * renamed, the folder fsynced. What an older writer still has open under the
 * temporary name is another file: it is never opened, only replaced.
 */
#include "config.h"

#include "base/file.h"
#include "base/mem.h"
#include "comm/h5.h"
#include "run/ckpt_file.h"
#include "run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum err failed(const char *path, int why)
{
    return err_set(ERR_IO,
                   "%s: cannot be written (%s); make room or look at the file "
                   "system",
                   path, strerror(why));
}

/* --- in memory ----------------------------------------------------------- */

static const enum h5_kind h5_kinds[] = {
    [CKPT_F32] = H5_F32, [CKPT_F64] = H5_F64, [CKPT_I64] = H5_I64};

/* About: headers of data sets, the deck. */
static size_t size_of(const struct ckpt_head *head, const struct ckpt_state *s)
{
    size_t bytes = (64 << 10) + strlen(head->deck);

    for (int i = 0; i < s->arrays; i++)
        bytes += ckpt_bytes(&s->array[i]) + 1024;
    return bytes;
}

static enum err put_arrays(struct h5 *f, const struct ckpt_state *s,
                           const struct ckpt_array *const order[],
                           struct digest *digest)
{
    struct digest_stream stream;
    void *room;
    enum err err = OK;

    TRY(ckpt_room(s, &room));
    digest_begin(&stream);
    for (int i = 0; i < s->arrays && !err; i++) {
        const struct ckpt_array *a = order[i];
        const struct h5_shape shape = {.kind = h5_kinds[a->kind],
                                       .rank = a->rank,
                                       .n = {a->n[0], a->n[1]}};

        s->get(s->self, (int)(a - s->array), room);
        digest_add(&stream, a->path, strlen(a->path) + 1);
        digest_add(&stream, room, ckpt_bytes(a));
        err = h5_write(f, a->path, &shape, room);
    }
    digest_end(&stream, digest);
    mem_free(room);
    return err;
}

static enum err put_all(struct h5 *f, const struct ckpt_head *head,
                        const struct ckpt_state *s, struct digest *digest)
{
    const struct ckpt_array **order;
    enum err err;

    TRY(ckpt_put_head(f, head));
    TRY(ckpt_order(s, &order));
    err = put_arrays(f, s, order, digest);
    mem_free(order);
    TRY(err);
    return h5_put_string(f, "/", "state_digest", digest->hex);
}

static enum err make_image(const char *path, const struct ckpt_head *head,
                           const struct ckpt_state *s, struct h5_image *image,
                           struct digest *digest)
{
    struct h5 *f;
    enum err err, closed;

    TRY(h5_create_image(path, size_of(head, s), image, &f));
    err = put_all(f, head, s, digest);
    closed = h5_close(&f);
    return err ? err : closed;
}

/* --- on disk ------------------------------------------------------------- */

/* A new file, never one that somebody has open. */
static int create(const char *path)
{
    const int how = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(path, how, 0666);

    if (fd < 0 && errno == EEXIST && unlink(path) == 0)
        fd = open(path, how, 0666);
    return fd;
}

/* The image and its seal, to the disk; an errno. */
static int write_file(const char *path, const void *data, size_t bytes)
{
    struct digest seal;
    int fd = create(path), why;

    if (fd < 0)
        return errno;
    digest_bytes(data, bytes, &seal);
    why = file_write(fd, data, bytes);
    if (!why)
        why = file_write(fd, seal.hex, DIGEST_CHARS);
    if (!why && fsync(fd) != 0)
        why = errno;
    if (close(fd) != 0 && !why)
        why = errno;
    return why;
}

static enum err write_image(const char *path, const char *fresh,
                            const struct h5_image *image)
{
    size_t bytes;
    int why;

    TRY(h5_image_size(image, &bytes));
    why = write_file(fresh, image->data, bytes);
    return why ? failed(path, why) : OK;
}

static int sync_folder(const char *path)
{
    char folder[FILE_PATH];
    const char *slash = strrchr(path, '/');
    int fd, why = 0;

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    /* some file systems cannot sync a folder, and say so */
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        why = errno;
    close(fd);
    return why;
}

/* --- in order ------------------------------------------------------------ */

static enum err read_back(const char *path, const char *fresh,
                          const struct ckpt_state *s, int is_model,
                          const struct digest *digest)
{
    struct digest found = {""};
    char why[1024];

    if (ckpt_check(fresh, s, is_model, &found) != OK) {
        snprintf(why, sizeof why, "%s", err_message());
        return err_set(ERR_IO,
                       "%s: cannot be read back (%s); look at the file system",
                       path, why);
    }
    if (!digest_equal(digest, &found))
        return err_set(ERR_IO,
                       "%s: reads back as another state (expected %.12s.., "
                       "found %.12s..); look at memory and file system",
                       path, digest->hex, found.hex);
    return OK;
}

static enum err check_moved(const char *path, const struct digest *previous,
                            const struct digest *digest)
{
    if (!digest_equal(previous, digest))
        return OK;
    return err_set(ERR_IO,
                   "%s: would hold the state of the save before, though steps "
                   "were done (state_digest %.12s..); please report this",
                   path, digest->hex);
}

static enum err write_fresh(const char *path, const char *fresh,
                            const struct ckpt_head *head,
                            const struct ckpt_state *s, struct digest *digest)
{
    struct h5_image image = {.data = NULL};
    enum err err;

    TRY_GOTO(make_image(path, head, s, &image, digest), fini);
    TRY_GOTO(write_image(path, fresh, &image), fini);
fini:
    h5_image_fini(&image);
    TRY(err);
    return read_back(path, fresh, s, head->is_model, digest);
}

static enum err put_in_place(const char *path, const char *fresh,
                             const struct lock *lock)
{
    int why;

    if (lock)
        TRY(lock_check(lock));
    if (rename(fresh, path) != 0)
        return failed(path, errno);
    why = sync_folder(path);
    return why ? failed(path, why) : OK;
}

/* Whatever happens before the file is in place counts as I/O: the run goes on.
 */
static enum err as_io(const char *path, enum err err)
{
    char why[1024];

    if (err == OK || err == ERR_IO)
        return err;
    snprintf(why, sizeof why, "%s", err_message());
    return err_set(ERR_IO, "%s: cannot be written (%s)", path, why);
}

enum err ckpt_write(const char *path, const struct ckpt_head *head,
                    const struct ckpt_state *state, const struct lock *lock,
                    const struct digest *previous, struct digest *digest)
{
    char fresh[FILE_PATH];
    struct digest d = {""};
    enum err err;

    if (snprintf(fresh, sizeof fresh, "%s.tmp", path) >= (int)sizeof fresh)
        return failed(path, ENAMETOOLONG);
    err = as_io(path, write_fresh(path, fresh, head, state, &d));
    if (!err)
        err = check_moved(path, previous, &d);
    if (!err)
        err = put_in_place(path, fresh, lock);
    if (err)
        unlink(fresh);
    else
        *digest = d;
    return err;
}
