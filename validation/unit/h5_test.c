/* SPDX-License-Identifier: MIT */
/* h5_test.c - files come back as they went, do not depend on when and by how
 * many they were written, and what is damaged, foreign or hostile is refused.
 *
 * Tests of one rank run on every rank, each with files of its own; those named
 * all_ would hang if a rank left early. SE3T_H5_KEEP=FILE keeps the collective
 * file (comm_ranks.t compares those of several numbers of ranks).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/h5.h"

#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct comm *comm;
static char folder[64], mine[96], other[96], common[96];

#define assert_ok(call) assert_int_equal(call, OK)

/* The message names the file, the object and this word. */
static void assert_says(const char *object, const char *word)
{
    assert_non_null(strstr(err_message(), mine));
    assert_non_null(strstr(err_message(), object));
    assert_non_null(strstr(err_message(), word));
}

static struct h5_shape shape(enum h5_kind kind, int rank, int64_t a, int64_t b)
{
    return (struct h5_shape){kind, rank, {a, b}};
}

/* --- one rank ----------------------------------------------------------- */

static void every_kind_comes_back(void **state)
{
    enum { N = 1000 };
    static const enum h5_kind kinds[] = {H5_U8,  H5_I32, H5_I64,
                                         H5_U64, H5_F32, H5_F64};
    static const int64_t rows[] = {N / 4, 1, 0};
    unsigned char in[8 * N], *out;
    char path[32];
    struct h5 *f;
    void *data;

    (void)state;
    for (int i = 0; i < 8 * N; i++)
        in[i] = (unsigned char)(i % 61 + 1); /* no NaN in any kind */
    assert_ok(h5_create(mine, &f));
    for (int k = 0; k < 6; k++)
        for (int r = 0; r < 3; r++) {
            struct h5_shape s = shape(kinds[k], 2, rows[r], 4);

            snprintf(path, sizeof path, "/a.%d/b/%d", k, r);
            assert_ok(h5_write(f, path, &s, in));
        }
    assert_ok(h5_close(&f));
    assert_null(f);
    assert_ok(h5_open(mine, ERR_DATA, &f));
    for (int k = 0; k < 6; k++)
        for (int r = 0; r < 3; r++) {
            struct h5_shape s = shape(kinds[k], 2, -1, 4), found;
            size_t bytes = 4 * (size_t)rows[r] * h5_kind_size(kinds[k]);

            snprintf(path, sizeof path, "/a.%d/b/%d", k, r);
            assert_ok(h5_shape_of(f, path, &found));
            assert_true(found.kind == kinds[k] && found.n[0] == rows[r]);
            assert_ok(h5_read_new(f, path, &s, 4 * rows[r], &data));
            assert_int_equal(s.n[0], rows[r]);
            out = data;
            assert_memory_equal(in, out, bytes);
            memset(out, 0, bytes);
            assert_ok(h5_read(f, path, &s, out));
            assert_memory_equal(in, out, bytes);
            mem_free(data);
        }
    assert_ok(h5_close(&f));
}

static void larger_than_a_chunk(void **state)
{
    enum { ROWS = 700, COLUMNS = 401 }; /* 2.2 MB, chunks of 1 MB */
    struct h5_shape s = shape(H5_F64, 2, ROWS, COLUMNS);
    void *in, *out;
    double *x;
    struct h5 *f;

    (void)state;
    assert_ok(mem_alloc(ROWS * COLUMNS, sizeof *x, "a matrix", &in));
    x = in;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        x[i] = sqrt(i);
    assert_ok(h5_create(mine, &f));
    assert_ok(h5_write(f, "x", &s, in));
    s = shape(H5_F64, 1, ROWS * COLUMNS, 0);
    assert_ok(h5_write(f, "flat", &s, in));
    assert_ok(h5_close(&f));
    assert_ok(h5_open(mine, ERR_DATA, &f));
    assert_ok(h5_read_new(f, "/flat", &s, ROWS * COLUMNS, &out));
    assert_memory_equal(in, out, ROWS * COLUMNS * sizeof *x);
    s = shape(H5_F64, 2, ROWS, COLUMNS);
    assert_ok(h5_read(f, "/x", &s, out));
    assert_memory_equal(in, out, ROWS * COLUMNS * sizeof *x);
    assert_ok(h5_close(&f));
    mem_free(in);
    mem_free(out);
}

static void strings_and_attributes_come_back(void **state)
{
    const char *const names[] = {"homo", "", "\xc3\x85ngstr\xc3\xb6m"};
    char *one, **list, large[40000];
    int64_t x;
    struct h5 *f;
    int n;

    (void)state;
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    assert_ok(h5_create(mine, &f));
    assert_ok(h5_write_string(f, "/deck", "run:\n  seed: 0\n"));
    assert_ok(h5_write_string(f, "/empty", ""));
    assert_ok(h5_write_string(f, "/large", large));
    assert_ok(h5_write_strings(f, "/target/name", 3, names));
    assert_ok(h5_write_strings(f, "/target/none", 0, NULL));
    assert_ok(h5_put_int(f, "/", "format", -5));
    assert_ok(h5_put_string(f, "/target", "kind", "model"));
    assert_ok(h5_put_strings(f, "/target/name", "names", 3, names));
    assert_ok(h5_close(&f));

    assert_ok(h5_open(mine, ERR_CHECKPOINT, &f));
    assert_ok(h5_read_string(f, "/deck", 100, &one));
    assert_string_equal(one, "run:\n  seed: 0\n");
    mem_free(one);
    assert_ok(h5_read_string(f, "/empty", 100, &one));
    assert_string_equal(one, "");
    mem_free(one);
    assert_ok(h5_read_string(f, "/large", sizeof large, &one));
    assert_string_equal(one, large);
    mem_free(one);
    assert_int_equal(h5_read_string(f, "/deck", 5, &one), ERR_CHECKPOINT);
    assert_says("/deck", "too long");
    assert_ok(h5_read_strings(f, "/target/name", 3, &n, &list));
    for (int i = 0; i < 3; i++)
        assert_string_equal(list[i], names[i]);
    mem_free(list);
    assert_int_equal(h5_read_strings(f, "/target/name", 2, &n, &list),
                     ERR_CHECKPOINT);
    assert_ok(h5_read_strings(f, "/target/none", 3, &n, &list));
    assert_int_equal(n, 0);
    mem_free(list);
    assert_ok(h5_get_int(f, "/", "format", &x));
    assert_int_equal(x, -5);
    assert_ok(h5_get_string(f, "/target", "kind", 100, &one));
    assert_string_equal(one, "model");
    mem_free(one);
    assert_ok(h5_get_strings(f, "/target/name", "names", 9, &n, &list));
    assert_int_equal(n, 3);
    assert_string_equal(list[2], names[2]);
    mem_free(list);
    assert_true(h5_has_attribute(f, "/", "format"));
    assert_false(h5_has_attribute(f, "/", "kind"));
    assert_false(h5_has_attribute(f, "/nowhere", "kind"));
    assert_true(h5_has(f, "/target/name") && !h5_has(f, "/target/x/y"));
    assert_ok(h5_close(&f));
}

static void what_does_not_fit_is_named(void **state)
{
    const int64_t large[2] = {1, (int64_t)1 << 40};
    struct h5_shape s = shape(H5_I64, 1, 2, 0);
    double y[8];
    int32_t x[8];
    int64_t n;
    void *data;
    char *text;
    struct h5 *f;

    (void)state;
    assert_ok(h5_create(mine, &f));
    assert_ok(h5_write(f, "/a/b", &s, large));
    assert_ok(h5_put_string(f, "/a", "text", "7"));
    assert_ok(h5_close(&f));
    assert_ok(h5_open(mine, ERR_DATA, &f));
    s = shape(H5_I64, 1, 3, 0);
    assert_int_equal(h5_read(f, "/a/b", &s, x), ERR_DATA);
    assert_says("/a/b", "expected [3], found [2]");
    s = shape(H5_I64, 2, 1, 2);
    assert_int_equal(h5_read(f, "/a/b", &s, x), ERR_DATA);
    assert_says("/a/b", "expected [1, 2], found [2]");
    s = shape(H5_F64, 1, 2, 0);
    assert_int_equal(h5_read(f, "/a/b", &s, y), ERR_DATA);
    assert_says("/a/b", "floating-point numbers, found whole");
    s = shape(H5_I32, 1, 2, 0);
    assert_int_equal(h5_read(f, "/a/b", &s, x), ERR_DATA); /* 2^40 in 32 bits */
    s = shape(H5_I64, 1, -1, 0);
    assert_int_equal(h5_read_new(f, "/a/b", &s, 1, &data), ERR_DATA);
    assert_says("/a/b", "at most 1, found 2");
    assert_int_equal(h5_read_new(f, "/a", &s, 9, &data), ERR_DATA);
    assert_says("/a", "cannot be read");
    assert_int_equal(h5_read_new(f, "/a/c", &s, 9, &data), ERR_DATA);
    assert_says("/a/c", "not there");
    assert_int_equal(h5_read_string(f, "/a/b", 9, &text), ERR_DATA);
    assert_says("/a/b", "string");
    assert_int_equal(h5_get_int(f, "/a", "text", &n), ERR_DATA);
    assert_says("text", "one whole number");
    assert_int_equal(h5_get_int(f, "/a", "format", &n), ERR_DATA);
    assert_says("format", "not there");
    assert_ok(h5_close(&f));
}

enum { LARGE = 150000 - 1 };

static void write_state(const char *path)
{
    static double many[LARGE]; /* several chunks, the last one padded */
    struct h5_shape large = shape(H5_F64, 1, LARGE, 0);
    double x[300];
    char name[32];
    struct h5 *f;

    for (int i = 0; i < 300; i++)
        x[i] = 1.0 / (i + 1);
    assert_ok(h5_create(path, &f));
    for (int64_t i = 0; i < 60; i++) {
        struct h5_shape s = shape(H5_F64, 1, 5 * i, 0);

        snprintf(name, sizeof name, "/weights/block.%d.w", (int)i);
        assert_ok(h5_write(f, name, &s, x));
    }
    assert_ok(h5_write_string(f, "/deck", "data:"));
    assert_ok(h5_write(f, "/large", &large, many));
    assert_ok(h5_put_int(f, "/", "format", 1));
    assert_ok(h5_put_string(f, "/", "kind", "checkpoint"));
    assert_ok(h5_close(&f));
}

/* Memory that HDF5 gets next is full of other bytes than before. */
static void soil_memory(int byte)
{
    void *block[64];

    for (int i = 0; i < 64; i++) {
        block[i] = malloc((size_t)64 << i % 13);
        if (block[i])
            memset(block[i], byte, (size_t)64 << i % 13);
    }
    for (int i = 0; i < 64; i++)
        free(block[i]);
}

static void equal_contents_are_equal_bytes(void **state)
{
    struct digest a, b;

    (void)state;
    soil_memory(0x55);
    write_state(mine);
    sleep(1); /* HDF5 would keep whole seconds */
    soil_memory(0xaa);
    write_state(other);
    assert_ok(digest_file(mine, -1, &a));
    assert_ok(digest_file(other, -1, &b));
    assert_true(digest_equal(&a, &b));
}

static long size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (long)st.st_size;
}

static void flip(const char *path, long at, int bits)
{
    FILE *f = fopen(path, "r+b");
    int byte;

    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    byte = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    fputc(byte ^ bits, f);
    fclose(f);
}

static void the_seal_finds_any_damage(void **state)
{
    struct h5 *f;
    long size, body;

    (void)state;
    write_state(mine);
    body = size_of(mine);
    assert_int_equal(h5_check_seal(mine, ERR_CHECKPOINT), ERR_CHECKPOINT);
    assert_says("", "no seal");
    assert_ok(h5_seal(mine));
    size = size_of(mine);
    assert_int_equal(size, body + DIGEST_CHARS);
    assert_ok(h5_check_seal(mine, ERR_CHECKPOINT));
    for (long at = 0; at < size; at += at < size - 80 ? 29989 : 9) {
        flip(mine, at, 1 << at % 8);
        assert_int_equal(h5_check_seal(mine, ERR_CHECKPOINT), ERR_CHECKPOINT);
        assert_says("", at < body ? "damaged" : "");
        flip(mine, at, 1 << at % 8);
    }
    assert_ok(h5_check_seal(mine, ERR_CHECKPOINT));
    assert_ok(h5_open(mine, ERR_CHECKPOINT, &f)); /* the seal does no harm */
    assert_true(h5_has(f, "/weights/block.59.w"));
    assert_ok(h5_close(&f));
    for (int i = 0; i < 4; i++) {
        const long cut[] = {size - 1, size / 2, 63, 0};

        assert_int_equal(truncate(mine, cut[i]), 0);
        assert_int_equal(h5_check_seal(mine, ERR_CHECKPOINT), ERR_CHECKPOINT);
        assert_int_equal(h5_open(mine, ERR_CHECKPOINT, &f),
                         i == 0 ? OK : ERR_CHECKPOINT);
        if (i == 0)
            assert_ok(h5_close(&f));
    }
    unlink(mine);
    assert_int_equal(h5_check_seal(mine, ERR_DATA), ERR_DATA);
}

static void no_file_is_said(void **state)
{
    struct h5 *f = NULL;

    (void)state;
    unlink(mine);
    assert_int_equal(h5_open(mine, ERR_CHECKPOINT, &f), ERR_CHECKPOINT);
    assert_says("", "No such file");
    assert_int_equal(h5_open(folder, ERR_DATA, &f), ERR_DATA);
    assert_int_equal(h5_create("/nowhere/x.h5", &f), ERR_IO);
    assert_non_null(strstr(err_message(), "No such file"));
    assert_null(f);
}

/* A bit of the numbers is turned: Fletcher32 sees it without the seal. */
static void a_flipped_number_is_not_read(void **state)
{
    struct h5_shape s = shape(H5_F64, 1, 2000, 0);
    unsigned char x[16000], y[16000];
    FILE *file;
    struct h5 *f;
    long at = -1;

    (void)state;
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = (unsigned char)(i * i % 251);
    assert_ok(h5_create(mine, &f));
    assert_ok(h5_write(f, "/x", &s, x));
    assert_ok(h5_close(&f));
    file = fopen(mine, "rb");
    while (at < 0 || memcmp(y, x, 64) != 0) {
        assert_int_equal(fseek(file, ++at, SEEK_SET), 0);
        assert_int_equal(fread(y, 1, 64, file), 64);
    }
    fclose(file);
    flip(mine, at + 5000, 4);
    assert_ok(h5_open(mine, ERR_DATA, &f));
    assert_int_equal(h5_read(f, "/x", &s, y), ERR_DATA);
    assert_says("/x", "cannot be read");
    assert_ok(h5_close(&f));
}

/* --- walks -------------------------------------------------------------- */

static enum err note(void *self, struct h5 *f, const char *path)
{
    char *all = self;
    size_t n = strlen(all);

    (void)f;
    snprintf(all + n, 256 - n, "%s ", path);
    return strcmp(path, "stop") == 0 ? ERR_OTHER : OK;
}

static void visits_are_in_byte_order(void **state)
{
    static const char *const names[] = {"/g/b/a", "/g/b.c", "/g/a/z/y", "/g/C",
                                        "/h/x"};
    struct h5_shape s = shape(H5_U8, 1, 1, 0);
    char all[256] = "";
    struct h5 *f;

    (void)state;
    assert_ok(h5_create(mine, &f));
    for (int i = 0; i < 5; i++)
        assert_ok(h5_write(f, names[i], &s, "x"));
    assert_ok(h5_close(&f));
    assert_ok(h5_open(mine, ERR_DATA, &f));
    assert_ok(h5_visit(f, "/g", note, all));
    assert_string_equal(all, "C a/z/y b.c b/a ");
    all[0] = 0;
    assert_ok(h5_visit(f, "/", note, all));
    assert_string_equal(all, "g/C g/a/z/y g/b.c g/b/a h/x ");
    assert_int_equal(h5_visit(f, "/none", note, all), ERR_DATA);
    assert_ok(h5_close(&f));
}

static void the_digest_is_as_defined(void **state)
{
    static const char *const groups[] = {"/weights", "/state"};
    static const unsigned char stored[] = "/state/s\0\1\0\0\0\2\0\0\0"
                                          "/weights/a\0\7"
                                          "/weights/b\0\0\0\0\0\0\0\xf0\x3f";
    const int32_t s[] = {1, 2};
    const double b = 1;
    struct h5_shape one = shape(H5_F64, 1, 1, 0);
    struct digest want, found;
    struct h5 *f;

    (void)state;
    assert_ok(h5_create(mine, &f));
    assert_ok(h5_write(f, "/weights/b", &one, &b));
    one.kind = H5_U8;
    assert_ok(h5_write(f, "/weights/a", &one, "\7"));
    assert_ok(h5_write(f, "/unseen", &one, "\7"));
    one = shape(H5_I32, 1, 2, 0);
    assert_ok(h5_write(f, "/state/s", &one, s));
    assert_ok(h5_write_string(f, "/state/text", "no numbers"));
    assert_ok(h5_digest(f, 2, groups, &found));
    digest_bytes(stored, sizeof stored - 1, &want);
    assert_string_equal(found.hex, want.hex);
    assert_ok(h5_close(&f));
}

/* --- files of others ---------------------------------------------------- */

static void put_foreign(hid_t id, const char *name, hid_t type, hid_t list)
{
    const hsize_t n = 64;
    hid_t space = H5Screate_simple(1, &n, NULL);
    hid_t set =
        H5Dcreate2(id, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);

    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void put_text(hid_t id, const char *name, size_t bytes, H5T_str_t pad,
                     const void *data)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), at;

    H5Tset_size(type, bytes);
    H5Tset_strpad(type, pad);
    at = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(at, type, data) >= 0);
    H5Aclose(at);
    H5Sclose(space);
    H5Tclose(type);
}

static void put_numbers(hid_t id)
{
    const hsize_t n[] = {2, 3};
    const int32_t x[] = {1, 2, 3, 4, 5, 6};
    const uint64_t large = 0xfedcba9876543210;
    hid_t space = H5Screate_simple(2, n, NULL), at;

    at =
        H5Acreate2(id, "fiber", H5T_STD_I32BE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(at, H5T_NATIVE_INT32, x) >= 0);
    H5Aclose(at);
    H5Sclose(space);
    space = H5Screate(H5S_SCALAR);
    at = H5Acreate2(id, "seed", H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(at, H5T_NATIVE_UINT64, &large) >= 0);
    H5Aclose(at);
    H5Sclose(space);
}

static void put_storages(hid_t id)
{
    const hsize_t chunk = 16, n = 64, huge = (hsize_t)1 << 50;
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), space, set;
    const char *path = other;

    H5Pset_external(list, other, 0, 64 * 8);
    put_foreign(id, "external", H5T_NATIVE_DOUBLE, list);
    H5Pclose(list);

    list = H5Pcreate(H5P_DATASET_CREATE);
    space = H5Screate_simple(1, &n, NULL);
    H5Pset_virtual(list, space, path, "/x", space);
    put_foreign(id, "virtual", H5T_NATIVE_DOUBLE, list);
    H5Sclose(space);
    H5Pclose(list);

    list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 1, &chunk);
    H5Pset_scaleoffset(list, H5Z_SO_INT, 0);
    put_foreign(id, "filter", H5T_NATIVE_INT, list);
    H5Pclose(list);

    list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 1, &chunk);
    H5Pset_shuffle(list);
    H5Pset_deflate(list, 1);
    put_foreign(id, "gzip", H5T_NATIVE_DOUBLE, list);
    space = H5Screate_simple(1, &huge, NULL);
    set = H5Dcreate2(id, "huge", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, list,
                     H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(list);
}

static void make_foreign(void)
{
    hid_t id = H5Fcreate(mine, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const char *variable = "of any length";

    assert_true(id >= 0);
    put_foreign(id, "plain", H5T_IEEE_F32BE, H5P_DEFAULT);
    put_text(id, "variable", H5T_VARIABLE, H5T_STR_NULLTERM, &variable);
    put_text(id, "padded", 8, H5T_STR_SPACEPAD, "blank   ");
    put_text(id, "full", 4, H5T_STR_NULLPAD, "full");
    put_numbers(id);
    put_storages(id);
    H5Lcreate_soft("/plain", id, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external(other, "/", id, "away", H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Fclose(id) >= 0);
}

static void plain_files_of_others_are_read(void **state)
{
    static const char *const names[] = {"variable", "padded", "full"};
    static const char *const values[] = {"of any length", "blank", "full"};
    struct h5_shape s = shape(H5_F64, 1, 64, 0);
    int64_t extent[2], seed;
    double x[64];
    struct h5 *f;
    char *text;

    (void)state;
    make_foreign();
    assert_ok(h5_open(mine, ERR_DATA, &f));
    assert_ok(h5_read(f, "/plain", &s, x));
    assert_ok(h5_read(f, "/gzip", &s, x));
    assert_true(x[63] == 0);
    assert_ok(h5_get_numbers(f, "/", "fiber", 6, extent, x));
    assert_true(extent[0] == 2 && extent[1] == 3 && x[5] == 6);
    assert_int_equal(h5_get_numbers(f, "/", "fiber", 5, extent, x), ERR_DATA);
    assert_ok(h5_get_numbers(f, "/", "seed", 1, extent, x));
    assert_true(extent[0] == 1 && extent[1] == 1);
    assert_ok(h5_get_int(f, "/", "seed", &seed));
    assert_true((uint64_t)seed == 0xfedcba9876543210);
    for (int i = 0; i < 3; i++) {
        assert_ok(h5_get_string(f, "/", names[i], 32, &text));
        assert_string_equal(text, values[i]);
        mem_free(text);
        assert_int_equal(h5_get_string(f, "/", names[i], 2, &text), ERR_DATA);
    }
    assert_ok(h5_close(&f));
}

static void hostile_files_are_refused(void **state)
{
    static const struct {
        const char *path, *word;
    } cases[] = {{"/external", "another file"},
                 {"/virtual", "virtual"},
                 {"/filter", "filter"},
                 {"/soft", "link"},
                 {"/away", "link"},
                 {"/away/x", "link"},
                 {"/huge", "too large"}};
    char all[256] = "";
    struct h5 *f;
    void *data;

    (void)state;
    write_state(other); /* where the links lead */
    make_foreign();
    assert_ok(h5_open(mine, ERR_DATA, &f));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int is_int = strcmp(cases[i].path, "/filter") == 0;
        struct h5_shape s = shape(is_int ? H5_I32 : H5_F64, 1, -1, 0);

        assert_int_equal(h5_read_new(f, cases[i].path, &s, 100, &data),
                         ERR_DATA);
        assert_says(cases[i].path, cases[i].word);
        assert_false(h5_has(f, "/away"));
    }
    assert_int_equal(h5_visit(f, "/", note, all), ERR_DATA);
    assert_string_equal(all, "");
    assert_ok(h5_close(&f));
}

/* --- all ranks ---------------------------------------------------------- */

enum { ROWS = 200000 }; /* 3.2 MB: chunks that two ranks share */

/* Row i holds i + 1 and -i; this rank has [first, first + rows). */
static void my_rows(int64_t n, int64_t *first, int64_t *rows)
{
    int64_t size = comm_size(comm), r = comm_rank(comm);

    *first = n * r / size;
    *rows = n * (r + 1) / size - *first;
}

static enum err write_all(const char *path)
{
    static const char *const names[] = {"homo", "gap"};
    struct h5_shape s = shape(H5_F64, 2, ROWS, 2);
    struct h5_shape few = shape(H5_I32, 1, 2, 0), none = shape(H5_U8, 1, 0, 0);
    int64_t first, rows;
    const int32_t two[] = {7, 8};
    struct h5 *f;
    double *x;
    void *data;
    enum err err, last;

    my_rows(ROWS, &first, &rows);
    assert_ok(mem_alloc((size_t)rows * 2, sizeof *x, "rows", &data));
    x = data;
    for (int64_t i = 0; i < rows; i++) {
        x[2 * i] = (double)(first + i + 1);
        x[2 * i + 1] = -(double)(first + i);
    }
    err = h5_create_all(comm, path, &f);
    if (err) {
        mem_free(data);
        return err;
    }
    TRY_GOTO(h5_write_rows(f, "/molecule/target", &s, first, rows, x), close);
    TRY_GOTO(h5_put_strings(f, "/molecule/target", "names", 2, names), close);
    my_rows(2, &first, &rows); /* of 3 ranks one has nothing */
    TRY_GOTO(h5_write_rows(f, "/few", &few, first, rows, two + first), close);
    TRY_GOTO(h5_write_rows(f, "/none", &none, 0, 0, NULL), close);

close:
    mem_free(data);
    last = h5_close(&f);
    return err ? err : last;
}

static void all_write_and_read_rows(void **state)
{
    struct h5_shape s = shape(H5_F64, 2, ROWS, 2), none = shape(H5_U8, 1, 0, 0);
    int64_t first, rows;
    double *x;
    void *data;
    struct h5 *f;

    (void)state;
    assert_ok(write_all(common));
    my_rows(ROWS, &first, &rows);
    assert_ok(mem_alloc((size_t)rows * 2, sizeof *x, "rows", &data));
    x = data;
    assert_ok(h5_open_node(comm, common, &f));
    assert_ok(h5_read_rows(f, "/molecule/target", &s, first, rows, data));
    for (int64_t i = 0; i < rows; i++) {
        assert_true(x[2 * i] == (double)(first + i + 1));
        assert_true(x[2 * i + 1] == -(double)(first + i));
    }
    assert_ok(h5_read_rows(f, "/none", &none, 0, 0, NULL));
    s.n[1] = 3;
    assert_int_equal(
        comm_agree(comm, h5_read_rows(f, "/molecule/target", &s, 0, 1, data)),
        ERR_DATA);
    assert_int_equal(
        comm_agree(comm, h5_read_rows(f, "/no", &none, 0, 0, data)), ERR_DATA);
    assert_ok(h5_close(&f));
    assert_int_equal(h5_open_node(comm, "/nowhere/x.h5", &f), ERR_DATA);
    assert_int_equal(h5_create_all(comm, "/nowhere/x.h5", &f), ERR_IO);
    mem_free(data);
}

static void all_write_the_same_bytes_again(void **state)
{
    const char *keep = getenv("SE3T_H5_KEEP");
    char again[128];
    struct digest a, b;

    (void)state;
    snprintf(again, sizeof again, "%s.again", common);
    assert_ok(write_all(common));
    sleep(1);
    soil_memory(0x33 + comm_rank(comm));
    assert_ok(write_all(again));
    if (keep)
        assert_ok(write_all(keep));
    assert_ok(digest_file(common, -1, &a));
    assert_ok(digest_file(again, -1, &b));
    assert_true(digest_equal(&a, &b));
    comm_barrier(comm);
    unlink(again);
}

/* The byte's chunk belongs to one rank; it alone sees the damage. */
static void all_live_when_one_reads_damage(void **state)
{
    struct h5_shape s = shape(H5_F64, 2, ROWS, 2);
    int64_t first, rows;
    struct h5 *f;
    void *data;
    enum err err;

    (void)state;
    assert_ok(write_all(common));
    if (comm_rank(comm) == 0)
        flip(common, size_of(common) / 3, 16);
    comm_barrier(comm);
    my_rows(ROWS, &first, &rows);
    assert_ok(mem_alloc((size_t)rows * 2, sizeof(double), "rows", &data));
    assert_ok(h5_open_node(comm, common, &f));
    err = h5_read_rows(f, "/molecule/target", &s, first, rows, data);
    assert_int_equal(comm_agree(comm, err), ERR_DATA);
    assert_ok(h5_close(&f));
    mem_free(data);
}

/* --- the last tests: this process is marked ------------------------------ */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The n-th byte of the file does not fit, for many n: somewhere in making,
 * writing or closing it goes wrong, and is said; then all is well again. */
static void a_full_disk_is_said(void **state)
{
    static const rlim_t limits[] = {0,    100,   800,    3000,
                                    9000, 40000, 100000, 600000};
    struct h5_shape s = shape(H5_F64, 1, 100000, 0), few = s;
    enum err err, last;
    struct h5 *f;
    void *data;

    (void)state;
    few.n[0] = 100;
    assert_ok(mem_alloc(100000, sizeof(double), "numbers", &data));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        limit_files(limits[i]);
        err = h5_create(mine, &f);
        if (err == OK) {
            err = h5_write(f, "/few", &few, data);
            if (err == OK)
                err = h5_write(f, "/x", &s, data);
            last = h5_close(&f);
            assert_null(f);
            assert_true(err == OK || last == ERR_IO);
            err = err ? err : last;
        }
        limit_files(RLIM_INFINITY);
        assert_int_equal(err, ERR_IO);
        assert_true(h5_is_broken());
        assert_non_null(strstr(err_message(), mine));
        assert_ok(unlink(mine));
        write_state(mine);
        assert_ok(h5_seal(mine));
        assert_ok(h5_check_seal(mine, ERR_IO));
    }
    mem_free(data);
}

static void a_seal_that_does_not_fit_is_said(void **state)
{
    (void)state;
    write_state(mine);
    limit_files((rlim_t)size_of(mine) + 10);
    assert_int_equal(h5_seal(mine), ERR_IO);
    limit_files(RLIM_INFINITY);
    assert_says("", "File too large");
}

static void all_are_told_of_a_full_disk(void **state)
{
    static const rlim_t limits[] = {0, 1000, 70000, 300000, 3100000, 3300000};

    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        limit_files(limits[i]);
        assert_int_equal(comm_agree(comm, write_all(common)), ERR_IO);
        limit_files(RLIM_INFINITY);
        assert_ok(write_all(common));
    }
}

static void name_files(void)
{
    snprintf(folder, sizeof folder, "h5_test.XXXXXX");
    if (comm_rank(comm) == 0 && !mkdtemp(folder))
        comm_abort(comm, ERR_OTHER);
    comm_broadcast(comm, folder, sizeof folder, 0);
    snprintf(mine, sizeof mine, "%s/%d.h5", folder, comm_rank(comm));
    snprintf(other, sizeof other, "%s/%d-other.h5", folder, comm_rank(comm));
    snprintf(common, sizeof common, "%s/common.h5", folder);
}

static void remove_files(void)
{
    unlink(mine);
    unlink(other);
    comm_barrier(comm);
    if (comm_rank(comm) != 0)
        return;
    unlink(common);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back),
        cmocka_unit_test(larger_than_a_chunk),
        cmocka_unit_test(strings_and_attributes_come_back),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(equal_contents_are_equal_bytes),
        cmocka_unit_test(the_seal_finds_any_damage),
        cmocka_unit_test(no_file_is_said),
        cmocka_unit_test(a_flipped_number_is_not_read),
        cmocka_unit_test(visits_are_in_byte_order),
        cmocka_unit_test(the_digest_is_as_defined),
        cmocka_unit_test(plain_files_of_others_are_read),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(all_write_and_read_rows),
        cmocka_unit_test(all_write_the_same_bytes_again),
        cmocka_unit_test(all_live_when_one_reads_damage),
        cmocka_unit_test(a_full_disk_is_said),
        cmocka_unit_test(a_seal_that_does_not_fit_is_said),
        cmocka_unit_test(all_are_told_of_a_full_disk),
    };
    int failed = comm_open(&argc, &argv, &comm), blocks;

    if (failed) {
        err_print(stderr);
        return failed;
    }
    signal(SIGXFSZ, SIG_IGN);
    blocks = mem_live();
    name_files();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_files();
    if (mem_live() != blocks) {
        fprintf(stderr, "%d blocks are left\n", mem_live() - blocks);
        failed++;
    }
    comm_close(&comm, failed ? ERR_OTHER : OK); /* by _exit */
    return 1;
}
