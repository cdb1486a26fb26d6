libcore_a_SOURCES += src/base/digest.c src/base/digest.h src/base/err.c \
	src/base/err.h src/base/file.c src/base/file.h src/base/json.c src/base/json.h src/base/log.c src/base/log.h src/base/mem.c \
	src/base/mem.h src/base/num.c src/base/num.h src/base/rng.c \
	src/base/rng.h src/base/timer.c src/base/timer.h
