# The documentation's examples, and that it describes what there is.
check_SCRIPTS += validation/doc/examples.t
EXTRA_DIST += validation/doc/examples.t
