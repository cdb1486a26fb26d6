/* SPDX-License-Identifier: MIT */
/* fuzz_smiles.c - libFuzzer target: any bytes as a SMILES. What is accepted is
 * a sound graph.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -Isrc -o fuzz_smiles \
 *         validation/fuzz/fuzz_smiles.c src/data/{smiles,kekule,molecule}.c \
 *         src/base/{mem,err,num}.c -lm
 *     ./fuzz_smiles -max_total_time=30 validation/fuzz/corpus/smiles
 */
#include "base/err.h"
#include "data/smiles.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smiles s;
    char room[128] = "";

    if (!smiles_parse((const char *)data, size, &s, room, sizeof room)) {
        CHECK(*room && strlen(room) < sizeof room - 1);
        return 0;
    }
    CHECK(s.atoms >= 1 && s.atoms <= SMILES_ATOMS);
    for (int b = 0; b < s.bonds; b++) {
        CHECK(s.bond[b][0] >= 0 && s.bond[b][0] < s.bond[b][1]);
        CHECK(s.bond[b][1] < s.atoms);
        CHECK(s.order[b] >= 1 && s.order[b] <= 3);
    }
    return 0;
}
