/* SPDX-License-Identifier: MIT */
/* deck_test.c - the tree and its places, what is refused and where, --set, the
 * list of mistakes, the nearest word.
 */
#include "deck/deck.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct deck *parse(const char *text)
{
    struct deck *d = NULL;

    if (deck_parse(text, strlen(text), "d.yaml", &d))
        fail_msg("refused: %s", err_message());
    return d;
}

static void assert_says(const char *part)
{
    if (!strstr(err_message(), part))
        fail_msg("\"%s\" does not say \"%s\"", err_message(), part);
}

static const char *text_at(const struct deck *d, const char *a, const char *b)
{
    const struct node *n = deck_child(d->root, a);

    n = n && b ? deck_child(n, b) : n;
    return n && n->text ? n->text : "none such";
}

static void nodes_know_their_places(void **state)
{
    struct deck *d = parse("\xef\xbb\xbf# c\r\nrun:\r\n  dir: 'a b'\r\nx: {y: "
                           "[1, two]}\r\nempty:\r\n");
    const struct node *dir = deck_child(deck_child(d->root, "run"), "dir");
    const struct node *y = deck_child(deck_child(d->root, "x"), "y");
    const struct node *empty = deck_child(d->root, "empty");

    (void)state;
    assert_int_equal(dir->kind, NODE_SCALAR);
    assert_string_equal(dir->text, "a b");
    assert_true(dir->quoted);
    assert_int_equal(dir->line, 3);
    assert_int_equal(dir->column, 8);
    assert_int_equal(dir->key_line, 3);
    assert_int_equal(dir->key_column, 3);
    assert_int_equal(y->kind, NODE_LIST);
    assert_string_equal(y->child->next->text, "two");
    assert_int_equal(y->child->next->column, 12);
    assert_false(y->child->quoted);
    assert_string_equal(empty->text, "");
    assert_int_equal(empty->column, 7);
    assert_null(deck_child(d->root, "no"));
    assert_int_equal(deck_result(d), OK);
    deck_close(&d);
    assert_null(d);
}

/* Text that gives no tree: ERR_DECK at once, with its place. */
static void useless_text_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "d.yaml:1:1: an empty deck"},
        {"# only a comment\n", "d.yaml:1:1: an empty deck"},
        {"- run\n- data\n", "d.yaml:1:1: not a deck"},
        {"seven\n", "found a single value"},
        {"a:\n\tb: 2\n", "d.yaml:2:1: a tab"},
        {"a: 1\nb: [8, 8\n", "d.yaml:3:1: not YAML"},
        {"a: 1\nb: \xff\n", "d.yaml:2:4: not text (expected UTF-8"},
        {"a: \x01\n", "d.yaml:1:4: not text"},
        {"a: !no!tag 3\n", "d.yaml:1:4: not YAML"},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "at most 16 levels"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct deck *d = NULL;

        assert_int_equal(
            deck_parse(cases[i].text, strlen(cases[i].text), "d.yaml", &d),
            ERR_DECK);
        assert_null(d);
        assert_says(cases[i].says);
        assert_null(strchr(err_message(), '\n'));
    }
}

static void sizes_are_bounded(void **state)
{
    size_t bytes = (1 << 20) + 1;
    char *text = malloc(bytes);
    struct deck *d = NULL;

    (void)state;
    memset(text, ' ', bytes);
    assert_int_equal(deck_parse(text, bytes, "d.yaml", &d), ERR_DECK);
    assert_says("1048576 bytes");
    memcpy(text, "a: [", 4);
    for (size_t i = 4; i + 2 < bytes; i += 2)
        memcpy(text + i, "1,", 2);
    assert_int_equal(deck_parse(text, bytes - 1, "d.yaml", &d), ERR_DECK);
    assert_says("10000 values");
    memcpy(text, "a: ", 3);
    memset(text + 3, 'x', bytes - 4);
    assert_int_equal(deck_parse(text, bytes - 1, "d.yaml", &d), OK);
    assert_int_equal(strlen(text_at(d, "a", NULL)), bytes - 4);
    deck_close(&d);
    free(text);
}

/* What leaves a tree is recorded, each once, and all of it said. */
static void mistakes_are_collected(void **state)
{
    struct deck *d = parse("m:\n  a: 1\n  a: 2\nb: &x 3\nc: *x\nd: !!int 4\n"
                           "? [k]\n: 5\nm: {}\ne: \"\\0\"\n---\nf: 6\n");

    (void)state;
    assert_int_equal(deck_result(d), ERR_DECK);
    assert_says("d.yaml:3:3: m.a: stands twice (expected once, found it in "
                "line 2 too)");
    assert_says("d.yaml:4:4: b: an anchor");
    assert_says("d.yaml:5:4: c: an alias");
    assert_says("d.yaml:6:4: d: a tag");
    assert_says("d.yaml:7:3: a key must be a word");
    assert_says("d.yaml:9:1: m: stands twice");
    assert_says("d.yaml:10:4: e: a zero byte");
    assert_says("d.yaml:11:1: a second document");
    assert_int_equal(d->mistakes, 8);
    assert_string_equal(text_at(d, "m", "a"), "1");
    assert_true(deck_child(d->root, "c")->broken);
    assert_string_equal(text_at(d, "f", NULL), "none such");
    deck_mistake(d, deck_child(d->root, "d"), "d: x\ny");
    deck_mistake(d, deck_child(d->root, "d"), "d: x\ny");
    deck_key_mistake(d, deck_child(d->root, "d"), "d: at the key");
    deck_mistake(d, NULL, "of the whole");
    assert_int_equal(d->mistakes, 11);
    deck_result(d);
    assert_says("d.yaml:6:4: d: x?y\n");
    assert_says("d.yaml:6:1: d: at the key\n");
    assert_says("d.yaml: of the whole");
    deck_close(&d);
}

/* More than a message holds: whole lines, then how many more. */
static void mistakes_beyond_the_message_are_counted(void **state)
{
    struct deck *d = parse("a: 1\n");
    int lines = 0, more = 0;
    const char *last;

    (void)state;
    for (int i = 0; i < 1000; i++)
        deck_mistake(d, d->root, "mistake %d of a deck that has no end", i);
    assert_int_equal(d->mistakes, 1000);
    assert_int_equal(deck_result(d), ERR_DECK);
    for (const char *s = strchr(err_message(), '\n'); s;
         s = strchr(s + 1, '\n'))
        lines++;
    last = strrchr(err_message(), '\n') + 1;
    assert_ptr_equal(strstr(last, "d.yaml: "), last);
    more = (int)strtol(last + strlen("d.yaml: "), NULL, 10);
    assert_int_equal(lines + more, 1000);
    assert_true(lines > 20);
    deck_close(&d);
}

static void set_replaces_and_makes(void **state)
{
    struct deck *d = parse("train: {batch: 8, optimizer: {name: lamb}}\nx: 1\n"
                           "y: 2\n");

    (void)state;
    assert_int_equal(deck_set(d, "train.batch=16"), OK);
    assert_string_equal(text_at(d, "train", "batch"), "16");
    assert_int_equal(
        deck_child(deck_child(d->root, "train"), "batch")->from_set, 1);
    assert_int_equal(deck_set(d, "train.optimizer={name: sgd, lr: 1e-3}"), OK);
    assert_int_equal(deck_set(d, "train.optimizer.lr=2e-3"), OK);
    {
        const struct node *o =
            deck_child(deck_child(d->root, "train"), "optimizer");

        assert_string_equal(deck_child(o, "name")->text, "sgd");
        assert_string_equal(deck_child(o, "lr")->text, "2e-3");
        assert_null(o->child->next->next);
    }
    assert_int_equal(deck_set(d, "a.b.c=[1, 2]"), OK);
    assert_int_equal(
        deck_child(deck_child(deck_child(d->root, "a"), "b"), "c")->kind,
        NODE_LIST);
    assert_int_equal(deck_set(d, "x.z=3"), OK); /* x was no map */
    assert_string_equal(text_at(d, "x", "z"), "3");
    assert_string_equal(text_at(d, "y", NULL), "2");
    assert_int_equal(deck_set(d, "y="), OK);
    assert_string_equal(text_at(d, "y", NULL), "");
    assert_int_equal(deck_set(d, "y=a=b"), OK);
    assert_string_equal(text_at(d, "y", NULL), "a=b");
    deck_mistake(d, deck_child(d->root, "y"), "y: wrong");
    assert_int_equal(deck_result(d), ERR_DECK);
    assert_says("--set y=a=b: y: wrong");
    deck_close(&d);
}

static void set_says_its_mistakes(void **state)
{
    static const struct {
        const char *set, *says;
    } cases[] = {
        {"train.batch", "--set train.batch: not an assignment"},
        {"=3", "--set =3: not an assignment"},
        {".a=3", "not an assignment"},
        {"a..b=3", "not an assignment"},
        {"a.=3", "not an assignment"},
        {"a=[1", "--set a=[1: not YAML"},
        {"a=*b", "--set a=*b: a: an alias"},
        {"a={b: 1, b: 2}", "a.b: stands twice"},
        {"a=\xff", "not text"},
        {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=3", "not an assignment"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct deck *d = parse("a: 1\n");

        assert_int_equal(deck_set(d, cases[i].set), ERR_DECK);
        assert_says(cases[i].says);
        assert_string_equal(text_at(d, "a", NULL), "1");
        deck_close(&d);
    }
}

static void nearest_word(void **state)
{
    static const char *const words[] = {"batch", "train", "--quiet",
                                        "xyz",   "betas", "Homo"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"bach", "batch"},    {"trian", "train"}, {"--quite", "--quiet"},
        {"xzy", "xyz"},       {"BATCH", "batch"}, {"hommo", "Homo"},
        {"zebra", NULL},      {"", NULL},         {"q", NULL},
        {"batches", "batch"}, {"b", NULL}};
    char longer[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = deck_nearest(cases[i].word, 6, words);

        if (cases[i].nearest) {
            assert_non_null(found);
            assert_string_equal(found, cases[i].nearest);
        } else
            assert_null(found);
    }
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_null(deck_nearest(longer, 6, words));
}

static void files(void **state)
{
    const char *path = "deck_test.yaml.tmp";
    FILE *f = fopen(path, "w");
    struct deck *d = NULL;

    (void)state;
    assert_non_null(f);
    fputs("a: 1\n", f);
    fclose(f);
    assert_int_equal(deck_open(path, &d), OK);
    assert_string_equal(d->name, path);
    assert_string_equal(text_at(d, "a", NULL), "1");
    deck_close(&d);
    remove(path);
    assert_int_equal(deck_open(path, &d), ERR_DECK);
    assert_says("deck_test.yaml.tmp: the deck cannot be read (No such file");
    assert_int_equal(deck_open(".", &d), ERR_DECK);
    assert_says(".: the deck cannot be read (");
    deck_close(&d); /* NULL is fine */
}

static int no_leak(void **state)
{
    (void)state;
    return mem_live();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nodes_know_their_places, no_leak),
        cmocka_unit_test_teardown(useless_text_is_refused, no_leak),
        cmocka_unit_test_teardown(sizes_are_bounded, no_leak),
        cmocka_unit_test_teardown(mistakes_are_collected, no_leak),
        cmocka_unit_test_teardown(mistakes_beyond_the_message_are_counted,
                                  no_leak),
        cmocka_unit_test_teardown(set_replaces_and_makes, no_leak),
        cmocka_unit_test_teardown(set_says_its_mistakes, no_leak),
        cmocka_unit_test_teardown(nearest_word, no_leak),
        cmocka_unit_test_teardown(files, no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
