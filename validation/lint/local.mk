# how the sources are written, and what the compiler made of them
check_SCRIPTS += validation/lint/lint.t validation/lint/objdump.t
EXTRA_DIST += validation/lint/externals.txt validation/lint/layers.awk \
	validation/lint/lint.t validation/lint/objdump.t
