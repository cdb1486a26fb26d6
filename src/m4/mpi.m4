# SE3T_MPI(MAJOR, MINOR)
# CC must build MPI programs of at least that standard. Sets se3t_mpi_version
# and se3t_mpi_flavour (openmpi, mpich, other).
AC_DEFUN([SE3T_MPI],[
AC_CACHE_CHECK([whether $CC builds MPI programs],[se3t_cv_mpi],
 [AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <mpi.h>]],
   [[int p; return MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &p);]])],
   [se3t_cv_mpi=yes],[se3t_cv_mpi=no])])
AS_IF([test "$se3t_cv_mpi" != yes],
 [AC_MSG_ERROR([no MPI: install libopenmpi-dev, load an MPI module, or set CC])])
AC_COMPUTE_INT([se3t_mpi_version],[MPI_VERSION * 100 + MPI_SUBVERSION],
 [[#include <mpi.h>]],[se3t_mpi_version=0])
AS_IF([test "$se3t_mpi_version" -lt $(($1 * 100 + $2))],
 [AC_MSG_ERROR([MPI $1.$2 or later is needed])])
AC_CACHE_CHECK([which MPI this is],[se3t_cv_mpi_flavour],[
 se3t_cv_mpi_flavour=other
 AC_COMPILE_IFELSE([AC_LANG_SOURCE([[#include <mpi.h>
#ifndef OPEN_MPI
#error
#endif]])],[se3t_cv_mpi_flavour=openmpi])
 AC_COMPILE_IFELSE([AC_LANG_SOURCE([[#include <mpi.h>
#ifndef MPICH_VERSION
#error
#endif]])],[se3t_cv_mpi_flavour=mpich])])
se3t_mpi_flavour=$se3t_cv_mpi_flavour
])
