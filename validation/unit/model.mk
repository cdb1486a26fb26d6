# tests of src/model, and of the golden files' reader
unit_tests += build_test golden_test model_test
build_test_SOURCES = validation/unit/build_test.c
golden_test_SOURCES = validation/unit/golden_test.c
model_test_SOURCES = validation/unit/model_test.c
