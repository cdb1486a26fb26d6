# tests of src/cpu
unit_tests += conv_points_test conv_kernels_test device_paranoid_test device_sum_test \
	k_linear_test k_norm_test k_pool_test k_softmax_test k_step_test registry_test
conv_points_test_SOURCES = validation/unit/conv_points_test.c
conv_kernels_test_SOURCES = validation/unit/conv_kernels_test.c \
	validation/unit/conv_world.c validation/unit/conv_world.h
device_paranoid_test_SOURCES = validation/unit/device_paranoid_test.c
device_sum_test_SOURCES = validation/unit/device_sum_test.c
k_linear_test_SOURCES = validation/unit/k_linear_test.c $(views)
k_norm_test_SOURCES = validation/unit/k_norm_test.c $(views)
k_pool_test_SOURCES = validation/unit/k_pool_test.c $(views)
k_softmax_test_SOURCES = validation/unit/k_softmax_test.c
k_step_test_SOURCES = validation/unit/k_step_test.c
unit_tests += peaks_test profile_test
peaks_test_SOURCES = validation/unit/peaks_test.c
profile_test_SOURCES = validation/unit/profile_test.c
registry_test_SOURCES = validation/unit/registry_test.c
views = validation/unit/views.c validation/unit/views.h
