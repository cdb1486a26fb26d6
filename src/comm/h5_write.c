/* SPDX-License-Identifier: MIT */
/* h5_write.c - data sets and attributes, so that equal contents are equal
 * bytes.
 *
 * Numbers are little-endian, in chunks of fixed size with Fletcher32. What
 * cannot have chunks (single numbers, short texts) stands in the object's
 * header, which has a check sum of its own; what is empty stands nowhere.
 * Strings have a fixed length, zero-terminated UTF-8. No object keeps times.
 */
#include "comm/h5.h"

#include "base/mem.h"
#include "base/num.h"
#include "comm/h5_file.h"

#include <string.h>

enum { CHUNK_BYTES = 1 << 20, HEADER_BYTES = 32 << 10 };

/* Macros of HDF5 that are calls: not for a static table. */
hid_t h5_file_type(enum h5_kind kind)
{
    const hid_t types[] = {
        [H5_U8] = H5T_STD_U8LE,    [H5_I32] = H5T_STD_I32LE,
        [H5_I64] = H5T_STD_I64LE,  [H5_U64] = H5T_STD_U64LE,
        [H5_F32] = H5T_IEEE_F32LE, [H5_F64] = H5T_IEEE_F64LE,
    };

    return types[kind];
}

hid_t h5_memory_type(enum h5_kind kind)
{
    const hid_t types[] = {
        [H5_U8] = H5T_NATIVE_UINT8,  [H5_I32] = H5T_NATIVE_INT32,
        [H5_I64] = H5T_NATIVE_INT64, [H5_U64] = H5T_NATIVE_UINT64,
        [H5_F32] = H5T_NATIVE_FLOAT, [H5_F64] = H5T_NATIVE_DOUBLE,
    };

    return types[kind];
}

size_t h5_kind_size(enum h5_kind kind)
{
    static const size_t sizes[] = {
        [H5_U8] = 1,  [H5_I32] = 4, [H5_I64] = 8,
        [H5_U64] = 8, [H5_F32] = 4, [H5_F64] = 8,
    };

    return sizes[kind];
}

int64_t h5_count(int rank, const int64_t n[])
{
    size_t count = 1;

    for (int i = 0; i < rank; i++)
        if (n[i] < 0 || !num_product(count, (size_t)n[i], &count) ||
            count > INT64_MAX)
            return -1;
    return (int64_t)count;
}

/* --- making ------------------------------------------------------------- */

static enum err make_group(struct h5 *f, const char *path)
{
    hid_t list = H5Pcreate(H5P_GROUP_CREATE), group = H5I_INVALID_HID;
    enum err err = OK;

    if (list >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
        group = H5Gcreate2(f->id, path, H5P_DEFAULT, list, H5P_DEFAULT);
    if (group < 0 || H5Gclose(group) < 0)
        err = h5_bad_write(f, path);
    if (list >= 0)
        H5Pclose(list);
    return err;
}

static enum err make_groups(struct h5 *f, const char *path)
{
    char step[H5_PATH];

    CHECK(strlen(path) < sizeof step);
    for (size_t i = 1; path[0] && path[i]; i++) {
        if (path[i] != '/')
            continue;
        snprintf(step, sizeof step, "%.*s", (int)i, path);
        if (H5Lexists(f->id, step, H5P_DEFAULT) <= 0)
            TRY(make_group(f, step));
    }
    return OK;
}

/* Whole rows, as many as fit, and all chunks about alike, so that the last one
 * is not padded by much: a function of the shape alone. */
static void chunk_of(const struct h5_layout *l, hsize_t chunk[H5_RANK])
{
    int64_t room = (int64_t)(CHUNK_BYTES / l->bytes);

    for (int i = l->rank - 1; i >= 0; i--) {
        int64_t n = l->n[i], chunks;

        if (room < 1)
            room = 1;
        chunks = (n + room - 1) / room;
        chunk[i] = (hsize_t)((n + chunks - 1) / chunks);
        room /= (int64_t)chunk[i];
    }
}

int64_t h5_stored(const struct h5_layout *l)
{
    int64_t bytes = (int64_t)l->bytes;
    hsize_t chunk[H5_RANK];

    if (h5_count(l->rank, l->n) == 0)
        return 0;
    chunk_of(l, chunk);
    for (int i = 0; i < l->rank; i++) {
        int64_t c = (int64_t)chunk[i];

        bytes *= (l->n[i] + c - 1) / c * c;
    }
    return bytes;
}

static hid_t set_creation(const struct h5_layout *l)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    int64_t count = h5_count(l->rank, l->n);
    int ok = list >= 0 && H5Pset_obj_track_times(list, 0) >= 0 &&
             H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0;

    if (ok && count > 0 && l->rank > 0) {
        hsize_t chunk[H5_RANK];

        chunk_of(l, chunk);
        ok = H5Pset_chunk(list, l->rank, chunk) >= 0 &&
             H5Pset_fletcher32(list) >= 0;
    } else if (ok && count > 0 && l->bytes < HEADER_BYTES) {
        ok = H5Pset_layout(list, H5D_COMPACT) >= 0;
    }
    if (ok)
        return list;
    if (list >= 0)
        H5Pclose(list);
    return H5I_INVALID_HID;
}

static hid_t space_of(int rank, const int64_t n[])
{
    hsize_t size[H5_RANK];

    for (int i = 0; i < rank; i++)
        size[i] = (hsize_t)n[i];
    return rank ? H5Screate_simple(rank, size, NULL) : H5Screate(H5S_SCALAR);
}

enum err h5_make_set(struct h5 *f, const char *path, const struct h5_layout *l,
                     hid_t *out)
{
    hid_t list, space, set;
    enum err err = OK;

    CHECK(l->rank >= 0 && l->rank <= H5_RANK && h5_count(l->rank, l->n) >= 0);
    TRY(make_groups(f, path));
    list = set_creation(l);
    space = space_of(l->rank, l->n);
    set =
        H5Dcreate2(f->id, path, l->type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (set < 0)
        err = h5_bad_write(f, path);
    else
        *out = set;
    if (list >= 0)
        H5Pclose(list);
    if (space >= 0)
        H5Sclose(space);
    return err;
}

static enum err write_set(struct h5 *f, const char *path,
                          const struct h5_layout *l, hid_t memory_type,
                          const void *data)
{
    hid_t set;
    enum err err = OK;

    TRY(h5_make_set(f, path, l, &set));
    if (h5_count(l->rank, l->n) > 0 &&
        H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        err = h5_bad_write(f, path);
    if (H5Dclose(set) < 0 && err == OK)
        err = h5_bad_write(f, path);
    return err;
}

enum err h5_write(struct h5 *f, const char *path, const struct h5_shape *s,
                  const void *data)
{
    const struct h5_layout l = {.type = h5_file_type(s->kind),
                                .bytes = h5_kind_size(s->kind),
                                .rank = s->rank,
                                .n = s->n};

    return write_set(f, path, &l, h5_memory_type(s->kind), data);
}

/* --- strings ------------------------------------------------------------ */

static hid_t string_type(size_t bytes)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0 && H5Tset_size(type, bytes) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0 &&
        H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0)
        return type;
    if (type >= 0)
        H5Tclose(type);
    return H5I_INVALID_HID;
}

/* All strings with zeros to the same length, as HDF5 wants them. */
struct row {
    size_t bytes; /* of a string, with its zero */
    char *data;   /* mem_free */
    hid_t type;
};

static enum err row_of(int n, const char *const text[], struct row *out)
{
    struct row row = {.bytes = 1};
    void *data;

    for (int i = 0; i < n; i++)
        if (strlen(text[i]) + 1 > row.bytes)
            row.bytes = strlen(text[i]) + 1;
    TRY(mem_alloc((size_t)n, row.bytes, "strings", &data));
    row.data = data;
    for (int i = 0; i < n; i++)
        memcpy(row.data + (size_t)i * row.bytes, text[i], strlen(text[i]));
    row.type = string_type(row.bytes);
    *out = row;
    return OK;
}

static void free_row(struct row *row)
{
    if (row->type >= 0)
        H5Tclose(row->type);
    mem_free(row->data);
}

static enum err write_strings(struct h5 *f, const char *path, int rank,
                              int64_t n, const char *const text[])
{
    struct h5_layout l = {.rank = rank, .n = &n};
    struct row row;
    enum err err;

    TRY(row_of((int)n, text, &row));
    l.type = row.type;
    l.bytes = row.bytes;
    err = write_set(f, path, &l, row.type, row.data);
    free_row(&row);
    return err;
}

enum err h5_write_string(struct h5 *f, const char *path, const char *text)
{
    return write_strings(f, path, 0, 1, &text);
}

enum err h5_write_strings(struct h5 *f, const char *path, int n,
                          const char *const text[])
{
    return write_strings(f, path, 1, n, text);
}

/* --- attributes --------------------------------------------------------- */

static enum err put(struct h5 *f, const char *object, const char *name,
                    const struct h5_layout *l, const void *data)
{
    hid_t space = space_of(l->rank, l->n), id;
    char label[2 * H5_PATH];
    enum err err = OK;

    snprintf(label, sizeof label, "%s: attribute %s", object, name);
    id = H5Acreate_by_name(f->id, object, name, l->type, space, H5P_DEFAULT,
                           H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0)
        err = h5_bad_write(f, label);
    if (err == OK && h5_count(l->rank, l->n) > 0 &&
        H5Awrite(id, l->type, data) < 0)
        err = h5_bad_write(f, label);
    if (id >= 0 && H5Aclose(id) < 0 && err == OK)
        err = h5_bad_write(f, label);
    if (space >= 0)
        H5Sclose(space);
    return err;
}

enum err h5_put_int(struct h5 *f, const char *object, const char *name,
                    int64_t x)
{
    const struct h5_layout l = {.type = H5T_STD_I64LE, .bytes = sizeof x};
    unsigned char little[sizeof x];

    for (size_t i = 0; i < sizeof x; i++)
        little[i] = (unsigned char)((uint64_t)x >> 8 * i);
    return put(f, object, name, &l, little);
}

static enum err put_strings(struct h5 *f, const char *object, const char *name,
                            const struct h5_layout *as,
                            const char *const text[])
{
    struct h5_layout l = *as;
    struct row row;
    enum err err;

    TRY(row_of((int)h5_count(l.rank, l.n), text, &row));
    l.type = row.type;
    l.bytes = row.bytes;
    err = put(f, object, name, &l, row.data);
    free_row(&row);
    return err;
}

enum err h5_put_string(struct h5 *f, const char *object, const char *name,
                       const char *text)
{
    const struct h5_layout one = {.rank = 0};

    return put_strings(f, object, name, &one, &text);
}

enum err h5_put_strings(struct h5 *f, const char *object, const char *name,
                        int n, const char *const text[])
{
    const int64_t extent = n;
    const struct h5_layout row = {.rank = 1, .n = &extent};

    return put_strings(f, object, name, &row, text);
}
