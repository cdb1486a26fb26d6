/* SPDX-License-Identifier: MIT */
/* tree.c - libyaml's events to nodes. libyaml accepts keys that stand twice and
 * expands aliases only in its documents: so both are seen here, where the line
 * is known. Recursion is as deep as the deck, which is bounded.
 */
#include "deck/tree.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

enum { MOST_NODES = 10000 };

struct build {
    yaml_parser_t parser;
    struct deck *d;
    const char *text;
    size_t bytes;
    int set, nodes;
    char path[TREE_PATH]; /* "section.key" of the node at hand */
};

enum err tree_node(enum node_kind kind, const char *key, size_t bytes,
                   struct node **out)
{
    void *data, *copy = NULL;

    TRY(mem_alloc(1, sizeof **out, "a node of the deck", &data));
    if (key) {
        enum err err = mem_alloc(bytes + 1, 1, "a key of the deck", &copy);

        if (err) {
            mem_free(data);
            return err;
        }
        memcpy(copy, key, bytes);
    }
    *out = data;
    (*out)->kind = kind;
    (*out)->key = copy;
    return OK;
}

void tree_free(struct node *n)
{
    if (!n)
        return;
    while (n->child) {
        struct node *child = n->child;

        n->child = child->next;
        tree_free(child);
    }
    mem_free(n->key);
    mem_free(n->text);
    mem_free(n);
}

struct node **tree_slot(struct node *map, const char *key, size_t bytes)
{
    struct node **slot = &map->child;

    while (*slot && ((*slot)->key == NULL || strlen((*slot)->key) != bytes ||
                     memcmp((*slot)->key, key, bytes) != 0))
        slot = &(*slot)->next;
    return slot;
}

static struct node place(const struct build *b, yaml_mark_t m)
{
    return (struct node){.line = (int)m.line + 1,
                         .column = (int)m.column + 1,
                         .from_set = b->set};
}

static void mistake(struct build *b, yaml_mark_t m, const char *what)
{
    struct node at = place(b, m);

    deck_mistake(b->d, &at, "%s%s%s", b->path, *b->path ? ": " : "", what);
}

/* Line and column of a byte; columns count characters, as libyaml does. */
static yaml_mark_t mark_of(const struct build *b, size_t offset)
{
    yaml_mark_t m = {.line = 0};

    for (size_t i = 0; i < offset && i < b->bytes; i++)
        if (b->text[i] == '\n') {
            m.line++;
            m.column = 0;
        } else if (((unsigned char)b->text[i] & 0xc0) != 0x80)
            m.column++;
    return m;
}

/* libyaml says of a tab that it "cannot start any token". */
static int is_tab(const struct build *b, yaml_mark_t m)
{
    const char *s = b->text, *end = b->text + b->bytes;

    for (size_t line = 0; s && line < m.line; line++) {
        s = memchr(s, '\n', (size_t)(end - s));
        s = s ? s + 1 : NULL;
    }
    return s && m.column < (size_t)(end - s) && s[m.column] == '\t';
}

static enum err syntax(struct build *b)
{
    const yaml_parser_t *p = &b->parser;
    yaml_mark_t m = p->problem_mark;
    struct node at;

    if (p->error == YAML_MEMORY_ERROR)
        return err_set(ERR_ENVIRONMENT,
                       "memory: no room to read %s; free some or use a larger "
                       "node",
                       b->d->name);
    if (p->error == YAML_READER_ERROR)
        m = mark_of(b, p->problem_offset);
    at = place(b, m);
    if (is_tab(b, m))
        deck_mistake(b->d, &at,
                     "a tab in front of a key is not YAML (expected blanks, "
                     "found a tab); indent with blanks");
    else if (p->error == YAML_READER_ERROR)
        deck_mistake(b->d, &at,
                     "not text (expected UTF-8 without control characters, "
                     "found: %s); write the file as UTF-8",
                     p->problem);
    else
        deck_mistake(b->d, &at, "not YAML: %s%s%s; correct it here", p->problem,
                     p->context ? ", " : "", p->context ? p->context : "");
    return ERR_DECK;
}

static enum err next_event(struct build *b, yaml_event_t *e)
{
    return yaml_parser_parse(&b->parser, e) ? OK : syntax(b);
}

/* What an event of a node may not have; 1 when it had some. */
static int refuse(struct build *b, const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_ALIAS_EVENT)
        mistake(b, e->start_mark,
                "an alias is not for decks (expected a value, found *name); "
                "write the value itself");
    if (anchor)
        mistake(b, e->start_mark,
                "an anchor is not for decks (expected a value, found &name); "
                "take it out");
    else if (tag)
        mistake(b, e->start_mark,
                "a tag is not for decks (expected a value, found !tag); take "
                "it out");
    return anchor || tag || e->type == YAML_ALIAS_EVENT;
}

static enum err take_text(struct build *b, const yaml_event_t *e,
                          struct node *n)
{
    const char *value = "";
    size_t bytes = 0;
    void *text;

    if (e->type == YAML_SCALAR_EVENT) {
        value = (const char *)e->data.scalar.value;
        bytes = e->data.scalar.length;
        n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
    if (memchr(value, 0, bytes)) {
        mistake(b, e->start_mark,
                "a zero byte is not text (expected text, found \\0); take it "
                "out");
        n->broken = 1;
    }
    TRY(mem_alloc(bytes + 1, 1, "the text of a node", &text));
    memcpy(text, value, bytes);
    n->text = text;
    return OK;
}

static enum err value_of(struct build *b, yaml_event_t *e, int depth,
                         struct node **out);

/* The next event's node; the event is freed. */
static enum err next_value(struct build *b, int depth, struct node **out)
{
    yaml_event_t e;
    enum err err;

    TRY(next_event(b, &e));
    err = value_of(b, &e, depth, out);
    yaml_event_delete(&e);
    return err;
}

/* Takes a pair into the map, or says that its key stands there already. */
static void add_pair(struct build *b, struct node *map, struct node *value,
                     const struct node *key)
{
    struct node **slot = tree_slot(map, key->text, strlen(key->text));

    if (*slot) {
        deck_key_mistake(b->d, value,
                         "%s: stands twice (expected once, found it in line %d "
                         "too); take one out",
                         b->path, (*slot)->key_line);
        tree_free(value);
    } else
        *slot = value;
}

/* A key has been read; its value follows. */
static enum err pair(struct build *b, struct node *map, struct node *key,
                     int depth)
{
    size_t length = strlen(b->path);
    struct node *value;
    enum err err;

    if (key->kind == NODE_SCALAR)
        snprintf(b->path + length, sizeof b->path - length, "%s%s",
                 length ? "." : "", key->text);
    err = next_value(b, depth, &value);
    if (err == OK && (key->kind != NODE_SCALAR || key->broken))
        tree_free(value);
    else if (err == OK) {
        err = mem_string(key->text, &value->key);
        value->key_line = key->line;
        value->key_column = key->column;
        if (err == OK)
            add_pair(b, map, value, key);
        else
            tree_free(value);
    }
    b->path[length] = 0;
    return err;
}

static enum err fill_map(struct build *b, struct node *map, int depth)
{
    for (;;) {
        yaml_event_t e;
        struct node *key = NULL;
        enum err err;

        TRY(next_event(b, &e));
        if (e.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&e);
            return OK;
        }
        if (e.type == YAML_MAPPING_START_EVENT ||
            e.type == YAML_SEQUENCE_START_EVENT)
            mistake(b, e.start_mark,
                    "a key must be a word (expected a word, found a list or "
                    "more keys); give it a name");
        err = value_of(b, &e, depth, &key);
        yaml_event_delete(&e);
        if (err == OK)
            err = pair(b, map, key, depth);
        tree_free(key);
        if (err)
            return err;
    }
}

static enum err fill_list(struct build *b, struct node *list, int depth)
{
    struct node **end = &list->child;

    for (;;) {
        yaml_event_t e;
        enum err err;

        TRY(next_event(b, &e));
        if (e.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&e);
            return OK;
        }
        err = value_of(b, &e, depth, end);
        yaml_event_delete(&e);
        if (err)
            return err;
        end = &(*end)->next;
    }
}

static enum err too_much(struct build *b, yaml_mark_t m, const char *what,
                         int most)
{
    struct node at = place(b, m);

    deck_mistake(b->d, &at,
                 "too much for a deck (expected at most %d %s, found more); "
                 "shorten it",
                 most, what);
    return ERR_DECK;
}

static enum err value_of(struct build *b, yaml_event_t *e, int depth,
                         struct node **out)
{
    int map = e->type == YAML_MAPPING_START_EVENT;
    int list = e->type == YAML_SEQUENCE_START_EVENT;
    struct node *n, at = place(b, e->start_mark);
    enum err err;

    if (++b->nodes > MOST_NODES)
        return too_much(b, e->start_mark, "values", MOST_NODES);
    if ((map || list) && depth >= TREE_DEPTH)
        return too_much(b, e->start_mark, "levels", TREE_DEPTH);
    TRY(tree_node(map    ? NODE_MAP
                  : list ? NODE_LIST
                         : NODE_SCALAR,
                  NULL, 0, &n));
    n->line = at.line;
    n->column = at.column;
    n->from_set = at.from_set;
    n->broken = refuse(b, e) && !map && !list;
    err = map    ? fill_map(b, n, depth + 1)
          : list ? fill_list(b, n, depth + 1)
                 : take_text(b, e, n);
    if (err)
        tree_free(n);
    else
        *out = n;
    return err;
}

/* Between the start and the end of the stream. */
static enum err document(struct build *b, struct node **out)
{
    yaml_event_t e;
    int more;

    TRY(next_event(b, &e)); /* the document, or the end of the stream */
    more = e.type == YAML_DOCUMENT_START_EVENT;
    yaml_event_delete(&e);
    if (!more)
        return OK;
    TRY(next_value(b, 0, out));
    TRY(next_event(b, &e)); /* the end of the document */
    yaml_event_delete(&e);
    TRY(next_event(b, &e));
    if (e.type == YAML_DOCUMENT_START_EVENT)
        mistake(b, e.start_mark,
                "a second document (expected one, found more behind ---); "
                "take it out");
    yaml_event_delete(&e);
    return OK;
}

enum err tree_build(struct deck *d, const char *text, size_t bytes, int set,
                    const char *path, struct node **out)
{
    struct build b = {.d = d, .text = text, .bytes = bytes, .set = set};
    struct node *root = NULL;
    yaml_event_t e;
    enum err err;

    snprintf(b.path, sizeof b.path, "%s", path);
    if (bytes > TREE_BYTES)
        return too_much(&b, (yaml_mark_t){.line = 0}, "bytes", TREE_BYTES);
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        b.text += 3; /* a byte order mark */
        b.bytes -= 3;
    }
    if (!yaml_parser_initialize(&b.parser))
        return err_set(ERR_ENVIRONMENT,
                       "memory: no room to read %s; free some "
                       "or use a larger node",
                       d->name);
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)b.text,
                                 b.bytes);
    err = next_event(&b, &e);
    if (err == OK) {
        yaml_event_delete(&e);
        err = document(&b, &root);
    }
    yaml_parser_delete(&b.parser);
    if (err)
        tree_free(root);
    else
        *out = root;
    return err;
}
