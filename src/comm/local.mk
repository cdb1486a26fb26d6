libcore_a_SOURCES += src/comm/comm.c src/comm/comm.h src/comm/comm_move.c \
	src/comm/comm_sum.c \
	src/comm/comm_world.h src/comm/h5.c src/comm/h5.h \
	src/comm/h5_collective.c src/comm/h5_file.h src/comm/h5_image.c src/comm/h5_read.c \
	src/comm/h5_source.c src/comm/h5_string.c src/comm/h5_walk.c \
	src/comm/h5_write.c src/comm/watchdog.c src/comm/watchdog.h \
	src/comm/window.c src/comm/window.h
