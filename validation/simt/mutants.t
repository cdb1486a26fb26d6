#!/usr/bin/env bash
# mutants.t - kernel files with one thing wrong: the test program, built with
# such a file, must fail and say what.
if [ -z "$SIMT_CXX" ]; then
    echo '1..0 # SKIP no C++17 compiler with -fsanitize=thread'
    exit 0
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tests=0

# Compiles and links as make does. 0: the file was changed, built, and failed
# with exit status 1.
build_and_fail() { # KERNEL TEST SED
    sed "$3" "${srcdir:-.}/cuda/$1.cu" >"$dir/$1.cu"
    ! cmp -s "${srcdir:-.}/cuda/$1.cu" "$dir/$1.cu" || return 1
    $SIMT_CXX -x c++ -c "$dir/$1.cu" -o "$dir/$1.o" || return 1
    $SIMT_LINK -o "$dir/test" "validation/simt/$2-$2.o" "$dir/$1.o" \
        $SIMT_LIBS || return 1
    timeout 120 "$dir/test" 
    [ $? = 1 ]
}

mutant() { # KERNEL TEST NAME WORDS SED: the output must have WORDS
    local no=
    tests=$((tests + 1))
    if ! build_and_fail "$1" "$2" "$5" >"$dir/out" 2>&1 </dev/null ||
        ! grep -q "$4" "$dir/out"; then
        no='not '
        head -20 "$dir/out" | sed 's/^/# /'
    fi
    echo "${no}ok $tests - $1: $3"
}

softmax() {
    mutant k_softmax softmax_simt_test "$@"
}

echo 1..7
softmax 'forward without its guard' 'simt: outside' \
    '/ each_head_fwd(/,/^}/{/used_nodes/,/return/d}'
softmax 'backward without its guard' 'simt: outside' \
    '/ each_head_bwd(/,/^}/{/used_nodes/,/return/d}'
softmax 'guards off by one' 'simt: unwritten' 's/n >= used/n > used/'
softmax 'nodes out of use' 'simt: unwritten' 's/used_nodes(&in)/in.n/'
softmax 'all threads on one head' 'simt: race' \
    's/h = (int)(dev_thread() .*/h = 0;/'
softmax 'a launcher reads device memory' 'simt: on host' \
    's/(int64_t)in->n/(int64_t)used_nodes(in)/'
softmax 'backward without its sum' 'numbers differ' 's/ - sum);/);/'
