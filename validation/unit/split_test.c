/* SPDX-License-Identifier: MIT */
/* split_test.c - published splits by their digests (rows as little-endian
 * int64, compared with torch.randperm and numpy when they were made); parts
 * that cover; what the data cannot give is said where the deck asks for it.
 */
#include "data/split.h"

#include "base/mem.h"
#include "data/dataset.h"
#include "deck/params.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { QM9 = 130831, TARGETS = 3, SMALL = 20 };

static int64_t id[QM9], rows[QM9];
static double label[QM9 * TARGETS];
static char path[] = "some-data";
static struct dataset_target target[TARGETS] = {
    {"homo", "eV"}, {"lumo", "eV"}, {"U0", "eV"}};
static const char file[] = "split_test.csv";

/* Labels are all known; ids 10, 13, 16, .. */
static struct dataset data_of(int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        id[i] = 10 + 3 * i;
    for (int64_t i = 0; i < n * TARGETS; i++)
        label[i] = 1;
    return (struct dataset){.molecules = n,
                            .targets = TARGETS,
                            .target = target,
                            .id = id,
                            .label = label,
                            .path = path};
}

static struct params params_of(enum split_rule rule)
{
    struct params p = {0};
    static char name[sizeof file];

    memcpy(name, file, sizeof file);
    p.data.split = rule;
    p.data.split_file = name;
    p.data.train = 0.5;
    p.data.validation = 0.25;
    p.train.batch = 2;
    return p;
}

static const char deck_text[] = "data:\n"
                                "  path: d\n"
                                "  split: nvidia\n"
                                "  target: [homo, lumoo]\n"
                                "  reference: atoms\n"
                                "train:\n"
                                "  batch: 321\n";

/* split_make with all targets and a deck of its own. */
static enum err make(const struct params *p, const struct dataset *d,
                     struct split *out)
{
    static const int columns[TARGETS] = {0, 1, 2};
    struct deck *deck;
    enum err err;

    assert_int_equal(
        deck_parse(deck_text, sizeof deck_text - 1, "some.yaml", &deck), OK);
    err = split_make(p, deck, d, columns, TARGETS, out);
    deck_close(&deck);
    return err;
}

static void write_file(const char *text)
{
    FILE *f = fopen(file, "wb");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_said(enum err err, enum err code, const char *part)
{
    assert_int_equal(err, code);
    if (!strstr(err_message(), part))
        fail_msg("'%s' is not in '%s'", part, err_message());
}

static void published_splits_have_their_digests(void **state)
{
    static const struct {
        enum split_rule rule;
        int64_t n[PARTS];
        const char *digest[PARTS];
    } want[] = {
        {SPLIT_NVIDIA,
         {100000, 17748, 13083},
         {"2d83148c4e2662420c0edc1e080140c662d9b6940603da899318ba18f2a87b33",
          "784d303d283030d1c42775048a028b7317428363ef82cd941b0b79e41cede8e7",
          "4210220b792d94c25cbb78ee2c9e083df3e263391a11a853b42361d9dbb7e256"}},
        {SPLIT_CORMORANT,
         {100000, 17748, 13083},
         {"5347dea851fe63a557208ece07ec404f0f7c37cd01239eff2cd9de3a29f399d7",
          "4a6b6f2529e02c7cd7cb757aaf937014bfab9cbe15af92a72700e134f9f57a4b",
          "6b2a97c86b37a248830d84a5bc1077d35a5c904da5bed1a512a3f897f50a0621"}},
        {SPLIT_T110K,
         {110000, 10000, 10831},
         {"19e8be03085c017f75a34cdb792d60a766befe8b7abe7f50dc7d3c2aea3f3a77",
          "95195c95f2995a543553fc285bbf8a8c13870ca42557f06e6be0b1a3f25ebae6",
          "2a44b229d8bff3bcd87a4eeead29d5ef9faa384a34c2320d34ff6657e36e65d0"}},
    };
    struct dataset d = data_of(QM9);

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct params p = params_of(want[i].rule);
        struct digest digest;
        struct split s;

        assert_int_equal(make(&p, &d, &s), OK);
        for (int k = 0; k < PARTS; k++) {
            split_digest(&s, (enum part)k, &digest);
            assert_int_equal(s.n[k], want[i].n[k]);
            assert_string_equal(digest.hex, want[i].digest[k]);
        }
        assert_string_equal(s.digest.hex, "");
        split_fini(&s);
    }
}

static void permutations_have_their_digests(void **state)
{
    static const struct {
        void (*permute)(int64_t n, int64_t out[]);
        int64_t last; /* row */
        const char *digest;
    } want[] = {
        {split_nvidia, 3902,
         "dcbf2df03fba8b31853aac4da0d295cdbb0393025af0ef0c5ae315ef0cbabdbc"},
        {split_cormorant, 68268,
         "77989252ff8c8309ea7b219943daf0d125303346daf87750b1f0bafcc1198c12"},
        {split_t110k, 58623,
         "3bf7ccae768caf0003953d1f47ff81e46c4b331b42c8eecb37b9f2170a7898d2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct split all = {.n = {QM9}, .row = {rows}};
        struct digest digest;

        want[i].permute(QM9, rows);
        split_digest(&all, PART_TRAIN, &digest);
        assert_int_equal(rows[QM9 - 1], want[i].last);
        assert_string_equal(digest.hex, want[i].digest);
        rows[0] = 7;
        want[i].permute(1, rows);
        assert_int_equal(rows[0], 0);
    }
}

static void randperm_of_ten(void **state)
{
    static const int64_t want[] = {4, 1, 7, 5, 3, 9, 0, 8, 6, 2};

    (void)state;
    split_nvidia(10, rows);
    assert_memory_equal(rows, want, sizeof want);
}

/* Each row once, in all parts together. */
static void assert_covers(const struct split *s, int64_t n)
{
    static char seen[QM9];

    memset(seen, 0, sizeof seen);
    assert_int_equal(s->n[0] + s->n[1] + s->n[2], n);
    for (int p = 0; p < PARTS; p++)
        for (int64_t i = 0; i < s->n[p]; i++) {
            assert_in_range((uintmax_t)s->row[p][i], 0, (uintmax_t)n - 1);
            assert_int_equal(seen[s->row[p][i]]++, 0);
        }
}

static void fractions_cover_and_round(void **state)
{
    static const struct {
        int64_t all;
        double train, validation;
        int64_t n[PARTS];
    } want[] = {
        {400, 0.8, 0.1, {320, 40, 40}}, {13, 0.8, 0.1, {10, 1, 2}},
        {7, 0.5, 0.5, {4, 3, 0}},       {1000, 0.3334, 0.3333, {333, 333, 334}},
        {120, 0.8, 0.1, {96, 12, 12}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct dataset d = data_of(want[i].all);
        struct params p = params_of(SPLIT_FRACTIONS);
        struct split s, again;
        int moved = 0;

        p.data.train = want[i].train;
        p.data.validation = want[i].validation;
        assert_int_equal(make(&p, &d, &s), OK);
        p.run.seed = 99; /* the split has a seed of its own */
        assert_int_equal(make(&p, &d, &again), OK);
        assert_covers(&s, want[i].all);
        for (int k = 0; k < PARTS; k++)
            assert_int_equal(s.n[k], want[i].n[k]);
        assert_memory_equal(s.row[0], again.row[0],
                            (size_t)want[i].all * sizeof(int64_t));
        for (int64_t k = 0; k < s.n[0]; k++)
            moved += s.row[0][k] != k;
        assert_true(moved > 0);
        split_fini(&s);
        split_fini(&again);
    }
}

static void another_data_set_is_refused(void **state)
{
    struct dataset d = data_of(SMALL);
    struct split s;

    (void)state;
    for (int rule = SPLIT_NVIDIA; rule <= SPLIT_T110K; rule++) {
        struct params p = params_of((enum split_rule)rule);

        assert_said(make(&p, &d, &s), ERR_DECK, "some.yaml:3:10: data.split: ");
        assert_said(ERR_DECK, ERR_DECK, "130831");
        assert_said(ERR_DECK, ERR_DECK, "found 20");
    }
}

static void file_names_the_parts(void **state)
{
    static const char text[] = "\xEF\xBB\xBFid,part\r\n16,train\r\n"
                               "10,test\r\n13 , train\n\n22,validation\n"
                               "19,train";
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FILE);
    struct digest digest;
    struct split s;

    (void)state;
    write_file(text);
    label[5 * TARGETS] = label[5 * TARGETS + 1] = label[5 * TARGETS + 2] =
        (double)NAN; /* a row that is left out */
    assert_int_equal(make(&p, &d, &s), OK);
    assert_int_equal(s.n[PART_TRAIN], 3);
    assert_int_equal(s.row[PART_TRAIN][0], 2);
    assert_int_equal(s.row[PART_TRAIN][1], 1);
    assert_int_equal(s.row[PART_TRAIN][2], 3);
    assert_int_equal(s.n[PART_VALIDATION], 1);
    assert_int_equal(s.row[PART_VALIDATION][0], 4);
    assert_int_equal(s.n[PART_TEST], 1);
    assert_int_equal(s.row[PART_TEST][0], 0);
    digest_bytes(text, sizeof text - 1, &digest);
    assert_true(digest_equal(&digest, &s.digest));
    split_fini(&s);
}

static void file_mistakes_are_said_by_line(void **state)
{
    static const struct {
        const char *text, *said;
    } bad[] = {
        {"", "the train part is empty"},
        {"16,train\n", "split_test.csv:1: no header"},
        {"id,part\n16,train\n12,test\n", "split_test.csv:3: no such molecule"},
        {"id,part\n16,train\n12,test\n", "found '12'"},
        {"id,part\n\n16,train\n16,test\n",
         "split_test.csv:4: a molecule again"},
        {"id,part\n16,train\n16,train\n", "split_test.csv:3: a molecule again"},
        {"id,part\nx6,train\n", "split_test.csv:2: not an id"},
        {"id,part\n,train\n", "split_test.csv:2: not an id"},
        {"id,part\n16\n", "split_test.csv:2: not a part"},
        {"id,part\n16,trian\n", "found 'trian'"},
        {"id,part\n16,train,1\n", "found 'train,1'"},
        {"id,part\n16,test\n13,validation\n", "the train part is empty"},
        {"id,part\n16,train\n13,train\n", "the validation part is empty"},
        {"id,part\n16,train\n13,validation\n",
         "some.yaml:7:10: train.batch: larger than the training part "
         "(expected 1 to 1, found 2)"},
    };
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FILE);
    struct split s = {.n = {7}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(bad[i].text);
        assert_said(make(&p, &d, &s), ERR_DECK, bad[i].said);
        assert_said(ERR_DECK, ERR_DECK, "some.yaml:");
        assert_int_equal(s.n[0], 7); /* left alone */
    }
}

/* Ten lines, not one for each molecule. */
static void wrong_file_is_not_a_flood(void **state)
{
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FILE);
    FILE *f = fopen(file, "wb");
    struct split s;
    int lines = 1;

    (void)state;
    assert_non_null(f);
    fputs("id,part\n", f);
    for (int i = 0; i < 1000; i++)
        fprintf(f, "%d,train\n", 5000 + i);
    fclose(f);
    assert_said(make(&p, &d, &s), ERR_DECK, "split_test.csv:2: ");
    for (const char *c = err_message(); *c; c++)
        lines += *c == '\n';
    assert_in_range(lines, 2, 11);
}

static void file_that_is_not_there(void **state)
{
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FILE);
    char none[] = "no-such-file.txt", folder[] = ".";
    struct split s;

    (void)state;
    p.data.split_file = none;
    assert_said(make(&p, &d, &s), ERR_DECK,
                "some.yaml:3:10: data.split: no such split: "
                "'no-such-file.txt'");
    p.data.split_file = folder;
    assert_said(make(&p, &d, &s), ERR_DECK, "'.' cannot be read");
}

static void sizes_are_checked(void **state)
{
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FRACTIONS);
    struct split s;

    (void)state;
    p.train.batch = 10;
    assert_int_equal(make(&p, &d, &s), OK);
    split_fini(&s);
    p.train.batch = 11;
    assert_said(make(&p, &d, &s), ERR_DECK,
                "some.yaml:7:10: train.batch: larger than the training part "
                "(expected 1 to 10, found 11)");
    p.data.validation = 0;
    assert_said(make(&p, &d, &s), ERR_DECK, "the validation part is empty");
    assert_said(ERR_DECK, ERR_DECK, "found 11"); /* both at once */
    p.data.train = 0;
    assert_said(make(&p, &d, &s), ERR_DECK, "the train part is empty");
}

static void molecules_without_a_label_are_counted(void **state)
{
    static const int homo = 0, none = -1, two[] = {0, 1};
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FRACTIONS);
    struct split s, kept;
    struct deck *deck;

    (void)state;
    deck_parse(deck_text, sizeof deck_text - 1, "some.yaml", &deck);
    assert_int_equal(split_make(&p, deck, &d, NULL, 0, &kept), OK);
    for (int i = 0; i < 3; i++) /* the last of train, the last two of test */
        label[kept.row[i ? PART_TEST : 0]
                      [kept.n[i ? PART_TEST : 0] - 1 - (i > 1)] *
              TARGETS] = (double)NAN;
    assert_said(split_make(&p, deck, &d, &homo, 1, &s), ERR_DATA,
                "some-data: 3 molecules have no label");
    assert_int_equal(split_make(&p, deck, &d, two, 2, &s), OK);
    split_fini(&s);
    assert_int_equal(split_make(&p, deck, &d, NULL, 0, &s), OK);
    split_fini(&s);
    label[kept.row[0][kept.n[0] - 1] * TARGETS + 1] = (double)NAN;
    assert_said(split_make(&p, deck, &d, two, 2, &s), ERR_DATA,
                "some-data: 1 molecules");
    assert_said(split_make(&p, deck, &d, &none, 1, &s), ERR_DATA,
                "some-data: 20 molecules");
    split_fini(&kept);
    deck_close(&deck);
}

static void targets_are_found_by_name(void **state)
{
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FRACTIONS);
    struct deck *deck;
    struct split s;
    int column[2];

    (void)state;
    deck_parse(deck_text, sizeof deck_text - 1, "some.yaml", &deck);
    p.data.targets = 2;
    snprintf(p.data.target[0], PARAMS_NAME, "lumo");
    snprintf(p.data.target[1], PARAMS_NAME, "homo");
    assert_int_equal(split_targets(&p, deck, &d, column), OK);
    assert_int_equal(column[0], 1);
    assert_int_equal(column[1], 0);
    snprintf(p.data.target[0], PARAMS_NAME, "homo");
    snprintf(p.data.target[1], PARAMS_NAME, "lumoo");
    assert_said(split_targets(&p, deck, &d, column), ERR_DECK,
                "some.yaml:4:18: data.target: no such target in 'some-data' "
                "(expected one of: homo, lumo, U0; found lumoo); did you mean "
                "lumo?");
    assert_int_equal(column[0], 0);
    assert_int_equal(column[1], -1);
    p.data.train = 0.99; /* of 20: 20, none are left */
    assert_said(split_make(&p, deck, &d, column, 2, &s), ERR_DECK,
                "did you mean lumo?"); /* and the split's own mistake */
    assert_said(ERR_DECK, ERR_DECK, "the validation part is empty");
    deck_close(&deck);
}

static void atoms_for_a_target_without(void **state)
{
    struct dataset d = data_of(SMALL);
    struct params p = params_of(SPLIT_FRACTIONS);
    struct deck *deck;
    int column[2];

    (void)state;
    deck_parse(deck_text, sizeof deck_text - 1, "some.yaml", &deck);
    p.data.reference = REFERENCE_ATOMS;
    p.data.targets = 1;
    snprintf(p.data.target[0], PARAMS_NAME, "U0");
    assert_int_equal(split_targets(&p, deck, &d, column), OK);
    snprintf(p.data.target[0], PARAMS_NAME, "homo");
    assert_said(split_targets(&p, deck, &d, column), ERR_DECK,
                "some.yaml:5:14: data.reference: no atoms for target homo");
    deck_close(&deck);
}

static int teardown(void **state)
{
    (void)state;
    remove(file);
    return mem_live();
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(published_splits_have_their_digests),
        cmocka_unit_test(permutations_have_their_digests),
        cmocka_unit_test(randperm_of_ten),
        cmocka_unit_test(fractions_cover_and_round),
        cmocka_unit_test(another_data_set_is_refused),
        cmocka_unit_test(file_names_the_parts),
        cmocka_unit_test(file_mistakes_are_said_by_line),
        cmocka_unit_test(wrong_file_is_not_a_flood),
        cmocka_unit_test(file_that_is_not_there),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(molecules_without_a_label_are_counted),
        cmocka_unit_test(targets_are_found_by_name),
        cmocka_unit_test(atoms_for_a_target_without),
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tests[i].teardown_func = teardown;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
