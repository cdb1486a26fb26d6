libcore_a_SOURCES += src/data/batch.c src/data/batch.h
