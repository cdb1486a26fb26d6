# every kernel against the reference; kcheck -b times them
check_PROGRAMS += kcheck
kcheck_SOURCES = validation/kcheck/kcheck.c validation/kcheck/kcheck.h \
	validation/kcheck/kcheck_attend.c validation/kcheck/kcheck_bench.c \
	validation/kcheck/kcheck_conv.c validation/kcheck/kcheck_geometry.c \
	validation/kcheck/kcheck_node.c validation/kcheck/kcheck_step.c \
	validation/kcheck/kcheck_variant.c

# the kernels of the matrix unit, on tiles of C: for machines without one
if HAVE_AVX512_BF16
check_LIBRARIES += libtiles_bf16.a
libtiles_bf16_a_SOURCES = $(tile_kernels)
libtiles_bf16_a_CPPFLAGS = $(AM_CPPFLAGS) -DREAL=float -DVARIANT=c_bf16
libtiles_bf16_a_CFLAGS = $(AM_CFLAGS) $(vector_flags) $(AVX512_BF16_CFLAGS) \
	-ffp-contract=fast
kcheck_LDADD = libtiles_bf16.a $(LDADD)
endif
