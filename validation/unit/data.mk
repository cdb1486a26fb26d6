# tests of src/data
unit_tests += split_test loader_test target_scale_test
split_test_SOURCES = validation/unit/split_test.c
loader_test_SOURCES = validation/unit/loader_test.c validation/hand_data.h
target_scale_test_SOURCES = validation/unit/target_scale_test.c \
	validation/hand_data.h validation/noise.h
