# tests of src/math
unit_tests += wigner_test
wigner_test_SOURCES = validation/unit/wigner_test.c
EXTRA_DIST += validation/golden/wigner.h5
