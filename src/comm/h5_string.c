/* SPDX-License-Identifier: MIT */
/* h5_string.c - strings of fixed and of variable length, read into one block:
 * the pointers, then the characters.
 *
 * HDF5 does not convert between ASCII and UTF-8, so the file's own type is that
 * of the memory.
 */
#include "comm/h5.h"

#include "base/mem.h"
#include "comm/h5_file.h"

#include <string.h>

struct strings {
    int n, is_variable, has_blanks;
    size_t width; /* of one in data */
    void *data;   /* char[n][width], or char *[n] */
};

/* The i-th and its length. */
static const char *string_at(const struct strings *s, int i, size_t *length)
{
    const char *at = (char *)s->data + (size_t)i * s->width;
    size_t n = 0;

    if (s->is_variable) {
        at = ((char **)s->data)[i];
        *length = at ? strlen(at) : 0;
        return at ? at : "";
    }
    while (n < s->width && at[n])
        n++;
    while (s->has_blanks && n > 0 && at[n - 1] == ' ')
        n--;
    *length = n;
    return at;
}

static enum err pack(const struct h5_source *source, const struct strings *s,
                     size_t most, char ***out)
{
    size_t bytes = (size_t)s->n * sizeof(char *), length;
    char **list, *at;
    void *block;

    for (int i = 0; i < s->n; i++) {
        string_at(s, i, &length);
        if (length > most)
            return h5_refuse(source,
                             "is too long (expected at most %zu characters, "
                             "found %zu); make the file anew",
                             most, length);
        bytes += length + 1;
    }
    TRY(mem_alloc(bytes, 1, "strings", &block));
    list = block;
    at = (char *)block + (size_t)s->n * sizeof(char *);
    for (int i = 0; i < s->n; i++) {
        const char *text = string_at(s, i, &length);

        memcpy(at, text, length);
        list[i] = at;
        at += length + 1;
    }
    *out = list;
    return OK;
}

static enum err check(const struct h5_source *source, const struct strings *s,
                      int limit, size_t most)
{
    hsize_t bytes = 0;

    if (source->count > limit)
        return h5_refuse(source,
                         "has too many strings (expected at most %d, found "
                         "%lld); make the file anew",
                         limit, (long long)source->count);
    if (s->is_variable && !source->is_attribute && source->count > 0 &&
        H5Dvlen_get_buf_size(source->id, source->type, source->space, &bytes) <
            0)
        return h5_bad_read(source->f, source->label);
    if ((!s->is_variable && s->width > most + 1) ||
        bytes > (most + 1) * (size_t)source->count)
        return h5_refuse(source,
                         "is too long (expected at most %zu characters); make "
                         "the file anew",
                         most);
    return OK;
}

/* At most `limit` strings of at most `most` characters. */
static enum err read_all(const struct h5_source *source, int limit, size_t most,
                         int *n, char ***out)
{
    struct strings s = {0};
    enum err err;

    if (H5Tget_class(source->type) != H5T_STRING)
        return h5_refuse(source, "has the wrong type (expected a string, "
                                 "found another type); make the file anew");
    s.is_variable = H5Tis_variable_str(source->type) > 0;
    s.has_blanks = H5Tget_strpad(source->type) == H5T_STR_SPACEPAD;
    s.width = H5Tget_size(source->type);
    TRY(check(source, &s, limit, most));
    s.n = (int)source->count;
    TRY(mem_alloc((size_t)s.n, s.width, "strings", &s.data));
    TRY_GOTO(h5_source_read(source, source->type, s.data), free);
    err = pack(source, &s, most, out);
    if (err == OK)
        *n = s.n;
    if (s.is_variable && s.n > 0)
        H5Dvlen_reclaim(source->type, source->space, H5P_DEFAULT, s.data);

free:
    mem_free(s.data);
    return err;
}

static enum err read_one(const struct h5_source *source, size_t most,
                         char **out)
{
    char **list;
    enum err err;
    int n;

    TRY(read_all(source, 1, most, &n, &list));
    err = n == 1 ? mem_string(list[0], out)
                 : h5_refuse(source, "is empty (expected a string)");
    mem_free(list);
    return err;
}

enum err h5_read_string(struct h5 *f, const char *path, size_t limit,
                        char **out)
{
    struct h5_source s;
    enum err err;

    TRY(h5_source_set(f, path, &s));
    err = read_one(&s, limit, out);
    h5_source_close(&s);
    return err;
}

enum err h5_read_strings(struct h5 *f, const char *path, int limit, int *n,
                         char ***out)
{
    struct h5_source s;
    enum err err;

    TRY(h5_source_set(f, path, &s));
    err = read_all(&s, limit, H5_STRING_MOST, n, out);
    h5_source_close(&s);
    return err;
}

enum err h5_get_string(struct h5 *f, const char *object, const char *name,
                       size_t limit, char **out)
{
    struct h5_source s;
    enum err err;

    TRY(h5_source_attribute(f, object, name, &s));
    err = read_one(&s, limit, out);
    h5_source_close(&s);
    return err;
}

enum err h5_get_strings(struct h5 *f, const char *object, const char *name,
                        int limit, int *n, char ***out)
{
    struct h5_source s;
    enum err err;

    TRY(h5_source_attribute(f, object, name, &s));
    err = read_all(&s, limit, H5_STRING_MOST, n, out);
    h5_source_close(&s);
    return err;
}
