/* SPDX-License-Identifier: MIT */
/* fuzz_xyz.c - any bytes as a source of this format. */
#include "fuzz/fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_records(&import_xyz, data, bytes);
    return 0;
}
