/* SPDX-License-Identifier: MIT */
/* h5.h - HDF5 files: how they are made, opened and read, in one place.
 *
 * Files are V110 with Fletcher32, without times, so that equal contents are
 * equal bytes. Two kinds: collective files (shards: mpio driver, all ranks
 * write disjoint rows) and files of one rank (checkpoints, models, golden
 * files: serial driver). Readers are bounded: type and shape are checked before
 * anything is allocated; no filter plug-ins, no external or virtual storage, no
 * external links. HDF5's own locks and its printing of errors are off. Messages
 * name file and object. Serial calls are for one rank at a time and agree
 * nothing; collective ones agree.
 */
#ifndef H5_H
#define H5_H

#include "base/digest.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct comm;
struct h5; /* an open file; opaque */

enum h5_kind { H5_U8, H5_I32, H5_I64, H5_U64, H5_F32, H5_F64 };
enum { H5_RANK = 4 };

size_t h5_kind_size(enum h5_kind kind);

struct h5_shape {
    enum h5_kind kind; /* of the memory; converted from the file's */
    int rank;
    int64_t n[H5_RANK]; /* when read: -1 accepts any, and is set */
};

/* --- files of one rank ------------------------------------------------- */

/* ERR_IO: cannot be made. */
enum err h5_create(const char *path, struct h5 **out);

/* `code` is what a file that is not there or cannot be read counts as
 * (ERR_DATA, ERR_CHECKPOINT). */
enum err h5_open(const char *path, enum err code, struct h5 **out);

/* Flushes and closes. ERR_IO: what was written may not be there. After it the
 * process should end by _exit (h5_is_broken). */
enum err h5_close(struct h5 **f);

/* A file in memory, which h5_close leaves in image->data for the caller to
 * write: then every failure of the disk is the caller's, with its errno. bytes:
 * about as many as it will have. image outlives the open file; `path` is for
 * messages. ERR_IO: no memory. */
struct h5_image {
    unsigned char *data;
    size_t room; /* of data */
};
enum err h5_create_image(const char *path, size_t bytes, struct h5_image *image,
                         struct h5 **out);
/* After h5_close: how many bytes are the file. ERR_IO: it is not complete. */
enum err h5_image_size(const struct h5_image *image, size_t *out);
void h5_image_fini(struct h5_image *image);

/* Whether any write failed in this process. */
int h5_is_broken(void);

/* Groups on the way are made. Data sets of 0 numbers are fine. */
enum err h5_write(struct h5 *f, const char *path, const struct h5_shape *s,
                  const void *data);
enum err h5_write_string(struct h5 *f, const char *path, const char *text);
enum err h5_write_strings(struct h5 *f, const char *path, int n,
                          const char *const text[]);

/* Attributes of an object ("/" for the file): a number, a string, strings. */
enum err h5_put_int(struct h5 *f, const char *object, const char *name,
                    int64_t x);
enum err h5_put_string(struct h5 *f, const char *object, const char *name,
                       const char *text);
enum err h5_put_strings(struct h5 *f, const char *object, const char *name,
                        int n, const char *const text[]);

int h5_has(struct h5 *f, const char *path);
int h5_has_attribute(struct h5 *f, const char *object, const char *name);

/* The shape in the file, s->kind the nearest of enum h5_kind. */
enum err h5_shape_of(struct h5 *f, const char *path, struct h5_shape *s);

/* Reads into data, which has room for s as it stands; every n must match. */
enum err h5_read(struct h5 *f, const char *path, const struct h5_shape *s,
                 void *data);

/* Reads what is there (n = -1 is filled in) into a new block (mem_free); at
 * most `limit` numbers. */
enum err h5_read_new(struct h5 *f, const char *path, struct h5_shape *s,
                     int64_t limit, void **out);

/* New strings (mem_free); at most limit characters, or n of them at once in one
 * block: (*out)[i]. Fixed and variable length. */
enum err h5_read_string(struct h5 *f, const char *path, size_t limit,
                        char **out);
enum err h5_read_strings(struct h5 *f, const char *path, int limit, int *n,
                         char ***out);
/* One whole number; an unsigned one of 64 bits keeps its bits. */
enum err h5_get_int(struct h5 *f, const char *object, const char *name,
                    int64_t *out);
enum err h5_get_string(struct h5 *f, const char *object, const char *name,
                       size_t limit, char **out);
enum err h5_get_strings(struct h5 *f, const char *object, const char *name,
                        int limit, int *n, char ***out);
/* Numbers of an attribute of at most two dimensions, as double, at most limit;
 * shape [2]: its extents (1 where it has fewer), whose product is their number.
 */
enum err h5_get_numbers(struct h5 *f, const char *object, const char *name,
                        int limit, int64_t shape[2], double *out);

/* Calls visit for every data set below `group`, in byte order of its path
 * (relative to the group); stops at the first error. */
enum err h5_visit(struct h5 *f, const char *group,
                  enum err (*visit)(void *self, struct h5 *f, const char *path),
                  void *self);

/* SHA-256 over each data set of numbers below the groups, by path in byte
 * order: path, a zero byte, the stored bytes (formats.md, state_digest). */
enum err h5_digest(struct h5 *f, int groups, const char *const group[],
                   struct digest *out);

/* The file's last 64 bytes are the digest of all before it
 * (doc/reliability.md): append; and check (`code` as in h5_open). */
enum err h5_seal(const char *path);
enum err h5_check_seal(const char *path, enum err code);

/* --- collective files -------------------------------------------------- */

/* Collective: mpio driver, also for one rank. */
enum err h5_create_all(struct comm *c, const char *path, struct h5 **out);

/* Collective. The whole has shape s; this rank writes rows
 * [first, first + rows) of the first dimension. names: attributes of strings to
 * add afterwards go through h5_put_strings, by all ranks alike. */
enum err h5_write_rows(struct h5 *f, const char *path, const struct h5_shape *s,
                       int64_t first, int64_t rows, const void *data);

/* Collective over the node: opens for reading; ranks of a node read disjoint
 * rows into the node's copy. ERR_DATA. Agreed by the caller. */
enum err h5_open_node(struct comm *c, const char *path, struct h5 **out);

/* Collective over the node. Rows [first, first + rows) of a data set whose
 * shape was checked to be s. */
enum err h5_read_rows(struct h5 *f, const char *path, const struct h5_shape *s,
                      int64_t first, int64_t rows, void *data);

/* "1.10.8", for --version. */
const char *h5_version(void);

#endif
