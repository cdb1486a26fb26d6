# the program as it is used: on some ranks, stopped, disturbed
regress_tests = validation/regress/bench.t validation/regress/decks.t \
	validation/regress/faults.t validation/regress/import.t \
	validation/regress/modes.t validation/regress/ranks.t \
	validation/regress/restart.t
check_SCRIPTS += $(regress_tests)
EXTRA_DIST += $(regress_tests) validation/regress/tap.sh
