/* SPDX-License-Identifier: MIT */
/* bonds_test.c - real molecules (validation/data/molecules.txt) in the file's
 * order, in other orders, without their SMILES; small, large and charged
 * molecules; what is refused; Kekule forms of aromatic bonds.
 */
#include "data/bonds.h"

#include "base/mem.h"
#include "base/rng.h"
#include "data/molecule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ATOMS_MOST = 32, BONDS_MOST = 40, MOLECULES = 34 };

struct example {
    long id;
    char smiles[64];
    int atoms, bonds;
    int number[ATOMS_MOST];
    double x[ATOMS_MOST][3];
    int bond[BONDS_MOST][3]; /* i, j, order */
};

static struct example examples[MOLECULES];

static int read_example(FILE *f, struct example *e)
{
    if (fscanf(f, "%ld %63s %d %d", &e->id, e->smiles, &e->atoms, &e->bonds) !=
            4 ||
        e->atoms > ATOMS_MOST || e->bonds > BONDS_MOST)
        return -1;
    for (int i = 0; i < e->atoms; i++)
        if (fscanf(f, "%d %lf %lf %lf", &e->number[i], &e->x[i][0], &e->x[i][1],
                   &e->x[i][2]) != 4)
            return -1;
    for (int b = 0; b < e->bonds; b++)
        if (fscanf(f, "%d %d %d", &e->bond[b][0], &e->bond[b][1],
                   &e->bond[b][2]) != 3)
            return -1;
    return 0;
}

static int read_examples(void **state)
{
    const char *folder = getenv("srcdir");
    char path[4096];
    int failed = 0, c;
    FILE *f;

    (void)state;
    snprintf(path, sizeof path, "%s/validation/data/molecules.txt",
             folder ? folder : ".");
    f = fopen(path, "r");
    if (!f)
        return -1;
    while ((c = getc(f)) == '#')
        while (c != '\n' && c != EOF)
            c = getc(f);
    ungetc(c, f);
    for (int i = 0; i < MOLECULES && !failed; i++)
        failed = read_example(f, &examples[i]);
    fclose(f);
    return failed;
}

static int no_block_is_left(void **state)
{
    (void)state;
    return mem_live();
}

/* Atom i of the example becomes atom to[i]; its bonds to *expected. */
static void lay_out(const struct example *e, const int64_t to[],
                    struct molecule *m, struct molecule *expected)
{
    assert_int_equal(molecule_atoms(m, e->atoms), OK);
    assert_int_equal(molecule_bonds(expected, e->bonds), OK);
    assert_int_equal(molecule_smiles(m, e->smiles, strlen(e->smiles)), OK);
    m->atoms = expected->atoms = e->atoms;
    m->bonds = -1;
    expected->bonds = e->bonds;
    for (int i = 0; i < e->atoms; i++) {
        m->number[to[i]] = (uint8_t)e->number[i];
        memcpy(m->x + 3 * to[i], e->x[i], sizeof e->x[i]);
    }
    for (int b = 0; b < e->bonds; b++) {
        expected->bond[2 * b] = (int32_t)to[e->bond[b][0]];
        expected->bond[2 * b + 1] = (int32_t)to[e->bond[b][1]];
        expected->order[b] = (uint8_t)e->bond[b][2];
    }
    molecule_sort_bonds(expected);
}

static enum bonds_from derive(struct molecule *m)
{
    enum bonds_from from;
    char room[200];
    const char *reason, *flaw;

    assert_int_equal(bonds_derive(m, &from, room, sizeof room, &reason), OK);
    if (reason)
        fail_msg("%s: %s", m->smiles ? m->smiles : "", reason);
    flaw = molecule_flaw(m, room, sizeof room);
    if (flaw)
        fail_msg("%s: %s", m->smiles ? m->smiles : "", flaw);
    return from;
}

static int same_graph(const struct molecule *a, const struct molecule *b)
{
    return a->bonds == b->bonds &&
           !memcmp(a->bond, b->bond, 8 * (size_t)a->bonds);
}

static int same_orders(const struct molecule *a, const struct molecule *b)
{
    return !memcmp(a->order, b->order, (size_t)a->bonds);
}

static int is_among(long id, const long ids[], int n)
{
    for (int i = 0; i < n; i++)
        if (ids[i] == id)
            return 1;
    return 0;
}

static void bonds_are_those_of_the_smiles(void **state)
{
    static const long mapped[] = {23, 486, 59818};
    struct molecule m = {0}, expected = {0};
    int64_t to[ATOMS_MOST];

    (void)state;
    for (int i = 0; i < ATOMS_MOST; i++)
        to[i] = i;
    for (int i = 0; i < MOLECULES; i++) {
        const struct example *e = &examples[i];
        enum bonds_from from = is_among(e->id, mapped, 3) ? BONDS_MAPPED
                               : e->id == 133857          ? BONDS_GEOMETRY
                                                          : BONDS_IN_ORDER;

        lay_out(e, to, &m, &expected);
        assert_int_equal(derive(&m), from);
        assert_true(same_graph(&m, &expected) && same_orders(&m, &expected));
    }
    molecule_fini(&m);
    molecule_fini(&expected);
}

/* Of the orders beyond one only: the rest is the same in both. */
static double order_times_distance(const struct molecule *m,
                                   const struct molecule *orders)
{
    double sum = 0;

    for (int b = 0; b < orders->bonds; b++) {
        const double *a = m->x + 3 * orders->bond[2 * b];
        const double *c = m->x + 3 * orders->bond[2 * b + 1];

        sum += (orders->order[b] - 1) *
               sqrt(pow(a[0] - c[0], 2) + pow(a[1] - c[1], 2) +
                    pow(a[2] - c[2], 2));
    }
    return sum;
}

static int sum_of_orders(const struct molecule *m)
{
    int sum = 0;

    for (int b = 0; b < m->bonds; b++)
        sum += m->order[b];
    return sum;
}

/* The SMILES of a shuffled molecule finds the same graph; orders are the same
 * but where the molecule is symmetric and others are shorter. */
static void any_order_of_atoms_will_do(void **state)
{
    struct molecule m = {0}, expected = {0};
    int others = 0;

    (void)state;
    for (int i = 0; i < 10 * MOLECULES; i++) {
        const struct example *e = &examples[i % MOLECULES];
        int64_t to[ATOMS_MOST];

        rng_permutation(rng_stream(1, RNG_TEST, (uint64_t)i), e->atoms, to);
        lay_out(e, to, &m, &expected);
        if (e->id == 133857)
            assert_int_equal(derive(&m), BONDS_GEOMETRY);
        else
            assert_true(derive(&m) != BONDS_GEOMETRY);
        assert_true(same_graph(&m, &expected));
        if (same_orders(&m, &expected))
            continue;
        others++;
        assert_int_equal(sum_of_orders(&m), sum_of_orders(&expected));
        assert_true(order_times_distance(&m, &m) <
                    order_times_distance(&m, &expected));
    }
    assert_true(others > 0 && others < 2 * MOLECULES);
    molecule_fini(&m);
    molecule_fini(&expected);
}

/* Without the SMILES the graph is the same but for three cages, whose bonds of
 * 1.76 A are longer than gaps elsewhere; a second molecule of the same size
 * needs no memory. */
static void geometry_alone_will_do(void **state)
{
    static const long cages[] = {37497, 133831, 133863};
    struct molecule m = {0}, expected = {0};
    int64_t to[ATOMS_MOST];
    long count = 0;

    (void)state;
    for (int i = 0; i < ATOMS_MOST; i++)
        to[i] = i;
    for (int i = 0; i < 2 * MOLECULES; i++) {
        const struct example *e = &examples[i % MOLECULES];

        if (is_among(e->id, cages, 3))
            continue;
        lay_out(e, to, &m, &expected);
        molecule_smiles(&m, "", 0);
        if (i == MOLECULES)
            count = mem_count();
        assert_int_equal(derive(&m), BONDS_GEOMETRY);
        assert_true(same_graph(&m, &expected));
    }
    assert_int_equal(mem_count(), count);
    molecule_fini(&m);
    molecule_fini(&expected);
}

/* One atom more. */
static void add(struct molecule *m, int z, double x, double y, double h)
{
    double at[] = {x, y, h};

    assert_int_equal(molecule_atoms(m, m->atoms + 1), OK);
    m->number[m->atoms] = (uint8_t)z;
    memcpy(m->x + 3 * m->atoms++, at, sizeof at);
    m->bonds = -1;
}

static void assert_refused(struct molecule *m, const char *part)
{
    enum bonds_from from;
    char room[200];
    const char *reason;

    assert_int_equal(bonds_derive(m, &from, room, sizeof room, &reason), OK);
    assert_int_equal(m->bonds, -1);
    if (!reason || !strstr(reason, part))
        fail_msg("'%s' does not say '%s'", reason ? reason : "", part);
}

/* Linear molecules: atoms along x, orders expected. */
static void small_molecules_are_bonded(void **state)
{
    static const struct {
        int atoms, z[4];
        double x[4];
        int order[3];
    } cases[] = {
        {2, {1, 1}, {0, 0.74}, {1}},
        {2, {7, 7}, {0, 1.10}, {3}},
        {2, {8, 8}, {0, 1.21}, {2}},
        {2, {6, 8}, {0, 1.13}, {3}}, /* C-, O+ */
        {2, {1, 9}, {0, 0.92}, {1}},
        {2, {8, 1}, {0, 0.97}, {1}}, /* hydroxide */
        {3, {8, 6, 8}, {0, 1.16, 2.32}, {2, 2}},
        {3, {1, 6, 7}, {0, 1.07, 2.22}, {1, 3}},
        {4, {1, 6, 6, 1}, {0, 1.06, 2.26, 3.32}, {1, 3, 1}},
    };
    struct molecule m = {0};

    (void)state;
    for (int i = 0; i < 9; i++) {
        m.atoms = 0;
        for (int a = 0; a < cases[i].atoms; a++)
            add(&m, cases[i].z[a], cases[i].x[a], 0, 0);
        derive(&m);
        assert_int_equal(m.bonds, m.atoms - 1);
        for (int b = 0; b < m.bonds; b++)
            assert_int_equal(m.order[b], cases[i].order[b]);
    }
    m.atoms = 0;
    add(&m, 1, 0, 0, 0);
    add(&m, 1, 0, 0.74, 0);
    molecule_smiles(&m, "[H][H]", 6);
    derive(&m);
    molecule_fini(&m);
}

/* CnH2n+2, all-trans. */
static void alkane(struct molecule *m, int carbons)
{
    m->atoms = 0;
    for (int i = 0; i < carbons; i++) {
        double x = 1.27 * i, y = i % 2 ? 0.84 : 0, up = i % 2 ? 0.63 : -0.63;

        add(m, 6, x, y, 0);
        add(m, 1, x, y + up, 0.89);
        add(m, 1, x, y + up, -0.89);
    }
    add(m, 1, -0.89, 0.63, 0);
    add(m, 1, 1.27 * (carbons - 1) + 0.89, carbons % 2 ? 0.63 : 0.21, 0);
}

static void large_molecules_are_bonded(void **state)
{
    static char smiles[500];
    struct molecule m = {0};

    (void)state;
    for (int carbons = 40; carbons <= 400; carbons *= 10) {
        alkane(&m, carbons);
        molecule_smiles(&m, "", 0);
        assert_int_equal(derive(&m), BONDS_GEOMETRY);
        assert_int_equal(m.bonds, 3 * carbons + 1);
        assert_int_equal(sum_of_orders(&m), m.bonds);
        memset(smiles, 'C', sizeof smiles);
        molecule_smiles(&m, smiles, (size_t)carbons);
        assert_int_equal(derive(&m), BONDS_IN_ORDER);
        assert_int_equal(m.bonds, 3 * carbons + 1);
        /* from the middle outwards: two arms */
        smiles[1] = '(';
        smiles[carbons / 2] = ')';
        molecule_smiles(&m, smiles, (size_t)carbons + 2);
        assert_int_equal(derive(&m), BONDS_MAPPED);
        assert_int_equal(m.bonds, 3 * carbons + 1);
    }
    molecule_fini(&m);
}

/* A hydrogen goes to the nearer fluorine, though both are near enough. */
static void hydrogens_take_the_nearest(void **state)
{
    struct molecule m = {0};

    (void)state;
    add(&m, 9, 0, 0, 0);
    add(&m, 1, 0.92, 0, 0);
    add(&m, 9, 2.02, 0, 0);
    add(&m, 1, 2.94, 0, 0);
    derive(&m);
    assert_int_equal(m.bonds, 2);
    assert_int_equal(m.bond[1], 1);
    assert_int_equal(m.bond[2], 2);
    molecule_fini(&m);
}

/* The SMILES of an isomer is put aside: acetaldehyde is not ethenol (other
 * hydrogens), butadiene not cyclobutene (a bond of 1.66 A more). */
static void isomers_are_not_taken(void **state)
{
    struct molecule m = {0};

    (void)state;
    add(&m, 6, 0, 0, 0);
    add(&m, 6, 1.33, 0, 0);
    add(&m, 8, 2.0, 1.18, 0);
    add(&m, 1, -0.55, 0.93, 0);
    add(&m, 1, -0.55, -0.93, 0);
    add(&m, 1, 1.88, -0.93, 0);
    add(&m, 1, 2.95, 1.05, 0);
    molecule_smiles(&m, "CC=O", 4);
    assert_int_equal(derive(&m), BONDS_GEOMETRY);
    assert_int_equal(m.order[0], 2);
    molecule_smiles(&m, "C=CO", 4);
    assert_int_equal(derive(&m), BONDS_IN_ORDER);

    m.atoms = 0;
    add(&m, 6, -0.83, 0, 0);
    add(&m, 6, -0.67, 1.5, 0);
    add(&m, 6, 0.67, 1.5, 0);
    add(&m, 6, 0.83, 0, 0);
    for (int side = -1; side <= 1; side += 2) {
        add(&m, 1, side * 1.43, 2.27, 0);
        add(&m, 1, side * 1.24, -0.5, 0.88);
        add(&m, 1, side * 1.24, -0.5, -0.88);
    }
    molecule_smiles(&m, "C=CC=C", 6);
    assert_int_equal(derive(&m), BONDS_GEOMETRY);
    assert_int_equal(m.bonds, 10);
    molecule_smiles(&m, "C1C=CC1", 7);
    assert_int_equal(derive(&m), BONDS_IN_ORDER);
    assert_int_equal(m.bonds, 10);
    molecule_fini(&m);
}

/* Ethane with its carbons this far apart. */
static void ethane(struct molecule *m, double length)
{
    m->atoms = 0;
    for (int end = 0; end < 2; end++) {
        double out = end ? length + 0.36 : -0.36;

        add(m, 6, end * length, 0, 0);
        add(m, 1, out, 1.03, 0);
        add(m, 1, out, -0.51, 0.89);
        add(m, 1, out, -0.51, -0.89);
    }
}

/* A SMILES may stretch a bond to an excess of 0.42 A, no further; by distance
 * alone carbons are bonded up to 0.235 A. */
static void bonds_have_a_longest(void **state)
{
    struct molecule m = {0};

    (void)state;
    molecule_smiles(&m, "CC", 2);
    ethane(&m, 1.93);
    assert_int_equal(derive(&m), BONDS_IN_ORDER);
    assert_int_equal(m.bonds, 7);
    ethane(&m, 1.95);
    assert_int_equal(derive(&m), BONDS_GEOMETRY);
    assert_int_equal(m.bonds, 6); /* two anions */
    molecule_smiles(&m, "", 0);
    ethane(&m, 1.75);
    derive(&m);
    assert_int_equal(m.bonds, 7);
    ethane(&m, 1.76);
    derive(&m);
    assert_int_equal(m.bonds, 6);
    molecule_fini(&m);
}

/* Rings in a row, para bonds between them, all a little out of place, so that
 * of the two forms of each ring one is shorter; shuffled. */
static void phenylenes(struct molecule *m, int rings)
{
    static const double angle[] = {180, 120, 60, 0, 300, 240};
    static char smiles[1200];
    struct rng r = rng_stream(2, RNG_TEST, (uint64_t)rings);
    int64_t to[500];
    uint64_t at = 0;
    size_t n = 0;

    rng_permutation(r, 10 * rings + 2, to);
    assert_int_equal(molecule_atoms(m, 10 * rings + 2), OK);
    m->atoms = 0;
    for (int i = 0; i < 6 * rings; i++) {
        double a = acos(-1.0) / 180 * angle[i % 6];
        int last = i % 6 == 3 && i / 6 == rings - 1;

        for (int z = 6; z > 0; z -= 5) { /* C, then its H */
            double out = z == 6 ? 1.4 : 2.49;
            double *x = m->x + 3 * to[m->atoms];

            if (z == 1 && i && i % 3 == 0 && !last)
                continue;
            m->number[to[m->atoms++]] = (uint8_t)z;
            x[0] = 4.3 * (i / 6) + out * cos(a) + 0.02 * rng_uniform(r, at++);
            x[1] = out * sin(a) + 0.02 * rng_uniform(r, at++);
            x[2] = 0.02 * rng_uniform(r, at++);
        }
        if (i % 6 == 0)
            n += (size_t)snprintf(smiles + n, sizeof smiles - n, "%s",
                                  i ? "-c1ccc(cc1)" : "c1ccc(cc1)");
    }
    molecule_smiles(m, smiles, n);
}

/* Four rings have one best mapping among 32; the 2^41 of forty are refused, not
 * tried, and need no mapping without the SMILES. */
static void too_many_ways_are_refused(void **state)
{
    struct molecule m = {0};

    (void)state;
    phenylenes(&m, 4);
    assert_int_equal(derive(&m), BONDS_MAPPED);
    assert_int_equal(m.bonds, 4 * 10 + 3 + 2);
    assert_int_equal(sum_of_orders(&m), m.bonds + 4 * 3);
    phenylenes(&m, 40);
    assert_refused(&m, "too many ways to lay its SMILES");
    molecule_smiles(&m, "", 0);
    assert_int_equal(derive(&m), BONDS_GEOMETRY);
    assert_int_equal(sum_of_orders(&m), m.bonds + 40 * 3);
    molecule_fini(&m);
}

static void refusals_say_why(void **state)
{
    struct molecule m = {0};

    (void)state;
    assert_refused(&m, "no two atoms");
    add(&m, 6, 0, 0, 0);
    assert_refused(&m, "no two atoms");
    add(&m, 17, 1.7, 0, 0);
    assert_refused(&m, "atom 2 (Cl) has no radius");
    m.number[1] = 6;
    m.x[3] = 3;
    assert_refused(&m, "atom 1 (C) is bonded to no other");
    m.x[3] = NAN;
    assert_refused(&m, "is bonded to no other");
    m.x[3] = 1.5;
    m.number[0] = 9;
    add(&m, 1, 2.1, 0.9, 0);
    assert_refused(&m, "a radical, a missing hydrogen");
    m.atoms = 2;
    add(&m, 1, 5, 0, 0);
    assert_refused(&m, "atom 3 (H) has no heavy atom near enough");
    m.atoms = 0;
    add(&m, 1, 0, 0, 0);
    add(&m, 1, 0.9, 0, 0);
    assert_refused(&m, "no molecule but H2");
    m.x[3] = 0.7;
    molecule_smiles(&m, "C", 1);
    assert_refused(&m, "different formulas");
    alkane(&m, 3);
    molecule_smiles(&m, "CCCC", 4);
    assert_refused(&m, "different formulas");
    molecule_smiles(&m, "CC=C", 4);
    assert_refused(&m, "different formulas");
    molecule_smiles(&m, "CC(C", 4);
    assert_refused(&m, "its SMILES has a parenthesis");
    m.atoms = 0;
    for (int i = 0; i < 400; i++) /* 0.2 A apart */
        add(&m, 6, 0.2 * i, 0, 0);
    assert_refused(&m, "crowded");
    assert_int_equal(molecule_atoms(&m, 10001), OK);
    memset(m.number, 6, 10001);
    m.atoms = 10001;
    assert_refused(&m, "at most 10000");
    molecule_fini(&m);
}

/* Bonds of the ring 0 .. n-1 of type 4, hydrogens on the atoms that want one.
 */
static void ring(struct molecule *m, const char *atoms)
{
    int n = (int)strlen(atoms), isotope;

    m->atoms = 0;
    assert_int_equal(molecule_bonds(m, 2 * n), OK);
    for (int i = 0; i < n; i++) /* lower case: with hydrogen */
        add(m, element_number(atoms + i, 1, &isotope), i, 0, 0);
    m->bonds = 0;
    for (int i = 0; i < n; i++) {
        m->bond[2 * m->bonds] = i;
        m->bond[2 * m->bonds + 1] = (i + 1) % n;
        m->order[m->bonds++] = 4;
    }
    for (int i = 0; i < n; i++) {
        int bonds = m->bonds;

        if (atoms[i] < 'a')
            continue;
        add(m, 1, i, 1, 0);
        m->bonds = bonds;
        m->bond[2 * m->bonds] = i;
        m->bond[2 * m->bonds + 1] = m->atoms - 1;
        m->order[m->bonds++] = 1;
    }
    molecule_sort_bonds(m);
}

/* Where the double bonds go: the number of each one's first atom. */
static void aromatic_bonds_become_kekule(void **state)
{
    static const struct {
        const char *ring, *twice; /* lower ends of the double bonds */
    } cases[] = {
        {"cccccc", "0 2 4 "},     {"Nccccc", "0 2 4 "},
        {"ncccc", "1 3 "}, /* pyrrole */
        {"Occcc", "1 3 "},        {"Scccc", "1 3 "},
        {"nccccc", "0 2 4 "}, /* pyridinium: N is charged */
        {"ccccc", "1 3 "},    /* an anion: the first carbon gives way */
        {"cccccccc", "0 2 4 6 "},
    };
    struct molecule m = {0};

    (void)state;
    for (int i = 0; i < 8; i++) {
        char room[100], twice[64] = "";
        const char *reason;
        size_t n = 0;

        ring(&m, cases[i].ring);
        assert_int_equal(bonds_kekulize(&m, room, sizeof room, &reason), OK);
        assert_null(reason);
        for (int b = 0; b < m.bonds; b++) {
            assert_in_range(m.order[b], 1, 2);
            if (m.order[b] == 2)
                n += (size_t)snprintf(twice + n, sizeof twice - n, "%d ",
                                      (int)m.bond[2 * b]);
        }
        assert_string_equal(twice, cases[i].twice);
    }
    molecule_fini(&m);
}

/* A carbon cannot have three double bonds, and one charge does not help. */
static void impossible_kekule_is_refused(void **state)
{
    struct molecule m = {0};
    char room[100];
    const char *reason;

    (void)state;
    for (int i = 0; i < 4; i++)
        add(&m, 6, i, 0, 0);
    assert_int_equal(molecule_bonds(&m, 3), OK);
    m.bonds = 3;
    for (int b = 0; b < 3; b++) {
        m.bond[2 * b] = 0;
        m.bond[2 * b + 1] = b + 1;
        m.order[b] = 4;
    }
    assert_int_equal(bonds_kekulize(&m, room, sizeof room, &reason), OK);
    assert_non_null(reason);
    assert_non_null(strstr(reason, "no Kekule form"));
    assert_int_equal(m.order[0], 4);
    molecule_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bonds_are_those_of_the_smiles,
                                  no_block_is_left),
        cmocka_unit_test_teardown(any_order_of_atoms_will_do, no_block_is_left),
        cmocka_unit_test_teardown(geometry_alone_will_do, no_block_is_left),
        cmocka_unit_test_teardown(small_molecules_are_bonded, no_block_is_left),
        cmocka_unit_test_teardown(large_molecules_are_bonded, no_block_is_left),
        cmocka_unit_test_teardown(hydrogens_take_the_nearest, no_block_is_left),
        cmocka_unit_test_teardown(isomers_are_not_taken, no_block_is_left),
        cmocka_unit_test_teardown(bonds_have_a_longest, no_block_is_left),
        cmocka_unit_test_teardown(too_many_ways_are_refused, no_block_is_left),
        cmocka_unit_test_teardown(refusals_say_why, no_block_is_left),
        cmocka_unit_test_teardown(aromatic_bonds_become_kekule,
                                  no_block_is_left),
        cmocka_unit_test_teardown(impossible_kekule_is_refused,
                                  no_block_is_left),
    };

    return cmocka_run_group_tests(tests, read_examples, NULL);
}
