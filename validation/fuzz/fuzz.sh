#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET...] - builds each fuzz_TARGET.c with clang, libFuzzer
# and the sanitizers against the sources of libcore.a, and runs it that long from
# the seeds in corpus/TARGET. Runs in the build folder of a configured tree; ends
# with 1 when a target crashed, leaked or hung (the input is kept in
# fuzz/TARGET/), 77 without clang.
set -u
srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
seconds=${1:?usage: fuzz.sh SECONDS [TARGET...]}
shift
targets=("$@")
if [ $# = 0 ]; then
    for f in "$srcdir"/validation/fuzz/fuzz_*.c; do
        f=${f##*/fuzz_}
        targets+=("${f%.c}")
    done
fi
if ! command -v clang >/dev/null; then
    echo 'fuzz: skipped: no clang'
    exit 77
fi
variable() { sed -n "s/^$1 = //p" Makefile; }

mkdir -p fuzz/core
echo '#define DOCDIR "."' >fuzz/docdir.h # quotes do not survive xargs
export OMPI_CC=clang MPICH_CC=clang
flags="-std=c11 -g -O1 -fno-omit-frame-pointer -Wno-everything
    -include fuzz/docdir.h -I. -I$srcdir/src
    -I$srcdir/validation $(variable HDF5_CPPFLAGS) $(variable YAML_CFLAGS)
    $(variable ARCHIVE_CFLAGS) $(variable NETTLE_CFLAGS)"
sanitizers=address,undefined
libraries="$(variable HDF5_LIBS) $(variable YAML_LIBS) $(variable ARCHIVE_LIBS)
    $(variable NETTLE_LIBS) $(variable LIBS)"

# Parsers and what they stand on; no kernels, so no threads.
core() {
    local f
    for f in "$srcdir"/src/{base,math,comm,deck,data}/*.c; do
        echo "$f fuzz/core/$(basename "$f" .c).o"
    done
}
# shellcheck disable=SC2086 # flags are words
core | xargs -P "$(nproc)" -L 1 sh -c \
    'mpicc '"$(echo $flags)"' -fsanitize=fuzzer-no-link,'$sanitizers' -c "$0" -o "$1"' ||
    exit 1
rm -f fuzz/libcore.a
ar cr fuzz/libcore.a fuzz/core/*.o || exit 1

export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export LSAN_OPTIONS=suppressions=$srcdir/validation/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
status=0
for t in "${targets[@]}"; do
    mkdir -p "fuzz/$t/corpus"
    # shellcheck disable=SC2086
    mpicc $flags -fsanitize=fuzzer,$sanitizers "$srcdir/validation/fuzz/fuzz_$t.c" \
        fuzz/libcore.a $libraries -lm -o "fuzz/fuzz_$t" || exit 1
    if "fuzz/fuzz_$t" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -max_len=65536 -artifact_prefix="fuzz/$t/" -print_final_stats=1 \
        "fuzz/$t/corpus" "$srcdir/validation/fuzz/corpus/$t" \
        >"fuzz/$t/log" 2>&1 </dev/null; then
        echo "ok - fuzz $t: $(sed -n 's/^stat::number_of_executed_units: *//p' \
            "fuzz/$t/log") inputs"
    else
        status=1
        tail -n 40 "fuzz/$t/log" | sed 's/^/# /'
        echo "not ok - fuzz $t: see fuzz/$t/log"
    fi
done
exit $status
