# CUDA files on the CPU (doc/simt.md): each of cuda_sources is an object
# NAME.simt.o, made by the rule below; a kernel file has a test program.
simt_scripts = validation/simt/mutants.t validation/simt/gate.t \
	validation/simt/program.t

# -fsanitize=thread and SIMT_CHECKS call the harness; libtsan and libubsan are
# not linked.
simt_cxxflags = -std=c++17 -Wall -Wextra -Wshadow $(WERROR)
simt_cppflags = -I$(top_srcdir)/validation/simt/include -I$(top_srcdir) \
	-I$(top_srcdir)/src -I$(top_srcdir)/validation
simt_cxx = $(CXX) $(simt_cppflags) $(simt_cxxflags) -g -O1 -ffp-contract=off \
	-fsanitize=thread $(SIMT_CHECKS)
SUFFIXES += .simt.o
.cu.simt.o:
	@$(MKDIR_P) $(@D)
	$(AM_V_CXX)$(simt_cxx) -x c++ -MD -MF $@.d -MT $@ -c $< -o $@
-include cuda/*.simt.o.d validation/simt/*.simt.o.d
MOSTLYCLEANFILES = cuda/*.o.d cuda/*.simt.o* validation/simt/*.simt.o*

check_SCRIPTS += $(simt_scripts)
EXTRA_DIST += doc/simt.md $(simt_scripts) \
	validation/simt/planted.cu validation/simt/planted_block.cu \
	validation/simt/planted_stream.cu validation/simt/planted_tile.cu \
	validation/simt/product.cu validation/simt/mutate.awk \
	validation/simt/calls_gate.cu validation/simt/kernels.tsv \
	validation/simt/survivors.txt
simt_harness = validation/simt/copies.cpp validation/simt/cublas.cpp \
	validation/simt/fibers.cpp \
	validation/simt/fibers.h validation/simt/graph.cpp \
	validation/simt/instrument.cpp validation/simt/memory.cpp \
	validation/simt/nccl.c validation/simt/order.cpp validation/simt/planted.h \
	validation/simt/product.h validation/simt/race.cpp \
	validation/simt/report.cpp \
	validation/simt/runtime.cpp validation/simt/schedule.cpp \
	validation/simt/simt.h \
	validation/simt/simt_internal.h validation/simt/simt_work.h \
	validation/simt/stream.cpp \
	validation/simt/threads.cpp validation/simt/tile.cpp \
	validation/simt/warp.cpp validation/simt/include/cuda_bf16.h \
	validation/simt/include/cuda_fp16.h \
	validation/simt/include/cuda_runtime.h \
	validation/simt/include/cuda_runtime_api.h \
	validation/simt/include/simt_atomic.h validation/simt/include/simt_math.h \
	validation/simt/include/simt_warp.h

if HAVE_SIMT
simt_libraries = libsimt.a
simt_programs = calls_simt_test product_simt_test simt_test softmax_simt_test
check_PROGRAMS += $(simt_programs)
check_LIBRARIES += $(simt_libraries)
libsimt_a_SOURCES = $(simt_harness)
libsimt_a_CPPFLAGS = $(simt_cppflags)
libsimt_a_CXXFLAGS = $(simt_cxxflags)

simt_test_SOURCES = validation/simt/simt_test.cpp
simt_test_CPPFLAGS = $(simt_cppflags)
simt_test_CXXFLAGS = $(simt_cxxflags)
simt_test_LDADD = validation/simt/planted.simt.o \
	validation/simt/planted_block.simt.o validation/simt/planted_stream.simt.o \
	validation/simt/planted_tile.simt.o libsimt.a

calls_simt_test_SOURCES = validation/simt/calls_simt_test.c
calls_simt_test_CPPFLAGS = $(simt_cppflags)
calls_simt_test_LDADD = libsimt.a -lstdc++ -lm

product_simt_test_SOURCES = validation/simt/product_simt_test.cpp
product_simt_test_CPPFLAGS = $(simt_cppflags)
product_simt_test_CXXFLAGS = $(simt_cxxflags)
product_simt_test_LDADD = validation/simt/product.simt.o $(simt_ldadd)

softmax_simt_test_SOURCES = validation/simt/softmax_simt_test.cpp
softmax_simt_test_CPPFLAGS = $(simt_cppflags)
softmax_simt_test_CXXFLAGS = $(simt_cxxflags)
softmax_simt_test_LDADD = cuda/k_softmax.simt.o $(simt_ldadd)

# The program itself, its GPU on the CPU; linked as the program is, for MPI.
EXTRA_PROGRAMS = se3t_simt
check_DATA = se3t_simt
CLEANFILES += se3t_simt
se3t_simt_SOURCES = src/main.c
se3t_simt_LDADD = $(cuda_sources:.cu=.simt.o) $(simt_ldadd) -lstdc++
simt_ldadd = libsimt.a libcore.a $(kernel_archives) libcore.a $(libraries)

# mutants.t compiles and links what make does, with one file changed
simt_environment = SIMT_CXX='$(simt_cxx)'; export SIMT_CXX; \
	SIMT_LINK='$(CXX) $(AM_LDFLAGS) $(LDFLAGS)'; export SIMT_LINK; \
	SIMT_LIBS='$(simt_ldadd) $(LIBS)'; export SIMT_LIBS;
endif

# The harness's tests alone, and what came of them in one line.
check-simt: $(simt_libraries) $(simt_programs)
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(simt_programs) $(simt_scripts)'; \
	status=$$?; \
	$(SHELL) $(srcdir)/validation/count.sh $(simt_programs:=.trs) \
	    $(simt_scripts:.t=.trs); \
	exit $$status
.PHONY: check-simt
