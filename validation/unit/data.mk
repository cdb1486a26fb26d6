# tests of src/data
unit_tests += split_test loader_test target_scale_test
split_test_SOURCES = validation/unit/split_test.c
loader_test_SOURCES = validation/unit/loader_test.c validation/hand_data.h
target_scale_test_SOURCES = validation/unit/target_scale_test.c \
	validation/hand_data.h validation/noise.h
unit_tests += import_record_test import_test shard_test
import_record_test_SOURCES = validation/unit/import_record_test.c
import_test_SOURCES = validation/unit/import_test.c validation/unit/table.h
shard_test_SOURCES = validation/unit/shard_test.c validation/unit/table.h
EXTRA_DIST += inputs/qm9-sample.xyz.tar.bz2 validation/data validation/fuzz
