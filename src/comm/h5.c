/* SPDX-License-Identifier: MIT */
/* h5.c - opening, closing and failing.
 *
 * A file is refused before HDF5 sees it when it is no regular file. A write
 * that fails marks the file and the process: HDF5 may then call a file good
 * that is not, so closing it fails too, whatever HDF5 says.
 */
#include "config.h"

#include "comm/h5.h"

#include "base/file.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/comm_world.h"
#include "comm/h5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int broken;

void h5_start(void)
{
    static int started;

    if (started)
        return;
    started = 1;
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    H5dont_atexit();
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

int h5_is_broken(void)
{
    return broken;
}

const char *h5_version(void)
{
    static char text[32];
    unsigned major, minor, release;

    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
}

/* --- failures ----------------------------------------------------------- */

enum { REASON = 256 };

/* The deepest entry of HDF5's stack, or better the system's own words, which
 * stand in the middle of some entry. */
static herr_t look(unsigned n, const H5E_error2_t *entry, void *out)
{
    static const char mark[] = "error message = '";
    const char *text = entry->desc ? entry->desc : "";
    const char *own = strstr(text, mark);

    if (own) {
        own += sizeof mark - 1;
        snprintf(out, REASON, "%.*s", (int)strcspn(own, "'"), own);
        return 1;
    }
    if (n == 0)
        snprintf(out, REASON, "%s", text);
    return 0;
}

static void find_reason(char reason[REASON])
{
    snprintf(reason, REASON, "HDF5 gives no reason");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look, reason);
}

enum err h5_bad_read(const struct h5 *f, const char *object)
{
    char reason[REASON];

    find_reason(reason);
    return err_set(f->code,
                   "%s: %s: cannot be read (%s); restore the file or make it "
                   "anew",
                   f->path, object, reason);
}

enum err h5_bad_write(struct h5 *f, const char *object)
{
    char reason[REASON];

    find_reason(reason);
    f->failed = 1;
    broken = 1;
    return err_set(ERR_IO,
                   "%s: %s: cannot be written (%s); make room or look at the "
                   "file system",
                   f->path, object, reason);
}

/* --- open and close ----------------------------------------------------- */

hid_t h5_access(void)
{
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);

    /* no chunk cache: a chunk is written when it is given, not in closing */
    if (list >= 0 && H5Pset_fapl_sec2(list) >= 0 &&
        H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
        H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_cache(list, 0, 0, 0, 0) >= 0)
        return list;
    if (list >= 0)
        H5Pclose(list);
    return H5I_INVALID_HID;
}

static enum err new_file(const char *path, enum err code, struct h5 **out)
{
    struct h5 *f;
    void *data;
    enum err err;

    TRY(mem_alloc(1, sizeof *f, "an open file", &data));
    f = data;
    f->id = H5I_INVALID_HID;
    f->code = code;
    f->ranks = MPI_COMM_NULL;
    err = mem_string(path, &f->path);
    if (err) {
        mem_free(f);
        return err;
    }
    *out = f;
    return OK;
}

static void free_file(struct h5 *f)
{
    mem_free(f->path);
    mem_free(f);
}

/* A pipe would be waited for. */
static enum err check_regular(const char *path, enum err code)
{
    struct stat st;

    if (stat(path, &st) != 0 || access(path, R_OK) != 0)
        return err_set(code, "%s: cannot be read (%s); check the path", path,
                       strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(code,
                       "%s: is no file (expected HDF5, found a folder or a "
                       "device); check the path",
                       path);
    return OK;
}

/* A collective file: nobody calls HDF5 unless all will. */
static enum err agree(const struct h5 *f, enum err mine)
{
    return f->comm ? comm_agree_among(f->comm, f->ranks, mine) : mine;
}

enum err h5_file_open(const char *path, enum err code, hid_t list,
                      struct h5 **out)
{
    struct h5 *f = NULL;
    char reason[REASON];
    enum err err = check_regular(path, code);

    if (err == OK && list < 0)
        err = err_set(ERR_ENVIRONMENT, "%s: no memory to open it", path);
    if (err == OK)
        err = new_file(path, code, &f);
    if (err == OK) {
        f->id = H5Fopen(path, H5F_ACC_RDONLY, list);
        if (f->id < 0) {
            find_reason(reason);
            err = err_set(code,
                          "%s: is no HDF5 file, or damaged (%s); restore it "
                          "or make it anew",
                          path, reason);
        }
    }
    if (list >= 0)
        H5Pclose(list);
    if (err == OK)
        *out = f;
    else if (f)
        free_file(f);
    return err;
}

static hid_t creation(void)
{
    hid_t list = H5Pcreate(H5P_FILE_CREATE);

    if (list >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
        return list;
    if (list >= 0)
        H5Pclose(list);
    return H5I_INVALID_HID;
}

enum err h5_file_create(const char *path, hid_t list, struct h5 **out)
{
    hid_t how = creation();
    struct h5 *f = NULL;
    enum err err = new_file(path, ERR_IO, &f);

    if (err == OK) {
        f->writable = 1;
        f->id = how < 0 || list < 0 ? H5I_INVALID_HID
                                    : H5Fcreate(path, H5F_ACC_TRUNC, how, list);
        if (f->id < 0)
            err = h5_bad_write(f, "/");
    }
    if (how >= 0)
        H5Pclose(how);
    if (list >= 0)
        H5Pclose(list);
    if (err == OK)
        *out = f;
    else if (f)
        free_file(f);
    return err;
}

enum err h5_create(const char *path, struct h5 **out)
{
    h5_start();
    return h5_file_create(path, h5_access(), out);
}

enum err h5_open(const char *path, enum err code, struct h5 **out)
{
    h5_start();
    return h5_file_open(path, code, h5_access(), out);
}

enum err h5_close(struct h5 **pf)
{
    struct h5 *f = *pf;
    enum err err = OK;

    if (!f)
        return OK;
    *pf = NULL;
    if (f->comm)
        comm_wait_begin(f->comm);
    if (f->failed)
        err = err_set(ERR_IO,
                      "%s: is not complete, a write failed before; make room "
                      "or look at the file system",
                      f->path);
    if (f->writable && H5Fflush(f->id, H5F_SCOPE_GLOBAL) < 0 && err == OK)
        err = h5_bad_write(f, "/");
    if (H5Fclose(f->id) < 0 && err == OK)
        err = f->writable ? h5_bad_write(f, "/") : h5_bad_read(f, "/");
    if (f->comm)
        comm_wait_end(f->comm);
    if (f->writable)
        err = agree(f, err);
    free_file(f);
    return err;
}

/* --- paths -------------------------------------------------------------- */

int h5_reach(const struct h5 *f, const char *path)
{
    char step[H5_PATH];
    size_t n = strlen(path);

    if (n >= sizeof step)
        return 0;
    for (size_t i = 1; i <= n; i++) {
        H5L_info_t link;

        if ((path[i] != '/' && path[i] != 0) || path[i - 1] == '/')
            continue;
        snprintf(step, sizeof step, "%.*s", (int)i, path);
        if (H5Lexists(f->id, step, H5P_DEFAULT) <= 0)
            return 0;
        if (H5Lget_info(f->id, step, &link, H5P_DEFAULT) < 0)
            return 0;
        if (link.type != H5L_TYPE_HARD)
            return -1;
    }
    return 1;
}

int h5_has(struct h5 *f, const char *path)
{
    return h5_reach(f, path) == 1;
}

int h5_has_attribute(struct h5 *f, const char *object, const char *name)
{
    return h5_reach(f, object) == 1 &&
           H5Aexists_by_name(f->id, object, name, H5P_DEFAULT) > 0;
}

/* --- the seal ----------------------------------------------------------- */

enum err h5_seal(const char *path)
{
    struct digest digest;
    int fd, failed;

    TRY(digest_file(path, -1, &digest));
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return err_set(ERR_IO, "%s: cannot be sealed (%s)", path,
                       strerror(errno));
    failed = file_write(fd, digest.hex, DIGEST_CHARS);
    if (close(fd) != 0 && !failed)
        failed = errno;
    if (failed)
        return err_set(ERR_IO,
                       "%s: cannot be sealed (%s); make room or look at the "
                       "file system",
                       path, strerror(failed));
    return OK;
}

/* The last bytes, before a zero; *body: the bytes before them. */
static enum err read_seal(const char *path, enum err code, int64_t *body,
                          struct digest *seal)
{
    FILE *f = fopen(path, "rb");
    size_t got = 0;

    *body = -1;
    if (!f)
        return err_set(code, "%s: cannot be read (%s); check the path", path,
                       strerror(errno));
    if (fseeko(f, -DIGEST_CHARS, SEEK_END) == 0) {
        *body = ftello(f);
        got = fread(seal->hex, 1, DIGEST_CHARS, f);
    }
    fclose(f);
    seal->hex[got] = 0;
    if (got == DIGEST_CHARS && *body > 0 &&
        strspn(seal->hex, "0123456789abcdef") == DIGEST_CHARS)
        return OK;
    return err_set(code,
                   "%s: has no seal (expected 64 hexadecimal digits at its "
                   "end, found other bytes): it is cut off, damaged or not "
                   "ours; restore it or make it anew",
                   path);
}

enum err h5_check_seal(const char *path, enum err code)
{
    struct digest seal, found;
    int64_t body;

    TRY(check_regular(path, code));
    TRY(read_seal(path, code, &body, &seal));
    if (digest_file(path, body, &found) != OK)
        return code; /* the message is digest_file's */
    if (!digest_equal(&seal, &found))
        return err_set(code,
                       "%s: is damaged (expected SHA-256 %.12s.., found "
                       "%.12s..); restore it or make it anew",
                       path, seal.hex, found.hex);
    return OK;
}
