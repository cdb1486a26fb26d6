libcore_a_SOURCES += src/app/bench.c src/app/check.c src/app/commands.h \
	src/app/devices.c src/app/devices.h src/app/info.c \
	src/app/options.c src/app/options.h src/app/predict.c src/app/run_start.c \
	src/app/run_start.h src/app/setup.c src/app/setup.h src/app/train.c
