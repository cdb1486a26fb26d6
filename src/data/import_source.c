/* SPDX-License-Identifier: MIT */
/* import_source.c - libarchive twice: once as a decompressor over the file, and
 * once, over what that gives, as a reader of tar, or of the bytes as they are.
 * In between passes all that a .gz holds, whose check sum libarchive leaves
 * unread. Zip is read through its directory, by seeking, so that one cut short
 * is found out.
 */
#include "config.h"

#include "data/import_source.h"

#include "base/mem.h"
#include "data/import_folder.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PIECE = 1 << 16,
    LONGEST = 64 << 20, /* bytes of a line at which the file is given up */
    SLACK = 64 << 20,   /* a source may expand to this and .. */
    RATIO = 200,        /* .. so many times its bytes; .. */
    ZIP_RATIO = 30      /* .. in a .zip, whose arrays are kept */
};

struct source {
    char *path;
    struct import_folder folder; /* files < 0: not a folder */
    int file_at;
    FILE *file;
    const unsigned char *memory; /* instead of the file */
    int64_t size, at;
    struct archive *filter, *archive;
    int zip, gz, many;
    int empty;  /* the file: no bytes at all */
    int sealed; /* the end of the compressed stream was seen and is right */
    uint32_t crc;
    int64_t expanded; /* bytes handed out so far, against bombs */
    char *label;
    size_t label_room, name_at; /* label + name_at: the member's own name */
    const char *block;
    size_t block_bytes;
    int64_t offset; /* of the member, behind the block */
    int ended;      /* the member */
    char *line;
    size_t line_room;
    struct source_line last;
    int unread;
    unsigned char piece[PIECE];
};

/* --- the file's bytes --------------------------------------------------- */

static la_ssize_t give_bytes(struct archive *a, void *self, const void **out)
{
    struct source *s = self;
    size_t n = PIECE;

    if (s->memory) {
        if ((int64_t)n > s->size - s->at)
            n = (size_t)(s->size - s->at);
        *out = s->memory + s->at;
    } else {
        n = fread(s->piece, 1, PIECE, s->file);
        *out = s->piece;
        if (n == 0 && a && ferror(s->file)) {
            archive_set_error(a, errno, "cannot be read");
            return ARCHIVE_FATAL;
        }
    }
    s->at += (int64_t)n;
    return (la_ssize_t)n;
}

static la_int64_t seek_bytes(struct archive *a, void *self, la_int64_t offset,
                             int whence)
{
    struct source *s = self;
    int64_t base = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? s->at
                                        : s->size;

    if (offset < -base || base + offset > s->size ||
        (s->file && fseeko(s->file, base + offset, SEEK_SET) != 0)) {
        archive_set_error(a, EINVAL, "cut short");
        return ARCHIVE_FATAL;
    }
    s->at = base + offset;
    return s->at;
}

static enum err damaged(struct source *s, const char *what)
{
    return err_set(ERR_DATA,
                   "%s: damaged: %s (expected a whole file or archive); get it "
                   "again from where it came",
                   s->label ? s->label : s->path, what ? what : "unreadable");
}

static enum err no_room(void)
{
    return err_set(ERR_ENVIRONMENT,
                   "memory: no room for a reader of archives; free some");
}

static uint32_t crc_add(uint32_t crc, const unsigned char *data, size_t n)
{
    static uint32_t table[256];

    if (!table[1])
        for (uint32_t i = 256; i-- > 0;) {
            table[i] = i;
            for (int k = 0; k < 8; k++)
                table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
        }
    crc = ~crc;
    for (size_t i = 0; i < n; i++)
        crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    return ~crc;
}

/* Reads from the start: whether a second gzip stream could follow the first,
 * and the last eight bytes. */
static void gz_look(struct source *s, unsigned char last[8], int *second)
{
    const void *data;
    la_ssize_t n;
    unsigned char w[8] = {0};

    *second = 0;
    if (seek_bytes(s->filter, s, 0, SEEK_SET) < 0)
        return;
    while ((n = give_bytes(s->filter, s, &data)) > 0)
        for (la_ssize_t i = 0; i < n; i++) {
            memmove(w, w + 1, 7);
            w[7] = ((const unsigned char *)data)[i];
            if (s->at - n + i > 2 && w[5] == 0x1f && w[6] == 0x8b && w[7] == 8)
                *second = 1;
        }
    memcpy(last, w, 8);
}

/* The sum and length of all that came out stand at the end of a .gz. */
static int gz_is_whole(struct source *s)
{
    unsigned char last[8] = {0};
    int second;
    uint32_t sum = 0;

    gz_look(s, last, &second);
    for (int i = 3; i >= 0; i--)
        sum = sum << 8 | last[i];
    return second || sum == s->crc;
}

/* What the decompressor gives, for the archive behind it. */
static la_ssize_t give_expanded(struct archive *a, void *self, const void **out)
{
    struct source *s = self;
    size_t n = 0;
    la_int64_t offset;
    int rc;

    if (s->sealed)
        return 0;
    rc = archive_read_data_block(s->filter, out, &n, &offset);
    if (rc == ARCHIVE_EOF) {
        s->sealed = !s->gz || gz_is_whole(s);
        if (s->sealed)
            return 0;
        archive_set_error(a, EINVAL, "the check sum of the .gz is another");
        return ARCHIVE_FATAL;
    }
    if (rc != ARCHIVE_OK) {
        archive_set_error(a, EINVAL, "%s", archive_error_string(s->filter));
        return ARCHIVE_FATAL;
    }
    if (s->gz)
        s->crc = crc_add(s->crc, *out, n);
    s->expanded += (int64_t)n;
    if (s->expanded > SLACK + RATIO * s->size) {
        archive_set_error(a, EINVAL, "it expands beyond all reason");
        return ARCHIVE_FATAL;
    }
    return (la_ssize_t)n;
}

/* --- opening ------------------------------------------------------------ */

static enum err open_zip(struct source *s)
{
    s->archive = archive_read_new();
    if (!s->archive)
        return no_room();
    archive_read_support_format_zip_seekable(s->archive);
    archive_read_set_read_callback(s->archive, give_bytes);
    archive_read_set_seek_callback(s->archive, seek_bytes);
    archive_read_set_callback_data(s->archive, s);
    if (archive_read_open1(s->archive) != ARCHIVE_OK)
        return damaged(s, archive_error_string(s->archive));
    s->zip = 1;
    return OK;
}

static enum err open_stream(struct source *s)
{
    struct archive_entry *entry;
    int rc;

    s->filter = archive_read_new();
    s->archive = archive_read_new();
    if (!s->filter || !s->archive)
        return no_room();
    archive_read_support_filter_gzip(s->filter);
    archive_read_support_filter_bzip2(s->filter);
    archive_read_support_filter_xz(s->filter);
    archive_read_support_format_raw(s->filter);
    archive_read_support_format_empty(s->filter);
    if (archive_read_open(s->filter, s, NULL, give_bytes, NULL) != ARCHIVE_OK)
        return damaged(s, archive_error_string(s->filter));
    rc = archive_read_next_header(s->filter, &entry);
    if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
        return damaged(s, archive_error_string(s->filter));
    s->gz = archive_filter_code(s->filter, 0) == ARCHIVE_FILTER_GZIP;
    archive_read_support_format_tar(s->archive);
    archive_read_support_format_raw(s->archive);
    archive_read_support_format_empty(s->archive);
    if (rc == ARCHIVE_OK &&
        archive_read_open(s->archive, s, NULL, give_expanded, NULL))
        return damaged(s, archive_error_string(s->archive));
    s->empty = s->ended = rc == ARCHIVE_EOF;
    return OK;
}

static void close_file(struct source *s)
{
    archive_read_free(s->archive);
    archive_read_free(s->filter);
    s->archive = s->filter = NULL;
    if (s->file)
        fclose(s->file);
    s->file = NULL;
    s->at = s->offset = s->expanded = 0;
    s->crc = 0;
    s->block_bytes = 0;
    s->ended = s->unread = s->zip = s->sealed = s->empty = 0;
}

/* By its first bytes. */
static enum err open_container(struct source *s)
{
    static const unsigned char mark[4] = {'P', 'K', 3, 4};
    const void *first;
    la_ssize_t n = give_bytes(NULL, s, &first);
    int zip = n >= 4 && memcmp(first, mark, 4) == 0;

    s->at = 0;
    if (s->file)
        rewind(s->file);
    return zip ? open_zip(s) : open_stream(s);
}

static enum err open_file(struct source *s, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(ERR_DATA,
                       "%s: cannot be imported (expected a file or a folder, "
                       "found something else); name a file of molecules",
                       path);
    s->file = fopen(path, "rb");
    if (!s->file)
        return err_set(ERR_DATA, "%s: cannot be read (%s); check permissions",
                       path, strerror(errno));
    s->size = st.st_size;
    return open_container(s);
}

static enum err source_new(const char *path, struct source **out)
{
    enum err err;
    void *data;
    struct source *s;

    TRY(mem_alloc(1, sizeof(struct source), "a source", &data));
    s = data;
    s->folder.files = -1;
    TRY_GOTO(mem_string(path, &s->path), free_source);
    *out = s;
    return OK;

free_source:
    mem_free(s);
    return err;
}

enum err source_open(const char *path, struct source **out)
{
    enum err err;
    struct stat st;
    struct source *s;

    errno = 0;
    if (stat(path, &st) != 0)
        return err_set(ERR_DECK,
                       "%s: there is no such file or folder (%s); check the "
                       "path",
                       path, strerror(errno));
    TRY(source_new(path, &s));
    if (S_ISDIR(st.st_mode)) {
        s->many = 1;
        TRY_GOTO(import_folder_list(path, &s->folder), close);
    } else {
        TRY_GOTO(open_file(s, path), close);
    }
    *out = s;
    return OK;

close:
    source_close(&s);
    return err;
}

enum err source_open_memory(const void *data, size_t bytes, const char *name,
                            struct source **out)
{
    enum err err;
    struct source *s;

    TRY(source_new(name, &s));
    s->memory = data;
    s->size = (int64_t)bytes;
    TRY_GOTO(open_container(s), close);
    *out = s;
    return OK;

close:
    source_close(&s);
    return err;
}

int64_t source_most(const struct source *s)
{
    return SLACK + ZIP_RATIO * s->size - s->expanded;
}

void source_close(struct source **s)
{
    if (!*s)
        return;
    close_file(*s);
    import_folder_fini(&(*s)->folder);
    mem_free((*s)->path);
    mem_free((*s)->label);
    mem_free((*s)->line);
    mem_free(*s);
    *s = NULL;
}

/* --- members ------------------------------------------------------------ */

/* "PATH" and, when there is one, a mark and the member's name. */
static enum err set_label(struct source *s, const char *mark, const char *name)
{
    void *label = s->label;
    size_t path = strlen(s->path), more = strlen(mark) + strlen(name);
    const char *slash;

    TRY(mem_grow(&label, &s->label_room, path + more + 1, 1, "a name"));
    s->label = label;
    snprintf(s->label, s->label_room, "%s%s%s", s->path, mark, name);
    slash = strrchr(s->label, '/');
    s->name_at = more > strlen(mark) ? path + strlen(mark) : 0;
    if (slash && (size_t)(slash - s->label) >= s->name_at)
        s->name_at = (size_t)(slash - s->label) + 1;
    return OK;
}

static enum err next_of_folder(struct source *s, int *more)
{
    struct archive_entry *entry;

    *more = s->file_at < s->folder.files;
    if (!*more)
        return OK;
    close_file(s);
    TRY(set_label(s, "/", s->folder.file[s->file_at++]));
    errno = 0;
    TRY(open_file(s, s->label));
    if (!s->ended && (s->zip || archive_read_next_header(s->archive, &entry)))
        return damaged(s, "not a file of molecules");
    return OK;
}

/* What stands behind the end of a tar must be whole, too. */
static enum err drain(struct source *s)
{
    const void *data;
    la_ssize_t n = 1;

    while (!s->zip && n > 0)
        n = give_expanded(s->archive, s, &data);
    return n < 0 ? damaged(s, archive_error_string(s->archive)) : OK;
}

static int is_plain(struct archive_entry *entry)
{
    return archive_entry_filetype(entry) == AE_IFREG &&
           !archive_entry_hardlink(entry) && !archive_entry_symlink(entry);
}

static enum err next_of_archive(struct source *s, int *more)
{
    struct archive_entry *entry;
    const char *name;
    int rc, format;

    *more = 0;
    if (s->empty)
        return OK;
    do {
        rc = archive_read_next_header(s->archive, &entry);
        if (rc == ARCHIVE_EOF)
            return drain(s);
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return damaged(s, archive_error_string(s->archive));
        format = archive_format(s->archive);
        s->many =
            format != ARCHIVE_FORMAT_RAW && format != ARCHIVE_FORMAT_EMPTY;
    } while (s->many && !is_plain(entry));
    name = archive_entry_pathname(entry);
    TRY(s->many ? set_label(s, ":", name ? name : "?") : set_label(s, "", ""));
    s->ended = 0;
    *more = 1;
    return OK;
}

enum err source_next(struct source *s, int *more)
{
    s->block_bytes = 0;
    s->offset = 0;
    s->unread = 0;
    s->last.number = 0;
    if (s->folder.files >= 0)
        return next_of_folder(s, more);
    return next_of_archive(s, more);
}

const char *source_label(const struct source *s)
{
    return s->label ? s->label : s->path;
}

struct slice source_member(const struct source *s)
{
    return slice_of(s->label ? s->label + s->name_at : s->path);
}

int source_is_many(const struct source *s)
{
    return s->many;
}

/* --- bytes of a member -------------------------------------------------- */

/* Makes block_bytes > 0, or ended. */
static enum err fill(struct source *s)
{
    const void *data;
    size_t n;
    la_int64_t offset;

    while (s->block_bytes == 0 && !s->ended) {
        int rc = archive_read_data_block(s->archive, &data, &n, &offset);

        if (rc == ARCHIVE_EOF) {
            s->ended = 1;
            return OK;
        }
        if (rc != ARCHIVE_OK)
            return damaged(s, archive_error_string(s->archive));
        if (offset != s->offset)
            return damaged(s, "it has holes");
        s->offset += (int64_t)n;
        s->expanded += s->zip ? (int64_t)n : 0;
        if (s->zip && s->expanded > SLACK + ZIP_RATIO * s->size)
            return damaged(s, "it expands beyond all reason");
        s->block = data;
        s->block_bytes = n;
    }
    return OK;
}

static void take(struct source *s, size_t n)
{
    s->block += n;
    s->block_bytes -= n;
}

/* A line that lies across blocks, or ends the member: into s->line. */
static enum err join(struct source *s, size_t *length)
{
    void *line = s->line;
    size_t n = 0, all = 0;
    const char *end = NULL;

    while (!end) {
        size_t part, keep;

        TRY(fill(s));
        if (s->block_bytes == 0)
            break;
        end = memchr(s->block, '\n', s->block_bytes);
        part = end ? (size_t)(end - s->block) : s->block_bytes;
        keep = part < SOURCE_LINE - n ? part : SOURCE_LINE - n;
        TRY(mem_grow(&line, &s->line_room, n + keep + 1, 1, "a line"));
        s->line = line;
        memcpy(s->line + n, s->block, keep);
        n += keep;
        all += part;
        take(s, part + (end != NULL));
        if (all > LONGEST)
            return damaged(s, "a line without an end");
    }
    *length = n;
    s->last.cut = all > n;
    return OK;
}

static void drop_mark(struct slice *text)
{
    if (text->n >= 3 && memcmp(text->s, "\xef\xbb\xbf", 3) == 0) {
        text->s += 3;
        text->n -= 3;
    }
}

enum err source_line(struct source *s, struct source_line *line, int *more)
{
    struct source_line *l = &s->last;
    const char *end;
    size_t n = 0;

    if (!s->unread) {
        TRY(fill(s));
        *more = s->block_bytes > 0;
        if (!*more)
            return OK;
        l->cut = 0;
        end = memchr(s->block, '\n', s->block_bytes);
        if (end && end - s->block <= SOURCE_LINE) {
            l->text = (struct slice){s->block, (size_t)(end - s->block)};
            take(s, l->text.n + 1);
        } else {
            TRY(join(s, &n));
            l->text = (struct slice){s->line, n};
        }
        while (l->text.n > 0 && l->text.s[l->text.n - 1] == '\r')
            l->text.n--;
        if (++l->number == 1)
            drop_mark(&l->text);
    }
    s->unread = 0;
    *more = 1;
    *line = *l;
    return OK;
}

void source_unread(struct source *s)
{
    s->unread = 1;
}

enum err source_read(struct source *s, void *data, size_t want, size_t *got)
{
    size_t n = 0;

    while (n < want) {
        size_t part;

        TRY(fill(s));
        if (s->block_bytes == 0)
            break;
        part = want - n < s->block_bytes ? want - n : s->block_bytes;
        memcpy((char *)data + n, s->block, part);
        take(s, part);
        n += part;
    }
    *got = n;
    return OK;
}
