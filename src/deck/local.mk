libcore_a_SOURCES += src/deck/deck.c src/deck/deck.h src/deck/params.c \
	src/deck/params.h src/deck/params_compare.c src/deck/params_number.c \
	src/deck/params_number.h src/deck/params_parse.c \
	src/deck/params_parse.h src/deck/params_path.c src/deck/params_path.h \
	src/deck/params_table.c src/deck/params_table.h \
	src/deck/params_time.c src/deck/params_write.c src/deck/text.c \
	src/deck/text.h src/deck/tree.c src/deck/tree.h
EXTRA_DIST += validation/fuzz/fuzz_deck.c \
	validation/fuzz/corpus/deck
