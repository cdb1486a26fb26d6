# tests of src/model
unit_tests += model_test
model_test_SOURCES = validation/unit/model_test.c
