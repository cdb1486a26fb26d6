/* SPDX-License-Identifier: MIT */
/* report_test.c - journals and predictions as a report reads them: what is
 * taken, passed over and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/report_data.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void read_run(const char *text, struct report_run *r)
{
    assert_int_equal(report_run_read(text, strlen(text), r), OK);
}

static enum err read_csv(const char *text, struct report_predictions *p)
{
    return report_predictions_read(text, strlen(text), "x.csv", p);
}

static void test_journal(void **state)
{
    struct report_run r;
    double speed[3], phase[REPORT_PHASES];

    (void)state;
    read_run("{\"event\":\"start\",\"step\":0,\"ranks\":3}\n"
             "{\"event\": \"step\", \"step\": 1, \"molecules_per_s\": 5}\r\n"
             "\n"
             "{\"event\": \"step\", \"step\": 2, \"molecules_per_s\": null}\n"
             "{\"event\": \"step\", \"step\": 3, \"molecules_per_s\": 8}\n"
             "{\"event\": \"epoch\", \"epoch\": 2, \"step\": 8, \"train_mae\": "
             "0.5, \"unit\": \"eV\", \"seconds\": 4, \"phases\": {\"new\": 1, "
             "\"data\": 2}}\n"
             "{\"event\": \"evaluation\", \"epoch\": 3, \"step\": 9, "
             "\"train_mae\": null, \"validation_mae\": 1e-3, \"seconds\": 7, "
             "\"phases\": {\"new\": 5}}\n",
             &r);
    assert_int_equal(r.events, 6);
    assert_int_equal(r.bad_lines, 0);
    assert_int_equal(r.ranks, 3);
    assert_int_equal(r.threads, -1);
    assert_int_equal(r.targets, 1);
    assert_string_equal(r.unit[0], "eV");
    assert_int_equal(r.points, 2);
    assert_true(r.point[0].train[0] == 0.5);
    assert_true(isnan(r.point[0].validation[0]));
    assert_true(isnan(r.point[1].train[0]));
    assert_true(r.point[1].validation[0] == 1e-3);
    assert_true(report_run_steps_per_epoch(&r) == 4);
    assert_true(report_run_seconds(&r, phase) == 4);
    assert_true(phase[0] == 1 && phase[1] == 2);
    assert_int_equal(report_run_speed(&r, speed), OK);
    assert_true(speed[0] == 5 && speed[1] == 6.5 && speed[2] == 8);
    report_run_fini(&r);
    assert_int_equal(mem_live(), 0);
}

/* A job that resumes takes back what was behind its step, and the end. */
static void test_resumed(void **state)
{
    struct report_run r;

    (void)state;
    read_run("{\"event\": \"start\", \"step\": 0, \"time\": \"a\"}\n"
             "{\"event\": \"step\", \"step\": 5}\n"
             "{\"event\": \"epoch\", \"epoch\": 1, \"step\": 6}\n"
             "{\"event\": \"step\", \"step\": 7}\n"
             "{\"event\": \"epoch\", \"epoch\": 2, \"step\": 12}\n"
             "{\"event\": \"done\", \"best_epoch\": 2}\n"
             "{\"event\": \"start\", \"step\": 6, \"time\": \"b\"}\n"
             "{\"event\": \"stop\", \"reason\": \"limit\", \"exit\": 10}\n",
             &r);
    assert_int_equal(r.steps, 1);
    assert_int_equal(r.points, 1);
    assert_int_equal(r.done, 0);
    assert_string_equal(r.stopped, "limit");
    assert_string_equal(r.began, "a");
    report_run_fini(&r);
    assert_int_equal(mem_live(), 0);
}

/* Whatever a line is cut to or holds, the others are read. */
static void test_bad_lines(void **state)
{
    static const char line[] =
        "{\"event\": \"epoch\", \"step\": 4, \"epoch\": 1, \"phases\": "
        "{\"data\": 1, \"new\": [2]}, \"train_mae\": [1, \"x\", {}], \"unit\": "
        "[[], \"eV\"]}";
    static const char after[] = "\n{\"event\": \"step\", \"step\": 9}\n"
                                "[1]\n7\n{\"event\": [1]}\n\xff\xfe\n";
    struct report_run r;

    (void)state;
    for (size_t n = 0; n < sizeof line; n++) {
        char text[sizeof line + sizeof after];

        memcpy(text, line, n);
        memcpy(text + n, after, sizeof after);
        read_run(text, &r);
        assert_int_equal(r.steps, 1);
        assert_int_equal(r.points, n + 1 == sizeof line);
        assert_int_equal(r.bad_lines, 4 + (n > 0 && n + 1 < sizeof line));
        report_run_fini(&r);
    }
    assert_int_equal(mem_live(), 0);
}

static void test_figures(void **state)
{
    struct report_predictions p;
    const struct report_target *t = p.target;

    (void)state;
    assert_int_equal(
        read_csv("id,a[eV],a_reference[eV],a_error[eV],a_deviation[eV],b\r\n"
                 "1,1,2,-1,0.1,7\r\n2,4,2,2,0.1,\r\n3,,2,,,8\r\n4,9,,,,nan\r\n"
                 "5,5,5,0,0,-inf",
                 &p),
        OK);
    assert_int_equal(p.rows, 5);
    assert_int_equal(p.targets, 2);
    assert_string_equal(t[0].name, "a");
    assert_string_equal(t[0].unit, "eV");
    assert_int_equal(t[0].known, 3);
    assert_int_equal(t[0].unpredicted, 1);
    /* errors -1, 2, 0; references 2, 2, 5 with mean 3 */
    assert_true(t[0].mae == 1);
    assert_true(fabs(t[0].rmse - sqrt(5.0 / 3)) < 1e-15); /* one rounding */
    assert_true(t[0].max == 2);
    assert_true(fabs(t[0].r2 - (1 - 5.0 / 6)) < 1e-15);
    assert_true(fabs(t[0].mean_mae - 4.0 / 3) < 1e-15);
    assert_string_equal(t[1].unit, "");
    assert_int_equal(t[1].known, 0);
    assert_int_equal(t[1].unpredicted, 3);
    assert_true(isnan(t[1].mae) && isnan(t[1].max));
    report_predictions_fini(&p);
    assert_int_equal(mem_live(), 0);
}

static void test_no_predictions(void **state)
{
    static const char *const bad[] = {
        "",          "\n",          "id\n",        "name,a\n1,2\n",
        "id,a\n1\n", "id,a\n1,x\n", "id,a\n1,2,3", "id,a\n1,0x10\n",
    };
    struct report_predictions p;
    char many[4096] = "id";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_csv(bad[i], &p), ERR_DATA);
        assert_non_null(strstr(err_message(), "x.csv:"));
    }
    for (int t = 0; t <= LOADER_TARGETS; t++) {
        size_t n = strlen(many);

        snprintf(many + n, sizeof many - n, ",t%d", t);
    }
    assert_int_equal(read_csv(many, &p), ERR_DATA);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal),        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_bad_lines),      cmocka_unit_test(test_figures),
        cmocka_unit_test(test_no_predictions),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
