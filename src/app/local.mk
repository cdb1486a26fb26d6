libcore_a_SOURCES += src/app/bench.c src/app/check.c src/app/commands.h \
	src/app/devices.c src/app/devices.h src/app/import.c src/app/info.c \
	src/app/options.c src/app/options.h src/app/predict.c src/app/report.c \
	src/app/report_data.h src/app/report_draw.c src/app/report_page.c \
	src/app/report_page.h src/app/report_plots.h \
	src/app/report_plots_predictions.c src/app/report_plots_run.c \
	src/app/report_predictions.c src/app/report_run.c src/app/run_start.c \
	src/app/run_start.h src/app/setup.c src/app/setup.h src/app/train.c
