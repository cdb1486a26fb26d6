# _SE3T_HDF5_TRY(MAJ, MIN, REL)
# Tries $se3t_n (a name for messages) with $se3t_c (preprocessor flags) and
# $se3t_l (linker flags).
AC_DEFUN([_SE3T_HDF5_TRY],[AS_IF([test -z "$se3t_hdf5_how"],[
  CPPFLAGS="$se3t_c $se3t_save_CPPFLAGS"; LIBS="$se3t_l $se3t_save_LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <hdf5.h>
#include <mpi.h>
#ifndef H5_HAVE_PARALLEL
#error serial HDF5
#endif
#if !H5_VERSION_GE($1,$2,$3)
#error HDF5 too old
#endif]],[[return H5Pset_fapl_mpio(H5Pcreate(H5P_FILE_ACCESS), MPI_COMM_WORLD,
                                   MPI_INFO_NULL);]])],[
   # A second MPI library that comes in through HDF5 links without a word and
   # fails at run time: look at what the program needs.
   se3t_nmpi=1
   AS_IF([command -v ldd >/dev/null 2>&1 && test -x conftest$EXEEXT],
     [se3t_nmpi=`ldd ./conftest$EXEEXT 2>/dev/null |
        sed -n 's/^.*\(libmpi[[a-z]]*\)\.so.*/\1/p' | sort -u | grep -c .`])
   AS_IF([test "$se3t_nmpi" -gt 1],[se3t_hdf5_why="$se3t_hdf5_why
    $se3t_n: built with another MPI"],
    [se3t_hdf5_how=$se3t_n; HDF5_CPPFLAGS=$se3t_c; HDF5_LIBS=$se3t_l])],
  [se3t_hdf5_why="$se3t_hdf5_why
    $se3t_n: missing, serial, too old or does not link"])])])

# SE3T_HDF5_PARALLEL(MAJ, MIN, REL); after SE3T_MPI and PKG_PROG_PKG_CONFIG
# Order: HDF5_CPPFLAGS and HDF5_LIBS of the user; pkg-config hdf5-<flavour> and
# hdf5; plain -lhdf5 (Cray wrappers, modules that set CPATH); h5pcc -show.
# --with-hdf5=PREFIX or =H5PCC instead of all of them.
AC_DEFUN([SE3T_HDF5_PARALLEL],[
AC_ARG_WITH([hdf5],[AS_HELP_STRING([--with-hdf5=PREFIX|H5PCC],
  [parallel HDF5: install prefix, or path of h5pcc])],[],[with_hdf5=auto])
AC_ARG_VAR([HDF5_CPPFLAGS],[preprocessor flags for parallel HDF5])
AC_ARG_VAR([HDF5_LIBS],[linker flags for parallel HDF5])
AC_MSG_CHECKING([for parallel HDF5 $1.$2.$3 or later that fits this MPI])
se3t_save_CPPFLAGS=$CPPFLAGS; se3t_save_LIBS=$LIBS
se3t_hdf5_why=; se3t_hdf5_how=; se3t_h5pcc=
AS_CASE([$with_hdf5],
 [auto|yes],[AS_IF([test -n "$HDF5_LIBS"],[
    se3t_n=HDF5_LIBS; se3t_c=$HDF5_CPPFLAGS; se3t_l=$HDF5_LIBS
    _SE3T_HDF5_TRY([$1],[$2],[$3])],[
    for se3t_pc in hdf5-$se3t_mpi_flavour hdf5; do
     AS_IF([test -n "$PKG_CONFIG" && $PKG_CONFIG --exists $se3t_pc],[
       se3t_n="pkg-config $se3t_pc"
       se3t_c=`$PKG_CONFIG --cflags-only-I $se3t_pc`
       se3t_l=`$PKG_CONFIG --libs $se3t_pc`
       _SE3T_HDF5_TRY([$1],[$2],[$3])])
    done
    se3t_n="plain -lhdf5"; se3t_c=; se3t_l=-lhdf5
    _SE3T_HDF5_TRY([$1],[$2],[$3])
    se3t_h5pcc="h5pcc.$se3t_mpi_flavour h5pcc"])],
 [no],[],
 [AS_IF([test -d "$with_hdf5"],[
    for se3t_d in lib lib64; do
      se3t_n="--with-hdf5 $se3t_d"; se3t_c=-I$with_hdf5/include
      se3t_l="-L$with_hdf5/$se3t_d -Wl,-rpath,$with_hdf5/$se3t_d -lhdf5"
      _SE3T_HDF5_TRY([$1],[$2],[$3])
    done
    se3t_h5pcc=$with_hdf5/bin/h5pcc],[se3t_h5pcc=$with_hdf5])])
for se3t_w in $se3t_h5pcc; do
  se3t_show=`$se3t_w -shlib -show /dev/null 2>/dev/null` || continue
  se3t_n=$se3t_w; se3t_c=; se3t_l=
  for se3t_a in $se3t_show; do
    AS_CASE([$se3t_a],[-I*],[se3t_c="$se3t_c $se3t_a"],
      [-L*|-l*|-Wl,*],[se3t_l="$se3t_l $se3t_a"])
  done
  AS_CASE([" $se3t_l "],[*" -lhdf5 "*],[],[se3t_l="$se3t_l -lhdf5"])
  _SE3T_HDF5_TRY([$1],[$2],[$3])
done
CPPFLAGS=$se3t_save_CPPFLAGS; LIBS=$se3t_save_LIBS
AS_IF([test -z "$se3t_hdf5_how"],[AC_MSG_RESULT([no])
 AC_MSG_ERROR([no parallel HDF5 $1.$2.$3 or later for this MPI:$se3t_hdf5_why
  Install libhdf5-openmpi-dev, load a parallel HDF5 module, or give
  --with-hdf5=PREFIX, or HDF5_CPPFLAGS and HDF5_LIBS.])])
AC_MSG_RESULT([$se3t_hdf5_how])
])
