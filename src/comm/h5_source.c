/* SPDX-License-Identifier: MIT */
/* h5_source.c - a data set or an attribute, opened with distrust.
 *
 * What a hostile file could do without this: lead to other files (external
 * links, storage, virtual sets), ask for code (filters), declare more than
 * there is. So links, storage, filters and extents come first.
 */
#include "comm/h5.h"

#include "comm/h5_file.h"

#include <stdarg.h>
#include <string.h>

enum err h5_refuse(const struct h5_source *s, const char *format, ...)
{
    char what[512];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(s->f->code, "%s: %s: %s", s->f->path, s->label, what);
}

/* --- storage ------------------------------------------------------------ */

static enum err check_filters(const struct h5_source *s, hid_t list)
{
    int n = H5Pget_nfilters(list);

    for (int i = 0; i < n; i++) {
        unsigned flags, config;
        size_t values = 0;
        int filter = (int)H5Pget_filter2(list, (unsigned)i, &flags, &values,
                                         NULL, 0, NULL, &config);

        if (filter == H5Z_FILTER_FLETCHER32 || filter == H5Z_FILTER_SHUFFLE ||
            (filter == H5Z_FILTER_DEFLATE && H5Zfilter_avail(filter) > 0))
            continue;
        return h5_refuse(s,
                         "is stored with a filter that is not read (expected "
                         "fletcher32, shuffle or gzip, found number %d); "
                         "write it without",
                         filter);
    }
    return n < 0 ? h5_bad_read(s->f, s->label) : OK;
}

static enum err check_storage(const struct h5_source *s)
{
    hid_t list = H5Dget_create_plist(s->id);
    enum err err = OK;
    H5D_layout_t layout;

    if (list < 0)
        return h5_bad_read(s->f, s->label);
    layout = H5Pget_layout(list);
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS &&
        layout != H5D_CHUNKED)
        err = h5_refuse(s, "is a virtual data set, which may lead to other "
                           "files (expected its numbers, found links); copy "
                           "them into one file");
    else if (layout == H5D_CONTIGUOUS && H5Pget_external_count(list) != 0)
        err = h5_refuse(s, "is stored in another file (expected in this one); "
                           "copy it into one file");
    else
        err = check_filters(s, list);
    H5Pclose(list);
    return err;
}

/* --- opening ------------------------------------------------------------ */

static enum err find_extents(struct h5_source *s)
{
    hsize_t n[H5S_MAX_RANK];
    int is_null = H5Sget_simple_extent_type(s->space) == H5S_NULL;

    s->rank = H5Sget_simple_extent_ndims(s->space);
    if (s->rank < 0)
        return h5_bad_read(s->f, s->label);
    if (is_null || s->rank > H5_RANK)
        return h5_refuse(s,
                         "has an odd shape (expected at most %d dimensions, "
                         "found %d%s)",
                         H5_RANK, s->rank, is_null ? ", empty" : "");
    H5Sget_simple_extent_dims(s->space, n, NULL);
    for (int i = 0; i < s->rank; i++)
        s->n[i] = n[i] > INT64_MAX ? -1 : (int64_t)n[i];
    s->count = h5_count(s->rank, s->n);
    if (s->count < 0)
        return h5_refuse(s, "is larger than any memory; restore the file");
    return OK;
}

static enum err look_at(struct h5_source *s)
{
    s->type = s->is_attribute ? H5Aget_type(s->id) : H5Dget_type(s->id);
    s->space = s->is_attribute ? H5Aget_space(s->id) : H5Dget_space(s->id);
    if (s->type < 0 || s->space < 0)
        return h5_bad_read(s->f, s->label);
    if (!s->is_attribute)
        TRY(check_storage(s));
    return find_extents(s);
}

static enum err opened(struct h5_source *s, struct h5_source *out)
{
    enum err err = s->id < 0 ? h5_bad_read(s->f, s->label) : look_at(s);

    if (err)
        h5_source_close(s);
    else
        *out = *s;
    return err;
}

static struct h5_source closed(const struct h5 *f)
{
    return (struct h5_source){.f = f,
                              .id = H5I_INVALID_HID,
                              .type = H5I_INVALID_HID,
                              .space = H5I_INVALID_HID};
}

/* Whether the path is there and stays within the file. */
static enum err check_reach(const struct h5_source *s, const char *path)
{
    int reach = h5_reach(s->f, path);

    if (reach < 0)
        return h5_refuse(s, "is reached by a soft or external link (expected "
                            "an object of this file); copy it into the file");
    if (reach == 0)
        return h5_refuse(s, "is not there; restore the file or make it anew");
    return OK;
}

enum err h5_source_set(const struct h5 *f, const char *path,
                       struct h5_source *out)
{
    struct h5_source s = closed(f);

    snprintf(s.label, sizeof s.label, "%s", path);
    TRY(check_reach(&s, path));
    s.id = H5Dopen2(f->id, path, H5P_DEFAULT);
    return opened(&s, out);
}

enum err h5_source_attribute(const struct h5 *f, const char *object,
                             const char *name, struct h5_source *out)
{
    struct h5_source s = closed(f);

    snprintf(s.label, sizeof s.label, "%s: attribute %s", object, name);
    s.is_attribute = 1;
    TRY(check_reach(&s, object));
    if (H5Aexists_by_name(f->id, object, name, H5P_DEFAULT) <= 0)
        return h5_refuse(&s, "is not there; restore the file or make it anew");
    s.id = H5Aopen_by_name(f->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    return opened(&s, out);
}

void h5_source_close(struct h5_source *s)
{
    if (s->space >= 0)
        H5Sclose(s->space);
    if (s->type >= 0)
        H5Tclose(s->type);
    if (s->id >= 0 && s->is_attribute)
        H5Aclose(s->id);
    else if (s->id >= 0)
        H5Dclose(s->id);
}

/* --- reading ------------------------------------------------------------ */

/* HDF5 would put the nearest number that fits. */
static H5T_conv_ret_t no_overflow(H5T_conv_except_t what, hid_t from, hid_t to,
                                  void *value, void *result, void *self)
{
    (void)from;
    (void)to;
    (void)value;
    (void)result;
    (void)self;
    return what == H5T_CONV_EXCEPT_RANGE_HI || what == H5T_CONV_EXCEPT_RANGE_LOW
               ? H5T_CONV_ABORT
               : H5T_CONV_UNHANDLED;
}

hid_t h5_transfer(void)
{
    hid_t list = H5Pcreate(H5P_DATASET_XFER);

    if (list < 0 || H5Pset_type_conv_cb(list, no_overflow, NULL) >= 0)
        return list;
    H5Pclose(list);
    return H5I_INVALID_HID;
}

enum err h5_source_read(const struct h5_source *s, hid_t memory_type,
                        void *data)
{
    hid_t list;
    enum err err = OK;

    if (s->count == 0)
        return OK;
    if (s->is_attribute)
        return H5Aread(s->id, memory_type, data) < 0
                   ? h5_bad_read(s->f, s->label)
                   : OK;
    list = h5_transfer();
    if (H5Dread(s->id, memory_type, H5S_ALL, H5S_ALL, list, data) < 0)
        err = h5_bad_read(s->f, s->label);
    if (list >= 0)
        H5Pclose(list);
    return err;
}
