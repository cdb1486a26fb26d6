libcore_a_SOURCES += src/math/fiber.c src/math/fiber.h src/math/frame.c \
	src/math/frame.h src/math/wigner.c src/math/wigner.h
