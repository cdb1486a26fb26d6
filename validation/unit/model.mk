# tests of src/model, and of the golden files' reader
unit_tests += golden_test model_test
golden_test_SOURCES = validation/unit/golden_test.c
model_test_SOURCES = validation/unit/model_test.c
