# One archive for each instruction set and precision, with its own flags; the
# program has all of them and cpuid chooses at run time. A plain kernel file may
# stand in several: then the compiler makes the vectors. The flags below give
# vectors without changing a bit.
libcore_a_SOURCES += src/cpu/conv_block.h src/cpu/conv_parts.h \
	src/cpu/conv_few.h src/cpu/conv_lookup.h \
	src/cpu/conv_net.h src/cpu/conv_pieces.h src/cpu/conv_points.h \
	src/cpu/conv_table.h src/cpu/conv_runs.h src/cpu/conv_runs_w.h src/cpu/conv_task.h \
	src/cpu/conv_tile.h \
	src/cpu/conv_tile_bf16.h src/cpu/conv_tiles.h \
	src/cpu/conv_tiles_fields.h src/cpu/conv_tiles_points.h \
	src/cpu/lanes.h src/cpu/lanes16.h src/cpu/lanes16_bf16.h src/cpu/lanes8.h \
	src/cpu/cpuid.c src/cpu/cpuid.h \
	src/cpu/device_cpu.c src/cpu/device_cpu.h src/cpu/device_paranoid.c \
	src/cpu/device_paranoid.h src/cpu/paranoid.h src/cpu/peaks.c \
	src/cpu/peaks.h src/cpu/peaks_look.h \
	src/cpu/paranoid_kernels.c src/cpu/real.h src/cpu/registry.c \
	src/cpu/registry.h src/cpu/registry_entries.h \
	src/cpu/softmax.h src/cpu/softmax_lanes.h src/cpu/tiles.h \
	src/cpu/tiles_amx.h src/cpu/tiles_c.h src/cpu/turn.h
vector_flags = -ftree-vectorize -fvect-cost-model=dynamic -fno-math-errno \
	-fno-trapping-math
reference_kernels = src/cpu/k_attend.c src/cpu/k_conv.c src/cpu/k_conv_bwd.c \
	src/cpu/k_geometry.c src/cpu/k_grid.c src/cpu/k_linear.c \
	src/cpu/k_loss.c src/cpu/k_norm.c src/cpu/k_optim.c src/cpu/k_pool.c \
	src/cpu/k_softmax.c src/cpu/k_trunk.c
reference_flags = $(AM_CFLAGS) $(vector_flags) -ffp-contract=off

noinst_LIBRARIES += libref_f32.a libref_f64.a
libref_f32_a_SOURCES = $(reference_kernels) src/cpu/peaks_vector.c
libref_f32_a_CPPFLAGS = $(AM_CPPFLAGS) -DREAL=float -DVARIANT=ref_f32 \
	-DVECTOR_BYTES=16
libref_f32_a_CFLAGS = $(reference_flags)
libref_f64_a_SOURCES = $(reference_kernels)
libref_f64_a_CPPFLAGS = $(AM_CPPFLAGS) -DREAL=double -DVARIANT=ref_f64
libref_f64_a_CFLAGS = $(reference_flags)
kernel_archives += libref_f32.a libref_f64.a

if HAVE_AVX2
noinst_LIBRARIES += libavx2_f32.a
libavx2_f32_a_SOURCES = src/cpu/k_attend_lanes.c \
	src/cpu/k_conv_points.c src/cpu/k_conv_runs.c \
	src/cpu/k_conv_runs_w.c src/cpu/k_geometry_lanes.c src/cpu/k_grid.c \
	src/cpu/k_linear_lanes.c src/cpu/k_norm_lanes.c src/cpu/k_optim.c \
	src/cpu/k_softmax_lanes.c src/cpu/peaks_vector.c
libavx2_f32_a_CPPFLAGS = $(AM_CPPFLAGS) -DREAL=float -DVARIANT=avx2_f32 \
	-DVECTOR_BYTES=32
libavx2_f32_a_CFLAGS = $(AM_CFLAGS) $(vector_flags) $(AVX2_CFLAGS) \
	-ffp-contract=fast
kernel_archives += libavx2_f32.a
endif

if HAVE_AVX512
noinst_LIBRARIES += libavx512_f32.a
libavx512_f32_a_SOURCES = src/cpu/k_attend_lanes.c \
	src/cpu/k_conv_points.c src/cpu/k_conv_runs.c \
	src/cpu/k_conv_runs_w.c src/cpu/k_geometry_lanes.c src/cpu/k_grid.c \
	src/cpu/k_linear_lanes.c src/cpu/k_norm_lanes.c src/cpu/k_optim.c \
	src/cpu/k_softmax_lanes.c src/cpu/peaks_vector.c
libavx512_f32_a_CPPFLAGS = $(AM_CPPFLAGS) -DREAL=float -DVARIANT=avx512_f32 \
	-DVECTOR_BYTES=64
libavx512_f32_a_CFLAGS = $(AM_CFLAGS) $(vector_flags) $(AVX512_CFLAGS) \
	-ffp-contract=fast
kernel_archives += libavx512_f32.a
endif

if HAVE_AVX512_BF16
noinst_LIBRARIES += libavx512_bf16.a
libavx512_bf16_a_SOURCES = src/cpu/k_conv_bf16.c src/cpu/k_conv_bf16_w.c \
	src/cpu/peaks_dot.c
libavx512_bf16_a_CPPFLAGS = $(AM_CPPFLAGS) -DREAL=float -DVARIANT=avx512_bf16
libavx512_bf16_a_CFLAGS = $(AM_CFLAGS) $(vector_flags) $(AVX512_BF16_CFLAGS) \
	-ffp-contract=fast
kernel_archives += libavx512_bf16.a
endif

tile_kernels = src/cpu/k_conv_tiles.c src/cpu/k_conv_tiles_w.c
if HAVE_AMX
noinst_LIBRARIES += libamx_bf16.a
libamx_bf16_a_SOURCES = $(tile_kernels) src/cpu/peaks_tile.c
libamx_bf16_a_CPPFLAGS = $(AM_CPPFLAGS) -DREAL=float -DVARIANT=amx_bf16
libamx_bf16_a_CFLAGS = $(AM_CFLAGS) $(vector_flags) $(AMX_CFLAGS) \
	-ffp-contract=fast
kernel_archives += libamx_bf16.a
endif
