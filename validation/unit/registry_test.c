/* SPDX-License-Identifier: MIT */
/* registry_test.c - every slot is filled in both precisions and has a name; an
 * instruction set that does not run is refused. */
#include "cpu/registry.h"

#include "device/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = (sizeof(struct kernels) - sizeof(size_t)) / sizeof(void *) };

static void no_slot_is_empty(void **state)
{
    static const size_t sizes[] = {sizeof(float), sizeof(double)};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct kernels k;
        void (*slot[SLOTS])(void);

        assert_int_equal(registry_fill(sizes[i], ISA_REF, &k), OK);
        assert_int_equal(k.real, sizes[i]);
        memcpy(slot, (char *)&k + sizeof(size_t), sizeof slot);
        for (int s = 0; s < SLOTS; s++)
            if (!slot[s])
                fail_msg("slot %d of %d is empty", s, SLOTS);
    }
}

static void count(void *self, const char *slot, enum isa from)
{
    int *counts = self;

    assert_true(strlen(slot) > 3);
    counts[from]++;
}

static void every_slot_is_visited(void **state)
{
    int counts[ISAS] = {0}, sum = 0;

    (void)state;
    registry_slots(sizeof(double), ISA_REF, count, counts);
    assert_int_equal(counts[ISA_REF], SLOTS);
    memset(counts, 0, sizeof counts);
    registry_slots(sizeof(float), cpuid_best(), count, counts);
    for (int i = 0; i < ISAS; i++)
        sum += counts[i];
    assert_int_equal(sum, SLOTS);
    assert_true(cpuid_best() == ISA_REF || counts[ISA_REF] < SLOTS);
}

static void best_runs_and_more_does_not(void **state)
{
    enum isa best = cpuid_best();
    struct kernels k;

    (void)state;
    assert_int_equal(registry_fill(sizeof(float), best, &k), OK);
    for (enum isa isa = best + 1; isa < ISAS; isa++) {
        const char *why = NULL;

        assert_false(cpuid_runs(isa, &why));
        assert_non_null(why);
        assert_int_equal(registry_fill(sizeof(float), isa, &k),
                         ERR_ENVIRONMENT);
        assert_non_null(strstr(err_message(), why));
        assert_non_null(strstr(err_message(), cpuid_name(isa)));
    }
}

static void what_runs_is_there(void **state)
{
    (void)state;
    assert_true(cpuid_runs(ISA_REF, NULL));
    for (enum isa isa = ISA_REF; isa < ISAS; isa++) {
        const char *why = NULL;

        assert_true(cpuid_runs(isa, &why) == !why);
        assert_true(cpuid_runs(isa, NULL) || !registry_peaks(isa));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_slot_is_empty),
        cmocka_unit_test(every_slot_is_visited),
        cmocka_unit_test(best_runs_and_more_does_not),
        cmocka_unit_test(what_runs_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
