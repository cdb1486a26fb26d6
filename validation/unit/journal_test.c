/* SPDX-License-Identifier: MIT */
/* journal_test.c - lines of a journal are whole; a resumed run's journal is
 * that of its checkpoint; a full disk is one warning.
 */
#include "config.h"

#include "run/journal.h"

#include "base/log.h"
#include "base/mem.h"
#include "run/journal_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char dir[32], path[64], text[1 << 16];

static void write_journal(const char *s, size_t bytes)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(s, 1, bytes, f), bytes);
    fclose(f);
}

static const char *read_journal(void)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return text;
}

static struct journal *opened(int64_t step)
{
    struct journal *j;

    if (journal_open(path, step, &j) != OK)
        fail_msg("not opened: %s", err_message());
    return j;
}

static void say_step(struct journal *j, int64_t step)
{
    json_int(journal_begin(j, "step"), "step", step);
    journal_end(j);
}

static void a_line_is_there_at_once(void **state)
{
    struct journal *j;
    char word[256];

    (void)state;
    unsetenv("SLURM_JOB_ID");
    setenv("PBS_JOBID", "77.server", 1);
    write_journal("an old one\n", 11);
    j = opened(-1);
    assert_string_equal(read_journal(), "");
    say_step(j, 1);
    read_journal();
    assert_int_equal(text[strlen(text) - 1], '\n');
    text[strlen(text) - 1] = 0;
    assert_true(journal_line_good(text));
    assert_true(journal_line_member(text, "event", word, sizeof word));
    assert_string_equal(word, "step");
    assert_true(journal_line_member(text, "job", word, sizeof word));
    assert_string_equal(word, "77.server");
    assert_true(journal_line_member(text, "time", word, sizeof word));
    assert_int_equal(strlen(word), strlen("2026-01-31T12:00:00.000Z"));
    assert_int_equal(word[10], 'T');
    journal_close(&j);
    unsetenv("PBS_JOBID");
}

static const char lived[] =
    "{\"event\":\"start\",\"time\":\"t0\",\"step\":0}\n"
    "{\"event\":\"step\",\"time\":\"t1\",\"step\":19}\n"
    "{\"event\": \"step\", \"time\": 1, \"step\": 20, \"loss\": 1.0}\n"
    "{\"event\":\"checkpoint\",\"time\":\"t2\",\"job\":\"4711\",\"step\":20}\n"
    "{\"event\":\"warning\",\"time\":\"t3\",\"text\":\"{\\\"step\\\": 99}\"}\n"
    "{\"event\": \"step\", \"time\": 1, \"step\": 21, \"a\": {\"step\": 3}}\n"
    "{\"event\":\"epoch\",\"time\":\"t4\",\"epoch\":2,\"step\":21}\n"
    "{\"event\":\"checkpoint\",\"time\":\"t5\",\"job\":\"8\",\"step\":21}\n"
    "{\"event\":\"done\",\"time\":\"t6\",\"test_mae\":1}\n"
    "{\"event\":\"stop\",\"time\":\"t7\",\"step\":21,\"exit\":10}\n";

static const char rest[] =
    "{\"event\":\"start\",\"time\":\"t0\",\"step\":0}\n"
    "{\"event\":\"step\",\"time\":\"t1\",\"step\":19}\n"
    "{\"event\": \"step\", \"time\": 1, \"step\": 20, \"loss\": 1.0}\n"
    "{\"event\":\"checkpoint\",\"time\":\"t2\",\"job\":\"4711\",\"step\":20}\n"
    "{\"event\":\"warning\",\"time\":\"t3\",\"text\":\"{\\\"step\\\": 99}\"}\n"
    "{\"event\":\"stop\",\"time\":\"t7\",\"step\":21,\"exit\":10}\n";

static void what_was_behind_the_checkpoint_goes(void **state)
{
    struct journal *j;

    (void)state;
    write_journal(lived, sizeof lived - 1);
    j = opened(20);
    assert_string_equal(read_journal(), rest);
    assert_string_equal(journal_checkpoint_time(j), "t2");
    assert_string_equal(journal_checkpoint_job(j), "4711");
    journal_close(&j);
    write_journal(lived, sizeof lived - 1);
    j = opened(21);
    assert_string_equal(read_journal(), lived);
    assert_string_equal(journal_checkpoint_job(j), "8");
    journal_close(&j);
    write_journal(lived, sizeof lived - 1);
    j = opened(19);
    assert_string_equal(journal_checkpoint_time(j), "unknown");
    journal_close(&j);
}

static void torn_and_odd_lines_go(void **state)
{
    static const char odd[] = "{\"event\":\"step\",\"step\":1}\n"
                              "not JSON\n"
                              "{\"event\":\"step\",\"step\":2\n"
                              "{\"event\":\"step\",\"step\":\0 3}\n"
                              "{\"no\":\"event\"}\n"
                              "\n"
                              "{\"event\":\"step\",\"step\":4}\n"
                              "{\"event\": \"step\", \"st";
    static char wide[3 * JSON_LINE];
    struct journal *j;
    FILE *f;

    (void)state;
    write_journal(odd, sizeof odd - 1);
    j = opened(9);
    assert_string_equal(read_journal(), "{\"event\":\"step\",\"step\":1}\n"
                                        "{\"event\":\"step\",\"step\":4}\n");
    journal_close(&j);
    memset(wide, 'x', sizeof wide - 1);
    f = fopen(path, "ab");
    fprintf(f, "{\"event\":\"step\",\"step\":5,\"a\":\"%s\"}\n", wide);
    fprintf(f, "{\"event\":\"step\",\"step\":6}\n");
    fclose(f);
    j = opened(9);
    assert_string_equal(read_journal(), "{\"event\":\"step\",\"step\":1}\n"
                                        "{\"event\":\"step\",\"step\":4}\n"
                                        "{\"event\":\"step\",\"step\":6}\n");
    journal_close(&j);
}

static void an_old_writer_writes_nowhere(void **state)
{
    struct journal *old, *now;

    (void)state;
    old = opened(-1);
    say_step(old, 1);
    now = opened(1);
    say_step(old, 2);
    say_step(now, 3);
    read_journal();
    assert_null(strstr(text, "\"step\": 2"));
    assert_non_null(strstr(text, "\"step\": 3"));
    journal_close(&old);
    journal_close(&now);
}

static void no_journal_is_an_empty_one(void **state)
{
    struct journal *j, *none = NULL;

    (void)state;
    j = opened(20);
    assert_string_equal(read_journal(), "");
    assert_string_equal(journal_checkpoint_time(j), "unknown");
    journal_close(&j);
    assert_null(journal_begin(NULL, "step"));
    journal_end(NULL);
    journal_close(&none);
    assert_string_equal(journal_checkpoint_job(NULL), "unknown");
}

static int warnings;

static void on_warning(void *self, const char *warning)
{
    struct json *j = journal_begin(self, "warning");

    warnings++;
    assert_non_null(strstr(warning, "journal.jsonl"));
    json_string(j, "text", warning);
    journal_end(self);
}

/* The limit falls into a line: what was written of it goes. */
static void a_full_disk_is_one_warning_and_whole_lines(void **state)
{
    struct rlimit was, little;
    struct journal *j;
    size_t n;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    j = opened(-1);
    say_step(j, 1);
    n = strlen(read_journal());
    warnings = 0;
    log_on_warning(on_warning, j);
    getrlimit(RLIMIT_FSIZE, &was);
    little = was;
    little.rlim_cur = (rlim_t)(n + n / 2);
    setrlimit(RLIMIT_FSIZE, &little);
    say_step(j, 2);
    say_step(j, 3);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(warnings, 1);
    assert_int_equal(strlen(read_journal()), n);
    say_step(j, 4);
    assert_non_null(strstr(read_journal(), "\"step\": 4"));
    assert_int_equal(strlen(text), 2 * n);
    log_on_warning(NULL, NULL);
    journal_close(&j);
}

static void a_line_too_long_is_dropped(void **state)
{
    static char wide[JSON_LINE];
    struct journal *j;

    (void)state;
    memset(wide, 'x', sizeof wide - 1);
    j = opened(-1);
    json_string(journal_begin(j, "warning"), "text", wide);
    journal_end(j);
    assert_string_equal(read_journal(), "");
    say_step(j, 1);
    assert_non_null(strstr(read_journal(), "\"step\": 1"));
    journal_close(&j);
}

static void a_folder_that_is_not_there(void **state)
{
    struct journal *j = NULL;

    (void)state;
    assert_int_equal(journal_open("/nowhere/at/all/journal.jsonl", -1, &j),
                     ERR_IO);
    assert_non_null(strstr(err_message(), "No such file"));
    assert_null(j);
}

static void members(void **state)
{
    static const char *const good[] = {
        "{\"a\":1}", "{ \"a\" : [1, {\"b\": \"}\"}], \"c\": \"\\\"\" } "};
    static const char *const bad[] = {
        "",    "{",           "{\"a\":1",    "{\"a\":}",  "{a:1}",
        "[1]", "{\"a\":\"1}", "{\"a\":1} x", "{\"a\":1,}"};
    char word[16];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(journal_line_good(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(journal_line_good(bad[i]));
    assert_true(journal_line_member(good[1], "c", word, sizeof word));
    assert_string_equal(word, "\\\"");
    assert_true(journal_line_member(good[0], "a", word, sizeof word));
    assert_string_equal(word, "1");
    assert_false(journal_line_member(good[1], "b", word, sizeof word));
    assert_false(journal_line_member(good[1], "a", word, 4));
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "journal_test_XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/journal.jsonl", dir);
    return 0;
}

static int teardown(void **state)
{
    char command[64];

    (void)state;
    /* nothing but the journal is left */
    unlink(path);
    snprintf(command, sizeof command, "rmdir %s", dir);
    return system(command) != 0 || mem_live() != 0;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_there_at_once),
        cmocka_unit_test(what_was_behind_the_checkpoint_goes),
        cmocka_unit_test(torn_and_odd_lines_go),
        cmocka_unit_test(an_old_writer_writes_nowhere),
        cmocka_unit_test(no_journal_is_an_empty_one),
        cmocka_unit_test(a_full_disk_is_one_warning_and_whole_lines),
        cmocka_unit_test(a_line_too_long_is_dropped),
        cmocka_unit_test(a_folder_that_is_not_there),
        cmocka_unit_test(members),
    };

    log_init(0, 1);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
