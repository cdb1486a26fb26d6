libcore_a_SOURCES += src/app/alkanes.c src/app/alkanes.h src/app/bench.c \
	src/app/bench.h src/app/bench_cores.c src/app/bench_kernels.c \
	src/app/bench_peaks.c src/app/bench_steps.c \
	src/app/check.c src/app/commands.h src/app/devices.c src/app/devices.h \
	src/app/golden_attention.c src/app/golden_bench.c src/app/golden_bench.h \
	src/app/golden_compare.c src/app/golden_compare.h src/app/golden_find.c \
	src/app/golden_kinds.h src/app/golden_layer.c src/app/golden_net.c \
	src/app/golden_net.h src/app/golden_read.c src/app/golden_read.h \
	src/app/golden_run.c src/app/golden_run.h src/app/golden_tensor.c \
	src/app/golden_tensor.h src/app/golden_train.c src/app/golden_wigner.c \
	src/app/import.c src/app/info.c src/app/options.c src/app/options.h \
	src/app/predict.c src/app/report.c src/app/report_data.h \
	src/app/report_draw.c src/app/report_page.c src/app/report_page.h \
	src/app/report_plots.h src/app/report_plots_predictions.c \
	src/app/report_plots_run.c src/app/report_predictions.c \
	src/app/report_run.c src/app/run_start.c src/app/run_start.h \
	src/app/selftest.c src/app/selftest_machine.c src/app/selftest_machine.h \
	src/app/selftest_world.c src/app/selftest_world.h src/app/setup.c \
	src/app/setup.h src/app/train.c
