/* SPDX-License-Identifier: MIT */
/* molecule_test.c - arrays that grow, bonds that are sorted, every flaw. */
#include "data/molecule.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ATOMS = 40 };

/* A chain of carbons, 1.5 A apart. */
static void chain(struct molecule *m, int atoms)
{
    assert_int_equal(molecule_atoms(m, atoms), OK);
    assert_int_equal(molecule_bonds(m, atoms - 1), OK);
    m->atoms = atoms;
    m->bonds = atoms - 1;
    for (int i = 0; i < atoms; i++) {
        m->number[i] = 6;
        m->x[3 * i] = 1.5 * i;
        m->x[3 * i + 1] = m->x[3 * i + 2] = 0;
    }
    for (int b = 0; b < m->bonds; b++) {
        m->bond[2 * b] = b;
        m->bond[2 * b + 1] = b + 1;
        m->order[b] = (uint8_t)(1 + b % 3);
    }
}

static void growing_keeps_what_was_there(void **state)
{
    struct molecule m = {0};
    long count;

    (void)state;
    chain(&m, 5);
    assert_int_equal(molecule_atoms(&m, 5000), OK);
    assert_int_equal(molecule_bonds(&m, 5000), OK);
    for (int b = 0; b < m.bonds; b++) {
        assert_true(m.x[3 * b] == 1.5 * b && m.number[b] == 6);
        assert_int_equal(m.bond[2 * b + 1], b + 1);
        assert_int_equal(m.order[b], 1 + b % 3);
    }
    m.x[3 * 4999 + 2] = 1; /* the last place is ours */
    m.bond[2 * 4999 + 1] = 1;
    count = mem_count();
    assert_int_equal(molecule_atoms(&m, 4000), OK);
    assert_int_equal(molecule_bonds(&m, 0), OK);
    assert_int_equal(mem_count(), count);
    assert_int_equal(molecule_smiles(&m, "CCO", 2), OK);
    assert_string_equal(m.smiles, "CC");
    assert_int_equal(molecule_targets(&m, 19), OK);
    m.target[18] = 1;
    assert_int_equal(molecule_work(&m, 2, 100), OK);
    molecule_fini(&m);
    assert_null(m.number);
    assert_int_equal(mem_live(), 0);
}

/* Sorting bonds in any order, ends swapped at random, gives them back. */
static void sorting_restores_the_order(void **state)
{
    static const int sizes[] = {2, 3, 9, 10, 300};
    struct molecule m = {0}, sorted = {0};

    (void)state;
    for (int s = 0; s < 5; s++) {
        struct rng r = rng_stream((uint64_t)s, RNG_TEST, 0);
        int64_t to[300];

        chain(&sorted, sizes[s]);
        chain(&m, sizes[s]);
        rng_permutation(r, m.bonds, to);
        for (int b = 0; b < m.bonds; b++) {
            int swap = rng_uniform(r, (uint64_t)(1000 + b)) < 0.5;

            m.bond[2 * to[b] + swap] = sorted.bond[2 * b];
            m.bond[2 * to[b] + 1 - swap] = sorted.bond[2 * b + 1];
            m.order[to[b]] = sorted.order[b];
        }
        molecule_sort_bonds(&m);
        assert_memory_equal(m.bond, sorted.bond, 8 * (size_t)m.bonds);
        assert_memory_equal(m.order, sorted.order, (size_t)m.bonds);
    }
    molecule_fini(&m);
    molecule_fini(&sorted);
    assert_int_equal(mem_live(), 0);
}

static void assert_flaw(const struct molecule *m, const char *part)
{
    char room[120];
    const char *flaw = molecule_flaw(m, room, sizeof room);

    assert_non_null(flaw);
    if (!strstr(flaw, part))
        fail_msg("'%s' does not say '%s'", flaw, part);
}

static void every_flaw_is_named(void **state)
{
    struct molecule m = {0};
    char room[120];

    (void)state;
    assert_flaw(&m, "no atoms");
    chain(&m, ATOMS);
    assert_null(molecule_flaw(&m, room, sizeof room));
    m.x[7] = NAN;
    assert_flaw(&m, "atom 3 has no finite position");
    m.x[7] = -1e7;
    assert_flaw(&m, "atom 3 is more than 1e6 A away");
    m.x[7] = 0;
    m.x[9] = m.x[12] + 0.49;
    assert_flaw(&m, "atoms 4 and 5 are 0.490 A apart");
    m.x[9] = m.x[12] + 0.51;
    assert_null(molecule_flaw(&m, room, sizeof room));
    m.order[3] = 5;
    assert_flaw(&m, "no order 1 to 4");
    m.order[3] = 0;
    assert_flaw(&m, "no order 1 to 4");
    m.order[3] = 4;
    m.bond[7] = ATOMS;
    assert_flaw(&m, "not there");
    m.bond[7] = 3;
    assert_flaw(&m, "to itself");
    m.bond[6] = 2;
    assert_flaw(&m, "atoms 3 and 4 is listed twice");
    m.bonds = -1;
    assert_null(molecule_flaw(&m, room, sizeof room));
    molecule_fini(&m);
    assert_int_equal(mem_live(), 0);
}

static void elements_have_names(void **state)
{
    int isotope = 0;

    (void)state;
    for (int z = 1; z < ELEMENTS; z++) {
        const char *s = element_symbol(z);

        assert_int_equal(element_number(s, strlen(s), &isotope), z);
        assert_true((element_radius(z) > 0) == (z == 1 || (z > 5 && z < 10)));
    }
    assert_int_equal(element_number("cL", 2, &isotope), 17);
    assert_int_equal(isotope, 0);
    assert_int_equal(element_number("D", 1, &isotope), 1);
    assert_int_equal(isotope, 1);
    assert_int_equal(element_number("", 0, &isotope), 0);
    assert_int_equal(element_number("Xx", 2, &isotope), 0);
    assert_int_equal(element_number("C1", 2, &isotope), 0);
    assert_int_equal(element_number("Car", 3, &isotope), 0);
    assert_string_equal(element_symbol(-1), "?");
    assert_string_equal(element_symbol(ELEMENTS), "?");
    assert_true(element_radius(1000) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_keeps_what_was_there),
        cmocka_unit_test(sorting_restores_the_order),
        cmocka_unit_test(every_flaw_is_named),
        cmocka_unit_test(elements_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
