/* SPDX-License-Identifier: MIT */
/* params_write.c - parameters, and the table itself, as text. Equal parameters
 * give equal bytes: a run is known by the digest of its deck.
 */
#include "deck/params.h"

#include "base/mem.h"
#include "base/num.h"
#include "deck/params_path.h"
#include "deck/params_table.h"

#include <inttypes.h>
#include <string.h>

static const void *member(const struct key *key, const struct params *p)
{
    return (const char *)p + key->offset;
}

static void add_number(struct text *t, double x)
{
    char number[NUM_CHARS];

    num_write(x, number);
    text_add(t, "%s", number);
}

/* As a string whatever it holds, and in ASCII. */
static void add_quoted(struct text *t, const char *s)
{
    text_add(t, "\"");
    while (*s) {
        long c = params_code_point(&s);

        CHECK(c >= ' '); /* params_is_text saw to that */
        if (c == '"' || c == '\\')
            text_add(t, "\\%c", (int)c);
        else if (c < 0x7f)
            text_add(t, "%c", (int)c);
        else
            text_add(t, "\\U%08lX", (unsigned long)c);
    }
    text_add(t, "\"");
}

/* Bare where no reader could take it for a word, a number or a mark. */
static void add_string(struct text *t, const char *s, int bare)
{
    size_t plain = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                             "WXYZ0123456789_/.-");

    if (bare && s[plain] == 0)
        text_add(t, "%s", s);
    else
        add_quoted(t, s);
}

static void add_path(struct text *t, const char *path)
{
    int letter = (*path | 32) >= 'a' && (*path | 32) <= 'z';

    add_string(t, path,
               strchr(path, '/') && (letter || *path == '/' || *path == '.'));
}

static void write_int(struct text *t, const struct key *key,
                      const struct params *p)
{
    int x = *(const int *)member(key, p);
    const char *word = params_word_of(key, x);

    if (word)
        text_add(t, "%s", word);
    else
        text_add(t, "%d", x);
}

static void write_seed(struct text *t, const struct key *key,
                       const struct params *p)
{
    text_add(t, "%" PRIu64, *(const uint64_t *)member(key, p));
}

static void write_real(struct text *t, const struct key *key,
                       const struct params *p)
{
    double x = *(const double *)member(key, p);
    const char *word = params_word_of(key, x);

    if (word)
        text_add(t, "%s", word);
    else
        add_number(t, x);
    if (key->type == KEY_TIME && !word)
        text_add(t, " s");
}

static void write_interval(struct text *t, const struct key *key,
                           const struct params *p)
{
    static const char *const units[] = {
        [UNIT_SECONDS] = "s", [UNIT_STEPS] = "step", [UNIT_EPOCHS] = "epoch"};
    const struct interval *i = member(key, p);

    if (i->unit == UNIT_NONE) {
        text_add(t, "none");
        return;
    }
    add_number(t, i->amount);
    text_add(t, " %s%s", units[i->unit],
             i->unit != UNIT_SECONDS && i->amount > 1 ? "s" : "");
}

static void write_path(struct text *t, const struct key *key,
                       const struct params *p)
{
    const char *path = *(char *const *)member(key, p);
    const char *word = params_word_of(key, 0);

    if (path)
        add_path(t, path);
    else
        text_add(t, "%s", word ? word : "\"\"");
}

static void write_split(struct text *t, const struct key *key,
                        const struct params *p)
{
    if (p->data.split == SPLIT_FILE) {
        add_path(t, p->data.split_file);
    } else if (p->data.split == SPLIT_FRACTIONS) {
        text_add(t, "{train: ");
        add_number(t, p->data.train);
        text_add(t, ", validation: ");
        add_number(t, p->data.validation);
        text_add(t, "}");
    } else
        text_add(t, "%s", params_word_of(key, p->data.split));
}

/* A name that starts with a letter and is neither null nor true. */
static void add_target(struct text *t, const char *name)
{
    static const char *const words[] = {"none", "null", "true", "false",
                                        "yes",  "no",   "on",   "off"};
    int bare = (*name | 32) >= 'a' && (*name | 32) <= 'z';

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        bare &= deck_nearest(name, 1, &words[i]) == NULL;
    add_string(t, name, bare);
}

static void write_targets(struct text *t, const struct key *key,
                          const struct params *p)
{
    int list = p->data.targets > 1;

    (void)key;
    text_add(t, "%s", list ? "[" : "");
    for (int i = 0; i < p->data.targets; i++) {
        text_add(t, "%s", i ? ", " : "");
        add_target(t, p->data.target[i]);
    }
    text_add(t, "%s", list ? "]" : "");
}

static void write_channels(struct text *t, const struct key *key,
                           const struct params *p)
{
    const struct fiber *f = &p->model.hidden;

    (void)key;
    if (fiber_is_uniform(f, f->degrees)) {
        text_add(t, "%d", f->channels[0]);
        return;
    }
    for (int l = 0; l < f->degrees; l++)
        text_add(t, "%s%d", l ? ", " : "[", f->channels[l]);
    text_add(t, "]");
}

static void write_betas(struct text *t, const struct key *key,
                        const struct params *p)
{
    (void)key;
    text_add(t, "[");
    add_number(t, p->train.beta1);
    text_add(t, ", ");
    add_number(t, p->train.beta2);
    text_add(t, "]");
}

void params_write_value(struct text *t, const struct key *key,
                        const struct params *p)
{
    static void (*const write[KEY_TYPES])(struct text *, const struct key *,
                                          const struct params *) = {
        [KEY_WORD] = write_int,          [KEY_BOOL] = write_int,
        [KEY_INT] = write_int,           [KEY_SEED] = write_seed,
        [KEY_REAL] = write_real,         [KEY_TIME] = write_real,
        [KEY_INTERVAL] = write_interval, [KEY_PATH] = write_path,
        [KEY_SPLIT] = write_split,       [KEY_TARGETS] = write_targets,
        [KEY_CHANNELS] = write_channels, [KEY_BETAS] = write_betas,
    };

    write[key->type](t, key, p);
}

/* Length of what two names share, up to and with a dot. */
static size_t shared(const char *a, const char *b)
{
    size_t length = 0;

    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '.')
            length = i + 1;
    return length;
}

static int depth(const char *name, size_t length)
{
    int dots = 0;

    for (size_t i = 0; i < length; i++)
        dots += name[i] == '.';
    return dots;
}

/* The sections between two keys, one a line; then the indentation of the
 * second. */
static int add_sections(struct text *t, const char *last, const char *name)
{
    size_t at = shared(last, name);

    for (;;) {
        size_t n = strcspn(name + at, ".");
        int indent = 2 * depth(name, at);

        if (!name[at + n])
            return indent;
        text_add(t, "%*s%.*s:\n", indent, "", (int)n, name + at);
        at += n + 1;
    }
}

static const char *last_word(const char *name)
{
    return strrchr(name, '.') + 1;
}

/* How a run behaves on this machine, but not what it computes. */
static int is_portable(const struct key *key)
{
    return key->change == CHANGE_REFUSED ||
           (strncmp(key->name, "run.", 4) != 0 &&
            strcmp(key->name, "data.path") != 0);
}

static enum err write_deck(const struct params *p, int portable, char **out)
{
    struct text t = {.data = NULL};
    const char *last = "";

    for (int i = 0; i < PARAMS_KEYS; i++) {
        const struct key *key = &params_keys[i];
        int indent;

        if (portable && !is_portable(key))
            continue;
        if (!p->data.path && strcmp(key->name, "data.path") == 0)
            continue;
        indent = add_sections(&t, last, key->name);
        text_add(&t, "%*s%s: ", indent, "", last_word(key->name));
        params_write_value(&t, key, p);
        text_add(&t, "\n");
        last = key->name;
    }
    return text_take(&t, out);
}

enum err params_write(const struct params *p, char **out)
{
    return write_deck(p, 0, out);
}

enum err params_write_portable(const struct params *p, const char *split_digest,
                               const char *init_digest, char **out)
{
    struct params with = *p; /* borrows all of p's strings */
    char *split = NULL, *init = NULL;
    enum err err = OK;

    if (with.data.split == SPLIT_FILE && *split_digest)
        TRY_GOTO(mem_string(split_digest, &split), free_strings);
    if (with.model.init_from && *init_digest)
        TRY_GOTO(mem_string(init_digest, &init), free_strings);
    with.data.split_file = split ? split : with.data.split_file;
    with.model.init_from = init ? init : with.model.init_from;
    err = write_deck(&with, 1, out);
free_strings:
    mem_free(split);
    mem_free(init);
    return err;
}

/* Comment lines of at most 78 characters. */
static void add_comment(struct text *t, int indent, const char *s)
{
    size_t most = (size_t)(76 - indent);

    while (*s) {
        size_t n = strlen(s);

        if (n > most)
            for (n = most; n > 1 && s[n] != ' '; n--)
                ;
        text_add(t, "%*s# %.*s\n", indent, "", (int)n, s);
        s += n + (s[n] == ' ');
    }
}

static enum err add_annotated(struct text *t, const struct key *key, int indent)
{
    struct text values = {.data = NULL};
    char *expected;

    params_expected(&values, key);
    TRY(text_take(&values, &expected));
    add_comment(t, indent, key->text);
    add_comment(t, indent, expected);
    mem_free(expected);
    text_add(t, "%*s%s: %s\n", indent, "", last_word(key->name), key->initial);
    return t->err;
}

enum err params_all_keys(char **out)
{
    struct text t = {.data = NULL};
    const char *last = "";
    enum err err = OK;

    text_add(&t, "# Every key of a deck with its default; data.path alone must "
                 "be given.\n");
    for (int i = 0; i < PARAMS_KEYS && err == OK; i++) {
        const struct key *key = &params_keys[i];

        text_add(&t, "%s", shared(last, key->name) ? "" : "\n");
        err = add_annotated(&t, key, add_sections(&t, last, key->name));
        last = key->name;
    }
    if (err == OK)
        return text_take(&t, out);
    mem_free(t.data);
    return err;
}

void params_print_all_keys(FILE *out)
{
    char *text;

    if (params_all_keys(&text) != OK)
        return;
    fputs(text, out);
    mem_free(text);
}

static void add_row(struct text *t, const struct key *key)
{
    static const char *const changes[] = {"yes", "yes, and counts from then on",
                                          "no"};

    text_add(t, "| `%s` | `%s` | ", key->name, key->initial);
    params_expected(t, key);
    text_add(t, " | %s | %s |\n", changes[key->change], key->text);
}

void params_print_reference(FILE *out)
{
    struct text t = {.data = NULL};
    const char *last = "";
    char *text;

    for (int i = 0; i < PARAMS_KEYS; i++) {
        const struct key *key = &params_keys[i];

        if (!shared(last, key->name))
            text_add(&t,
                     "%s## %.*s\n\n| key | default | values | may change on "
                     "resuming | meaning |\n| --- | --- | --- | --- | --- |\n",
                     *last ? "\n" : "", (int)strcspn(key->name, "."),
                     key->name);
        add_row(&t, key);
        last = key->name;
    }
    if (text_take(&t, &text) != OK)
        return;
    fputs(text, out);
    mem_free(text);
}
