/* SPDX-License-Identifier: MIT */
/* options.c - one pass over the words, against the command's table. */
#include "app/options.h"

#include "app/commands.h"
#include "base/mem.h"
#include "deck/deck.h"

#include <string.h>

static const struct option common[] = {
    {"json", NULL, 0}, {"quiet", NULL, 0}, {"help", NULL, 0}};
enum { COMMON = sizeof common / sizeof *common, MOST = 64 };

static const struct option *known(const struct command *c, const char *name,
                                  size_t n)
{
    for (int i = 0; i < c->options; i++)
        if (strlen(c->option[i].name) == n &&
            strncmp(c->option[i].name, name, n) == 0)
            return &c->option[i];
    for (int i = 0; i < COMMON; i++)
        if (strlen(common[i].name) == n &&
            strncmp(common[i].name, name, n) == 0)
            return &common[i];
    return NULL;
}

static enum err unknown(const struct command *c, const char *word)
{
    const char *names[MOST], *nearest;
    char name[128];
    int n = 0;

    for (int i = 0; i < c->options && n < MOST; i++)
        names[n++] = c->option[i].name;
    for (int i = 0; i < COMMON && n < MOST; i++)
        names[n++] = common[i].name;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    nearest = deck_nearest(name, n, names);
    return err_set(ERR_DECK,
                   "%s: unknown option --%s%s%s%s; see se3t %s --help", c->name,
                   name, nearest ? " (did you mean --" : "",
                   nearest ? nearest : "", nearest ? "?)" : "", c->name);
}

/* One option; *used: words it took. */
static enum err take(const struct command *c, int left, char **argv,
                     struct options *out, int *used)
{
    const char *word = argv[0], *value = strchr(word, '=');
    size_t n = value ? (size_t)(value - word - 2) : strlen(word) - 2;
    const struct option *o = known(c, word + 2, n);

    if (!o)
        return unknown(c, word);
    *used = 1;
    if (!o->value && value)
        return err_set(ERR_DECK, "%s: --%s takes no value (found %s)", c->name,
                       o->name, value + 1);
    if (o->value && value)
        value++;
    else if (o->value) {
        if (left < 2)
            return err_set(ERR_DECK, "%s: --%s: value missing (expected %s)",
                           c->name, o->name, o->value);
        value = argv[1];
        *used = 2;
    }
    if (o->value && !o->repeats && options_count(out, o->name) > 0)
        return err_set(ERR_DECK, "%s: --%s stands twice (found %s and %s)",
                       c->name, o->name, options_value(out, o->name), value);
    out->option[out->given] = o;
    out->value[out->given++] = value;
    return OK;
}

static enum err check_words(const struct command *c, const struct options *o)
{
    if (options_count(o, "help") > 0)
        return OK;
    if (o->words < c->least)
        return err_set(ERR_DECK,
                       "%s: too few arguments (expected %s, found none); see "
                       "se3t %s --help",
                       c->name, c->needs, c->name);
    if (c->most >= 0 && o->words > c->most)
        return err_set(ERR_DECK,
                       "%s: one argument too many (expected %d, found %s); see "
                       "se3t %s --help",
                       c->name, c->most, o->word[c->most], c->name);
    return OK;
}

static enum err scan(const struct command *c, int argc, char **argv,
                     struct options *out)
{
    int all_words = 0;

    for (int i = 1, used; i < argc; i += used) {
        used = 1;
        if (!all_words && strcmp(argv[i], "--") == 0)
            all_words = 1;
        else if (!all_words && strncmp(argv[i], "--", 2) == 0)
            TRY(take(c, argc - i, argv + i, out, &used));
        else if (!all_words && argv[i][0] == '-' && argv[i][1])
            return err_set(ERR_DECK,
                           "%s: unknown option %s (expected --name); see se3t "
                           "%s --help",
                           c->name, argv[i], c->name);
        else
            out->word[out->words++] = argv[i];
    }
    return check_words(c, out);
}

static enum err room(int n, void *out)
{
    void *data;

    TRY(mem_alloc((size_t)n, sizeof(void *), "the command line", &data));
    memcpy(out, &data, sizeof data);
    return OK;
}

enum err options_parse(const struct command *c, int argc, char **argv,
                       struct options *out)
{
    struct options o = {.words = 0};
    enum err err;

    TRY_GOTO(room(argc, &o.word), fini);
    TRY_GOTO(room(argc, &o.option), fini);
    TRY_GOTO(room(argc, &o.value), fini);
    TRY_GOTO(scan(c, argc, argv, &o), fini);
    *out = o;
    return OK;
fini:
    options_fini(&o);
    return err;
}

void options_fini(struct options *o)
{
    mem_free(o->word);
    mem_free(o->option);
    mem_free(o->value);
    *o = (struct options){.words = 0};
}

int options_count(const struct options *o, const char *name)
{
    int n = 0;

    for (int i = 0; i < o->given; i++)
        n += strcmp(o->option[i]->name, name) == 0;
    return n;
}

const char *options_value(const struct options *o, const char *name)
{
    const char *value = NULL;

    for (int i = 0; i < o->given; i++)
        if (strcmp(o->option[i]->name, name) == 0)
            value = o->value[i];
    return value;
}

void options_values(const struct options *o, const char *name,
                    const char *list[])
{
    int n = 0;

    for (int i = 0; i < o->given; i++)
        if (strcmp(o->option[i]->name, name) == 0)
            list[n++] = o->value[i];
}
