/* SPDX-License-Identifier: MIT */
/* h5_read.c - numbers, with type and shape checked before memory is taken. */
#include "comm/h5.h"

#include "base/mem.h"
#include "comm/h5_file.h"

#include <stdio.h>

static int is_float(enum h5_kind kind)
{
    return kind == H5_F32 || kind == H5_F64;
}

/* The nearest kind; 0: no number of at most 8 bytes. */
static int kind_of(const struct h5_source *s, enum h5_kind *out)
{
    H5T_class_t class = H5Tget_class(s->type);
    size_t size = H5Tget_size(s->type);

    if (size < 1 || size > 8)
        return 0;
    if (class == H5T_FLOAT)
        *out = size <= 4 ? H5_F32 : H5_F64;
    else if (class != H5T_INTEGER)
        return 0;
    else if (H5Tget_sign(s->type) == H5T_SGN_NONE)
        *out = size == 1   ? H5_U8
               : size == 2 ? H5_I32
               : size <= 4 ? H5_I64
                           : H5_U64;
    else
        *out = size <= 4 ? H5_I32 : H5_I64;
    return 1;
}

static const char *class_name(const struct h5_source *s)
{
    enum h5_kind kind;

    if (kind_of(s, &kind))
        return is_float(kind) ? "floating-point numbers" : "whole numbers";
    return H5Tget_class(s->type) == H5T_STRING ? "strings" : "another type";
}

/* "[3, any, 2]" */
static void write_shape(int rank, const int64_t n[], char out[128])
{
    int at = snprintf(out, 128, "[");

    for (int i = 0; i < rank; i++)
        if (n[i] < 0)
            at += snprintf(out + at, 128 - (size_t)at, "%sany", i ? ", " : "");
        else
            at += snprintf(out + at, 128 - (size_t)at, "%s%lld", i ? ", " : "",
                           (long long)n[i]);
    snprintf(out + at, 128 - (size_t)at, "]");
}

enum err h5_check_shape(const struct h5_source *source,
                        const struct h5_shape *s)
{
    char want[128], have[128];
    enum h5_kind kind;
    int same = source->rank == s->rank;

    if (!kind_of(source, &kind) || is_float(kind) != is_float(s->kind))
        return h5_refuse(source,
                         "has the wrong type (expected %s, found %s); make "
                         "the file anew",
                         is_float(s->kind) ? "floating-point numbers"
                                           : "whole numbers",
                         class_name(source));
    for (int i = 0; same && i < s->rank; i++)
        same = s->n[i] < 0 || s->n[i] == source->n[i];
    if (same)
        return OK;
    write_shape(s->rank, s->n, want);
    write_shape(source->rank, source->n, have);
    return h5_refuse(source,
                     "has the wrong shape (expected %s, found %s); make the "
                     "file anew",
                     want, have);
}

static enum err too_many(const struct h5_source *s, int64_t limit)
{
    return h5_refuse(s,
                     "is too large (expected at most %lld, found %lld); "
                     "restore the file or make it anew",
                     (long long)limit, (long long)s->count);
}

/* --- data sets ---------------------------------------------------------- */

enum err h5_shape_of(struct h5 *f, const char *path, struct h5_shape *s)
{
    struct h5_source source;
    struct h5_shape found = {0};
    enum err err = OK;

    TRY(h5_source_set(f, path, &source));
    if (kind_of(&source, &found.kind)) {
        found.rank = source.rank;
        for (int i = 0; i < source.rank; i++)
            found.n[i] = source.n[i];
        *s = found;
    } else {
        err = h5_refuse(&source,
                        "has the wrong type (expected numbers, found %s); "
                        "make the file anew",
                        class_name(&source));
    }
    h5_source_close(&source);
    return err;
}

enum err h5_read(struct h5 *f, const char *path, const struct h5_shape *s,
                 void *data)
{
    struct h5_source source;
    enum err err;

    CHECK(h5_count(s->rank, s->n) >= 0);
    TRY(h5_source_set(f, path, &source));
    err = h5_check_shape(&source, s);
    if (err == OK)
        err = h5_source_read(&source, h5_memory_type(s->kind), data);
    h5_source_close(&source);
    return err;
}

enum err h5_read_new(struct h5 *f, const char *path, struct h5_shape *s,
                     int64_t limit, void **out)
{
    struct h5_source source;
    void *data = NULL;
    enum err err;

    TRY(h5_source_set(f, path, &source));
    TRY_GOTO(h5_check_shape(&source, s), close);
    if (source.count > limit)
        TRY_GOTO(too_many(&source, limit), close);
    TRY_GOTO(
        mem_alloc((size_t)source.count, h5_kind_size(s->kind), path, &data),
        close);
    err = h5_source_read(&source, h5_memory_type(s->kind), data);
    if (err) {
        mem_free(data);
        goto close;
    }
    for (int i = 0; i < s->rank; i++)
        s->n[i] = source.n[i];
    *out = data;

close:
    h5_source_close(&source);
    return err;
}

/* --- attributes --------------------------------------------------------- */

enum err h5_get_int(struct h5 *f, const char *object, const char *name,
                    int64_t *out)
{
    struct h5_source s;
    enum h5_kind kind;
    int64_t x = 0;
    enum err err;

    TRY(h5_source_attribute(f, object, name, &s));
    if (s.count != 1 || !kind_of(&s, &kind) || is_float(kind))
        err = h5_refuse(&s,
                        "is something else (expected one whole number, found "
                        "%lld %s); make the file anew",
                        (long long)s.count, class_name(&s));
    else
        err = h5_source_read(
            &s, kind == H5_U64 ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64, &x);
    h5_source_close(&s);
    if (err == OK)
        *out = x;
    return err;
}

enum err h5_get_numbers(struct h5 *f, const char *object, const char *name,
                        int limit, int64_t shape[2], double *out)
{
    struct h5_source s;
    enum h5_kind kind;
    enum err err;

    TRY(h5_source_attribute(f, object, name, &s));
    if (!kind_of(&s, &kind) || s.rank > 2)
        err = h5_refuse(&s,
                        "is something else (expected numbers in at most 2 "
                        "dimensions, found %s in %d); make the file anew",
                        class_name(&s), s.rank);
    else if (s.count > limit)
        err = too_many(&s, limit);
    else
        err = h5_source_read(&s, H5T_NATIVE_DOUBLE, out);
    for (int i = 0; err == OK && i < 2; i++)
        shape[i] = i < s.rank ? s.n[i] : 1;
    h5_source_close(&s);
    return err;
}
