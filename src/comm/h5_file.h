/* SPDX-License-Identifier: MIT */
/* h5_file.h - what the files h5*.c share: an open file, failures, data sets.
 *
 * Internal to src/comm. HDF5 clears its stack of errors at each call, so the
 * message is made at once (h5_bad_*), before anything is closed.
 */
#ifndef H5_FILE_H
#define H5_FILE_H

#include "comm/h5.h"

#include <hdf5.h>
#include <mpi.h>

enum { H5_PATH = 512, H5_STRING_MOST = 1 << 16 }; /* bytes */

struct h5 {
    hid_t id;
    char *path;
    enum err code; /* of what cannot be read */
    int failed;    /* a write did */
    struct comm *comm;
    MPI_Comm ranks; /* who has it open; MPI_COMM_NULL: this rank alone */
    int writable;
    int64_t reserved; /* bytes that rank 0 had the file system keep free */
};

/* Before the first call of HDF5, and before MPI starts: else HDF5 would close
 * itself in MPI_Finalize and at exit, where it crashes on files whose writing
 * failed. Files are closed by hand. */
void h5_start(void);

/* Opens or makes the file, as `list` of access says; closes the list. */
enum err h5_file_open(const char *path, enum err code, hid_t list,
                      struct h5 **out);
enum err h5_file_create(const char *path, hid_t list, struct h5 **out);

/* A list of access for V110 files without caches, serial; < 0: no memory. */
hid_t h5_access(void);

/* "FILE: OBJECT: cannot be .. (HDF5's or the system's reason); .." */
enum err h5_bad_read(const struct h5 *f, const char *object);
enum err h5_bad_write(struct h5 *f, const char *object);

/* Whether each step of the path is there by a link within this file.
 * 1: it is, 0: not there, -1: a link that leads out. */
int h5_reach(const struct h5 *f, const char *path);

/* The types in the file and in memory. */
hid_t h5_file_type(enum h5_kind kind);
hid_t h5_memory_type(enum h5_kind kind);

/* How many numbers; -1: does not fit or is negative. */
int64_t h5_count(int rank, const int64_t n[]);

/* Makes a data set of elements of this type, and the groups on its way. */
struct h5_layout {
    hid_t type;
    size_t bytes; /* of an element */
    int rank;
    const int64_t *n;
};
enum err h5_make_set(struct h5 *f, const char *path, const struct h5_layout *l,
                     hid_t *out);

/* The bytes that its numbers take in the file, with what pads the chunks. */
int64_t h5_stored(const struct h5_layout *l);

/* What is read from: a data set or an attribute. */
struct h5_source {
    const struct h5 *f;
    hid_t id, type, space;
    int is_attribute;
    int rank;
    int64_t n[H5_RANK], count;
    char label[2 * H5_PATH]; /* "OBJECT" or "OBJECT: attribute NAME" */
};

/* Opened: there, of a storage that is read, of at most H5_RANK dimensions. */
enum err h5_source_set(const struct h5 *f, const char *path,
                       struct h5_source *out);
enum err h5_source_attribute(const struct h5 *f, const char *object,
                             const char *name, struct h5_source *out);
void h5_source_close(struct h5_source *s);
enum err h5_source_read(const struct h5_source *s, hid_t memory_type,
                        void *data);

/* "FILE: OBJECT: WHAT" with code f->code. */
enum err h5_refuse(const struct h5_source *s, const char *format, ...)
    ERR_FORMAT(2, 3);

/* That it has numbers of the kind and the extents of s (-1: any). */
enum err h5_check_shape(const struct h5_source *source,
                        const struct h5_shape *s);

/* A list of transfer on which a number that does not fit is a failure. */
hid_t h5_transfer(void);

#endif
