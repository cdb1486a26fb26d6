/* SPDX-License-Identifier: MIT */
/* smiles_test.c - graphs of what people write, the Kekule rule, every refusal.
 */
#include "data/smiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "C3 C2 O1 | 0-1 1=2": elements (by number beyond C N O F) with hydrogens,
 * charge as + or -, then the bonds. */
static void describe(const struct smiles *s, char *out, size_t bytes)
{
    static const char *const names[] = {[6] = "C", [7] = "N", [8] = "O"};
    size_t n = 0;

    for (int i = 0; i < s->atoms; i++) {
        int z = s->number[i], q = s->charge[i];

        if (z >= 6 && z <= 8)
            n += (size_t)snprintf(out + n, bytes - n, "%s", names[z]);
        else
            n += (size_t)snprintf(out + n, bytes - n, "#%d:", z);
        n += (size_t)snprintf(out + n, bytes - n, "%d%s ", s->hydrogens[i],
                              q > 0   ? "+"
                              : q < 0 ? "-"
                                      : "");
    }
    n += (size_t)snprintf(out + n, bytes - n, "|");
    for (int b = 0; b < s->bonds; b++)
        n += (size_t)snprintf(out + n, bytes - n, " %d%c%d", s->bond[b][0],
                              " -=#"[s->order[b]], s -> bond[b][1]);
}

static const struct {
    const char *text, *graph;
} accepted[] = {
    {"C", "C4 |"},
    {"N#CC(=O)O", "N0 C0 C0 O0 O1 | 0#1 1-2 2=3 2-4"},
    {"CN(=O)=O", "C3 N0 O0 O0 | 0-1 1=2 1=3"},
    {"C[N+](=O)[O-]", "C3 N0+ O0 O0- | 0-1 1=2 1-3"},
    {"[NH3+]CC([O-])=O", "N3+ C2 C0 O0- O0 | 0-1 1-2 2-3 2=4"},
    {"C1CC1F", "C2 C2 C1 #9:0 | 0-1 0-2 1-2 2-3"},
    {"C=1CCC1", "C1 C2 C2 C1 | 0-1 0=3 1-2 2-3"},
    {"C%12CC%12", "C2 C2 C2 | 0-1 0-2 1-2"},
    {"C1CC1C1CC1", "C2 C2 C1 C1 C2 C2 | 0-1 0-2 1-2 2-3 3-4 3-5 4-5"},
    /* stereo marks, isotopes and classes are passed over */
    {"F/C=C\\O", "#9:0 C1 C1 O1 | 0-1 1=2 2-3"},
    {"N[C@@H](C)[13CH2:7]O", "N2 C1 C3 C2 O1 | 0-1 1-2 1-3 3-4"},
    {"N[C@TH1H](C)O", "N2 C1 C3 O1 | 0-1 1-2 1-3"},
    /* hydrogens written as atoms */
    {"[H]C([H])([2H])O[H]", "C3 O1 | 0-1"},
    {"CCl.O", "C3 #17:0 O2 | 0-1"},
    {"CS(=O)(=O)O", "C3 #16:0 O0 O0 O1 | 0-1 1=2 1=3 1-4"},
    /* lower case: the lowest atom takes its lowest neighbour */
    {"c1ccccc1", "C1 C1 C1 C1 C1 C1 | 0=1 0-5 1-2 2=3 3-4 4=5"},
    {"n1cc[nH]c1", "N0 C1 C1 N1 C1 | 0-1 0=4 1=2 2-3 3-4"},
    {"o1cccc1", "O0 C1 C1 C1 C1 | 0-1 0-4 1=2 2-3 3=4"},
    {"C[n+]1ccccc1", NULL},
    {"O=c1cccc[nH]1", NULL},
    {"[cH-]1cccc1", "C1- C1 C1 C1 C1 | 0-1 0-4 1=2 2-3 3=4"},
    {"Cn1cccc1", "C3 N0 C1 C1 C1 C1 | 0-1 1-2 1-5 2=3 3-4 4=5"},
    {"O=n1ccccc1", NULL},
    /* 0 = 1 would leave 2 and 4 alone: the search goes back */
    {"c1cc[nH]c1", "C1 C1 C1 N1 C1 | 0-1 0=4 1=2 2-3 3-4"},
};

/* Bonds of these are checked by valence alone. */
static void valences_are_full(const struct smiles *s)
{
    for (int i = 0; i < s->atoms; i++) {
        int sum = s->hydrogens[i], z = s->number[i];

        for (int b = 0; b < s->bonds; b++)
            if (s->bond[b][0] == i || s->bond[b][1] == i)
                sum += s->order[b];
        sum -= s->charge[i];
        if (z == 6)
            assert_int_equal(sum, 4);
        if (z == 7)
            assert_true(sum == 3 || sum == 5);
        if (z == 8)
            assert_int_equal(sum, 2);
    }
}

static void graphs_are_as_written(void **state)
{
    enum { CASES = sizeof accepted / sizeof *accepted };
    struct smiles s;
    char room[128] = "", graph[512];

    (void)state;
    for (int i = 0; i < CASES; i++) {
        const char *text = accepted[i].text;

        if (!smiles_parse(text, strlen(text), &s, room, sizeof room))
            fail_msg("%s: %s", text, room);
        describe(&s, graph, sizeof graph);
        if (!accepted[i].graph)
            valences_are_full(&s);
        else if (strcmp(graph, accepted[i].graph))
            fail_msg("%s: %s", text, graph);
    }
}

/* The bond between the rings has no mark and is single all the same, also where
 * a form with a double bond there comes first. */
static void rings_are_joined_by_single_bonds(void **state)
{
    static const char *const texts[] = {"c1ccccc1c1ccccc1", "c1cccc1c1cccc1",
                                        "c1cc1c1cc1"};
    struct smiles s;
    char room[128];

    (void)state;
    assert_true(
        smiles_parse(texts[0], strlen(texts[0]), &s, room, sizeof room));
    for (int b = 0; b < s.bonds; b++)
        if (s.bond[b][0] == 5 && s.bond[b][1] == 6)
            assert_int_equal(s.order[b], 1);
    valences_are_full(&s);
    for (int i = 1; i < 3; i++) {
        assert_false(
            smiles_parse(texts[i], strlen(texts[i]), &s, room, sizeof room));
        assert_non_null(strstr(room, "no Kekule form"));
    }
}

static const struct {
    const char *text, *reason;
} refused[] = {
    {"", "nothing"},
    {"C=", "nothing behind"},
    {"C.", "nothing behind"},
    {"C(", "parenthesis"},
    {"C(C", "parenthesis"},
    {"C)", "parenthesis"},
    {"C()", "parenthesis"},
    {"(C)", "branch without"},
    {"C((C))", "branch without"},
    {"=C", "bond without"},
    {"C==C", "bond without"},
    {"1CC1", "digit without"},
    {"C1CC", "not closed"},
    {"C%1C", "two digits"},
    {"C11", "already"},
    {"C12CC12", "already"},
    {"C1C1", "already"},
    {"C=1CC#1", "two orders"},
    {"C[", "unknown element"},
    {"C[Xy]", "unknown element"},
    {"C[C", "bracket"},
    {"C[C@?]", "bracket"},
    {"C[C+99]", "charge"},
    {"C*", "not understood (character 2)"},
    {"CH4", "not understood"},
    {"C$C", "not understood"},
    {"C C", "not understood"},
    {"C(C)(C)(C)(C)C", "too many bonds"},
    {"F=C", "too many bonds"},
    {"c1cccc1", "no Kekule form"},
    {"cc", "no Kekule form"},
    {"[H][H]", "heavy atom"},
    {"[H]", "heavy atom"},
    {"[H+].C", "heavy atom"},
    {"C[H]C", "heavy atom"},
};

static void refusals_say_why(void **state)
{
    enum { CASES = sizeof refused / sizeof *refused };
    struct smiles s;
    char room[128];

    (void)state;
    for (int i = 0; i < CASES; i++) {
        const char *text = refused[i].text, *reason = refused[i].reason;
        int parsed = smiles_parse(text, strlen(text), &s, room, sizeof room);

        if (parsed || !strstr(room, reason))
            fail_msg("'%s': %s", text, parsed ? "accepted" : room);
    }
    /* the slice ends where n says */
    assert_true(smiles_parse("CC(", 2, &s, room, sizeof room));
    assert_int_equal(s.atoms, 2);
}

/* Texts that would fill every table. */
static void tables_have_an_end(void **state)
{
    static char text[40000];
    static const struct {
        const char *unit;
        int good, bad; /* units */
    } cases[] = {{"C", SMILES_ATOMS, SMILES_ATOMS + 1},
                 {"C(", 0, 3000},
                 {"C.", 0, 3000},
                 {"[H]", 0, 3000},
                 {"c", 0, 2000},
                 {"C(F)", SMILES_ATOMS / 2, SMILES_ATOMS / 2 + 1}};
    struct smiles s;
    char room[128];

    (void)state;
    for (int i = 0; i < 6; i++) {
        size_t n = strlen(cases[i].unit);

        for (size_t at = 0; at < sizeof text; at++)
            text[at] = cases[i].unit[at % n];
        if (cases[i].good)
            assert_true(smiles_parse(text, n * (size_t)cases[i].good, &s, room,
                                     sizeof room));
        assert_false(smiles_parse(text, n * (size_t)cases[i].bad, &s, room,
                                  sizeof room));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_are_as_written),
        cmocka_unit_test(rings_are_joined_by_single_bonds),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(tables_have_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
