libcore_a_SOURCES += src/data/elements.c src/data/loader.c src/data/loader.h \
	src/data/split.c src/data/split.h src/data/split_file.c \
	src/data/split_file.h src/data/split_mt.c src/data/split_pcg.c \
	src/data/target_scale.c
