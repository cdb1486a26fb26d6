# Unit tests need cmocka; a folder of src has its tests in unit/FOLDER.mk, which
# adds to unit_tests and gives NAME_SOURCES.
LDADD = libcore.a $(kernel_archives) libcuda.a libcore.a $(CMOCKA_LIBS) \
	$(libraries) $(CUDA_LIBS)

include validation/unit/base.mk
include validation/unit/math.mk
include validation/unit/comm.mk
include validation/unit/deck.mk
include validation/unit/data.mk
include validation/unit/cpu.mk
include validation/unit/model.mk
include validation/unit/run.mk
include validation/unit/app.mk
include validation/kcheck/local.mk
include validation/modes/local.mk
include validation/golden/local.mk
include validation/regress/local.mk
include validation/lint/local.mk
include validation/hpc/local.mk
include validation/fuzz/local.mk
include validation/simt/local.mk

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
endif
TESTS = $(check_PROGRAMS) $(check_SCRIPTS)
TEST_EXTENSIONS = .t
AM_TESTS_ENVIRONMENT = MPIEXEC='$(MPIEXEC)'; export MPIEXEC; \
	srcdir='$(srcdir)'; export srcdir; \
	OMPI_ALLOW_RUN_AS_ROOT=1; export OMPI_ALLOW_RUN_AS_ROOT; \
	OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM; \
	OMP_NUM_THREADS=$${OMP_NUM_THREADS-1}; export OMP_NUM_THREADS; \
	$(simt_environment)
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_COMPILER = bash
