/* SPDX-License-Identifier: MIT */
/* params_test.c - decks to parameters and back: defaults, every kind of value,
 * mistakes, the round trip, what may change on resuming; inputs/all-keys.yaml
 * is what the table prints (params_test --all-keys > inputs/all-keys.yaml).
 */
#include "config.h"

#include "deck/params.h"

#include "base/mem.h"
#include "deck/params_parse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads a text with at most one --set; the deck is gone afterwards. */
static enum err read_text(const char *text, const char *set, int need_path,
                          struct params *out)
{
    struct deck *d = NULL;
    enum err err;

    TRY(deck_parse(text, strlen(text), "in/one.yaml", &d));
    err = set ? deck_set(d, set) : OK;
    if (err == OK)
        err = params_read(d, need_path, out);
    deck_close(&d);
    return err;
}

static struct params good(const char *text)
{
    struct params p;

    if (read_text(text, NULL, 0, &p))
        fail_msg("%s refused: %s", text, err_message());
    return p;
}

static void assert_refused(const char *text, const char *set, int need_path,
                           const char *says)
{
    struct params p;

    if (read_text(text, set, need_path, &p) != ERR_DECK)
        fail_msg("%s %s: not refused", text, set ? set : "");
    if (!strstr(err_message(), says))
        fail_msg("\"%s\" does not say \"%s\"", err_message(), says);
    if (strchr(err_message(), '\n'))
        fail_msg("\"%s\": more than one line", err_message());
}

static void assert_near(double found, double expected)
{
    if (!(found >= expected && found <= expected))
        fail_msg("%.17g, expected %.17g", found, expected);
}

static void defaults(void **state)
{
    struct params p = good("{}");

    (void)state;
    assert_string_equal(p.run.dir, "runs/one");
    assert_int_equal(p.run.cpu_isa, -1);
    assert_near(p.run.time_limit, -1);
    assert_int_equal(p.run.stop_after.unit, UNIT_NONE);
    assert_null(p.data.path);
    assert_int_equal(p.data.split, SPLIT_NVIDIA);
    assert_int_equal(p.data.targets, 1);
    assert_string_equal(p.data.target[0], "homo");
    assert_int_equal(p.model.layers, 7);
    assert_int_equal(p.model.hidden.degrees, 4);
    assert_int_equal(fiber_channels(&p.model.hidden), 128);
    assert_true(p.model.norm && p.model.layer_norm);
    assert_int_equal(p.model.sharing, SHARING_AUTO);
    assert_null(p.model.init_from);
    assert_int_equal(p.train.batch, 240);
    assert_near(p.train.lr, 2e-3);
    assert_near(p.train.beta2, 0.999);
    assert_near(p.train.eps, 1e-8);
    assert_near(p.train.min_lr, 2e-3 / 10);
    assert_near(p.train.clip_norm, 0);
    assert_near(p.train.ema, 0);
    assert_int_equal(p.compute.precision, PRECISION_FP32);
    assert_near(p.compute.tolerance, 1e-4);
    assert_int_equal(p.checkpoint.every.unit, UNIT_SECONDS);
    assert_near(p.checkpoint.every.amount, 600);
    assert_int_equal(p.log.evaluate.unit, UNIT_EPOCHS);
    params_fini(&p);
    p = good("train: {optimizer: {name: lamb, lr: 0.5}}\nmodel:\n");
    assert_near(p.train.eps, 1e-6);
    assert_near(p.train.min_lr, 0.05);
    params_fini(&p);
}

static void values_of_all_kinds(void **state)
{
    struct params p = good(
        "run: {dir: $SE3T_TEST_DIR/a, seed: 9223372036854775807, time_limit: "
        "None, cpu_isa: amx, deterministic: any_ranks}\n"
        "data: {split: {train: 0.7, validation: 0.3}, target: [a, 'true'], "
        "path: ~/x}\n"
        "model: {degrees: 2, channels: [16, 8], heads: 4, norm: False, "
        "pooling: avg, sharing: null, init_from: \"none\"}\n"
        "train: {clip_norm: 1, ema: .5, on_nonfinite: skip, schedule: "
        "{warmup: 5 steps, min_lr: 0}}\n");

    (void)state;
    assert_string_equal(p.run.dir, "/tmp/a");
    assert_true(p.run.seed == INT64_MAX);
    assert_true(isinf(p.run.time_limit));
    assert_int_equal(p.run.cpu_isa, 4);
    assert_int_equal(p.run.any_ranks, 1);
    assert_string_equal(p.data.path, "/home/t/x");
    assert_int_equal(p.data.split, SPLIT_FRACTIONS);
    assert_near(p.data.train + p.data.validation, 0.7 + 0.3);
    assert_string_equal(p.data.target[1], "true");
    assert_int_equal(p.model.hidden.channels[1], 8);
    assert_int_equal(p.model.sharing, SHARING_NONE);
    assert_string_equal(p.model.init_from, "none"); /* in quotes: a file */
    assert_int_equal(p.train.skip_nonfinite, 1);
    assert_near(p.train.ema, 0.5);
    assert_near(p.train.min_lr, 0);
    assert_int_equal(p.train.warmup.unit, UNIT_STEPS);
    params_fini(&p);
    assert_string_equal(params_word("run.cpu_isa", 3), "avx512_bf16");
    assert_string_equal(params_word("compute.precision", PRECISION_BF16),
                        "bf16");
    assert_string_equal(params_word("model.norm", 7), "unknown");
}

static void intervals(void **state)
{
    static const struct {
        const char *text;
        enum unit unit;
        double amount;
    } cases[] = {
        {"90 s", UNIT_SECONDS, 90},
        {"1.5 h", UNIT_SECONDS, 5400},
        {"11h30m", UNIT_SECONDS, 41400},
        {"1 h 30 min", UNIT_SECONDS, 5400},
        {"2d", UNIT_SECONDS, 172800},
        {"11:30:00", UNIT_SECONDS, 41400},
        {"100:00:01", UNIT_SECONDS, 360001},
        {"1-12:00:00", UNIT_SECONDS, 129600},
        {"200 steps", UNIT_STEPS, 200},
        {"1 steps", UNIT_STEPS, 1},
        {"1e3 steps", UNIT_STEPS, 1000},
        {"2 epochs", UNIT_EPOCHS, 2},
        {"1epoch", UNIT_EPOCHS, 1},
    };
    static const char *const refused[] = {
        "",          "10",          "0 s",        "-5 min",    "00:00:00",
        "11:30",     "11:60:00",    "1-24:00:00", "1:2:3",     "11:30:000",
        "30m11h",    "1 h 1 h",     "2.5 steps",  "1 h steps", "1 h 2 steps",
        "3 steps 4", "1 fortnight", "h",          "1e400 s",   "2e9 steps",
        "012 s",     "0x10 s",      "1,5 h",      "-1:00:00",  "1--1:00:00",
        "1 h, 2 s",  "1 m 1 min",   "nan s",      "1 S",       ":::",
    };
    struct interval i;

    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        if (!params_parse_interval(cases[k].text, &i))
            fail_msg("%s refused", cases[k].text);
        assert_int_equal(i.unit, cases[k].unit);
        assert_near(i.amount, cases[k].amount);
    }
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++)
        if (params_parse_interval(refused[k], &i))
            fail_msg("%s taken", refused[k]);
}

static void mistakes(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"model: {chanels: 8}", "in/one.yaml:1:9: model.chanels: no such key; "
                                "did you mean model.channels?"},
        {"modell: {}", "1:1: modell: no such key; did you mean model?"},
        {"batch: 8", "batch: no such key; did you mean train.batch?"},
        {"zebra: 8", "zebra: no such key (expected one of run, data, model, "
                     "train, compute, checkpoint, log)"},
        {"train: {optimizer: {lrr: 1}}", "did you mean train.optimizer.lr?"},
        {"model: 7", "1:8: model: not a section"},
        {"model: [1]", "model: not a section"},
        {"train: {optimizer: sgd}", "train.optimizer: not a section"},
        {"model: {pooling: maximum}", "expected max or avg, found maximum"},
        {"run: {device: gpu}", "did you mean cuda?"},
        {"model: {norm: yes}", "(expected true or false, found yes); write "
                               "true"},
        {"model: {norm: 'true'}", "model.norm: neither true nor false"},
        {"model: {layers: 0}", "from 1 to 1000, found 0"},
        {"model: {layers: '2'}", "found \"2\"); take the quotes away"},
        {"model: {layers: 2.0}", "not a whole number"},
        {"train: {batch: 012}", "found 012"},
        {"train: {batch: 1_6}", "found 1_6"},
        {"train: {batch: null}", "found null"},
        {"train: {batch: }", "found nothing"},
        {"train: {batch: 2147483648}", "train.batch: out of range"},
        {"train: {epochs: 99999999999999999999}", "train.epochs: too large"},
        {"train: {optimizer: {lr: 0}}", "a number above 0, found 0"},
        {"train: {optimizer: {lr: 1d-3}}", "lr: not a number"},
        {"train: {optimizer: {lr: 01.5}}", "lr: not a number"},
        {"train: {optimizer: {lr: .nan}}", "lr: not a number"},
        {"train: {optimizer: {eps: -1}}", "eps: out of range"},
        {"train: {optimizer: {betas: [0.9]}}", "betas: not two numbers"},
        {"train: {optimizer: {betas: [0.9, 1]}}",
         "1:34: train.optimizer.betas"},
        {"train: {schedule: {min_lr: 1}}", "min_lr: above the rate"},
        {"train: {schedule: {warmup: 5 min}}", "warmup: not an interval"},
        {"train: {ema: 1}", "train.ema: out of range"},
        {"checkpoint: {every: 10}", "give it a unit"},
        {"checkpoint: {every: none}", "checkpoint.every: not an interval"},
        {"run: {time_limit: 90 steps}", "run.time_limit: not a time"},
        {"run: {seed: -1}", "run.seed: out of range"},
        {"run: {dir: ''}", "run.dir: not a path"},
        {"run: {dir: $SE3T_TEST_UNSET/a}", "SE3T_TEST_UNSET is not set"},
        {"run: {dir: ~other/a}", "~ of other users"},
        {"run: {dir: $}", "no name of a variable"},
        {"run: {dir: \"a\\tb\"}", "no text"},
        {"data: {target: []}", "data.target: an empty list"},
        {"data: {target: [a, b, a]}", "1:23: data.target: stands twice"},
        {"data: {target: null}", "data.target: not a name"},
        {"data: {split: {train: 0.8}}", "data.split.validation: missing"},
        {"data: {split: {train: 0.8, validation: 0}}",
         "data.split.validation: out of range"},
        {"data: {split: {train: 0.8, validation: 0.1, test: 0.1}}",
         "1:45: data.split.test: no such key"},
        {"data: {split: {train: 0.8, validation: 0.4}}", "found 1.2"},
        {"model: {channels: 10, channels_div: 4}",
         "1:19: model.channels: channels_div does not divide"},
        {"model: {heads: 3}", "1:16: model.heads: do not divide"},
        {"model: {degrees: 2, channels: [32, 24]}",
         "degree 1 (expected a divisor of 12, found 8)"},
        {"model: {degrees: 3, channels: [8, 8]}",
         "expected 3 numbers, found 2"},
        {"model: {degrees: 5, channels: [8, 8, 8, 8, 8, 8, 8, 8, 8, 8]}",
         "too many degrees"},
        {"model: {channels: [], degrees: 2}", "an empty list"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, NULL, 0, cases[i].says);
    assert_refused("{}", "train.bach=3", 0,
                   "--set train.bach=3: train.bach: no such key; did you mean "
                   "train.batch?");
    assert_refused("{}", "train.batch=few", 0,
                   "--set train.batch=few: train.batch: not a whole number");
    assert_refused("{}", "trian.batch=3", 0, "did you mean train?");
}

/* A mistake in one key does not hide or bring forth others. */
static void all_mistakes_at_once(void **state)
{
    struct deck *d = NULL;
    struct params p;
    const char *text = "model:\n  layers: two\n  heads: x\n  channels: *c\n"
                       "train:\n  batch: 0\nlog:\n  evry: 5 steps\n"
                       "data:\n  split: {train: 2, validation: -1, x: 1}\n";

    (void)state;
    assert_int_equal(deck_parse(text, strlen(text), "d.yaml", &d), OK);
    assert_int_equal(params_read(d, 1, &p), ERR_DECK);
    assert_int_equal(d->mistakes, 9);
    assert_non_null(strstr(err_message(), "d.yaml:2:11: model.layers"));
    assert_non_null(strstr(err_message(), "d.yaml:3:10: model.heads"));
    assert_non_null(
        strstr(err_message(), "d.yaml:4:13: model.channels: an al"));
    assert_non_null(strstr(err_message(), "d.yaml:6:10: train.batch"));
    assert_non_null(strstr(err_message(), "d.yaml:8:3: log.evry"));
    assert_non_null(strstr(err_message(), "d.yaml:9:1: data.path: missing"));
    assert_non_null(strstr(err_message(), "d.yaml:10:18: data.split.train"));
    assert_null(params_node(d, "run.dir"));
    assert_int_equal(params_node(d, "data.split.x")->column, 40);
    deck_close(&d);
}

static void paths_must_be_there(void **state)
{
    struct params p;

    (void)state;
    assert_refused("{}", NULL, 1, "in/one.yaml:1:1: data.path: missing");
    assert_refused("data: {path: no-such}", NULL, 1,
                   "1:14: data.path: not there (expected a path, found "
                   "no-such)");
    assert_refused("data: {path: ., split: no-such.csv}", NULL, 1,
                   "data.split: not there");
    assert_refused("data: {path: .}\nmodel: {init_from: no-such.h5}", NULL, 1,
                   "2:20: model.init_from: not there");
    assert_refused("{}", "data.split=no-such.csv", 0, "data.split: not there");
    p = good("data: {path: no-such, split: no-such.csv}");
    assert_int_equal(p.data.split, SPLIT_FILE);
    params_fini(&p);
    assert_int_equal(read_text("data: {path: .}", NULL, 1, &p), OK);
    params_fini(&p);
}

static const char *const rich[] = {
    "{}",
    "run: {dir: \"a \\\"b\\\" \\\\ \\u00e4\\U0001F600\", time_limit: 1.1 s, "
    "stop_after: 1e-7 h, seed: 12345678901234567}\n"
    "data: {path: '~', split: \"x: y\", target: [\"no\", 'a b', U0, '1']}\n"
    "model: {degrees: 3, channels: [16, 8, 16], init_from: \"auto\", heads: "
    "2}\n"
    "train: {optimizer: {name: sgd, lr: 0.1234567890123456789, momentum: 0, "
    "weight_decay: -0, eps: 1e-300}, clip_norm: 3, ema: 0.999, schedule: "
    "{warmup: 2 epochs, name: constant}}\n",
    "data: {split: {train: 0.333333333333333333, validation: 0.1}, target: "
    "None1}\nrun: {time_limit: none, dir: ./$x}\n",
};
enum { RICH = sizeof rich / sizeof *rich };

static char *written(const struct params *p)
{
    char *text = NULL;

    assert_int_equal(params_write(p, &text), OK);
    return text;
}

static void written_reads_back_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < RICH; i++) {
        struct params p = good(rich[i]), q;
        char *once = written(&p), *twice, *applied = NULL;

        q = good(once);
        twice = written(&q);
        assert_string_equal(once, twice);
        assert_string_equal(p.run.dir, q.run.dir);
        assert_int_equal(!p.data.path, !q.data.path);
        if (p.data.split_file)
            assert_string_equal(p.data.split_file, q.data.split_file);
        assert_memory_equal(p.data.target, q.data.target,
                            (size_t)p.data.targets * PARAMS_NAME);
        assert_memory_equal(&p.model.hidden, &q.model.hidden,
                            sizeof p.model.hidden);
        assert_near(q.run.time_limit, p.run.time_limit);
        assert_near(q.run.stop_after.amount, p.run.stop_after.amount);
        assert_near(q.train.lr, p.train.lr);
        assert_near(q.train.min_lr, p.train.min_lr);
        assert_near(q.train.eps, p.train.eps);
        assert_true(q.run.seed == p.run.seed);
        assert_int_equal(params_compare(&p, &q, &applied), OK);
        assert_string_equal(applied, "");
        for (const char *s = once; *s; s++)
            assert_true(*s == '\n' || (*s >= ' ' && *s < 0x7f));
        mem_free(applied);
        mem_free(once);
        mem_free(twice);
        params_fini(&p);
        params_fini(&q);
    }
}

static char *portable(const struct params *p, const char *split,
                      const char *init)
{
    char *text = NULL;

    assert_int_equal(params_write_portable(p, split, init, &text), OK);
    return text;
}

/* Neither places nor machines stand in it, and it is its own portable deck. */
static void portable_decks_know_no_place(void **state)
{
    struct params p = good("run: {dir: a, device: cpu, seed: 3}\ndata: {path: "
                           "b, split: c.csv}\nmodel: {init_from: d.h5}");
    struct params q = good("run: {dir: x, cpu_isa: ref, seed: 3}\ndata: {path: "
                           "y, split: z}\nmodel: {init_from: w}");
    char *a = portable(&p, "aa11", "bb22"), *b = portable(&q, "aa11", "bb22");
    char *c = portable(&q, "aa12", "bb22"), *again;
    struct params back = good(a);

    (void)state;
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_non_null(
        strstr(a, "run:\n  seed: 3\n  deterministic: same_ranks\n"));
    assert_non_null(strstr(a, "split: \"aa11\"\n"));
    assert_non_null(strstr(a, "init_from: \"bb22\"\n"));
    assert_null(strstr(a, "path:"));
    assert_null(strstr(a, "device:"));
    assert_int_equal(back.data.split, SPLIT_FILE);
    again = portable(&back, "", "");
    assert_string_equal(a, again);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(again);
    params_fini(&back);
    params_fini(&p);
    params_fini(&q);
}

static void resuming(void **state)
{
    static const char base[] = "data: {split: t110k}";
    static const struct {
        const char *set, *applied; /* NULL: refused */
    } cases[] = {
        {"run.dir=x", ""},
        {"run.device=cpu", ""},
        {"data.path=.", ""},
        {"train.epochs=200", ""},
        {"train.accumulate=2", ""},
        {"compute.precision=fp64", ""},
        {"log.every=1 steps", ""},
        {"checkpoint.keep=9", ""},
        {"train.clip_norm=1", "train.clip_norm from none to 1"},
        {"train.on_nonfinite=skip", "train.on_nonfinite from stop to skip"},
        {"train.optimizer.lr=0.02",
         "train.optimizer.lr from 0.002 to 0.02, train.schedule.min_lr from "
         "0.0002 to 0.002"},
        {"train.optimizer.betas=[0, 0.5]",
         "train.optimizer.betas from [0.9, 0.999] to [0, 0.5]"},
        {"train.schedule.name=constant",
         "train.schedule.name from cosine to constant"},
        {"train.optimizer.momentum=0.5", NULL},
        {"train.optimizer.name=sgd", NULL},
        {"run.seed=1", NULL},
        {"run.deterministic=any_ranks", NULL},
        {"train.batch=16", NULL},
        {"train.parts=3", NULL},
        {"train.loss=l2", NULL},
        {"train.ema=0.9", NULL},
        {"model.layers=2", NULL},
        {"data.target=lumo", NULL},
        {"data.split=nvidia", NULL},
    };
    struct params was = good(base), now;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *applied = NULL;
        enum err err;

        assert_int_equal(read_text(base, cases[i].set, 0, &now), OK);
        err = params_compare(&was, &now, &applied);
        assert_int_equal(err, cases[i].applied ? OK : ERR_DECK);
        if (err == OK)
            assert_string_equal(applied, cases[i].applied);
        else {
            size_t n = strcspn(cases[i].set, "=");

            assert_memory_equal(err_message(), cases[i].set, n);
            assert_ptr_equal(strstr(err_message(), ": may not change"),
                             err_message() + n);
            assert_non_null(
                strstr(err_message(), strchr(cases[i].set, '=') + 1));
        }
        mem_free(applied);
        params_fini(&now);
    }
    params_fini(&was);
}

/* All of a file, after the end a zero; NULL: cannot be read. */
static char *content(FILE *f)
{
    enum { MOST = 1 << 16 };
    static char text[2][MOST];
    static int which;
    char *out = text[which ^= 1];

    if (!f)
        return NULL;
    rewind(f);
    out[fread(out, 1, MOST - 1, f)] = 0;
    fclose(f);
    return out;
}

static void all_keys_is_the_file(void **state)
{
    const char *folder = getenv("srcdir");
    char path[4096];
    const char *file, *printed;
    FILE *out = tmpfile();
    struct params p, d = good("{}");
    char *a, *b;

    (void)state;
    snprintf(path, sizeof path, "%s/inputs/all-keys.yaml",
             folder ? folder : ".");
    file = content(fopen(path, "r"));
    assert_non_null(out);
    params_print_all_keys(out);
    printed = content(out);
    if (!file || strcmp(file, printed) != 0)
        fail_msg("%s differs; params_test --all-keys prints it anew", path);
    p = good(printed); /* and it is a deck: the defaults */
    params_fini(&p);
    assert_int_equal(read_text(printed, "data={}", 0, &p), OK);
    a = written(&p);
    b = written(&d);
    assert_string_equal(a, b);
    mem_free(a);
    mem_free(b);
    params_fini(&p);
    params_fini(&d);
}

/* One row a key, five cells each, whatever the texts hold. */
static void reference_is_a_table(void **state)
{
    FILE *out = tmpfile();
    int rows = 0, bars = 0;
    const char *text;

    (void)state;
    assert_non_null(out);
    params_print_reference(out);
    text = content(out);
    for (int i = 0; i < PARAMS_KEYS; i++) {
        char start[80];

        snprintf(start, sizeof start, "\n| `%s` | ", params_keys[i].name);
        rows += strstr(text, start) != NULL;
    }
    assert_int_equal(rows, PARAMS_KEYS);
    for (const char *s = text; *s; s++) {
        bars += *s == '|';
        if (*s == '\n') {
            assert_true(bars == 0 || bars == 6);
            bars = 0;
        }
    }
}

static int no_leak(void **state)
{
    (void)state;
    return mem_live();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(defaults, no_leak),
        cmocka_unit_test_teardown(values_of_all_kinds, no_leak),
        cmocka_unit_test_teardown(intervals, no_leak),
        cmocka_unit_test_teardown(mistakes, no_leak),
        cmocka_unit_test_teardown(all_mistakes_at_once, no_leak),
        cmocka_unit_test_teardown(paths_must_be_there, no_leak),
        cmocka_unit_test_teardown(written_reads_back_the_same, no_leak),
        cmocka_unit_test_teardown(portable_decks_know_no_place, no_leak),
        cmocka_unit_test_teardown(resuming, no_leak),
        cmocka_unit_test_teardown(all_keys_is_the_file, no_leak),
        cmocka_unit_test_teardown(reference_is_a_table, no_leak),
    };

    if (argc > 1 && strcmp(argv[1], "--all-keys") == 0) {
        params_print_all_keys(stdout);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--reference") == 0) {
        params_print_reference(stdout);
        return 0;
    }
    setenv("HOME", "/home/t", 1);
    setenv("SE3T_TEST_DIR", "/tmp", 1);
    unsetenv("SE3T_TEST_UNSET");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
