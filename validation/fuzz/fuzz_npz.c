/* SPDX-License-Identifier: MIT */
/* fuzz_npz.c - any bytes as a source of this format. */
#include "fuzz/fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_records(&import_npz, data, bytes);
    return 0;
}
