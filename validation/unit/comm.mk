# tests of src/comm: alone, and as several ranks
unit_tests += comm_test window_test h5_test
comm_test_SOURCES = validation/unit/comm_test.c
window_test_SOURCES = validation/unit/window_test.c
h5_test_SOURCES = validation/unit/h5_test.c
check_SCRIPTS += validation/regress/comm_ranks.t
EXTRA_DIST += validation/regress/comm_ranks.t
