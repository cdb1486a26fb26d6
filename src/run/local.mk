libcore_a_SOURCES += src/run/ckpt.h src/run/evaluate.c src/run/evaluate.h \
	src/run/journal.h src/run/lock.h src/run/predictions.c \
	src/run/predictions.h src/run/predictor.c src/run/predictor.h \
	src/run/resume.c src/run/resume.h src/run/saver.c src/run/saver.h \
	src/run/schedule.c src/run/schedule.h src/run/state.c src/run/state.h \
	src/run/step.c src/run/step.h src/run/stop.h src/run/trainer.c
