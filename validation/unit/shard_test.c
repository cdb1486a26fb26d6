/* SPDX-License-Identifier: MIT */
/* shard_test.c - what is written reads back the same, in any number of shards;
 * damage is named; nothing foreign is replaced and nothing is left behind.
 */
#include "config.h"

#include "data/shard.h"

#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "data/import.h"
#include "unit/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DIR_NAME "shard_test.dir"

static struct comm *comm;
static struct dataset *made;
static struct import_summary summary;

static enum err write_shards(int shards)
{
    struct digest digest;

    return shard_write(comm, made, &summary, DIR_NAME, shards, &digest);
}

static void remove_all(void)
{
    char path[64];

    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof path, DIR_NAME "/shard-%04d.h5", i);
        unlink(path);
    }
    unlink(DIR_NAME "/manifest.yaml");
    unlink(DIR_NAME "/rejected.csv");
    unlink(DIR_NAME "/notes");
    rmdir(DIR_NAME);
}

static int setup(void **state)
{
    (void)state;
    remove_all();
    return 0;
}

static int teardown(void **state)
{
    struct stat st;

    (void)state;
    remove_all();
    return lstat(DIR_NAME, &st) == 0; /* something was left in it */
}

#define SAME(field, n)                                                         \
    assert_memory_equal(a->field, b->field, sizeof *a->field *(size_t)(n))

static void assert_same(const struct dataset *a, const struct dataset *b)
{
    assert_int_equal(a->molecules, b->molecules);
    assert_int_equal(a->atoms, b->atoms);
    assert_int_equal(a->bonds, b->bonds);
    assert_int_equal(a->targets, b->targets);
    SAME(id, a->molecules);
    SAME(atom_begin, a->molecules + 1);
    SAME(bond_begin, a->molecules + 1);
    SAME(number, a->atoms);
    SAME(x, 3 * a->atoms);
    SAME(bond, 2 * a->bonds);
    SAME(order, a->bonds);
    SAME(label, a->molecules * a->targets);
    SAME(target, a->targets);
}

static void reads_back_the_same(void **state)
{
    static const int shards[] = {0, 1, 3, 43, 50};

    (void)state;
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
        struct dataset *d = NULL;

        assert_int_equal(write_shards(shards[i]), OK);
        assert_int_equal(dataset_open(comm, DIR_NAME, &d), OK);
        assert_same(made, d);
        assert_int_equal(strlen(d->digest.hex), DIGEST_CHARS);
        dataset_close(comm, &d);
    }
}

/* Columns in another order; the rest of the data set stays. */
static void kept_labels_are_the_same(void **state)
{
    const int last = made->targets - 1;
    int column[2] = {last, 0};
    struct dataset *d = NULL;

    (void)state;
    assert_true(made->targets > 2);
    assert_int_equal(write_shards(2), OK);
    assert_int_equal(dataset_open(comm, DIR_NAME, &d), OK);
    assert_int_equal(dataset_keep(comm, d, 2, column), OK);
    assert_int_equal(d->targets, 2);
    for (int t = 0; t < 2; t++) {
        assert_int_equal(column[t], t);
        assert_string_equal(d->target[t].name, made->target[t ? 0 : last].name);
    }
    for (int64_t m = 0; m < d->molecules; m++)
        for (int t = 0; t < 2; t++)
            assert_memory_equal(
                &d->label[2 * m + t],
                &made->label[m * made->targets + (t ? 0 : last)],
                sizeof(double));
    assert_memory_equal(d->order, made->order, (size_t)made->bonds);
    dataset_close(comm, &d);
}

static void equal_bytes(void **state)
{
    struct digest a, b;

    (void)state;
    assert_int_equal(write_shards(2), OK);
    assert_int_equal(digest_file(DIR_NAME "/manifest.yaml", -1, &a), OK);
    assert_int_equal(write_shards(2), OK);
    assert_int_equal(digest_file(DIR_NAME "/manifest.yaml", -1, &b), OK);
    assert_true(digest_equal(&a, &b));
}

/* --- damage ------------------------------------------------------------- */

static char text[1 << 16];

static size_t read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return n;
}

static void write_file(const char *path, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static void assert_damaged(const char *part)
{
    struct dataset *d = NULL;

    assert_int_equal(dataset_open(comm, DIR_NAME, &d), ERR_DATA);
    if (!strstr(err_message(), part))
        fail_msg("'%s' lacks '%s'", err_message(), part);
}

static void changed_bytes_are_named(void **state)
{
    const char *shard = DIR_NAME "/shard-0001.h5";
    size_t n;

    (void)state;
    assert_int_equal(write_shards(2), OK);
    n = read_file(shard);
    text[n / 2] ^= 4;
    write_file(shard, n);
    assert_damaged("shard-0001.h5: damaged");
    text[n / 2] ^= 4;
    write_file(shard, n - 1);
    assert_damaged("shard-0001.h5: damaged");
    unlink(shard);
    assert_damaged("shard-0001.h5: cannot be read");
}

/* The manifest with a word changed to one of the same length. */
static void change_manifest(const char *from, const char *to)
{
    size_t n = read_file(DIR_NAME "/manifest.yaml");
    char *at = strstr(text, from);

    assert_non_null(at);
    memcpy(at, to, strlen(to));
    write_file(DIR_NAME "/manifest.yaml", n);
}

static void manifests_are_checked(void **state)
{
    static const char *const change[][3] = {
        {"molecules: 43", "molecules: 42", "add up"},
        {"shard-0000", "shard-0001", "not in order"},
        {"kind: dataset", "kind: datasex", "kind"},
        {"format: 1", "format: 9", "newer"},
        {"\"mu\"", "\"mx\"", "/molecule/target: its names"},
        {"kind: ", "kind  ", "YAML"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        assert_int_equal(write_shards(1), OK);
        change_manifest(change[i][0], change[i][1]);
        assert_damaged(change[i][2]);
    }
    unlink(DIR_NAME "/manifest.yaml");
    assert_damaged("manifest.yaml");
}

/* --- contents that are wrong though the bytes are as written ------------- */

/* Numbers of the first molecules, written as a data set of one shard. */
static void assert_refused_as_written(void *number, size_t bytes,
                                      const void *wrong, const char *part)
{
    char was[16];

    memcpy(was, number, bytes);
    memcpy(number, wrong, bytes);
    assert_int_equal(write_shards(1), OK);
    memcpy(number, was, bytes);
    assert_damaged(part);
}

static void contents_are_checked(void **state)
{
    const double nan_double = strtod("nan", NULL),
                 inf_double = strtod("inf", NULL);
    const int32_t minus = -1, far = 30000;
    const uint8_t nine = 9, none = 0;
    const int64_t big = 1 << 30, back = 0;

    (void)state;
    assert_refused_as_written((double *)made->x + 16, 8, &nan_double,
                              "/atom/position[5]");
    assert_refused_as_written((double *)made->x + 16, 8, &inf_double,
                              "/atom/position[5]");
    assert_refused_as_written((int32_t *)made->bond + 6, 4, &minus,
                              "/bond/atoms[3]");
    assert_refused_as_written((int32_t *)made->bond + 7, 4, &far,
                              "/bond/atoms[3]");
    assert_refused_as_written((uint8_t *)made->order + 2, 1, &nine,
                              "/bond/order[2]");
    assert_refused_as_written((uint8_t *)made->number + 2, 1, &none,
                              "/atom/number[2]");
    assert_refused_as_written((int64_t *)made->atom_begin + 3, 8, &back,
                              "/molecule/atom_begin[3]");
    assert_refused_as_written((int64_t *)made->bond_begin + 3, 8, &big,
                              "/molecule/bond_begin[3]");
    assert_refused_as_written((int64_t *)made->id + 3, 8, &back,
                              "/molecule/id[3]");
    assert_refused_as_written((double *)made->label + 40, 8, &inf_double,
                              "/molecule/target[40]");
}

/* --- the folder --------------------------------------------------------- */

static void foreign_folders_stay(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(mkdir(DIR_NAME, 0777), 0);
    assert_int_equal(shard_check(comm, DIR_NAME), OK);
    write_file(DIR_NAME "/notes", 1);
    assert_int_equal(shard_check(comm, DIR_NAME), ERR_DECK);
    assert_int_equal(write_shards(1), ERR_DECK);
    assert_int_equal(lstat(DIR_NAME "/notes", &st), 0);
    assert_int_not_equal(lstat(DIR_NAME "/manifest.yaml", &st), 0);
    unlink(DIR_NAME "/notes");
    assert_int_equal(write_shards(1), OK);
    write_file(DIR_NAME "/notes", 1);
    assert_int_equal(write_shards(1), ERR_DECK);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_the_same),
        cmocka_unit_test(kept_labels_are_the_same),
        cmocka_unit_test(equal_bytes),
        cmocka_unit_test(changed_bytes_are_named),
        cmocka_unit_test(manifests_are_checked),
        cmocka_unit_test(contents_are_checked),
        cmocka_unit_test(foreign_folders_stay),
    };
    const char *path = test_path("validation/data/corner-cases.xyz.tar.bz2");
    const struct import_options plain = {.limit = -1};
    int failed, blocks;

    if (comm_open(&argc, &argv, &comm))
        return 1;
    blocks = mem_live();
    if (import_read(comm, 1, &path, &plain, &made, &summary)) {
        err_print(stderr);
        return 1;
    }
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    dataset_close(comm, &made);
    import_summary_fini(&summary);
    failed += mem_live() != blocks;
    comm_close(&comm, OK);
    return failed ? 1 : 0;
}
