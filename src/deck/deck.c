/* SPDX-License-Identifier: MIT */
/* deck.c - files and assignments to one tree, and the list of mistakes. */
#include "config.h"

#include "deck/deck.h"

#include "base/mem.h"
#include "deck/tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE = 1024,       /* of one mistake */
    MOST_SAID = 65536, /* of all: later ones are counted */
    MESSAGE = 16000,   /* what err_set holds, but for the last line */
    LONGEST_WORD = 63
};

const char *deck_all_keys(void)
{
    static const char here[] = "inputs/all-keys.yaml";
    static const char installed[] = DOCDIR "/inputs/all-keys.yaml";

    return access(here, R_OK) != 0 && access(installed, R_OK) == 0 ? installed
                                                                   : here;
}

static int is_said(const struct deck *d, const char *line)
{
    size_t n = strlen(line);

    for (const char *s = d->said; *s; s += strcspn(s, "\n") + 1)
        if (strncmp(s, line, n) == 0 && s[n] == '\n')
            return 1;
    return 0;
}

static void record(struct deck *d, char *line)
{
    size_t had = strlen(d->said), bytes;
    void *said;

    err_one_line(line);
    if (is_said(d, line))
        return;
    d->mistakes++;
    bytes = had + strlen(line) + 2;
    if (bytes > MOST_SAID ||
        mem_alloc(bytes, 1, "the mistakes of a deck", &said))
        return;
    snprintf(said, bytes, "%s%s\n", d->said, line);
    mem_free(d->said);
    d->said = said;
}

/* "WHERE: "; its length. */
static size_t where(const struct deck *d, const struct node *n, int of_key,
                    char line[LINE])
{
    if (n && n->from_set)
        snprintf(line, LINE, "--set %.200s: ", d->set[n->from_set - 1]);
    else if (n)
        snprintf(line, LINE, "%.200s:%d:%d: ", d->name,
                 of_key ? n->key_line : n->line,
                 of_key ? n->key_column : n->column);
    else
        snprintf(line, LINE, "%.200s: ", d->name);
    return strlen(line);
}

void deck_mistake(struct deck *d, const struct node *n, const char *format, ...)
{
    char line[LINE];
    size_t begin = where(d, n, 0, line);
    va_list args;

    va_start(args, format);
    vsnprintf(line + begin, LINE - begin, format, args);
    va_end(args);
    record(d, line);
}

void deck_key_mistake(struct deck *d, const struct node *n, const char *format,
                      ...)
{
    char line[LINE];
    size_t begin = where(d, n, n && n->key_line, line);
    va_list args;

    va_start(args, format);
    vsnprintf(line + begin, LINE - begin, format, args);
    va_end(args);
    record(d, line);
}

enum err deck_result(const struct deck *d)
{
    size_t length = 0;
    int lines = 0;

    while (d->said[length]) {
        size_t n = strcspn(d->said + length, "\n") + 1;

        if (length + n > MESSAGE - LINE / 4)
            break;
        length += n;
        lines++;
    }
    if (d->mistakes == 0)
        return OK;
    if (d->mistakes == lines)
        return err_set_lines(ERR_DECK, "%.*s", (int)length - 1, d->said);
    return err_set_lines(ERR_DECK,
                         "%.*s%.200s: %d more mistakes; correct these first",
                         (int)length, d->said, d->name, d->mistakes - lines);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: a letter in, out or changed, or two swapped. */
static int distance(const char *a, const char *b)
{
    int row[3][LONGEST_WORD + 2]; /* of a's prefix, and the two before */
    int n = (int)strlen(b);

    for (int j = 0; j <= n; j++)
        row[0][j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3];

        now[0] = i;
        for (int j = 1; j <= n; j++) {
            int c = tolower((unsigned char)a[i - 1]);
            int e = tolower((unsigned char)b[j - 1]);

            now[j] =
                least(last[j - 1] + (c != e), least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && c == tolower((unsigned char)b[j - 2]) &&
                e == tolower((unsigned char)a[i - 2]))
                now[j] = least(now[j], row[(i + 1) % 3][j - 2] + 1);
        }
    }
    return row[strlen(a) % 3][n];
}

const char *deck_nearest(const char *word, int n, const char *const words[])
{
    int length = (int)strlen(word);
    int best = length / 3 > 1 ? length / 3 + 1 : 2;
    const char *nearest = NULL;

    if (length == 0 || length > LONGEST_WORD)
        return NULL;
    for (int i = 0; i < n; i++) {
        int d =
            strlen(words[i]) > LONGEST_WORD ? best : distance(word, words[i]);

        if (d < best) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}

struct node *deck_child(const struct node *map, const char *key)
{
    for (struct node *n = map->child; n; n = n->next)
        if (n->key && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

void deck_close(struct deck **d)
{
    if (!*d)
        return;
    tree_free((*d)->root);
    for (size_t i = 0; i < (*d)->sets; i++)
        mem_free((*d)->set[i]);
    mem_free((*d)->set);
    mem_free((*d)->said);
    mem_free((*d)->name);
    mem_free(*d);
    *d = NULL;
}

/* Reads the text; a tree without sections is of no use. */
static enum err fill(struct deck *d, const char *text, size_t bytes)
{
    static const struct node start = {.line = 1, .column = 1};
    enum err err = tree_build(d, text, bytes, 0, "", &d->root);

    if (err == ERR_DECK)
        return deck_result(d);
    if (err)
        return err;
    if (!d->root)
        deck_mistake(d, &start,
                     "an empty deck (expected sections such as data: and "
                     "train:, found nothing); give at least data.path");
    else if (d->root->kind != NODE_MAP)
        deck_mistake(d, d->root,
                     "not a deck (expected sections such as data: and train:, "
                     "found %s); see %s",
                     d->root->kind == NODE_LIST ? "a list" : "a single value",
                     deck_all_keys());
    else
        return OK;
    return deck_result(d);
}

enum err deck_parse(const char *text, size_t bytes, const char *name,
                    struct deck **out)
{
    struct deck *d;
    void *data;
    enum err err;

    TRY(mem_alloc(1, sizeof *d, "the deck", &data));
    d = data;
    TRY_GOTO(mem_string(name, &d->name), close);
    TRY_GOTO(mem_string("", &d->said), close);
    TRY_GOTO(fill(d, text, bytes), close);
    *out = d;
    return OK;
close:
    deck_close(&d);
    return err;
}

/* One byte more than allowed, so that it is seen that there are more. */
static enum err read_file(const char *path, char *text, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    int wrong = !f;

    if (f) {
        *bytes = fread(text, 1, TREE_BYTES + 1, f);
        wrong = ferror(f);
    }
    if (wrong)
        err_set(ERR_DECK,
                "%s: the deck cannot be read (%s); give a deck that is there",
                path, strerror(errno));
    if (f)
        fclose(f);
    return wrong ? ERR_DECK : OK;
}

enum err deck_open(const char *path, struct deck **out)
{
    void *text;
    size_t bytes;
    enum err err;

    TRY(mem_alloc(TREE_BYTES + 1, 1, "the text of the deck", &text));
    TRY_GOTO(read_file(path, text, &bytes), free_text);
    err = deck_parse(text, bytes, path, out);
free_text:
    mem_free(text);
    return err;
}

static enum err remember(struct deck *d, const char *assignment)
{
    void *set = d->set;
    enum err err = mem_grow(&set, &d->set_capacity, d->sets + 1, sizeof *d->set,
                            "the list of --set");

    d->set = set;
    TRY(err);
    TRY(mem_string(assignment, &d->set[d->sets]));
    d->sets++;
    return OK;
}

/* A map of this key, whatever stood there. */
static enum err enter(struct node *map, const char *key, size_t bytes,
                      struct node **out)
{
    struct node **slot = tree_slot(map, key, bytes);

    if (*slot && (*slot)->kind != NODE_MAP) {
        struct node *old = *slot, *fresh;

        TRY(tree_node(NODE_MAP, key, bytes, &fresh));
        fresh->next = old->next;
        *slot = fresh;
        tree_free(old);
    } else if (!*slot)
        TRY(tree_node(NODE_MAP, key, bytes, slot));
    *out = *slot;
    return OK;
}

/* Hangs value under map at "section.key"; value is the tree's on OK. */
static enum err hang(struct node *map, const char *path, int set,
                     struct node *value)
{
    struct node **slot, *old;
    size_t bytes;

    for (;;) {
        bytes = strcspn(path, ".");
        if (path[bytes] == 0)
            break;
        TRY(enter(map, path, bytes, &map));
        if (map->line == 0)
            map->from_set = set;
        path += bytes + 1;
    }
    TRY(mem_string(path, &value->key));
    slot = tree_slot(map, path, bytes);
    old = *slot;
    value->next = old ? old->next : NULL;
    *slot = value;
    tree_free(old);
    return OK;
}

/* "section.key" of an assignment; 0: it is none. */
static int split_assignment(const char *assignment, char path[TREE_PATH])
{
    size_t n = strcspn(assignment, "=");
    int depth = 1;

    if (assignment[n] == 0 || n == 0 || n >= TREE_PATH)
        return 0;
    snprintf(path, TREE_PATH, "%.*s", (int)n, assignment);
    for (size_t i = 0; i < n; i++)
        if (path[i] == '.') {
            depth++;
            if (i == 0 || i + 1 == n || path[i + 1] == '.')
                return 0;
        }
    return depth < TREE_DEPTH;
}

enum err deck_set(struct deck *d, const char *assignment)
{
    char path[TREE_PATH];
    const char *text = strchr(assignment, '=');
    struct node *value = NULL;
    int before = d->mistakes;
    enum err err;

    TRY(remember(d, assignment));
    if (!split_assignment(assignment, path)) {
        struct node at = {.from_set = (int)d->sets};

        deck_mistake(d, &at,
                     "not an assignment (expected section.key=value); write "
                     "such as --set train.batch=16");
        return deck_result(d);
    }
    err = tree_build(d, text + 1, strlen(text + 1), (int)d->sets, path, &value);
    if (d->mistakes > before || err == ERR_DECK) {
        tree_free(value);
        return deck_result(d);
    }
    TRY(err);
    if (!value) { /* nothing behind the = */
        TRY(tree_node(NODE_SCALAR, NULL, 0, &value));
        TRY_GOTO(mem_string("", &value->text), free_value);
        value->from_set = (int)d->sets;
    }
    TRY_GOTO(hang(d->root, path, (int)d->sets, value), free_value);
    return OK;
free_value:
    tree_free(value);
    return err;
}
