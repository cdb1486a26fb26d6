/* SPDX-License-Identifier: MIT */
/* import.h - raw files of molecules into a data set in memory.
 *
 * A format is a row of a table (import.c): how it is recognised, and a reader
 * that hands over one record after the other (import_xyz.c, import_extxyz.c,
 * import_qm9pack.c, import_sdf.c, import_npz.c). Bytes come through
 * import_source.c: plain files, .gz, .bz2, .xz, archives of files (libarchive),
 * streamed, bounded. Every rank reads the bytes, and parses every size-th
 * record.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "base/digest.h"
#include "base/err.h"

#include <stdint.h>

struct comm;
struct dataset;

enum import_format {
    IMPORT_AUTO,
    IMPORT_QM9_XYZ,
    IMPORT_QM9PACK,
    IMPORT_SDF,
    IMPORT_NPZ,
    IMPORT_EXTXYZ,
    IMPORT_FORMATS
};

/* The word of --format, or -1. */
int import_format_of(const char *word);
const char *import_format_name(enum import_format f);

struct import_options {
    enum import_format format;
    int64_t limit;       /* the first N records; -1: all */
    const char *exclude; /* file of ids, or NULL */
    int targets;         /* --target NAME[=UNIT], as typed */
    const char *const *target;
    int keep_order; /* 1: as in the sources (predict); 0: ascending ids */
};

struct import_reject {
    char *source; /* as the user named it, and the member of an archive */
    int64_t line; /* from 1; 0 when there is none */
    int64_t id;   /* 0 when there is none */
    char *reason;
};

struct import_source_digest {
    char *name; /* file name without folder */
    struct digest digest;
};

/* What an import found besides the molecules. */
struct import_summary {
    int format[IMPORT_FORMATS]; /* 1: of some source */
    int64_t records, refused, excluded;
    int64_t in_order, mapped, geometry, stated; /* how bonds were found */
    int64_t isotopes; /* atoms D and T taken as hydrogen */
    int rejects;      /* on rank 0, in the order of the sources */
    struct import_reject *reject;
    int sources;
    struct import_source_digest *source;
};

/* Collective. ERR_DECK: a path that is not there, unknown format or target,
 * numbered and unnumbered sources together. ERR_DATA: a damaged container, or
 * no molecule left (*summary is filled then too, for rejected.csv). */
enum err import_read(struct comm *c, int sources, const char *const source[],
                     const struct import_options *options, struct dataset **out,
                     struct import_summary *summary);

void import_summary_fini(struct import_summary *s);

/* The formats of the sources: "sdf", "sdf, extxyz". */
enum { IMPORT_FORMATS_TEXT = 64 };
void import_summary_formats(const struct import_summary *s,
                            char room[IMPORT_FORMATS_TEXT]);

#endif
