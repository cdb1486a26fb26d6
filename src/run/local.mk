libcore_a_SOURCES += src/run/buckets.c src/run/buckets.h src/run/ckpt.h src/run/ckpt_file.h src/run/ckpt_head.c \
	src/run/ckpt_list.c src/run/ckpt_load.c src/run/ckpt_write.c \
	src/run/evaluate.c src/run/evaluate.h src/run/job_id.c src/run/job_id.h \
	src/run/journal.c src/run/journal.h src/run/journal_line.c \
	src/run/journal_line.h src/run/lock.c src/run/lock.h src/run/predictions.c \
	src/run/predictions.h src/run/predictor.c src/run/predictor.h \
	src/run/resume.c src/run/resume.h src/run/saver.c src/run/saver.h \
	src/run/schedule.c src/run/schedule.h src/run/scheduler.c \
	src/run/scheduler.h src/run/state.c src/run/state.h src/run/step.c \
	src/run/step.h src/run/stop.c src/run/stop.h src/run/trainer.c
