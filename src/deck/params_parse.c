/* SPDX-License-Identifier: MIT */
/* params_parse.c - one function a type of key. A mistake is said once, where it
 * stands, as "KEY: WHAT (expected .., found ..); DO".
 */
#include "config.h"

#include "deck/params_parse.h"

#include "base/mem.h"
#include "deck/params_number.h"
#include "deck/params_path.h"

#include <stdio.h>
#include <string.h>

#include <unistd.h>

enum { FOUND = 200, MOST_WORDS = 16 };

/* How a message shows a node; cut between characters. */
static void show(const struct node *n, char found[FOUND])
{
    int longest = FOUND - 8, length;

    if (n->kind != NODE_SCALAR) {
        snprintf(found, FOUND, "%s",
                 n->kind == NODE_LIST ? "a list" : "keys below it");
        return;
    }
    if (!*n->text && !n->quoted) {
        snprintf(found, FOUND, "nothing");
        return;
    }
    length = strlen(n->text) > (size_t)longest ? longest : (int)strlen(n->text);
    while (length == longest && length > 0 && (n->text[length] & 0xc0) == 0x80)
        length--;
    snprintf(found, FOUND, n->quoted ? "\"%.*s\"" : "%.*s", length, n->text);
}

/* The one place of all messages about values; NULL: the key's own. */
static int say(struct reading *r, const struct key *key, const struct node *n,
               const char *what, const char *expected, const char *advice)
{
    struct text t = {.data = NULL};
    char found[FOUND], *own;
    enum err err;

    if (expected)
        text_add(&t, "%s", expected);
    else
        params_expected(&t, key);
    err = text_take(&t, &own);
    if (err) {
        r->err = err;
        return 0;
    }
    show(n, found);
    deck_mistake(r->deck, n, "%s: %s (expected %s, found %s); %s%s", key->name,
                 what, own, found, advice ? advice : "see ",
                 advice ? "" : deck_all_keys());
    mem_free(own);
    return 0;
}

static const char *near_word(const struct key *key, const struct node *n)
{
    const char *words[MOST_WORDS];
    int count = 0;

    if (n->kind != NODE_SCALAR)
        return NULL;
    for (const struct word *w = key->words; w && w->name && count < MOST_WORDS;
         w++)
        words[count++] = w->name;
    return deck_nearest(n->text, count, words);
}

static int is_number(const struct node *n)
{
    double x;

    return n->kind == NODE_SCALAR &&
           params_number(n->text, strlen(n->text), &x);
}

/* Words of other programs that are not near any of ours; YAML 1.1 has more
 * words for true and false than decks. */
static const char *word_meant(const struct key *key, const struct node *n)
{
    static const struct {
        enum key_type type;
        const char *word, *advice;
    } words[] = {
        {KEY_BOOL, "yes", "write true"},
        {KEY_BOOL, "on", "write true"},
        {KEY_BOOL, "1", "write true"},
        {KEY_BOOL, "no", "write false"},
        {KEY_BOOL, "off", "write false"},
        {KEY_BOOL, "0", "write false"},
        {KEY_WORD, "gpu", "did you mean cuda?"},
        {KEY_WORD, "mean", "did you mean avg?"},
    };
    enum { WORDS = sizeof words / sizeof *words };

    for (int i = 0; n->kind == NODE_SCALAR && i < WORDS; i++)
        if (words[i].type == key->type && strcmp(n->text, words[i].word) == 0)
            return words[i].advice;
    return NULL;
}

static int wrong(struct reading *r, const struct key *key, const struct node *n,
                 const char *what)
{
    const char *word = near_word(key, n), *advice = word_meant(key, n);
    char text[64];

    if (!advice && word) {
        snprintf(text, sizeof text, "did you mean %.40s?", word);
        advice = text;
    } else if (!advice && n->kind == NODE_SCALAR && n->quoted && is_number(n))
        advice = "take the quotes away";
    else if (!advice && (key->type == KEY_TIME || key->type == KEY_INTERVAL) &&
             is_number(n))
        advice = "give it a unit";
    return say(r, key, n, what, NULL, advice);
}

/* None and null mean none. */
static const char *word_text(const struct node *n)
{
    if (!n->quoted &&
        (strcmp(n->text, "None") == 0 || strcmp(n->text, "null") == 0))
        return "none";
    return n->text;
}

static int is_none(const struct node *n)
{
    return !n->quoted && strcmp(word_text(n), "none") == 0;
}

static int find_word(const struct key *key, const struct node *n, double *out)
{
    if (n->kind != NODE_SCALAR)
        return 0;
    for (const struct word *w = key->words; w && w->name; w++)
        if (strcmp(w->name, word_text(n)) == 0) {
            *out = w->value;
            return 1;
        }
    return 0;
}

static int in_range(const struct key *key, double x)
{
    return (key->open & ABOVE_MIN ? x > key->min : x >= key->min) &&
           (key->open & BELOW_MAX ? x < key->max : x <= key->max);
}

static void *member(struct reading *r, const struct key *key)
{
    return (char *)&r->p + key->offset;
}

static int parse_word(struct reading *r, const struct key *key,
                      const struct node *n)
{
    double value;

    if (!find_word(key, n, &value))
        return wrong(r, key, n, "not one of its words");
    *(int *)member(r, key) = (int)value;
    return 1;
}

static int parse_bool(struct reading *r, const struct key *key,
                      const struct node *n)
{
    int *out = member(r, key);
    const char *s = n->kind == NODE_SCALAR && !n->quoted ? n->text : "";

    if (strcmp(s, "true") == 0 || strcmp(s, "True") == 0)
        *out = 1;
    else if (strcmp(s, "false") == 0 || strcmp(s, "False") == 0)
        *out = 0;
    else
        return wrong(r, key, n, "neither true nor false");
    return 1;
}

static int take_whole(struct reading *r, const struct key *key,
                      const struct node *n, int64_t *out)
{
    if (n->kind != NODE_SCALAR || n->quoted ||
        !params_whole(n->text, strlen(n->text), out))
        return wrong(r, key, n,
                     is_number(n) && !strpbrk(n->text, ".eE") && !n->quoted
                         ? "too large"
                         : "not a whole number");
    if (!in_range(key, (double)*out))
        return wrong(r, key, n, "out of range");
    return 1;
}

static int parse_int(struct reading *r, const struct key *key,
                     const struct node *n)
{
    int64_t x;

    if (!take_whole(r, key, n, &x))
        return 0;
    *(int *)member(r, key) = (int)x;
    return 1;
}

static int parse_seed(struct reading *r, const struct key *key,
                      const struct node *n)
{
    int64_t x;

    if (!take_whole(r, key, n, &x))
        return 0;
    *(uint64_t *)member(r, key) = (uint64_t)x;
    return 1;
}

static int take_real(struct reading *r, const struct key *key,
                     const struct node *n, double *out)
{
    if (n->kind != NODE_SCALAR || n->quoted ||
        !params_number(n->text, strlen(n->text), out))
        return wrong(r, key, n, "not a number");
    if (!in_range(key, *out))
        return wrong(r, key, n, "out of range");
    return 1;
}

static int parse_real(struct reading *r, const struct key *key,
                      const struct node *n)
{
    double x;

    if (!find_word(key, n, &x) && !take_real(r, key, n, &x))
        return 0;
    *(double *)member(r, key) = x;
    return 1;
}

static int parse_time(struct reading *r, const struct key *key,
                      const struct node *n)
{
    struct interval i;
    double x;

    if (!find_word(key, n, &x)) {
        if (n->kind != NODE_SCALAR || !params_parse_interval(n->text, &i) ||
            i.unit != UNIT_SECONDS)
            return wrong(r, key, n, "not a time");
        x = i.amount;
    }
    *(double *)member(r, key) = x;
    return 1;
}

static int parse_interval(struct reading *r, const struct key *key,
                          const struct node *n)
{
    struct interval i = {.unit = UNIT_NONE};
    double x;

    if (!find_word(key, n, &x) &&
        (n->kind != NODE_SCALAR || !params_parse_interval(n->text, &i) ||
         !(key->units & 1 << i.unit)))
        return wrong(r, key, n, "not an interval");
    *(struct interval *)member(r, key) = i;
    return 1;
}

void params_string(struct reading *r, char **out, const char *s)
{
    char *copy = NULL;

    if (s && !r->err)
        r->err = mem_string(s, &copy);
    mem_free(*out);
    *out = copy;
}

/* A path of the deck, filled in and, where that can be known, there. */
static int take_path(struct reading *r, const struct key *key,
                     const struct node *n, char **out)
{
    char what[PARAMS_PATH_WHAT];
    enum err err;
    char *path;

    if (n->kind != NODE_SCALAR || !*n->text || is_none(n))
        return wrong(r, key, n, "not a path");
    err = params_expand(n->text, &path, what);
    if (err) {
        r->err = err;
        return 0;
    }
    if (!path)
        return say(r, key, n, what, NULL, "write the path itself");
    if (key->must_be && (r->may_look || n->from_set) &&
        access(path, F_OK) != 0) {
        mem_free(path);
        return say(r, key, n, "not there", NULL,
                   near_word(key, n) ? "is it one of these words?"
                                     : "give one that is there");
    }
    mem_free(*out);
    *out = path;
    return 1;
}

static int parse_path(struct reading *r, const struct key *key,
                      const struct node *n)
{
    char **out = member(r, key);
    double x;

    if (!(n->kind == NODE_SCALAR && n->quoted) && find_word(key, n, &x)) {
        params_string(r, out, NULL);
        return 1;
    }
    return take_path(r, key, n, out);
}

/* One of the two fractions of data.split. */
static int take_fraction(struct reading *r, const struct node *map,
                         const char *name, double *out)
{
    const struct node *n = deck_child(map, name);
    char full[32];
    struct key key = {.type = KEY_REAL,
                      .max = 1,
                      .open = ABOVE_MIN | BELOW_MAX,
                      .name = full};

    snprintf(full, sizeof full, "data.split.%s", name);
    if (n)
        return !n->broken && take_real(r, &key, n, out);
    deck_mistake(r->deck, map,
                 "%s: missing (expected a number above 0 and below 1, found "
                 "nothing); give it",
                 full);
    return 0;
}

static int parse_fractions(struct reading *r, const struct key *key,
                           const struct node *n)
{
    double train = 0, validation = 0;
    int good = 1;

    for (const struct node *c = n->child; c; c = c->next)
        if (strcmp(c->key, "train") != 0 && strcmp(c->key, "validation") != 0) {
            deck_key_mistake(r->deck, c,
                             "data.split.%.60s: no such key (expected train "
                             "and validation); the rest is the test",
                             c->key);
            good = 0;
        }
    good &= take_fraction(r, n, "train", &train);
    good &= take_fraction(r, n, "validation", &validation);
    /* 0.7 + 0.3 and their like may round to more than 1 */
    if (good && train + validation > 1 + 1e-12) {
        deck_mistake(r->deck, n,
                     "%s: more than all molecules (expected train + "
                     "validation of at most 1, found %g); lower one",
                     key->name, train + validation);
        return 0;
    }
    if (!good)
        return 0;
    r->p.data.split = SPLIT_FRACTIONS;
    r->p.data.train = train;
    r->p.data.validation = validation;
    params_string(r, &r->p.data.split_file, NULL);
    return 1;
}

static int parse_split(struct reading *r, const struct key *key,
                       const struct node *n)
{
    double rule;

    if (n->kind == NODE_MAP)
        return parse_fractions(r, key, n);
    if (find_word(key, n, &rule)) {
        params_string(r, &r->p.data.split_file, NULL);
        r->p.data.split = (enum split_rule)rule;
        return 1;
    }
    if (!take_path(r, key, n, &r->p.data.split_file))
        return 0;
    r->p.data.split = SPLIT_FILE;
    return 1;
}

static int take_target(struct reading *r, const struct key *key,
                       const struct node *n)
{
    int count = r->p.data.targets;

    if (n->broken)
        return 0;
    if (n->kind != NODE_SCALAR || !*n->text || is_none(n))
        return wrong(r, key, n, "not a name");
    if (count == PARAMS_TARGETS)
        return say(r, key, n, "too many targets", "at most 64",
                   "take some out");
    if (strlen(n->text) >= PARAMS_NAME || !params_is_text(n->text))
        return say(r, key, n, "not a name",
                   "less than 64 bytes of printable text", NULL);
    for (int i = 0; i < count; i++)
        if (strcmp(r->p.data.target[i], n->text) == 0)
            return say(r, key, n, "stands twice", "each target once",
                       "take one out");
    snprintf(r->p.data.target[count], PARAMS_NAME, "%s", n->text);
    r->p.data.targets++;
    return 1;
}

static int parse_targets(struct reading *r, const struct key *key,
                         const struct node *n)
{
    int good = 1;

    r->p.data.targets = 0;
    if (n->kind != NODE_LIST)
        return take_target(r, key, n);
    if (!n->child)
        return say(r, key, n, "an empty list", NULL, NULL);
    for (const struct node *c = n->child; c; c = c->next)
        good &= take_target(r, key, c);
    return good;
}

/* One number has degrees 0 for now: it stands for as many as there are. */
static int parse_channels(struct reading *r, const struct key *key,
                          const struct node *n)
{
    struct fiber *f = &r->p.model.hidden;
    int64_t x;

    *f = (struct fiber){.degrees = 0};
    if (n->kind != NODE_LIST) {
        if (!take_whole(r, key, n, &x))
            return 0;
        f->channels[0] = (int)x;
        return 1;
    }
    for (const struct node *c = n->child; c; c = c->next) {
        if (f->degrees == FIBER_DEGREES)
            return say(r, key, n, "too many degrees", "at most 9 numbers",
                       "shorten it");
        if (c->broken || !take_whole(r, key, c, &x))
            return 0;
        f->channels[f->degrees++] = (int)x;
    }
    return f->degrees || say(r, key, n, "an empty list", NULL, NULL);
}

static int parse_betas(struct reading *r, const struct key *key,
                       const struct node *n)
{
    const struct node *first = n->child, *second = first ? first->next : NULL;
    double x, y;

    if (n->kind != NODE_LIST || !second || second->next)
        return wrong(r, key, n, "not two numbers");
    if (first->broken || second->broken || !take_real(r, key, first, &x) ||
        !take_real(r, key, second, &y))
        return 0;
    r->p.train.beta1 = x;
    r->p.train.beta2 = y;
    return 1;
}

int params_parse(struct reading *r, const struct key *key, const struct node *n)
{
    static int (*const parse[KEY_TYPES])(struct reading *, const struct key *,
                                         const struct node *) = {
        [KEY_WORD] = parse_word,         [KEY_BOOL] = parse_bool,
        [KEY_INT] = parse_int,           [KEY_SEED] = parse_seed,
        [KEY_REAL] = parse_real,         [KEY_TIME] = parse_time,
        [KEY_INTERVAL] = parse_interval, [KEY_PATH] = parse_path,
        [KEY_SPLIT] = parse_split,       [KEY_TARGETS] = parse_targets,
        [KEY_CHANNELS] = parse_channels, [KEY_BETAS] = parse_betas,
    };

    return parse[key->type](r, key, n);
}
