/* SPDX-License-Identifier: MIT */
/* import_odd.c - what the ranks counted, added up by name. */
#include "data/import_odd.h"

#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "data/import_targets.h"

#include <string.h>

static void add(struct import_odd *to, const struct import_odd *from)
{
    int64_t count = to->count + from->count;

    if (from->seq < to->seq)
        *to = *from;
    to->count = count;
}

/* How many are left of n entries, one a name. */
static size_t add_up(struct import_odd *odd, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        while (k < kept && strcmp(odd[k].name, odd[i].name) != 0)
            k++;
        if (k < kept)
            add(&odd[k], &odd[i]);
        else
            odd[kept++] = odd[i];
    }
    return kept;
}

enum err import_odd_share(struct comm *c, const struct import_odd *mine,
                          size_t n, struct import_odd **out, size_t *all)
{
    void *data = NULL, *sizes = NULL;
    size_t bytes = 0;
    enum err err = comm_agree(c, mem_alloc((size_t)comm_size(c), sizeof(size_t),
                                           "sizes of ranks", &sizes));

    if (!err)
        err = import_share(c, mine, n * sizeof *mine, &data, sizes);
    for (int r = 0; r < comm_size(c) && !err; r++)
        bytes += ((size_t *)sizes)[r];
    mem_free(sizes);
    if (err)
        return err;
    *out = data;
    *all = add_up(data, bytes / sizeof **out);
    return OK;
}

void import_odd_warn(const struct import_odd *odd)
{
    log_warn("import: %s: %lld values are no numbers and count as unknown (the "
             "first: '%s' in %s, line %lld); write each as one plain number, "
             "with a decimal point and no unit",
             odd->name, (long long)odd->count, odd->text, odd->source,
             (long long)odd->line);
}
