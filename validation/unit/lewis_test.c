/* SPDX-License-Identifier: MIT */
/* lewis_test.c - the cheapest orders against all orders, written down a second
 * time from the rule; named molecules; what is refused.
 */
#include "data/lewis.h"

#include "base/mem.h"
#include "base/rng.h"
#include "data/molecule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BONDS = 8 };

static double ideal(int z1, int z2, int order)
{
    static const struct {
        int z1, z2;
        double d0[3];
    } rows[] = {{6, 6, {1.521, 1.357, 1.204}},
                {6, 7, {1.440, 1.291, 1.156}},
                {6, 8, {1.414, 1.206, 1.13}},
                {7, 7, {1.350, 1.24, 1.12}},
                {7, 8, {1.406, 1.226, 1.1}}};

    for (int i = 0; i < 5; i++)
        if ((rows[i].z1 == z1 && rows[i].z2 == z2) ||
            (rows[i].z1 == z2 && rows[i].z2 == z1))
            return rows[i].d0[order - 1];
    return 0;
}

/* The rule's cost of the orders as they stand; INFINITY: not allowed. */
static double cost_of(const struct molecule *m)
{
    static const int usual[] = {[1] = 1, [6] = 4, [7] = 3, [8] = 2, [9] = 1};
    double cost = 0;
    int charge = 0, valence[32] = {0};

    for (int b = 0; b < m->bonds; b++) {
        int i = m->bond[2 * b], j = m->bond[2 * b + 1];
        double d0 = ideal(m->number[i], m->number[j], m->order[b]);
        double x = m->x[3 * i] - m->x[3 * j];
        double y = m->x[3 * i + 1] - m->x[3 * j + 1];
        double z = m->x[3 * i + 2] - m->x[3 * j + 2];

        if (d0 > 0)
            cost += 30 * pow(sqrt(x * x + y * y + z * z) - d0, 2);
        valence[i] += m->order[b];
        valence[j] += m->order[b];
    }
    for (int i = 0; i < m->atoms; i++) {
        int z = m->number[i], q = valence[i] - usual[z];

        if ((z == 6 && q != 0 && q != -1) || abs(q) > 1 ||
            ((z == 1 || z == 9) && q))
            return INFINITY;
        charge += q;
        cost += 4 * abs(q) + (z == 6 && q ? 6 : 0);
    }
    return cost + 20 * abs(charge);
}

static double least_of_all(struct molecule *m, int b)
{
    double least = INFINITY;

    if (b == m->bonds)
        return cost_of(m);
    for (uint8_t order = 1; order <= 3; order++) {
        m->order[b] = order;
        least = fmin(least, least_of_all(m, b + 1));
    }
    return least;
}

/* A random connected graph of `atoms` atoms and at most BONDS bonds in a box of
 * size `scale`: in some distances weigh as much as charges. */
static void random_graph(struct molecule *m, struct rng r, int atoms,
                         double scale)
{
    uint64_t at = 0;

    assert_int_equal(molecule_atoms(m, atoms), OK);
    assert_int_equal(molecule_bonds(m, BONDS), OK);
    m->atoms = atoms;
    m->bonds = 0;
    for (int i = 0; i < atoms; i++) {
        m->number[i] = (uint8_t)(6 + rng_bits(r, at++) % 3);
        if (i && rng_bits(r, at++) % 5 == 0)
            m->number[i] = rng_bits(r, at++) % 2 ? 1 : 9;
        for (int c = 0; c < 3; c++)
            m->x[3 * i + c] = scale * rng_uniform(r, at++);
        for (int tries = i ? 1 + (int)(rng_bits(r, at++) % 2) : 0;
             tries > 0 && m->bonds < BONDS; tries--) {
            int j = (int)(rng_bits(r, at++) % (uint64_t)i);

            if (m->bonds && m->bond[2 * m->bonds - 2] == j &&
                m->bond[2 * m->bonds - 1] == i)
                continue;
            m->bond[2 * m->bonds] = j;
            m->bond[2 * m->bonds++ + 1] = i;
        }
    }
}

/* Costs are sums of some ten terms below 100: 1e-10 is rounding. */
static void nothing_is_cheaper(void **state)
{
    struct molecule m = {0};
    int fitting = 0, found;

    (void)state;
    for (int seed = 0; seed < 2500; seed++) {
        double least;

        random_graph(&m, rng_stream((uint64_t)seed, RNG_TEST, 0), 2 + seed % 7,
                     0.5 + seed % 8);
        least = least_of_all(&m, 0);
        assert_int_equal(lewis_orders(&m, &found), OK);
        assert_int_equal(found, least < INFINITY);
        if (found)
            assert_true(fabs(cost_of(&m) - least) < 1e-10);
        fitting += found;
    }
    assert_true(fitting > 500 && fitting < 2500);
    molecule_fini(&m);
    assert_int_equal(mem_live(), 0);
}

/* A grid of nitrogens, which all may have two to four bonds, is too wide for
 * the frontier: refused in bounded time and memory. */
static void wide_grids_are_refused(void **state)
{
    enum { SIDE = 40 };
    struct molecule m = {0};
    int found = 1;

    (void)state;
    assert_int_equal(molecule_atoms(&m, SIDE * SIDE), OK);
    assert_int_equal(molecule_bonds(&m, 2 * SIDE * SIDE), OK);
    m.atoms = SIDE * SIDE;
    for (int i = 0; i < m.atoms; i++) {
        m.number[i] = 7;
        m.x[3 * i] = 1.4 * (i % SIDE);
        m.x[3 * i + 1] = 1.4 * (i / SIDE);
        m.x[3 * i + 2] = 0;
        for (int side = 0; side < 2; side++) {
            int j = side ? i + SIDE : i + 1;

            /* a brick wall: three neighbours each */
            if (j >= m.atoms ||
                (side ? (i / SIDE + i % SIDE) % 2 : i % SIDE == SIDE - 1))
                continue;
            m.bond[2 * m.bonds] = i;
            m.bond[2 * m.bonds++ + 1] = j;
        }
    }
    assert_int_equal(lewis_orders(&m, &found), OK);
    assert_int_equal(found, -1);
    molecule_fini(&m);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_cheaper),
        cmocka_unit_test(wide_grids_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
