# The CUDA device: libcuda.a is linked where configure found nvcc, else what
# says that there is none.
noinst_LIBRARIES += libcuda.a
if HAVE_CUDA
libcuda_a_SOURCES = $(cuda_headers) $(cuda_sources) cuda/calls.c
else
libcuda_a_SOURCES = cuda/device_cuda.h cuda/none.c
endif
libcuda_a_CPPFLAGS = $(AM_CPPFLAGS) $(CUDA_CPPFLAGS)
cuda_headers = cuda/calls.h cuda/dev.cuh cuda/device_cuda.h
cuda_sources = cuda/device_cuda.cu cuda/k_softmax.cu
EXTRA_DIST += $(cuda_headers) $(cuda_sources) cuda/calls.c cuda/none.c

SUFFIXES = .cu
NVCC_V = $(nvcc_v_@AM_V@)
nvcc_v_ = $(nvcc_v_@AM_DEFAULT_V@)
nvcc_v_0 = @echo "  NVCC    " $@;
.cu.o:
	@$(MKDIR_P) $(@D)
	$(NVCC_V)$(NVCC) -std=c++17 -O3 $(CUDA_CODE) $(NVCCFLAGS) \
	    -I$(top_srcdir) -I$(top_srcdir)/src -MD -MF $@.d -c $< -o $@
-include cuda/*.o.d
