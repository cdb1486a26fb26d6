/* SPDX-License-Identifier: MIT */
/* h5_collective.c - files that several ranks have open at once (MPI-IO).
 *
 * Writing with Fletcher32 works only when all ranks make and write everything
 * together, and only then are the bytes the same for any number of ranks, one
 * included. A failure on one rank is agreed on before the next such step. HDF5
 * itself does not agree: when the disk is full in the middle of its work some
 * ranks wait for ever. So rank 0 takes the room before.
 */
#include "config.h"

#include "comm/h5.h"

#include "comm/comm.h"
#include "comm/comm_world.h"
#include "comm/h5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { METADATA = 64 << 10 }; /* bytes, of one data set: generous */

static hid_t shared_access(MPI_Comm ranks)
{
    hid_t list = h5_access();

    if (list >= 0 && H5Pset_fapl_mpio(list, ranks, MPI_INFO_NULL) < 0) {
        H5Pclose(list);
        list = H5I_INVALID_HID;
    }
    return list;
}

/* What all did together: a file when it went well everywhere. */
static enum err shared(struct comm *c, MPI_Comm ranks, enum err err,
                       struct h5 *f, struct h5 **out)
{
    err = comm_agree_among(c, ranks, err);
    if (err == OK) {
        f->comm = c;
        f->ranks = ranks;
        *out = f;
    }
    return err;
}

/* Takes bytes [from, from + bytes) of the file for it, which HDF5 cuts off in
 * closing where they were too many. A file system that cannot is no failure. */
static enum err take_room(const char *path, int flags, int64_t from,
                          int64_t bytes)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0666), failed;

    if (fd < 0)
        return OK; /* HDF5 will say what is wrong */
    failed = posix_fallocate(fd, (off_t)from, (off_t)bytes);
    close(fd);
    if (failed != ENOSPC && failed != EFBIG && failed != EDQUOT &&
        failed != EIO)
        return OK;
    return err_set(ERR_IO,
                   "%s: cannot be written (no room for %lld bytes: %s); make "
                   "room or look at the file system",
                   path, (long long)bytes, strerror(failed));
}

/* Collective: by rank 0, for the next object. */
static enum err reserve(struct h5 *f, int64_t bytes)
{
    enum err err = OK;

    if (comm_rank(f->comm) == 0)
        err = take_room(f->path, 0, f->reserved, bytes);
    err = comm_agree_among(f->comm, f->ranks, err);
    f->reserved += bytes;
    if (err)
        f->failed = 1;
    return err;
}

enum err h5_create_all(struct comm *c, const char *path, struct h5 **out)
{
    struct h5 *f = NULL;
    enum err err = OK;

    h5_start();
    if (comm_rank(c) == 0) /* without room for the least HDF5 cannot close */
        err = take_room(path, O_CREAT | O_TRUNC, 0, METADATA);
    TRY(comm_agree(c, err));
    comm_wait_begin(c);
    err = h5_file_create(path, shared_access(c->world), &f);
    comm_wait_end(c);
    TRY(shared(c, c->world, err, f, &f));
    err = reserve(f, METADATA);
    if (err)
        h5_close(&f);
    else
        *out = f;
    return err;
}

enum err h5_open_node(struct comm *c, const char *path, struct h5 **out)
{
    struct h5 *f = NULL;
    enum err err;

    h5_start();
    comm_wait_begin(c);
    err = h5_file_open(path, ERR_DATA, shared_access(c->node), &f);
    comm_wait_end(c);
    return shared(c, c->node, err, f, out);
}

/* --- rows --------------------------------------------------------------- */

/* The rows in the file and the same in memory. */
struct rows {
    hid_t file, memory, transfer;
};

static void rows_close(struct rows *r)
{
    if (r->file >= 0)
        H5Sclose(r->file);
    if (r->memory >= 0)
        H5Sclose(r->memory);
    if (r->transfer >= 0)
        H5Pclose(r->transfer);
}

static int rows_open(hid_t set, const struct h5_shape *s, int64_t first,
                     int64_t rows, struct rows *out)
{
    hsize_t begin[H5_RANK] = {(hsize_t)first}, count[H5_RANK];
    struct rows r;
    int ok;

    for (int i = 0; i < s->rank; i++)
        count[i] = (hsize_t)s->n[i];
    count[0] = (hsize_t)(rows ? rows : 1);
    r.file = H5Dget_space(set);
    r.memory = H5Screate_simple(s->rank, count, NULL);
    r.transfer = h5_transfer();
    ok = r.file >= 0 && r.memory >= 0 && r.transfer >= 0 &&
         H5Pset_dxpl_mpio(r.transfer, H5FD_MPIO_COLLECTIVE) >= 0;
    if (ok && rows > 0)
        ok = H5Sselect_hyperslab(r.file, H5S_SELECT_SET, begin, NULL, count,
                                 NULL) >= 0;
    else if (ok)
        ok = H5Sselect_none(r.file) >= 0 && H5Sselect_none(r.memory) >= 0;
    if (ok)
        *out = r;
    else
        rows_close(&r);
    return ok;
}

static void check_rows(const struct h5_shape *s, int64_t first, int64_t rows)
{
    CHECK(s->rank >= 1 && s->rank <= H5_RANK);
    CHECK(first >= 0 && rows >= 0 && rows <= s->n[0] &&
          first <= s->n[0] - rows);
}

static enum err make_set(struct h5 *f, const char *path,
                         const struct h5_shape *s, hid_t *set)
{
    const struct h5_layout l = {.type = h5_file_type(s->kind),
                                .bytes = h5_kind_size(s->kind),
                                .rank = s->rank,
                                .n = s->n};
    enum err err;

    TRY(reserve(f, h5_stored(&l) + h5_stored(&l) / 1024 + METADATA));
    comm_wait_begin(f->comm);
    err = h5_make_set(f, path, &l, set);
    comm_wait_end(f->comm);
    return comm_agree_among(f->comm, f->ranks, err);
}

enum err h5_write_rows(struct h5 *f, const char *path, const struct h5_shape *s,
                       int64_t first, int64_t rows, const void *data)
{
    hid_t set = H5I_INVALID_HID;
    struct rows r;
    enum err err;

    check_rows(s, first, rows);
    TRY_GOTO(make_set(f, path, s, &set), close);
    if (h5_count(s->rank, s->n) == 0)
        goto close;
    if (!rows_open(set, s, first, rows, &r))
        err = h5_bad_write(f, path);
    err = comm_agree_among(f->comm, f->ranks, err);
    if (err)
        goto close; /* r of this rank stays open: memory is short anyway */
    comm_wait_begin(f->comm);
    if (H5Dwrite(set, h5_memory_type(s->kind), r.memory, r.file, r.transfer,
                 data ? data : "") < 0)
        err = h5_bad_write(f, path);
    comm_wait_end(f->comm);
    rows_close(&r);

close:
    if (set >= 0 && H5Dclose(set) < 0 && err == OK)
        err = h5_bad_write(f, path);
    return comm_agree_among(f->comm, f->ranks, err);
}

enum err h5_read_rows(struct h5 *f, const char *path, const struct h5_shape *s,
                      int64_t first, int64_t rows, void *data)
{
    struct h5_source source;
    struct rows r;
    char nothing[8];
    enum err err;
    int is_open = 0, has_rows = 0;

    check_rows(s, first, rows);
    err = h5_source_set(f, path, &source);
    is_open = err == OK;
    if (is_open)
        err = h5_check_shape(&source, s);
    if (err == OK) {
        has_rows = rows_open(source.id, s, first, rows, &r);
        if (!has_rows)
            err = h5_bad_read(f, path);
    }
    err = comm_agree_among(f->comm, f->ranks, err);
    if (err == OK && source.count > 0) {
        comm_wait_begin(f->comm);
        if (H5Dread(source.id, h5_memory_type(s->kind), r.memory, r.file,
                    r.transfer, data ? data : nothing) < 0)
            err = h5_bad_read(f, path);
        comm_wait_end(f->comm);
    }
    if (has_rows)
        rows_close(&r);
    if (is_open)
        h5_source_close(&source);
    return err;
}
