# every mode against the reference in double: outputs, and gradients of weights
check_PROGRAMS += modes
modes_SOURCES = validation/modes/held.c validation/modes/held.h \
	validation/modes/measure.c validation/modes/measure.h \
	validation/modes/modes.c
