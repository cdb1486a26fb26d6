# every kernel against the reference; kcheck -b times them
check_PROGRAMS += kcheck
kcheck_SOURCES = validation/kcheck/kcheck.c validation/kcheck/kcheck.h \
	validation/kcheck/kcheck_attend.c validation/kcheck/kcheck_bench.c \
	validation/kcheck/kcheck_conv.c validation/kcheck/kcheck_geometry.c \
	validation/kcheck/kcheck_node.c validation/kcheck/kcheck_step.c
