/* SPDX-License-Identifier: MIT */
/* digest.c - nettle's SHA-256 behind an opaque block. */
#include "config.h"

#include "base/digest.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(struct digest_stream),
               "the opaque block holds the library's state");

static struct sha256_ctx *state(struct digest_stream *s)
{
    return (struct sha256_ctx *)(void *)s->opaque;
}

void digest_begin(struct digest_stream *s)
{
    sha256_init(state(s));
}

void digest_add(struct digest_stream *s, const void *data, size_t bytes)
{
    sha256_update(state(s), bytes, data);
}

void digest_end(struct digest_stream *s, struct digest *out)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t raw[SHA256_DIGEST_SIZE];

    sha256_digest(state(s), sizeof raw, raw);
    for (int i = 0; i < SHA256_DIGEST_SIZE; i++) {
        out->hex[2 * i] = hex[raw[i] >> 4];
        out->hex[2 * i + 1] = hex[raw[i] & 15];
    }
    out->hex[DIGEST_CHARS] = 0;
}

void digest_bytes(const void *data, size_t bytes, struct digest *out)
{
    struct digest_stream s;

    digest_begin(&s);
    digest_add(&s, data, bytes);
    digest_end(&s, out);
}

/* Adds up to `bytes` bytes of the file (-1: all); how many there were. */
static int64_t add_file(FILE *f, int64_t bytes, struct digest_stream *s)
{
    unsigned char piece[1 << 16];
    int64_t done = 0;
    size_t n;

    do {
        size_t want = sizeof piece;

        if (bytes >= 0 && bytes - done < (int64_t)want)
            want = (size_t)(bytes - done);
        n = want ? fread(piece, 1, want, f) : 0;
        digest_add(s, piece, n);
        done += (int64_t)n;
    } while (n > 0);
    return done;
}

enum err digest_file(const char *path, int64_t bytes, struct digest *out)
{
    struct digest_stream s;
    struct stat st;
    FILE *f;
    int64_t done;
    int bad;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* may have no end */
        return err_set(ERR_IO,
                       "%s: cannot be read (expected a file, found a folder, "
                       "a pipe or a device); check the path",
                       path);
    f = fopen(path, "rb");
    if (!f)
        return err_set(ERR_IO, "%s: cannot be read (%s)", path,
                       strerror(errno));
    digest_begin(&s);
    done = add_file(f, bytes, &s);
    bad = ferror(f);
    fclose(f);
    if (bad || (bytes >= 0 && done < bytes))
        return err_set(ERR_IO,
                       "%s: cannot be read to its end (expected %lld bytes, "
                       "found %lld)",
                       path, (long long)bytes, (long long)done);
    digest_end(&s, out);
    return OK;
}

int digest_equal(const struct digest *a, const struct digest *b)
{
    return strcmp(a->hex, b->hex) == 0;
}
