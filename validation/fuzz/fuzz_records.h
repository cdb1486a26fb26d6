/* SPDX-License-Identifier: MIT */
/* fuzz_records.h - any bytes as a source of one format: no crash, no leak, and
 * whatever is taken is a molecule without a flaw.
 *
 * clang -fsanitize=fuzzer,address,undefined with src/base, src/data (without
 * what is collective) and src/deck; seeds in validation/fuzz/corpus.
 */
#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

#include "base/mem.h"
#include "data/import_format.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static inline void fuzz_records(const struct import_reader *reader,
                                const uint8_t *data, size_t bytes)
{
    struct import_result r = {.reason = NULL};
    struct import_input in;
    struct import_record record;
    struct source *s;
    int more = 1, from;
    char room[200];

    if (source_open_memory(data, bytes, "fuzz", &s) == OK &&
        import_input_open(reader, s, NULL, &in) == OK) {
        while (more && import_input_next(&in, 1, &record, &more) == OK && more)
            if (import_input_parse(&in, &record, &r, &from) == OK && !r.reason)
                CHECK(!molecule_flaw(&r.m, room, sizeof room) && r.m.bonds > 0);
        import_input_close(&in);
    }
    import_result_fini(&r);
    CHECK(mem_live() == 0);
}

#endif
