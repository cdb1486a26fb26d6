# SE3T_ISA(NAME, FLAGS)
# Whether the compiler knows an instruction set; the CPU that runs configure
# does not matter. Substitutes NAME_CFLAGS, conditional HAVE_NAME.
AC_DEFUN([SE3T_ISA],[
AC_CACHE_CHECK([whether $CC accepts $2],[se3t_cv_isa_$1],[
 se3t_save=$CFLAGS; CFLAGS="$CFLAGS $2"
 AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <immintrin.h>]],[])],
  [se3t_cv_isa_$1=yes],[se3t_cv_isa_$1=no])
 CFLAGS=$se3t_save])
AS_IF([test "$se3t_cv_isa_$1" = yes],[
 se3t_isas="$se3t_isas $1"
 AC_DEFINE(AS_TR_CPP([HAVE_$1]),[1],[code for $1])])
AC_SUBST(AS_TR_CPP([$1_CFLAGS]),["$2"])
AM_CONDITIONAL(AS_TR_CPP([HAVE_$1]),[test "$se3t_cv_isa_$1" = yes])
])
