/* SPDX-License-Identifier: MIT */
/* import_detect.c - the first member that tells decides. Names first: only .xyz
 * means two things, raw QM9 and everybody's XYZ.
 */
#include "data/import_detect.h"

#include "data/import_source.h"

#include <string.h>

enum { LINES = 5 };

static int contains(struct slice s, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i + n <= s.n; i++)
        if (memcmp(s.s + i, text, n) == 0)
            return 1;
    return 0;
}

static int is_count(struct slice line)
{
    struct slice word[1];
    int64_t n;

    return slice_words(line, word, 1) == 1 && slice_int(word[0], &n);
}

/* By the first lines; IMPORT_AUTO: they do not tell. */
static enum err by_text(struct source *s, enum import_format *out)
{
    struct source_line line;
    int more = 1, counted = 0;

    *out = IMPORT_AUTO;
    for (int i = 0; i < LINES && *out == IMPORT_AUTO; i++) {
        TRY(source_line(s, &line, &more));
        if (!more)
            break;
        if (i == 0 && contains(line.text, "XYZ_file"))
            *out = IMPORT_QM9PACK;
        else if (i == 1 && counted && line.text.n > 4 &&
                 memcmp(line.text.s, "gdb ", 4) == 0)
            *out = IMPORT_QM9_XYZ;
        else if (i == 3 && contains(line.text, "V2000"))
            *out = IMPORT_SDF;
        if (i == 0 || (i == 1 && !counted))
            counted = is_count(line.text);
    }
    if (*out == IMPORT_AUTO && counted)
        *out = IMPORT_EXTXYZ;
    return OK;
}

static struct slice unpacked_name(struct slice name)
{
    static const char *const packed[] = {".gz", ".bz2", ".xz"};

    for (int i = 0; i < 3; i++)
        if (slice_ends(name, packed[i]))
            name.n -= strlen(packed[i]);
    return name;
}

/* By the name of a file; IMPORT_AUTO: it does not tell. */
static enum import_format by_name(struct slice name)
{
    static const struct {
        const char *suffix;
        enum import_format format;
    } row[] = {
        {".npy", IMPORT_NPZ}, {".npz", IMPORT_NPZ}, {".sdf", IMPORT_SDF},
        {".mol", IMPORT_SDF}, {".sd", IMPORT_SDF},  {".extxyz", IMPORT_EXTXYZ},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (slice_ends(name, row[i].suffix))
            return row[i].format;
    return IMPORT_AUTO;
}

/* Whether a member could be one of molecules. */
static int tells(struct source *s, struct slice name)
{
    if (!source_is_many(s))
        return 1;
    return name.n > 0 && *name.s != '.' &&
           (slice_ends(name, ".xyz") ||
            (slice_ends(name, ".csv") && !slice_ends(name, ".sdf.csv")));
}

static enum err detect(struct source *s, enum import_format *out)
{
    int more;

    *out = IMPORT_AUTO;
    for (;;) {
        struct slice name;

        TRY(source_next(s, &more));
        if (!more)
            break;
        name = unpacked_name(source_member(s));
        *out = by_name(name);
        if (*out == IMPORT_AUTO && tells(s, name))
            TRY(by_text(s, out));
        if (*out == IMPORT_AUTO && tells(s, name) && slice_ends(name, ".xyz"))
            *out = IMPORT_EXTXYZ;
        if (*out != IMPORT_AUTO)
            return OK;
    }
    return OK;
}

enum err import_detect(const char *path, enum import_format *out)
{
    enum import_format format;
    struct source *s;
    enum err err;

    TRY(source_open(path, &s));
    err = detect(s, &format);
    source_close(&s);
    if (err)
        return err;
    if (format == IMPORT_AUTO)
        return err_set(ERR_DATA,
                       "%s: nothing that is known (expected qm9-xyz, qm9pack, "
                       "sdf, npz or extxyz); say which with --format",
                       path);
    *out = format;
    return OK;
}
