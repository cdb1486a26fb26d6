/* SPDX-License-Identifier: MIT */
/* params.c - a deck to parameters: the defaults first, which are a deck too,
 * then the user's keys; then what keys must be to each other.
 */
#include "deck/params.h"

#include "base/mem.h"
#include "deck/params_parse.h"
#include "deck/params_table.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 256 };

const struct node *params_node(const struct deck *d, const char *key)
{
    const struct node *n = d->root;

    while (n && *key) {
        size_t bytes = strcspn(key, ".");
        const struct node *c = n->kind == NODE_MAP ? n->child : NULL;

        while (c && (strlen(c->key) != bytes || memcmp(c->key, key, bytes)))
            c = c->next;
        n = c;
        key += bytes + (key[bytes] == '.');
    }
    return n;
}

void params_fini(struct params *p)
{
    mem_free(p->run.dir);
    mem_free(p->data.path);
    mem_free(p->data.split_file);
    mem_free(p->model.init_from);
    *p = (struct params){.run.dir = NULL};
}

static int is_section(const char *name)
{
    size_t n = strlen(name);

    for (int i = 0; i < PARAMS_KEYS; i++)
        if (strncmp(params_keys[i].name, name, n) == 0 &&
            params_keys[i].name[n] == '.')
            return 1;
    return 0;
}

/* The names beneath a section ("" is the deck), each once; their number. */
static int names_in(const char *section, char names[][NAME])
{
    size_t skip = *section ? strlen(section) + 1 : 0;
    int count = 0;

    for (int i = 0; i < PARAMS_KEYS; i++) {
        const char *key = params_keys[i].name;
        size_t bytes = skip;

        if (skip && (strncmp(key, section, skip - 1) || key[skip - 1] != '.'))
            continue;
        bytes += strcspn(key + skip, ".");
        if (count && strlen(names[count - 1]) == bytes &&
            memcmp(names[count - 1], key, bytes) == 0)
            continue;
        snprintf(names[count++], NAME, "%.*s", (int)bytes, key);
    }
    return count;
}

/* The same last word in another section. */
static const char *elsewhere(const char *word)
{
    for (int i = 0; i < PARAMS_KEYS; i++) {
        const char *last = strrchr(params_keys[i].name, '.');

        if (strcmp(last + 1, word) == 0)
            return params_keys[i].name;
    }
    return NULL;
}

/* The nearest key, or what keys there are. */
static void unknown(struct deck *d, const char *section, const char *full,
                    const struct node *n)
{
    char names[PARAMS_KEYS][NAME];
    const char *words[PARAMS_KEYS];
    int count = names_in(section, names);
    size_t skip = *section ? strlen(section) + 1 : 0;
    const char *near, *same = elsewhere(n->key);
    char list[512] = "";

    for (int i = 0; i < count; i++) {
        size_t at = strlen(list);

        words[i] = names[i] + skip;
        snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", words[i]);
    }
    near = deck_nearest(n->key, count, words);
    if (near)
        deck_key_mistake(d, n, "%s: no such key; did you mean %s%s%s?", full,
                         section, *section ? "." : "", near);
    else if (same)
        deck_key_mistake(d, n, "%s: no such key; did you mean %s?", full, same);
    else
        deck_key_mistake(d, n, "%s: no such key (expected one of %s)", full,
                         list);
}

/* An empty section is one whose keys all stand at their defaults. */
static int is_empty(const struct node *n)
{
    return n->kind == NODE_SCALAR && !n->quoted && !*n->text;
}

/* Unknown keys, and sections that are none. Depth: that of keys. */
static void check_names(struct deck *d, const struct node *map,
                        const char *section)
{
    for (const struct node *n = map->child; n; n = n->next) {
        char full[NAME];

        snprintf(full, sizeof full, "%s%s%s", section, *section ? "." : "",
                 n->key);
        if (params_key(full))
            continue;
        if (!is_section(full))
            unknown(d, section, full, n);
        else if (n->kind == NODE_MAP)
            check_names(d, n, full);
        else if (!n->broken && !is_empty(n))
            deck_mistake(d, n,
                         "%s: not a section (expected keys below it, found "
                         "%.60s); see %s",
                         full, n->kind == NODE_LIST ? "a list" : n->text,
                         deck_all_keys());
    }
}

/* Each key from one deck; bad[i] where that failed. */
static void read_keys(struct reading *r, const struct deck *from,
                      int bad[PARAMS_KEYS])
{
    for (int i = 0; i < PARAMS_KEYS && !r->err; i++) {
        const struct node *n = params_node(from, params_keys[i].name);

        if (n)
            bad[i] = n->broken || !params_parse(r, &params_keys[i], n);
    }
}

static enum err read_defaults(struct reading *r)
{
    int bad[PARAMS_KEYS];
    struct deck *d = NULL, *deck = r->deck;
    char *text;
    enum err err;

    TRY(params_all_keys(&text));
    err = deck_parse(text, strlen(text), "defaults", &d);
    if (err == OK) {
        r->deck = d;
        read_keys(r, d, bad);
        CHECK(d->mistakes == 0);
        err = r->err;
    }
    r->deck = deck;
    params_string(r, &r->p.data.path, NULL); /* has no default */
    deck_close(&d);
    mem_free(text);
    return err;
}

static void need_data_path(struct reading *r)
{
    const struct node *data = params_node(r->deck, "data");

    if (!params_node(r->deck, "data.path"))
        deck_key_mistake(r->deck, data ? data : r->deck->root,
                         "data.path: missing (expected the folder of a data "
                         "set, found nothing); give it");
}

/* The first of the keys that the user wrote. */
static const struct node *first_node(const struct deck *d,
                                     const char *const keys[3])
{
    const struct node *n = NULL;

    for (int i = 0; i < 3 && !n; i++)
        n = params_node(d, keys[i]);
    return n;
}

/* Channels for each degree. 0: a mistake. */
static int spread_channels(struct reading *r)
{
    struct fiber *f = &r->p.model.hidden;
    int degrees = r->p.model.degrees;

    if (f->degrees == 0)
        *f = fiber_uniform(degrees, f->channels[0]);
    if (f->degrees == degrees)
        return 1;
    deck_mistake(r->deck, params_node(r->deck, "model.channels"),
                 "model.channels: for another number of degrees (expected %d "
                 "numbers, found %d); give one for each of model.degrees",
                 degrees, f->degrees);
    return 0;
}

/* The value and the key fiber have channels / channels_div in each degree. */
static void check_heads(struct reading *r)
{
    static const char *const channels[] = {"model.channels",
                                           "model.channels_div", "model.heads"};
    static const char *const heads[] = {"model.heads", "model.channels",
                                        "model.channels_div"};
    const struct fiber *f = &r->p.model.hidden;
    int div = r->p.model.channels_div;

    for (int l = 0; l < f->degrees; l++) {
        int c = f->channels[l];

        if (c % div) {
            deck_mistake(r->deck, first_node(r->deck, channels),
                         "model.channels: channels_div does not divide those "
                         "of degree %d (expected a multiple of %d, found %d); "
                         "change one of them",
                         l, div, c);
            return;
        }
        if (c / div % r->p.model.heads) {
            deck_mistake(r->deck, first_node(r->deck, heads),
                         "model.heads: do not divide channels / channels_div "
                         "of degree %d (expected a divisor of %d, found %d); "
                         "change one of them",
                         l, c / div, r->p.model.heads);
            return;
        }
    }
}

static int is_bad(const int bad[PARAMS_KEYS], const char *name)
{
    return bad[params_key(name) - params_keys];
}

static void check_model(struct reading *r, const int bad[PARAMS_KEYS])
{
    if (is_bad(bad, "model.channels") || is_bad(bad, "model.degrees") ||
        !spread_channels(r))
        return;
    if (r->p.model.type == MODEL_SE3_TRANSFORMER &&
        !is_bad(bad, "model.type") && !is_bad(bad, "model.heads") &&
        !is_bad(bad, "model.channels_div"))
        check_heads(r);
}

/* What auto means where no data are needed to know. */
static void resolve_rates(struct reading *r, const int bad[PARAMS_KEYS])
{
    struct params *p = &r->p;

    if (p->train.eps <= 0)
        p->train.eps = p->train.optimizer == OPTIMIZER_LAMB ? 1e-6 : 1e-8;
    if (p->train.min_lr < 0)
        p->train.min_lr = p->train.lr / 10;
    if (p->train.schedule == SCHEDULE_COSINE && p->train.min_lr > p->train.lr &&
        !is_bad(bad, "train.optimizer.lr"))
        deck_mistake(r->deck, params_node(r->deck, "train.schedule.min_lr"),
                     "train.schedule.min_lr: above the rate it ends from "
                     "(expected at most lr, %g, found %g); lower it",
                     p->train.lr, p->train.min_lr);
}

/* runs/ and the deck's file name without its last suffix. */
static void resolve_dir(struct reading *r)
{
    const char *slash = strrchr(r->deck->name, '/');
    const char *name = slash ? slash + 1 : r->deck->name;
    const char *dot = strrchr(name, '.');
    int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    char dir[NAME];

    if (r->p.run.dir || r->err)
        return;
    snprintf(dir, sizeof dir, "runs/%.*s", length, length ? name : "deck");
    params_string(r, &r->p.run.dir, dir);
}

enum err params_read(struct deck *d, int need_path, struct params *out)
{
    struct reading r = {.deck = d};
    int bad[PARAMS_KEYS] = {0};
    enum err err;

    TRY_GOTO(read_defaults(&r), free_params);
    r.may_look = need_path;
    check_names(d, d->root, "");
    read_keys(&r, d, bad);
    if (need_path)
        need_data_path(&r);
    check_model(&r, bad);
    resolve_rates(&r, bad);
    resolve_dir(&r);
    err = r.err;
    if (err == OK)
        err = deck_result(d);
    if (err)
        goto free_params;
    *out = r.p;
    return OK;
free_params:
    params_fini(&r.p);
    return err;
}
