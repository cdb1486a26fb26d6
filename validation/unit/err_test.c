/* SPDX-License-Identifier: MIT */
/* err_test.c - a message is one line whatever is quoted in it, unless it was
 * made of lines; so is a line of the log.
 */
#include "base/err.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char name[] = "a\nse3t: error: b\x1b[31m\r\x7f.xyz";
static const char clean[] = "a?se3t: error: b?[31m??.xyz";

static void a_message_is_one_line(void **state)
{
    (void)state;
    assert_int_equal(err_set(ERR_DATA, "%s", name), ERR_DATA);
    assert_string_equal(err_message(), clean);
    err_set(ERR_DATA, "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(err_message(), "gr\xc3\xbc\xc3\x9f");
}

static void lines_stay_lines(void **state)
{
    (void)state;
    assert_int_equal(err_set_lines(ERR_DECK, "%s", "a\nb"), ERR_DECK);
    assert_string_equal(err_message(), "a\nb");
}

static void a_line_of_the_log_is_one(void **state)
{
    static const char path[] = "err_test_log.txt";
    char line[256], more[8];
    FILE *f;

    (void)state;
    log_init(0, 1);
    assert_int_equal(log_open(path), OK);
    log_note("refused: %s", name);
    log_close();
    f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_null(fgets(more, sizeof more, f));
    fclose(f);
    remove(path);
    line[strcspn(line, "\n")] = 0;
    assert_string_equal(line, "refused: a?se3t: error: b?[31m??.xyz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(lines_stay_lines),
        cmocka_unit_test(a_line_of_the_log_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
