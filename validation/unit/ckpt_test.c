/* SPDX-License-Identifier: MIT */
/* ckpt_test.c - what is written reads back the same; a damaged, foreign or
 * newer file is refused and changes nothing; a full disk leaves nothing behind;
 * which checkpoints stay.
 */
#include "config.h"

#include "run/ckpt.h"

#include "base/mem.h"
#include "comm/h5.h"
#include "run/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARRAYS = 6, MOST = 4096 };

static char dir[32], path[96];

/* A state whose arrays stand in no order. */
struct room {
    double wide[ARRAYS][MOST];
    int puts;
};

static const struct ckpt_array doubles[ARRAYS] = {
    {"/weights/b.weight", CKPT_F64, 2, {64, 64}},
    {"/state/step", CKPT_I64, 1, {1}},
    {"/weights/a.bias", CKPT_F64, 1, {3}},
    {"/state/m/a.bias", CKPT_F64, 1, {3}},
    {"/state/m/b.weight", CKPT_F64, 2, {64, 64}},
    {"/state/best_score", CKPT_F64, 1, {1}},
};

static int count(const struct ckpt_array *a)
{
    return (int)(a->n[0] * (a->rank == 2 ? a->n[1] : 1));
}

static void get(void *self, int i, void *out)
{
    struct room *r = self;

    memcpy(out, r->wide[i], (size_t)count(&doubles[i]) * sizeof(double));
}

static void put(void *self, int i, const void *in)
{
    struct room *r = self;

    memcpy(r->wide[i], in, (size_t)count(&doubles[i]) * sizeof(double));
    r->puts++;
}

/* The same in single precision. */
static void get_float(void *self, int i, void *out)
{
    struct room *r = self;

    for (int k = 0; k < count(&doubles[i]); k++)
        ((float *)out)[k] = (float)r->wide[i][k];
}

static void put_float(void *self, int i, const void *in)
{
    struct room *r = self;

    for (int k = 0; k < count(&doubles[i]); k++)
        r->wide[i][k] = (double)((const float *)in)[k];
    r->puts++;
}

static struct ckpt_state state_of(struct room *r)
{
    return (struct ckpt_state){
        .arrays = ARRAYS, .array = doubles, .get = get, .put = put, .self = r};
}

static void fill(struct room *r, double by)
{
    int64_t step = (int64_t)by;

    *r = (struct room){.puts = 0};
    for (int i = 0; i < ARRAYS; i++)
        for (int k = 0; k < count(&doubles[i]); k++)
            r->wide[i][k] = by + i + 1.0 / (k + 3);
    memcpy(r->wide[1], &step, sizeof step);
    r->wide[5][0] = INFINITY;
}

static double reference[4] = {-13.5, -1029.25, 0.125, 7};

static struct ckpt_head head_of(int64_t step)
{
    struct ckpt_head h = {
        .step = step,
        .deck = (char *)(uintptr_t) "run: {seed: 0}\n",
        .isa = (char *)(uintptr_t) "avx2",
        .elements = {.n = 2, .number = {1, 6}, .seen = 1, .seen_number = {6}},
        .scale = {.n = 2,
                  .name = {"homo", "U0"},
                  .unit = {"eV", ""},
                  .mean = {1, -2},
                  .std = {0.5, 3},
                  .elements = 2,
                  .element = {1, 6},
                  .reference = reference}};

    digest_bytes("data", 4, &h.data);
    return h;
}

static enum err save(struct room *r, const struct digest *previous,
                     struct digest *digest)
{
    struct ckpt_head h = head_of(20);
    struct ckpt_state s = state_of(r);

    return ckpt_write(path, &h, &s, NULL, previous, digest);
}

static void must_save(struct room *r, struct digest *digest)
{
    static const struct digest none;

    if (save(r, &none, digest) != OK)
        fail_msg("not saved: %s", err_message());
}

static void assert_says(const char *part)
{
    if (!strstr(err_message(), part))
        fail_msg("\"%s\" does not say \"%s\"", err_message(), part);
}

/* Files in checkpoints/. */
static int files(void)
{
    char command[128], line[16] = "";
    FILE *f;

    snprintf(command, sizeof command, "ls %s/checkpoints | wc -l", dir);
    f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    pclose(f);
    return (int)strtol(line, NULL, 10);
}

static void assert_loads(const struct room *want)
{
    static struct room got;
    struct ckpt_state s = state_of(&got);

    fill(&got, -1);
    if (ckpt_load(path, &s, 0) != OK)
        fail_msg("not loaded: %s", err_message());
    assert_int_equal(got.puts, ARRAYS);
    assert_memory_equal(got.wide, want->wide, sizeof got.wide);
}

static void reads_back_the_same(void **state)
{
    static struct room r;
    struct digest digest, whole;
    const char *const groups[] = {"/state", "/weights"};
    struct ckpt_head h = {.format = 0};
    char *hex;
    struct h5 *f;

    (void)state;
    fill(&r, 20);
    must_save(&r, &digest);
    assert_loads(&r);
    assert_int_equal(h5_open(path, ERR_CHECKPOINT, &f), OK);
    assert_int_equal(h5_digest(f, 2, groups, &whole), OK);
    assert_string_equal(whole.hex, digest.hex);
    assert_int_equal(h5_get_string(f, "/", "state_digest", 64, &hex), OK);
    assert_string_equal(hex, digest.hex);
    mem_free(hex);
    h5_close(&f);
    assert_int_equal(ckpt_read_head(path, &h), OK);
    assert_int_equal(h.step, 20);
    assert_int_equal(h.format, CKPT_FORMAT);
    assert_false(h.is_model);
    assert_string_equal(h.deck, "run: {seed: 0}\n");
    assert_string_equal(h.isa, "avx2");
    assert_int_equal(h.elements.n, 2);
    assert_int_equal(h.elements.number[1], 6);
    assert_int_equal(h.elements.seen_number[0], 6);
    assert_int_equal(h.scale.n, 2);
    assert_string_equal(h.scale.name[1], "U0");
    assert_string_equal(h.scale.unit[0], "eV");
    assert_true(h.scale.std[1] == 3 && h.scale.mean[0] == 1);
    assert_memory_equal(h.scale.reference, reference, sizeof reference);
    ckpt_head_fini(&h);
    assert_int_equal(files(), 1);
}

static void equal_states_are_equal_bytes(void **state)
{
    static struct room r;
    struct digest digest, a, b;
    void *heap[64];

    (void)state;
    fill(&r, 20);
    must_save(&r, &digest);
    assert_int_equal(digest_file(path, -1, &a), OK);
    for (int i = 0; i < 64; i++) { /* other rubbish in the heap */
        heap[i] = malloc(50000);
        memset(heap[i], 0xA5, 50000);
    }
    for (int i = 0; i < 64; i++)
        free(heap[i]);
    must_save(&r, &digest);
    assert_int_equal(digest_file(path, -1, &b), OK);
    assert_string_equal(a.hex, b.hex);
}

static void same_digest_after_steps_is_refused(void **state)
{
    static struct room r;
    struct digest digest, again = {"x"};

    (void)state;
    fill(&r, 20);
    must_save(&r, &digest);
    assert_int_equal(save(&r, &digest, &again), ERR_IO);
    assert_says(path);
    assert_string_equal(again.hex, "x");
    r.wide[3][0] += 1;
    assert_int_equal(save(&r, &digest, &again), OK);
    assert_int_equal(files(), 1);
}

static long size_of_file(void)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (long)st.st_size;
}

static void edit(long at, int with)
{
    FILE *f = fopen(path, "r+b");
    int was;

    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    was = getc(f);
    fseek(f, at, SEEK_SET);
    putc(was ^ with, f);
    fclose(f);
}

static void refuses(struct room *r, const char *what)
{
    struct ckpt_state s = state_of(r);
    struct ckpt_head h = {.format = 0};

    r->puts = 0;
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says(path);
    assert_int_equal(r->puts, 0);
    if (!what)
        assert_int_equal(ckpt_read_head(path, &h), ERR_CHECKPOINT);
    else
        assert_says(what);
}

static void damage_is_refused_and_changes_nothing(void **state)
{
    static struct room r;
    struct digest digest;
    long bytes;

    (void)state;
    fill(&r, 20);
    must_save(&r, &digest);
    bytes = size_of_file();
    for (int i = 0; i < 40; i++) {
        long at = i == 0 ? bytes - 1 : (bytes - 1) * i / 40;

        edit(at, 1 << i % 8);
        refuses(&r, NULL);
        edit(at, 1 << i % 8);
    }
    assert_loads(&r);
    assert_int_equal(truncate(path, bytes + 1), 0);
    refuses(&r, NULL);
    assert_int_equal(truncate(path, bytes - 1), 0);
    refuses(&r, NULL);
    assert_int_equal(truncate(path, bytes / 2), 0);
    refuses(&r, NULL);
    assert_int_equal(truncate(path, 0), 0);
    refuses(&r, NULL);
    assert_int_equal(unlink(path), 0);
    refuses(&r, NULL);
}

static void other_arrays_are_refused(void **state)
{
    static struct room r;
    struct ckpt_array list[ARRAYS + 1];
    struct ckpt_state s = state_of(&r);
    struct digest digest;

    (void)state;
    fill(&r, 20);
    must_save(&r, &digest);
    r.puts = 0;
    s.array = list;
    memcpy(list, doubles, sizeof doubles);
    s.arrays = ARRAYS - 1;
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says("/state/best_score");
    assert_says("too many");
    s.arrays = ARRAYS + 1;
    list[ARRAYS] = (struct ckpt_array){"/weights/z", CKPT_F64, 1, {3}};
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says("/weights/z");
    s.arrays = ARRAYS;
    list[2].n[0] = 4;
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says("/weights/a.bias");
    list[2].n[0] = 3;
    list[0].rank = 1;
    list[0].n[0] = 4096;
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says("/weights/b.weight");
    memcpy(list, doubles, sizeof doubles);
    list[1].kind = CKPT_F64;
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says("/state/step");
    assert_int_equal(r.puts, 0);
}

/* Weights alone, as predict loads them. */
static struct ckpt_state weights_of(struct room *r, struct ckpt_array list[2])
{
    list[0] = doubles[0];
    list[1] = doubles[2];
    return (struct ckpt_state){
        .arrays = 2, .array = list, .get = get, .put = put, .self = r};
}

static void put_weight(void *self, int i, const void *in)
{
    put(self, 2 * i, in);
}

static void put_float_weight(void *self, int i, const void *in)
{
    put_float(self, 2 * i, in);
}

static void weights_of_a_checkpoint_in_either_precision(void **state)
{
    static struct room r, got;
    struct ckpt_array list[2];
    struct ckpt_state s = weights_of(&got, list);
    struct digest digest;

    (void)state;
    fill(&r, 20);
    must_save(&r, &digest);
    s.put = put_weight;
    assert_int_equal(ckpt_load(path, &s, 1), OK);
    assert_memory_equal(got.wide[0], r.wide[0], sizeof got.wide[0]);
    assert_memory_equal(got.wide[2], r.wide[2], sizeof got.wide[2]);
    list[0].kind = list[1].kind = CKPT_F32;
    s.put = put_float_weight;
    assert_int_equal(ckpt_load(path, &s, 1), OK);
    for (int k = 0; k < MOST; k++)
        assert_true(got.wide[0][k] == (double)(float)r.wide[0][k]);
    r.wide[0][7] = 1e300; /* no float */
    must_save(&r, &digest);
    got.puts = 0;
    assert_int_equal(ckpt_load(path, &s, 1), ERR_CHECKPOINT);
    assert_says("/weights/b.weight");
    assert_int_equal(got.puts, 0);
}

static void get_float_weight(void *self, int i, void *out)
{
    get_float(self, 2 * i, out);
}

static void model_of_floats_into_doubles(void **state)
{
    static const struct digest none;
    static struct room r, got;
    struct ckpt_array list[2];
    struct ckpt_state s = weights_of(&r, list);
    struct ckpt_head h = head_of(20);
    struct digest digest;

    (void)state;
    fill(&r, 20);
    list[0].kind = list[1].kind = CKPT_F32;
    s.get = get_float_weight;
    h.is_model = 1;
    h.scale.reference = NULL;
    assert_int_equal(ckpt_write(path, &h, &s, NULL, &none, &digest), OK);
    list[0].kind = list[1].kind = CKPT_F64;
    s.self = &got;
    s.put = put_weight;
    assert_int_equal(ckpt_load(path, &s, 1), OK);
    for (int k = 0; k < MOST; k++)
        assert_true(got.wide[0][k] == (double)(float)r.wide[0][k]);
    s = state_of(&got);
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says("model");
    assert_int_equal(ckpt_read_head(path, &h), OK);
    assert_true(h.is_model && !h.isa && !h.scale.reference);
    ckpt_head_fini(&h);
}

static void not_finite_is_neither_saved_nor_loaded(void **state)
{
    static const struct digest none;
    static struct room r;
    struct digest digest;

    (void)state;
    fill(&r, 20);
    r.wide[0][5] = (double)NAN;
    assert_int_equal(save(&r, &none, &digest), ERR_IO);
    assert_says("/weights/b.weight");
    assert_int_equal(files(), 0);
    r.wide[0][5] = -(double)INFINITY;
    assert_int_equal(save(&r, &none, &digest), ERR_IO);
    r.wide[0][5] = 0;
    r.wide[5][0] = (double)NAN; /* infinite is fine there, NaN is not */
    assert_int_equal(save(&r, &none, &digest), ERR_IO);
    assert_says("/state/best_score");
}

static void a_newer_format_is_refused_with_both_numbers(void **state)
{
    struct ckpt_head h = {.format = 0};
    struct h5 *f;

    (void)state;
    assert_int_equal(h5_create(path, &f), OK);
    assert_int_equal(h5_put_string(f, "/", "kind", "checkpoint"), OK);
    assert_int_equal(h5_put_int(f, "/", "format", 17), OK);
    assert_int_equal(h5_close(&f), OK);
    assert_int_equal(h5_seal(path), OK);
    assert_int_equal(ckpt_read_head(path, &h), ERR_CHECKPOINT);
    assert_int_equal(h.format, 17);
    assert_says("at most 1, found 17");
}

/* Whole by its seal and HDF5's check sums, but not what it says to be. */
static void a_state_that_is_not_the_digest_is_refused(void **state)
{
    static const struct h5_shape one = {.kind = H5_F64, .rank = 1, .n = {1}};
    static const struct ckpt_array list[] = {
        {"/state/best_score", CKPT_F64, 1, {1}},
        {"/weights/x", CKPT_F64, 1, {1}}};
    static struct room r;
    struct ckpt_state s = state_of(&r);
    const double x = 3;
    struct digest zero = {""};
    struct h5 *f;

    (void)state;
    memset(zero.hex, '0', DIGEST_CHARS);
    s.array = list;
    s.arrays = 2;
    assert_int_equal(h5_create(path, &f), OK);
    assert_int_equal(h5_put_string(f, "/", "kind", "checkpoint"), OK);
    assert_int_equal(h5_put_int(f, "/", "format", CKPT_FORMAT), OK);
    assert_int_equal(h5_put_string(f, "/", "state_digest", zero.hex), OK);
    assert_int_equal(h5_write(f, "/state/best_score", &one, &x), OK);
    assert_int_equal(h5_write(f, "/weights/x", &one, &x), OK);
    assert_int_equal(h5_close(&f), OK);
    assert_int_equal(h5_seal(path), OK);
    assert_int_equal(ckpt_load(path, &s, 0), ERR_CHECKPOINT);
    assert_says("state_digest");
    assert_int_equal(r.puts, 0);
}

/* With a limit on the size of files a write stops short, then fails. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    static const struct digest none;
    static struct room r, later;
    struct rlimit was, little;
    struct digest digest, again = {""};

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    fill(&r, 20);
    must_save(&r, &digest);
    fill(&later, 25);
    getrlimit(RLIMIT_FSIZE, &was);
    for (long bytes = 0; bytes < size_of_file(); bytes += 20000) {
        little = was;
        little.rlim_cur = (rlim_t)bytes;
        setrlimit(RLIMIT_FSIZE, &little);
        assert_int_equal(save(&later, &none, &again), ERR_IO);
        setrlimit(RLIMIT_FSIZE, &was);
        assert_says(path);
        assert_says("File too large");
        assert_int_equal(files(), 1);
        assert_loads(&r);
    }
    must_save(&later, &again);
    assert_loads(&later);
    assert_false(h5_is_broken());
}

static void a_folder_that_is_not_there(void **state)
{
    static const struct digest none;
    static struct room r;
    struct digest digest;
    char keep[sizeof path];

    (void)state;
    fill(&r, 20);
    memcpy(keep, path, sizeof keep);
    snprintf(path, sizeof path, "%s/none/step-0000000020.h5", dir);
    assert_int_equal(save(&r, &none, &digest), ERR_IO);
    assert_says(path);
    assert_says("No such file or directory");
    memcpy(path, keep, sizeof keep);
}

static void a_leftover_is_replaced_not_opened(void **state)
{
    static struct room r;
    struct digest digest;
    char left[160];
    FILE *f;

    (void)state;
    snprintf(left, sizeof left, "%s.tmp", path);
    f = fopen(left, "w");
    fill(&r, 20);
    must_save(&r, &digest);
    fprintf(f, "an old writer goes on");
    fclose(f);
    assert_loads(&r);
    assert_int_equal(files(), 1);
}

static void whose_lock_is_gone_writes_nothing(void **state)
{
    static const struct digest none;
    static struct room r;
    struct ckpt_head h = head_of(20);
    struct ckpt_state s = state_of(&r);
    struct digest digest;
    struct lock *lock;
    char name[128];

    (void)state;
    fill(&r, 20);
    assert_int_equal(lock_open(dir, &lock), OK);
    assert_int_equal(ckpt_write(path, &h, &s, lock, &none, &digest), OK);
    snprintf(name, sizeof name, "%s/lock", dir);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ckpt_write(path, &h, &s, lock, &none, &digest),
                     ERR_ENVIRONMENT);
    assert_int_equal(files(), 0);
    lock_close(&lock);
}

static void touch(const char *name)
{
    char file[160];
    FILE *f;

    snprintf(file, sizeof file, "%s/%s", dir, name);
    f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
}

static void assert_steps(int n, const int64_t steps[])
{
    struct ckpt_entry *list;
    int found;

    assert_int_equal(ckpt_list(dir, &found, &list), OK);
    assert_int_equal(found, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(list[i].step, steps[i]);
    ckpt_list_free(found, list);
}

static void newest_first_and_the_newest_stay(void **state)
{
    static const char *const names[] = {
        "step-0000000005.h5", "step-0000000010.h5",  "step-12345678901.h5",
        "step-0000000015.h5", "step-0000000020.h5",  "step-0000000025.h5.tmp",
        "step-25.h5",         "step-0000000030.h5x", "notes.txt",
    };
    static const int64_t all[] = {12345678901, 20, 15, 10, 5};
    static const int64_t two[] = {12345678901, 20, 15};
    static const int64_t one[] = {12345678901};
    char name[64];

    (void)state;
    assert_steps(0, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "checkpoints/%s", names[i]);
        touch(name);
    }
    touch("best.h5.tmp");
    touch("best.h5");
    assert_steps(5, all);
    ckpt_prune(dir, 2, 20); /* the other one is of no life of ours */
    assert_steps(3, two);
    assert_int_equal(files(), 6);
    ckpt_prune(dir, 1, 12345678901);
    assert_steps(1, one);
    snprintf(name, sizeof name, "%s/best.h5.tmp", dir);
    assert_int_not_equal(access(name, F_OK), 0);
    snprintf(name, sizeof name, "%s/best.h5", dir);
    assert_int_equal(access(name, F_OK), 0);
}

static void no_folder_is_no_checkpoint(void **state)
{
    struct ckpt_entry *list;
    int n = -1;

    (void)state;
    assert_int_equal(ckpt_list("/nowhere/at/all", &n, &list), OK);
    assert_int_equal(n, 0);
    ckpt_list_free(n, list);
}

static int setup(void **state)
{
    char folder[64];

    (void)state;
    snprintf(dir, sizeof dir, "ckpt_test_XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(folder, sizeof folder, "%s/checkpoints", dir);
    snprintf(path, sizeof path, "%s/step-0000000020.h5", folder);
    return mkdir(folder, 0777);
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0 || mem_live() != 0;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_the_same),
        cmocka_unit_test(equal_states_are_equal_bytes),
        cmocka_unit_test(same_digest_after_steps_is_refused),
        cmocka_unit_test(damage_is_refused_and_changes_nothing),
        cmocka_unit_test(other_arrays_are_refused),
        cmocka_unit_test(weights_of_a_checkpoint_in_either_precision),
        cmocka_unit_test(model_of_floats_into_doubles),
        cmocka_unit_test(not_finite_is_neither_saved_nor_loaded),
        cmocka_unit_test(a_newer_format_is_refused_with_both_numbers),
        cmocka_unit_test(a_state_that_is_not_the_digest_is_refused),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(a_folder_that_is_not_there),
        cmocka_unit_test(a_leftover_is_replaced_not_opened),
        cmocka_unit_test(whose_lock_is_gone_writes_nothing),
        cmocka_unit_test(newest_first_and_the_newest_stay),
        cmocka_unit_test(no_folder_is_no_checkpoint),
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
