/* SPDX-License-Identifier: MIT */
/* h5_image.c - a file made in memory, for a caller that writes its bytes.
 *
 * HDF5 on a full disk calls files good that are not, and forgets the system's
 * reason; here it never sees a disk. Its core driver keeps the file in one
 * block, which these callbacks take from it in the end: no second copy. How
 * much of the block is the file stands in its superblock.
 */
#include "comm/h5.h"

#include "base/mem.h"
#include "comm/h5_file.h"

#include <string.h>

/* Superblock versions 2 and 3 (HDF5 File Format Specification, II.A). */
enum { END_ADDRESS = 28, SUPERBLOCK = 48 };

static void *resize(void *old, size_t bytes, H5FD_file_image_op_t op,
                    void *self)
{
    struct h5_image *image = self;
    void *data;

    (void)old; /* it is image->data */
    (void)op;
    if (mem_alloc(bytes, 1, "a file in memory", &data) != OK)
        return NULL;
    if (image->data)
        memcpy(data, image->data, bytes < image->room ? bytes : image->room);
    mem_free(image->data);
    image->data = data;
    image->room = bytes;
    return data;
}

static void *make(size_t bytes, H5FD_file_image_op_t op, void *self)
{
    return resize(NULL, bytes, op, self);
}

static void *copy(void *to, const void *from, size_t bytes,
                  H5FD_file_image_op_t op, void *self)
{
    (void)op;
    (void)self;
    return memcpy(to, from, bytes);
}

/* The block stays the caller's. */
static herr_t keep(void *data, H5FD_file_image_op_t op, void *self)
{
    (void)data;
    (void)op;
    (void)self;
    return 0;
}

static void *same_self(void *self)
{
    return self;
}

static herr_t keep_self(void *self)
{
    (void)self;
    return 0;
}

static hid_t access_of(size_t bytes, struct h5_image *image)
{
    H5FD_file_image_callbacks_t callbacks = {.image_malloc = make,
                                             .image_memcpy = copy,
                                             .image_realloc = resize,
                                             .image_free = keep,
                                             .udata_copy = same_self,
                                             .udata_free = keep_self,
                                             .udata = image};
    hid_t list = h5_access();

    if (list >= 0 && H5Pset_fapl_core(list, bytes, 0) >= 0 &&
        H5Pset_file_image_callbacks(list, &callbacks) >= 0)
        return list;
    if (list >= 0)
        H5Pclose(list);
    return H5I_INVALID_HID;
}

enum err h5_create_image(const char *path, size_t bytes, struct h5_image *image,
                         struct h5 **out)
{
    /* HDF5 first tries to open what has the name: nothing can have this one */
    static const char nowhere[] = "/dev/null/image";
    struct h5 *f;
    char *name;
    enum err err;

    h5_start();
    *image = (struct h5_image){.data = NULL};
    TRY(mem_string(path, &name));
    err = h5_file_create(nowhere, access_of(bytes, image), &f);
    if (err) {
        mem_free(name);
        return err_set(ERR_IO, "%s: cannot be made in memory (%zu bytes)", path,
                       bytes);
    }
    mem_free(f->path);
    f->path = name;
    *out = f;
    return OK;
}

enum err h5_image_size(const struct h5_image *image, size_t *out)
{
    uint64_t end = 0;

    if (image->room >= SUPERBLOCK)
        for (int i = 7; i >= 0; i--)
            end = end << 8 | image->data[END_ADDRESS + i];
    if (end < SUPERBLOCK || end > image->room)
        return err_set(ERR_IO, "a file in memory is not complete");
    *out = (size_t)end;
    return OK;
}

void h5_image_fini(struct h5_image *image)
{
    mem_free(image->data);
    *image = (struct h5_image){.data = NULL};
}
