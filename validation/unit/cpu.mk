# tests of src/cpu
unit_tests += conv_kernels_test
conv_kernels_test_SOURCES = validation/unit/conv_kernels_test.c \
	validation/unit/conv_world.c validation/unit/conv_world.h
