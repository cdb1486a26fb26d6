/* SPDX-License-Identifier: MIT */
/* params_compare.c - two decks key by key, by how their values are written. */
#include "deck/params.h"

#include "base/mem.h"
#include "deck/params_table.h"

#include <string.h>

struct comparison {
    struct text refused, applied;
};

static enum err value_text(const struct key *key, const struct params *p,
                           char **out)
{
    struct text t = {.data = NULL};

    params_write_value(&t, key, p);
    return text_take(&t, out);
}

static void note(struct comparison *c, const struct key *key, const char *was,
                 const char *now)
{
    if (key->change == CHANGE_APPLIED)
        text_add(&c->applied, "%s%s from %s to %s",
                 c->applied.length ? ", " : "", key->name, was, now);
    else
        text_add(&c->refused,
                 "%s%s: may not change when a run goes on (expected %.200s, "
                 "found %.200s); take it back or choose another run.dir",
                 c->refused.length ? "\n" : "", key->name, was, now);
}

static enum err compare_key(struct comparison *c, const struct key *key,
                            const struct params *was, const struct params *now)
{
    char *a, *b;
    enum err err;

    TRY(value_text(key, was, &a));
    err = value_text(key, now, &b);
    if (err == OK) {
        if (strcmp(a, b) != 0)
            note(c, key, a, b);
        mem_free(b);
    }
    mem_free(a);
    return err;
}

enum err params_compare(const struct params *was, const struct params *now,
                        char **applied)
{
    struct comparison c = {.refused.length = 0};
    enum err err = OK;

    for (int i = 0; i < PARAMS_KEYS && err == OK; i++)
        if (params_keys[i].change != CHANGE_FREE)
            err = compare_key(&c, &params_keys[i], was, now);
    if (err == OK)
        err = c.refused.err ? c.refused.err : c.applied.err;
    if (err == OK && c.refused.length)
        err = err_set(ERR_DECK, "%s", c.refused.data);
    if (err == OK)
        err = text_take(&c.applied, applied);
    else
        mem_free(c.applied.data);
    mem_free(c.refused.data);
    return err;
}
