# tests of src/app
unit_tests += report_test
report_test_SOURCES = validation/unit/report_test.c
check_SCRIPTS += validation/regress/report.t
EXTRA_DIST += validation/regress/report.t validation/data/report-run
