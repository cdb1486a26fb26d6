# SE3T_CUDA
# nvcc and the static runtime, which loads the driver when it is first called:
# the program starts without one. cuBLAS and NCCL are opened at run time
# (cuda/calls.h). --with-cuda[=PREFIX]: an error where they are not found;
# default: where they are. Conditional HAVE_CUDA; NVCC, CUDA_CODE (of which
# architectures), CUDA_CPPFLAGS, CUDA_LIBS.
AC_DEFUN([SE3T_CUDA],[
AC_ARG_WITH([cuda],[AS_HELP_STRING([--with-cuda@<:@=PREFIX@:>@],
  [NVIDIA GPUs: the CUDA toolkit, 12 or later (default: where nvcc is)])],[],
  [with_cuda=auto])
AC_ARG_WITH([nccl],[AS_HELP_STRING([--with-nccl=PREFIX],
  [where NCCL is opened if it is nowhere else (default: beside CUDA)])],[],
  [with_nccl=])
AC_ARG_WITH([cuda-arch],[AS_HELP_STRING([--with-cuda-arch="80 90"],
  [compute capabilities (default: 80 90 100, and PTX of the last)])],[],
  [with_cuda_arch=])
AC_ARG_VAR([NVCC],[CUDA compiler (default: from --with-cuda, or PATH)])
AC_ARG_VAR([NVCCFLAGS],[flags for NVCC])
se3t_cuda=; se3t_cuda_why="not looked for"; CUDA_CODE=; CUDA_LIBS=
se3t_cuda_libdir=
AS_IF([test "$with_cuda" != no],[
 AS_CASE([$with_cuda],[yes|auto],[se3t_path=$PATH:/usr/local/cuda/bin],
   [se3t_path=$with_cuda/bin])
 AC_PATH_PROG([NVCC],[nvcc],[],[$se3t_path])
 AC_MSG_CHECKING([for the CUDA toolkit])
 _SE3T_CUDA_TRY
 AC_MSG_RESULT([${se3t_cuda:-no, $se3t_cuda_why}])
 AS_IF([test -z "$se3t_cuda" && test "$with_cuda" != auto],
  [AC_MSG_ERROR([no CUDA toolkit: $se3t_cuda_why
  Give --with-cuda=PREFIX (PREFIX/bin/nvcc), or --without-cuda.])])])
AS_CASE([$with_nccl],[''|yes|no],[se3t_nccl_libdir=$se3t_cuda_libdir],
 [se3t_nccl_libdir=$with_nccl/lib])
AC_SUBST([CUDA_CODE])
AC_SUBST([CUDA_LIBS])
AC_SUBST([CUDA_CPPFLAGS],["-I$se3t_cuda_root/include -DCUDA_LIBDIR='\"$se3t_cuda_libdir\"' -DNCCL_LIBDIR='\"$se3t_nccl_libdir\"'"])
AM_CONDITIONAL([HAVE_CUDA],[test -n "$se3t_cuda"])
])

# Sets se3t_cuda to what was found, or se3t_cuda_why.
AC_DEFUN([_SE3T_CUDA_TRY],[
AS_IF([test -z "$NVCC"],[se3t_cuda_why="no nvcc"],[
 se3t_version=`$NVCC --version 2>/dev/null | sed -n 's/.*release \(@<:@0-9@:>@*\.@<:@0-9@:>@*\).*/\1/p'`
 # the root: what nvcc itself says, for it may be a link or a script
 se3t_cuda_root=`echo | $NVCC -dryrun -x cu - 2>&1 | sed -n 's/^#\$ TOP=//p'`
 se3t_cuda_root=`cd "$se3t_cuda_root" 2>/dev/null && pwd -P`
 for se3t_d in lib64 lib targets/x86_64-linux/lib; do
  AS_IF([test -z "$se3t_cuda_libdir" &&
         test -f "$se3t_cuda_root/$se3t_d/libcudart_static.a"],
   [se3t_cuda_libdir=$se3t_cuda_root/$se3t_d])
 done
 CUDA_LIBS="${se3t_cuda_libdir:+-L$se3t_cuda_libdir }-lcudart_static -lstdc++ -lrt -lpthread -ldl"
 _SE3T_CUDA_CODE
 AS_CASE([$se3t_version],
  ['' | @<:@0-9@:>@.* | 1@<:@01@:>@.*],[se3t_cuda_why="$NVCC is of CUDA ${se3t_version:-?}, not 12 or later"],
  [se3t_save=$LIBS; LIBS="$CUDA_LIBS $LIBS"
   AC_LINK_IFELSE([AC_LANG_PROGRAM([[int cudaGetDeviceCount(int *);]],
     [[int n; return cudaGetDeviceCount(&n);]])],
    [AS_IF([test -n "$CUDA_CODE"],[se3t_cuda="$se3t_version, $se3t_cuda_archs"],
      [se3t_cuda_why="nvcc $se3t_version has none of $se3t_wanted"])],
    [se3t_cuda_why="libcudart_static.a is missing, or does not link"])
   LIBS=$se3t_save])])
AS_IF([test -z "$se3t_cuda"],[CUDA_LIBS=; CUDA_CODE=])
])

# Of the architectures wanted those that nvcc knows; an explicit one must be.
AC_DEFUN([_SE3T_CUDA_CODE],[
se3t_known=`$NVCC --list-gpu-code 2>/dev/null | tr '\n' ' '`
se3t_wanted=${with_cuda_arch:-80 90 100}; se3t_cuda_archs=
for se3t_a in $se3t_wanted; do
 AS_CASE([" $se3t_known"],
  [*" sm_$se3t_a "*],[se3t_cuda_archs="$se3t_cuda_archs sm_$se3t_a"
   CUDA_CODE="$CUDA_CODE -gencode arch=compute_$se3t_a,code=sm_$se3t_a"
   se3t_last=$se3t_a],
  [AS_IF([test -n "$with_cuda_arch"],
    [AC_MSG_ERROR([--with-cuda-arch: $NVCC knows no sm_$se3t_a
  (expected some of $se3t_known)])])])
done
AS_IF([test -n "$CUDA_CODE"],
 [CUDA_CODE="$CUDA_CODE -gencode arch=compute_$se3t_last,code=compute_$se3t_last"
  se3t_cuda_archs=`echo $se3t_cuda_archs`])
])
