# SE3T_SIMT
# Whether the harness that runs CUDA kernels on the CPU can be built: it needs a
# C++17 compiler that calls a function before every access. Conditional HAVE_SIMT;
# without it make check says that it skips. SIMT_CHECKS: what else the compiler
# can look at in kernels: indices of local arrays, arithmetic, locals that are
# read before they are written.
AC_DEFUN([SE3T_SIMT],[
AC_LANG_PUSH([C++])
AC_CACHE_CHECK([whether $CXX can run CUDA kernels on the CPU],[se3t_cv_simt],[
 se3t_save=$CXXFLAGS; CXXFLAGS="-std=c++17 -O1"
 AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <ucontext.h>
   #include <vector>
   extern "C" void __tsan_init() {}
   static ucontext_t c;]],[[std::vector<int> v(1); return getcontext(&c);]])],
  [CXXFLAGS="$CXXFLAGS -fsanitize=thread"
   AC_COMPILE_IFELSE([AC_LANG_PROGRAM([],[])],
    [se3t_cv_simt=yes],[se3t_cv_simt=no])],[se3t_cv_simt=no])
 CXXFLAGS=$se3t_save])
SIMT_CHECKS=
for se3t_flag in \
 -fsanitize=bounds-strict,alignment,null,shift,signed-integer-overflow,integer-divide-by-zero \
 -ftrivial-auto-var-init=pattern; do
 se3t_save=$CXXFLAGS; CXXFLAGS="-Werror $se3t_flag"
 AC_COMPILE_IFELSE([AC_LANG_PROGRAM([],[])],
  [SIMT_CHECKS="$SIMT_CHECKS $se3t_flag"])
 CXXFLAGS=$se3t_save
done
AC_SUBST([SIMT_CHECKS])
AC_LANG_POP([C++])
AM_CONDITIONAL([HAVE_SIMT],[test "$se3t_cv_simt" = yes])
])
