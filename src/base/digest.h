/* SPDX-License-Identifier: MIT */
/* digest.h - SHA-256 (nettle), as 64 hexadecimal characters. */
#ifndef DIGEST_H
#define DIGEST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_CHARS = 64 };

struct digest {
    char hex[DIGEST_CHARS + 1];
};

/* In pieces. The state is the library's, behind an opaque block. */
struct digest_stream {
    uint64_t opaque[16];
};

void digest_begin(struct digest_stream *s);
void digest_add(struct digest_stream *s, const void *data, size_t bytes);
void digest_end(struct digest_stream *s, struct digest *out);

/* In one go. */
void digest_bytes(const void *data, size_t bytes, struct digest *out);

/* Of a whole file, or of its first `bytes` bytes (-1: all).
 * ERR_IO: cannot be read, or is shorter. */
enum err digest_file(const char *path, int64_t bytes, struct digest *out);

int digest_equal(const struct digest *a, const struct digest *b);

#endif
