# tests of src/base
unit_tests += err_test
err_test_SOURCES = validation/unit/err_test.c
