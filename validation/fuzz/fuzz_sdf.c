/* SPDX-License-Identifier: MIT */
/* fuzz_sdf.c - any bytes as a source of this format. */
#include "fuzz/fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_records(&import_sdf, data, bytes);
    return 0;
}
