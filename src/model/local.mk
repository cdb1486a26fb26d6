libcore_a_SOURCES += src/model/attn.c src/model/attn.h src/model/build.c \
	src/model/build.h src/model/conv.c src/model/conv.h src/model/input.c \
	src/model/input.h src/model/linear.c src/model/linear.h src/model/model.c \
	src/model/model.h src/model/model_build.c src/model/model_parts.h \
	src/model/norm.c src/model/norm.h src/model/optim.c src/model/optim.h \
	src/model/pool.c src/model/pool.h src/model/radial.c src/model/radial.h \
	src/model/tfn.c src/model/tfn.h src/model/weights.c src/model/weights.h
