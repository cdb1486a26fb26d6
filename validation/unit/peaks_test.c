/* SPDX-License-Identifier: MIT */
/* peaks_test.c - the loops of every instruction set that runs here count what
 * they do, stay within their data, and all ceilings are visited once. */
#include "cpu/peaks.h"

#include "base/mem.h"
#include "cpu/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 1 << 12, GUARD = 64, MOST = 32 };

/* Each pass counts the same, of sweeps the bytes; nothing beyond is written. */
static void loops_count(const struct peak *p)
{
    static _Alignas(64) unsigned char data[BYTES + GUARD];
    double ten;

    memset(data, 0, BYTES);
    memset(data + BYTES, 7, GUARD);
    ten = p->run(data, BYTES, 10);
    assert_true(ten > 0);
    assert_true(p->run(data, BYTES, 30) == 3 * ten);
    if (p->memory)
        assert_true(ten == 10.0 * BYTES);
    for (int i = 0; i < GUARD; i++)
        assert_int_equal(data[BYTES + i], 7);
}

static void all_loops_count(void **state)
{
    int sets = 0;

    (void)state;
    for (enum isa isa = ISA_REF; isa < ISAS; isa++) {
        const struct peak *p = registry_peaks(isa);

        sets += p != NULL;
        for (; p && p->name; p++)
            loops_count(p);
    }
    assert_true(sets > 0);
}

static void a_sweep_writes_all(void **state)
{
    static _Alignas(64) unsigned char data[BYTES];

    (void)state;
    for (enum isa isa = ISA_REF; isa < ISAS; isa++)
        for (const struct peak *p = registry_peaks(isa); p && p->name; p++) {
            if (strcmp(p->name, "write") != 0)
                continue;
            memset(data, 1, BYTES / 2);
            memset(data + BYTES / 2, 2, BYTES / 2);
            p->run(data, BYTES, 1);
            for (int i = 0; i < BYTES; i++)
                assert_int_equal(data[i], 1);
        }
}

struct seen {
    int n;
    struct peak_value value[MOST];
};

static void see(void *self, const struct peak_value *v)
{
    struct seen *s = self;

    assert_true(s->n < MOST);
    s->value[s->n++] = *v;
}

static void each_is_measured_once(void **state)
{
    static const char *const must[] = {
        "clock",     "fp32_fma", "read_l1",  "read_l2",  "read_l3",
        "read_dram", "write_l1", "write_l2", "write_l3", "write_dram",
    };
    static struct seen s;

    (void)state;
    assert_int_equal(peaks_measure(2, see, &s), OK);
    for (size_t i = 0; i < sizeof must / sizeof *must; i++) {
        int times = 0;

        for (int k = 0; k < s.n; k++)
            times += strcmp(s.value[k].name, must[i]) == 0;
        assert_int_equal(times, 1);
    }
    for (int k = 0; k < s.n; k++) {
        assert_true(s.value[k].one > 0 && s.value[k].all > 0);
        assert_int_equal(s.value[k].threads, 2);
    }
    assert_int_equal(mem_live(), 0);
}

/* A cycle is no less than .1 ns and no more than 10. */
static void one_is_found_by_name(void **state)
{
    double clock = peaks_of("clock", 1);

    (void)state;
    assert_true(clock > 0.1 && clock < 10);
    assert_true(peaks_of("fp32_fma", 1) > 0);
    assert_true(peaks_of("read", 1) == 0);
    assert_true(peaks_of("no such", 1) == 0);
    assert_int_equal(mem_live(), 0);
}

static void a_ratio_is_of_two(void **state)
{
    double same = peaks_ratio("clock", "clock");

    (void)state;
    assert_true(same > 0.5 && same < 2);
    assert_true(peaks_ratio("fp32_fma", "clock") > 1);
    assert_true(peaks_ratio("clock", "none") == 0);
    assert_true(peaks_ratio("read", "clock") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_loops_count),
        cmocka_unit_test(a_sweep_writes_all),
        cmocka_unit_test(each_is_measured_once),
        cmocka_unit_test(one_is_found_by_name),
        cmocka_unit_test(a_ratio_is_of_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
