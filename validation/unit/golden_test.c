/* SPDX-License-Identifier: MIT */
/* golden_test.c - the comparison with golden files itself: it passes what is
 * right, and one number changed fails its quantity and no other.
 *
 * The copy is changed where the number's eight bytes stand: raw data of these
 * files has no checksum.
 */
#include "app/golden_run.h"

#include "base/mem.h"
#include "cpu/device_cpu.h"
#include "device/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LARGEST = 1 << 22 };

static const char copy_path[] = "golden_test.h5";

struct tally {
    int lines, failed;
    double error;
    char last[128]; /* that failed */
};

static void on_line(void *self, const struct golden_line *l)
{
    struct tally *t = self;

    t->lines++;
    assert_true(isfinite(l->error) && l->error >= 0);
    assert_true(l->pass == (l->error <= l->tolerance));
    if (l->pass)
        return;
    t->failed++;
    t->error = l->error;
    snprintf(t->last, sizeof t->last, "%s", l->quantity);
}

static enum err run(const char *path, size_t real, struct tally *t)
{
    struct golden_report to = {.line = on_line, .self = t, .real = real};
    struct device *d;
    enum err err;

    *t = (struct tally){0};
    assert_int_equal(device_cpu_open(NULL, ISA_REF, real, &d), OK);
    err = golden_run(path, d, &to);
    device_close(&d);
    return err;
}

static void path_of(const char *file, char out[512])
{
    const char *dir = getenv("srcdir");

    snprintf(out, 512, "%s/validation/golden/%s", dir ? dir : ".", file);
}

static size_t read_bytes(const char *path, unsigned char *bytes)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(bytes, 1, LARGEST, f);
    fclose(f);
    return n;
}

static void write_bytes(const unsigned char *bytes, size_t n)
{
    FILE *f = fopen(copy_path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Where x stands, if it does so once; else n. */
static size_t find_once(const unsigned char *bytes, size_t n, double x)
{
    size_t at = n;

    for (size_t i = 0; i + sizeof x <= n; i++)
        if (memcmp(bytes + i, &x, sizeof x) == 0) {
            if (at < n)
                return n;
            at = i;
        }
    return at;
}

/* A copy in which one number of a data set became `to`. */
static void change(const char *file, const char *set, double to)
{
    static unsigned char bytes[LARGEST];
    char path[512];
    struct golden g;
    struct golden_array a;
    size_t n, at;

    path_of(file, path);
    assert_int_equal(golden_open(path, &g), OK);
    assert_int_equal(golden_read(&g, set, &a), OK);
    golden_close(&g);
    n = read_bytes(path, bytes);
    at = n;
    for (int64_t k = 0; k < a.count && at == n; k++)
        at = find_once(bytes, n, a.x[k]);
    golden_array_fini(&a);
    assert_true(at < n);
    memcpy(bytes + at, &to, sizeof to);
    write_bytes(bytes, n);
}

static const struct {
    const char *file, *set, *quantity;
} cases[] = {
    {"p8_linear.h5", "/expect/output/1", "output/1"},
    {"p8_linear.h5", "/expect/grad/linear.2.weight", "grad/linear.2.weight"},
    {"p8_norm_unequal.h5", "/expect/grad_node/2", "grad_node/2"},
    {"p8_attention.h5", "/expect/grad_edge/key.1", "grad_edge/key.1"},
    {"p8_attention.h5", "/expect/intermediate/attention",
     "intermediate/attention"},
    {"p8_conv_full.h5", "/expect/grad_edge/0", "grad_edge/0"},
    {"p8_conv_full.h5", "/expect/grad_x", "grad_x"},
    {"p1_tiny.h5", "/expect/grad/block.0.conv.path.0.1.fc0.bias",
     "grad/block.0.conv.path.0.1.fc0.bias"},
    {"p1_tiny.h5", "/expect/intermediate/block.0.value.1",
     "intermediate/block.0.value.1"},
    {"p7_sgd.h5", "/expect/final/head.fc0.bias", "final/head.fc0.bias"},
};
enum { CASES = sizeof cases / sizeof *cases };

static void one_number_fails_one_quantity(void **state)
{
    struct tally t;

    (void)state;
    for (int i = 0; i < CASES; i++) {
        change(cases[i].file, cases[i].set, 3.5);
        assert_int_equal(run(copy_path, sizeof(double), &t), OK);
        assert_int_equal(t.failed, 1);
        assert_string_equal(t.last, cases[i].quantity);
        assert_true(t.error > 1e-3);
    }
    remove(copy_path);
}

static void unchanged_files_pass(void **state)
{
    char path[512];
    struct tally t;

    (void)state;
    for (int i = 0; i < CASES; i++)
        for (size_t real = 4; real <= 8; real *= 2) {
            path_of(cases[i].file, path);
            assert_int_equal(run(path, real, &t), OK);
            assert_true(t.lines > 3);
            assert_int_equal(t.failed, 0);
        }
}

/* An expected NaN, a weight that is one: no comparison may hold. */
static void nan_never_passes(void **state)
{
    struct tally t;

    (void)state;
    change("p8_linear.h5", "/expect/output/1", NAN);
    assert_int_equal(run(copy_path, sizeof(double), &t), OK);
    assert_int_equal(t.failed, 1);
    change("p8_linear.h5", "/weights/linear.1.weight", NAN);
    assert_int_equal(run(copy_path, sizeof(double), &t), OK);
    assert_int_equal(t.failed, 3); /* output, loss, grad_node */
    remove(copy_path);
}

static void what_is_no_golden_file_is_refused(void **state)
{
    struct tally t;
    FILE *f;

    (void)state;
    assert_int_equal(run("no-such-file.h5", sizeof(double), &t), ERR_DATA);
    f = fopen(copy_path, "wb");
    assert_non_null(f);
    fputs("not HDF5", f);
    fclose(f);
    assert_int_equal(run(copy_path, sizeof(double), &t), ERR_DATA);
    remove(copy_path);
}

static int teardown(void **state)
{
    (void)state;
    return mem_live();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_number_fails_one_quantity, teardown),
        cmocka_unit_test_teardown(unchanged_files_pass, teardown),
        cmocka_unit_test_teardown(nan_never_passes, teardown),
        cmocka_unit_test_teardown(what_is_no_golden_file_is_refused, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
