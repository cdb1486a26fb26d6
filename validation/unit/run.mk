# tests of src/run
unit_tests += buckets_test ckpt_test journal_test lock_test stop_test
buckets_test_SOURCES = validation/unit/buckets_test.c
ckpt_test_SOURCES = validation/unit/ckpt_test.c
journal_test_SOURCES = validation/unit/journal_test.c
lock_test_SOURCES = validation/unit/lock_test.c
stop_test_SOURCES = validation/unit/stop_test.c
