/* SPDX-License-Identifier: MIT */
/* fuzz_deck.c - any bytes as a deck: no crash, no leak; and a deck that is
 * taken is written so that it reads back the same.
 *
 * clang -fsanitize=fuzzer,address,undefined with src/base and src/deck; seeds
 * in validation/fuzz/corpus/deck.
 */
#include "base/mem.h"
#include "deck/params.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The resolved deck of a text; NULL: refused. */
static char *resolved(const char *text, size_t bytes)
{
    struct deck *d = NULL;
    struct params p;
    char *out = NULL;

    if (deck_parse(text, bytes, "fuzz.yaml", &d) != OK)
        return NULL;
    if (params_read(d, 0, &p) == OK) {
        CHECK(params_write(&p, &out) == OK);
        params_fini(&p);
    }
    deck_close(&d);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *once = resolved((const char *)data, bytes), *twice;

    if (once) {
        twice = resolved(once, strlen(once));
        CHECK(twice && strcmp(once, twice) == 0);
        mem_free(twice);
        mem_free(once);
    }
    CHECK(mem_live() == 0);
    return 0;
}
