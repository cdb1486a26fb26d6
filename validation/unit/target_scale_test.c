/* SPDX-License-Identifier: MIT */
/* target_scale_test.c - moments as their definitions, free atoms by name, and
 * the fit by what defines least squares: what is left is orthogonal to the
 * counts of every element.
 */
#include "data/loader.h"

#include "base/mem.h"
#include "hand_data.h"
#include "noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* In the first eight N comes with O, one each. */
static const char *const formulas[] = {
    "CHHHH", "CCHHHHHH", "NOHHHH", "CNOHH", "CCNNOOHHH", "CNOCHH", "OCNHHHHH",
    "CCCHH", "NHHH",     "OHH",    "CF",    "CHF",       "CCNH",
};
enum {
    ALL = sizeof formulas / sizeof *formulas,
    COLLINEAR = 8,
    WITHOUT_F = 10
};

static int64_t rows[HAND_MOLECULES];

static struct split first(int n)
{
    for (int i = 0; i < HAND_MOLECULES; i++)
        rows[i] = i;
    return (struct split){.n = {n}, .row = {rows, rows + n, rows + n}};
}

static void name_target(int t, const char *name, const char *unit)
{
    snprintf(hand.target[t].name, DATASET_NAME, "%s", name);
    snprintf(hand.target[t].unit, DATASET_NAME, "%s", unit);
}

static int count(int row, int z)
{
    int n = 0;

    for (int64_t i = hand.atom_begin[row]; i < hand.atom_begin[row + 1]; i++)
        n += hand.number[i] == z;
    return n;
}

/* Energies as QM9's: thousands of eV an atom, and noise of about 1. */
static double energy(int row)
{
    return -16.5 * count(row, 1) - 1036 * count(row, 6) - 1489 * count(row, 7) -
           2046 * count(row, 8) - 2718 * count(row, 9) +
           noise((uint64_t)row + 77);
}

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", found, expected);
}

static void assert_said(enum err err, enum err code, const char *part)
{
    assert_int_equal(err, code);
    if (!strstr(err_message(), part))
        fail_msg("'%s' is not in '%s'", part, err_message());
}

/* 1e-14: a few roundings of numbers below 10. */
static void moments_are_those_of_known_labels(void **state)
{
    static const double values[] = {1, 2, 4, 9, (double)NAN, 100};
    static const int column[] = {1};
    struct dataset d = hand_data(formulas, ALL, 2);
    struct split s = first(5); /* the sixth is not of the training part */
    struct target_scale ts;

    (void)state;
    name_target(1, "gap", "eV");
    for (int i = 0; i < 6; i++) {
        hand.label[2 * i] = -1000;
        hand.label[2 * i + 1] = values[i];
    }
    assert_int_equal(target_scale_make(&d, &s, column, 1, SCALE_NONE, &ts), OK);
    assert_int_equal(ts.n, 1);
    assert_string_equal(ts.name[0], "gap");
    assert_string_equal(ts.unit[0], "eV");
    assert_near(ts.mean[0], 4, 1e-14);
    assert_near(ts.std[0], sqrt((9 + 4 + 0 + 25) / 3.), 1e-14);
    assert_int_equal(ts.elements, 0);
    assert_null(ts.reference);
    assert_true(target_scale_reference(&ts, &d, 0, 0) == 0);
    target_scale_fini(&ts);
}

/* Methane's and ammonia's free atoms, added by hand; 1e-9 of 1e3 eV. */
static void atoms_are_free_atoms(void **state)
{
    static const struct {
        const char *name;
        double h, c, n;
    } want[] = {
        {"U0", -0.500273, -37.846772, -54.583861},
        {"U", -0.498857, -37.845355, -54.582445},
        {"H", -0.497912, -37.844411, -54.581501},
        {"G", -0.510927, -37.861317, -54.598897},
    };
    static const int column[] = {0, 1, 2, 3};
    struct dataset d = hand_data(formulas, ALL, 4);
    struct split s = first(ALL);
    struct target_scale ts;

    (void)state;
    for (int t = 0; t < 4; t++)
        name_target(t, want[t].name, "eV");
    for (int i = 0; i < ALL * 4; i++)
        hand.label[i] = energy(i / 4);
    assert_int_equal(target_scale_make(&d, &s, column, 4, SCALE_ATOMS, &ts),
                     OK);
    assert_int_equal(ts.elements, 5);
    for (int t = 0; t < 4; t++) {
        double c = 27.211386245988 * want[t].c, n = 27.211386245988 * want[t].n;
        double h = 27.211386245988 * want[t].h;

        assert_near(target_scale_reference(&ts, &d, 0, t), c + 4 * h, 1e-9);
        assert_near(target_scale_reference(&ts, &d, 8, t), n + 3 * h, 1e-9);
    }
    target_scale_fini(&ts);
}

/* |A' r| against |A| |r|: a solver with all its digits leaves 1e-16 times the
 * labels (1e4) over what is left (1). */
static void assert_least_squares(const struct dataset *d, int n,
                                 const struct target_scale *ts)
{
    for (int e = 0; e < ts->elements; e++) {
        double dot = 0, of_count = 0, of_rest = 0;

        for (int i = 0; i < n; i++) {
            double a = count(i, ts->element[e]);
            double r = hand.label[i] - target_scale_reference(ts, d, i, 0);

            if (isnan(r))
                continue;
            dot += a * r;
            of_count += a * a;
            of_rest += r * r;
        }
        assert_true(fabs(dot) < 1e-10 * sqrt(of_count * of_rest));
        assert_true(fabs(ts->reference[e]) < 1e4);
    }
}

static void fit_is_least_squares(void **state)
{
    static const int column[] = {0}, sizes[] = {ALL, WITHOUT_F, COLLINEAR, 5};
    static const int elements[] = {5, 4, 4, 4};
    struct dataset d = hand_data(formulas, ALL, 1);
    struct target_scale ts;

    (void)state;
    name_target(0, "homo", "");
    for (int i = 0; i < ALL; i++)
        hand.label[i] = energy(i);
    hand.label[3] = (double)NAN;
    for (int k = 0; k < 4; k++) {
        struct split s = first(sizes[k]);
        double squares = 0, sum = 0;
        int n = sizes[k] - 1;

        assert_int_equal(target_scale_make(&d, &s, column, 1, SCALE_FIT, &ts),
                         OK);
        assert_int_equal(ts.elements, elements[k]);
        assert_least_squares(&d, sizes[k], &ts);
        for (int i = 0; i < sizes[k]; i++)
            if (i != 3)
                sum += hand.label[i] - target_scale_reference(&ts, &d, i, 0);
        for (int i = 0; i < sizes[k]; i++) {
            double r = hand.label[i] - target_scale_reference(&ts, &d, i, 0);

            squares += i == 3 ? 0 : (r - sum / n) * (r - sum / n);
        }
        /* labels of 1e4 leave 1e-12 */
        assert_near(ts.mean[0], sum / n, 1e-10);
        assert_near(ts.std[0], sqrt(squares / (n - 1)), 1e-10);
        target_scale_fini(&ts);
    }
}

/* Carbons are a third of hydrogens and nitrogens together: one of the three
 * is left out though rounding keeps its pivot above 0. */
static void dependent_counts_leave_one_out(void **state)
{
    static const char *const dependent[] = {
        "CCCHHHHHNNNN", "CCHHNNNN",     "CCCHHHHHHHHN", "CCCNNNNNNNNN",
        "CCHHHHHH",     "CCCHHHHHHHHN", "CHNN",
    };
    static const int column[] = {0};
    struct dataset d = hand_data(dependent, 7, 1);
    struct split s = first(7);
    struct target_scale ts;
    int zeros = 0;

    (void)state;
    name_target(0, "U0", "eV");
    for (int i = 0; i < 7; i++)
        hand.label[i] = energy(i);
    assert_int_equal(target_scale_make(&d, &s, column, 1, SCALE_FIT, &ts), OK);
    assert_int_equal(ts.elements, 3);
    assert_least_squares(&d, 7, &ts);
    for (int e = 0; e < 3; e++)
        zeros += ts.reference[e] == 0;
    assert_int_equal(zeros, 1);
    target_scale_fini(&ts);
}

/* Atoms only where there are some: the unit and the elements count too. */
static void auto_goes_by_the_target(void **state)
{
    static const int column[] = {0, 1}, one[] = {1};
    struct dataset d = hand_data(formulas, ALL, 2);
    struct split s = first(ALL);
    struct target_scale ts;

    (void)state;
    name_target(0, "U0", "eV");
    name_target(1, "homo", "eV");
    for (int i = 0; i < 2 * ALL; i++)
        hand.label[i] = energy(i / 2) + i % 2;
    assert_int_equal(target_scale_make(&d, &s, column, 2, SCALE_AUTO, &ts), OK);
    assert_true(target_scale_reference(&ts, &d, 0, 0) < -1000);
    assert_true(target_scale_reference(&ts, &d, 0, 1) == 0);
    assert_true(ts.std[0] < ts.std[1] / 10);
    target_scale_fini(&ts);
    assert_int_equal(target_scale_make(&d, &s, one, 1, SCALE_AUTO, &ts), OK);
    assert_null(ts.reference);
    assert_int_equal(ts.elements, 0);
    target_scale_fini(&ts);
    assert_true(target_has_atoms("G") && !target_has_atoms("gap"));
    assert_null(target_no_atoms(&d, 0));
    name_target(0, "U0", "kcal/mol");
    assert_non_null(target_no_atoms(&d, 0));
    name_target(0, "U0", "eV");
    hand.number[0] = 16;
    assert_non_null(target_no_atoms(&d, 0));
}

static void failures_say_why(void **state)
{
    static const int column[] = {0, 1};
    struct dataset d = hand_data(formulas, ALL, 2);
    struct split s = first(COLLINEAR), one = first(1);
    struct target_scale ts = {.n = 9};

    (void)state;
    name_target(0, "U0", "eV");
    name_target(1, "homo", "eV");
    for (int i = 0; i < ALL; i++) {
        hand.label[2 * i] = energy(i);
        hand.label[2 * i + 1] = 0.1;
    }
    assert_said(target_scale_make(&d, &s, column, 2, SCALE_ATOMS, &ts),
                ERR_DECK, "no atoms for target homo");
    assert_said(target_scale_make(&d, &s, column, 2, SCALE_AUTO, &ts), ERR_DATA,
                "hand: target homo has no deviation");
    assert_said(target_scale_make(&d, &one, column, 1, SCALE_NONE, &ts),
                ERR_DATA, "target U0 has no deviation");
    for (int i = 0; i < ALL; i++) /* nothing but the sum of its atoms */
        hand.label[2 * i] = -16.1 * count(i, 1) - 1036.3 * count(i, 6) -
                            1500.7 * count(i, 7) - 2000.9 * count(i, 8);
    assert_said(target_scale_make(&d, &s, column, 1, SCALE_FIT, &ts), ERR_DATA,
                "target U0 has no deviation");
    for (int i = 0; i < ALL; i++)
        hand.label[2 * i] = (double)NAN;
    assert_said(target_scale_make(&d, &s, column, 1, SCALE_NONE, &ts), ERR_DATA,
                "found 0,");
    assert_int_equal(ts.n, 9); /* left alone */
}

static int teardown(void **state)
{
    (void)state;
    return mem_live();
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_those_of_known_labels),
        cmocka_unit_test(atoms_are_free_atoms),
        cmocka_unit_test(fit_is_least_squares),
        cmocka_unit_test(dependent_counts_leave_one_out),
        cmocka_unit_test(auto_goes_by_the_target),
        cmocka_unit_test(failures_say_why),
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tests[i].teardown_func = teardown;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
