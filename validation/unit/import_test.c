/* SPDX-License-Identifier: MIT */
/* import_test.c - whole sources: QM9's corner cases with known bonds, the files
 * of other programs with their tables, mistakes of the command line.
 */
#include "data/import.h"

#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "unit/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct comm *comm;
static struct dataset *data;
static struct import_summary summary;

static enum err read_one(const char *path, const struct import_options *o)
{
    return import_read(comm, 1, &path, o, &data, &summary);
}

static const struct import_options plain = {.limit = -1};

static int teardown(void **state)
{
    (void)state;
    dataset_close(comm, &data);
    import_summary_fini(&summary);
    return 0;
}

static int64_t row_of(int64_t id)
{
    for (int64_t i = 0; i < data->molecules; i++)
        if (data->id[i] == id)
            return i;
    return -1;
}

/* Walks bonds row by row, in the order of the table. */
static void assert_bond(int64_t row, int64_t *k, int64_t i, int64_t j,
                        int64_t order)
{
    assert_true(row >= 0);
    if (*k < data->bond_begin[row] || *k >= data->bond_begin[row + 1])
        *k = data->bond_begin[row];
    assert_int_equal(data->bond[2 * *k], i);
    assert_int_equal(data->bond[2 * *k + 1], j);
    assert_int_equal(data->order[*k], order);
    ++*k;
}

static void corner_cases_have_their_bonds(void **state)
{
    struct table t;
    int64_t k = -1, bonds = 0;

    (void)state;
    assert_int_equal(
        read_one(test_path("validation/data/corner-cases.xyz.tar.bz2"), &plain),
        OK);
    assert_int_equal(data->molecules, 43);
    assert_int_equal(summary.refused, 0);
    assert_int_equal(summary.geometry, 1);
    assert_int_equal(data->targets, 19);
    assert_true(table_open(&t, "validation/data/corner-cases-bonds.csv"));
    for (; table_next(&t); bonds++)
        assert_bond(row_of(table_int(&t, 0)), &k, table_int(&t, 1),
                    table_int(&t, 2), table_int(&t, 3));
    assert_int_equal(bonds, data->bonds);
    for (int64_t i = 1; i < data->molecules; i++)
        assert_true(data->id[i] > data->id[i - 1]);
}

/* Methane's published atomisation energy, -395.999594594 kcal/mol, and its
 * other numbers: homo -0.3877 Hartree. Digits of the source times the factor,
 * so 1e-12 holds. */
static void targets_are_converted(void **state)
{
    const double kcal = 27.211386245988 / 627.509;
    int homo, u0;
    int64_t row;

    (void)state;
    assert_int_equal(
        read_one(test_path("validation/data/corner-cases.xyz.tar.bz2"), &plain),
        OK);
    row = row_of(1);
    homo = dataset_find(data, "homo");
    u0 = dataset_find(data, "U0_atom");
    assert_true(row >= 0 && homo == 2 && u0 == 12);
    assert_string_equal(data->target[homo].unit, "eV");
    assert_true(fabs(data->label[row * 19 + homo] / 27.211386245988 + 0.3877) <
                1e-12);
    assert_true(fabs(data->label[row * 19 + u0] / kcal + 395.999594594) < 1e-8);
}

/* Position, elements: every row of atoms.csv; how many molecules a file has. */
static void assert_atoms(const char *file)
{
    struct table t;
    int64_t seen = 0;

    assert_true(table_open(&t, "validation/data/foreign/atoms.csv"));
    while (table_next(&t)) {
        int64_t m, a;

        if (!slice_equal(t.field[0], file))
            continue;
        m = table_int(&t, 1) - 1;
        assert_true(m >= 0 && m < data->molecules);
        a = data->atom_begin[m] + table_int(&t, 2);
        assert_true(a < data->atom_begin[m + 1]);
        assert_int_equal(data->number[a], table_int(&t, 3));
        for (int k = 0; k < 3; k++)
            assert_true(data->x[3 * a + k] == table_double(&t, 4 + k));
        seen++;
    }
    assert_int_equal(seen, data->atoms);
}

static void assert_bonds_and_targets(const char *file)
{
    struct table t;
    int64_t k = -1, seen = 0;
    int known = 0, have = 0;

    assert_true(table_open(&t, "validation/data/foreign/bonds.csv"));
    while (table_next(&t))
        if (slice_equal(t.field[0], file)) {
            assert_bond(table_int(&t, 1) - 1, &k, table_int(&t, 2),
                        table_int(&t, 3), table_int(&t, 4));
            seen++;
        }
    assert_int_equal(seen, data->bonds);
    assert_true(table_open(&t, "validation/data/foreign/targets.csv"));
    while (table_next(&t))
        if (slice_equal(t.field[0], file)) {
            char name[64];
            int column;

            snprintf(name, sizeof name, "%.*s", (int)t.field[2].n,
                     t.field[2].s);
            column = dataset_find(data, name);
            assert_true(column >= 0);
            assert_true(
                data->label[(table_int(&t, 1) - 1) * data->targets + column] ==
                table_double(&t, 3));
            known++;
        }
    for (int64_t i = 0; i < data->molecules * data->targets; i++)
        have += !isnan(data->label[i]);
    assert_int_equal(have, known);
}

static void files_of_other_programs(void **state)
{
    static const char *const files[] = {
        "ase-forces.xyz",        "atomic-numbers.xyz", "charges.sdf",
        "columns-elsewhere.xyz", "data-items.sdf",     "frames.xyz",
        "letter-case.xyz",       "long-comment.xyz",   "no-last-mark.sdf",
        "untitled.sdf",          "wide-counts.sdf"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];

        snprintf(path, sizeof path, "validation/data/foreign/%s", files[i]);
        assert_int_equal(read_one(test_path(path), &plain), OK);
        assert_int_equal(summary.refused, 0);
        assert_atoms(files[i]);
        assert_bonds_and_targets(files[i]);
        teardown(state);
    }
}

/* The same molecules from arrays: their bonds are those of the corner cases. */
static void arrays_state_their_bonds(void **state)
{
    static const int64_t id[] = {1, 2, 3, 4, 5, 25};
    struct table t;
    int64_t k = -1, bonds = 0;

    (void)state;
    assert_int_equal(
        read_one(test_path("validation/data/edges-few.npz"), &plain), OK);
    assert_int_equal(data->molecules, 6);
    assert_int_equal(summary.stated, 6);
    assert_int_equal(data->id[5], 6);
    assert_true(table_open(&t, "validation/data/corner-cases-bonds.csv"));
    while (table_next(&t))
        for (int64_t i = 0; i < 6; i++)
            if (table_int(&t, 0) == id[i]) {
                assert_bond(i, &k, table_int(&t, 1), table_int(&t, 2),
                            table_int(&t, 3));
                bonds++;
            }
    assert_int_equal(bonds, data->bonds);
}

static void a_wheel_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        read_one(test_path("validation/data/qm9pack-few.zip"), &plain), OK);
    assert_int_equal(data->molecules, 36);
    assert_int_equal(summary.in_order + summary.mapped + summary.geometry, 36);
    assert_int_equal(summary.format[IMPORT_QM9PACK], 1);
}

/* The first N records; numbers of the list are left out; order kept. */
static void limit_exclude_order(void **state)
{
    const char *path = test_path("validation/data/corner-cases.xyz.tar.bz2");
    const char *list = "import_test.ids";
    struct import_options o = {.limit = 5, .exclude = list, .keep_order = 1};
    FILE *f = fopen(list, "w");

    (void)state;
    assert_non_null(f);
    fputs("Numbers to leave out\n\n   2  C\n999999999\n# 1\n", f);
    fclose(f);
    assert_int_equal(read_one(path, &o), OK);
    assert_int_equal(summary.records, 5);
    assert_int_equal(summary.excluded, 1);
    assert_int_equal(data->molecules, 4);
    assert_int_equal(row_of(2), -1);
    assert_true(row_of(1) >= 0);
    remove(list);
}

/* A source given twice: every number comes again. */
static void repeated_numbers_are_refused(void **state)
{
    const char *path = test_path("validation/data/corner-cases.xyz.tar.bz2");
    const char *twice[] = {path, path};

    (void)state;
    assert_int_equal(import_read(comm, 2, twice, &plain, &data, &summary), OK);
    assert_int_equal(data->molecules, 43);
    assert_int_equal(summary.refused, 43);
    assert_int_equal(summary.rejects, 43);
    assert_non_null(strstr(summary.reject[0].reason, "there before"));
    assert_non_null(strstr(summary.reject[0].source, ".bz2:dsgdb9nsd_"));
    assert_true(summary.reject[0].id > 0);
}

static void targets_are_chosen(void **state)
{
    const char *path = test_path("validation/data/foreign/ase-forces.xyz");
    const char *good[] = {"homo=eV", "energy"}, *bad[] = {"hom"},
               *again[] = {"homo", "homo"};
    struct import_options o = {.limit = -1, .targets = 2, .target = good};

    (void)state;
    assert_int_equal(read_one(path, &o), OK);
    assert_int_equal(data->targets, 2);
    assert_string_equal(data->target[0].unit, "eV");
    assert_true(data->label[0] == -7.4052);
    teardown(state);
    o = (struct import_options){.limit = -1, .targets = 1, .target = bad};
    assert_int_equal(read_one(path, &o), ERR_DECK);
    assert_non_null(strstr(err_message(), "'homo'"));
    teardown(state);
    o = (struct import_options){.limit = -1, .targets = 2, .target = again};
    assert_int_equal(read_one(path, &o), ERR_DECK);
}

/* Its targets are 3.5 million rows of bytes by the header, which would be eight
 * times as many in memory. */
static void arrays_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(
        read_one(test_path("validation/fuzz/corpus/npz/wide-targets.npz"),
                 &plain),
        ERR_DATA);
    assert_non_null(strstr(err_message(), "too large for its file"));
}

static void mistakes_are_said(void **state)
{
    const char *mixed[] = {
        test_path("validation/data/corner-cases.xyz.tar.bz2"),
        test_path("validation/data/foreign/frames.xyz")};
    struct import_options as_sdf = {.format = IMPORT_SDF, .limit = -1};

    (void)state;
    assert_int_equal(read_one("no-such-file.xyz", &plain), ERR_DECK);
    assert_non_null(strstr(err_message(), "no-such-file.xyz"));
    teardown(state);
    assert_int_equal(import_read(comm, 2, mixed, &plain, &data, &summary),
                     ERR_DECK);
    teardown(state);
    assert_int_equal(read_one(mixed[1], &as_sdf), ERR_DATA);
    assert_int_equal(summary.refused, 1);
    assert_int_equal(import_format_of("xzy"), -1);
    assert_int_equal(import_format_of("extxyz"), IMPORT_EXTXYZ);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(corner_cases_have_their_bonds),
        cmocka_unit_test(targets_are_converted),
        cmocka_unit_test(files_of_other_programs),
        cmocka_unit_test(arrays_state_their_bonds),
        cmocka_unit_test(a_wheel_is_read),
        cmocka_unit_test(limit_exclude_order),
        cmocka_unit_test(repeated_numbers_are_refused),
        cmocka_unit_test(targets_are_chosen),
        cmocka_unit_test(mistakes_are_said),
        cmocka_unit_test(arrays_are_bounded),
    };
    int failed, blocks;

    if (comm_open(&argc, &argv, &comm))
        return 1;
    blocks = mem_live();
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tests[i].teardown_func = teardown;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += mem_live() != blocks;
    comm_close(&comm, OK);
    return failed ? 1 : 0;
}
