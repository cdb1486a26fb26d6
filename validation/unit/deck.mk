# tests of src/deck
unit_tests += deck_test params_test
deck_test_SOURCES = validation/unit/deck_test.c
params_test_SOURCES = validation/unit/params_test.c
