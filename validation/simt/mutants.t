#!/usr/bin/env bash
# mutants.t - kernel files with one thing wrong: their test program must fail.
# First each barrier, fence, wait and guard of all kernel files in turn, left
# out by mutate.awk; at least 95 % must be noticed, and those that are not stand
# in survivors.txt with the reason. Then sums and indices changed by hand, whose
# report must have certain words.
#
#   MUTANTS=k_softmax validation/simt/mutants.t    # only of these files
if [ -z "$SIMT_CXX" ]; then
    echo '1..0 # SKIP no C++17 compiler with -fsanitize=thread'
    exit 0
fi
srcdir=${srcdir:-.}
here=$srcdir/validation/simt
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tests=0 mutants=0 noticed=0

point() { # OK(0) NAME
    tests=$((tests + 1))
    [ "$1" = 0 ] && echo "ok $tests - $2" || echo "not ok $tests - $2"
}

# FILE NAME: what make does, of this file, with NAME_simt_test
build() {
    # shellcheck disable=SC2086 # words
    $SIMT_CXX -I"$srcdir/cuda" -x c++ -c "$1" -o "$dir/$2.o" &&
        $SIMT_LINK -o "$dir/$2" validation/simt/"$2"_simt_test-*.o \
            "$dir/$2.o" $SIMT_LIBS
}

# FILE NAME NUMBER: 0: noticed. A test that was stopped has failed, too.
is_noticed() {
    SIMT_STOP=1 SIMT_MUTANT=$3 timeout 60 "$dir/$2" >"$dir/out.$3" 2>&1 \
        </dev/null
    [ $? != 0 ]
}

# FILE NAME: each mutant of it; two at a time.
mutate() {
    local list=$dir/$2.list n line text file=${1##*/}
    : >"$list"
    awk -v LIST="$list" -v FILE="$1" -f "$here/mutate.awk" "$1" >"$dir/$2.cu" &&
        build "$dir/$2.cu" "$2" >"$dir/out" 2>&1 && ! is_noticed "$1" "$2" 0
    if [ $? != 0 ]; then
        sed 's/^/# /' "$dir/out" "$dir"/out.0 2>/dev/null | head -20
        point 1 "$file: builds, and passes as it is"
        return
    fi
    cut -f 1 "$list" | SIMT_STOP=1 xargs -P 2 -I '{}' sh -c \
        "SIMT_MUTANT={} timeout 60 '$dir/$2' >/dev/null 2>&1 </dev/null ||
            echo {}" >"$dir/$2.noticed"
    while IFS=$'\t' read -r n line text; do
        mutants=$((mutants + 1))
        if grep -qx "$n" "$dir/$2.noticed"; then
            noticed=$((noticed + 1))
            ! grep -qF "$file: $text: " "$here/survivors.txt" || {
                echo "# survivors.txt: $file: $text: is noticed"
                point 1 "$file: $line: $text"
            }
        elif ! grep -qF "$file: $text: " "$here/survivors.txt"; then
            point 1 "$file: $line: not noticed: $text"
        fi
    done <"$list"
    point 0 "$file: $(wc -l <"$list") mutants, $(wc -l <"$dir/$2.noticed") noticed"
}

# KERNEL NAME WORDS SED: the output must have WORDS
by_hand() {
    local test=${1#k_} file=$srcdir/cuda/$1.cu
    [ -z "$MUTANTS" ] || [[ " $MUTANTS " == *" $1 "* ]] || return 0
    sed "$4" "$file" >"$dir/hand.cu"
    ! cmp -s "$file" "$dir/hand.cu" && build "$dir/hand.cu" "$test" \
        >"$dir/out" 2>&1 && ! timeout 60 "$dir/$test" >"$dir/out" 2>&1 \
        </dev/null && grep -q "$3" "$dir/out"
    set -- $? "$@"
    [ "$1" = 0 ] || head -20 "$dir/out" | sed 's/^/# /'
    point "$1" "$2: $3"
}

for file in "$srcdir"/cuda/k_*.cu "$here"/product.cu; do
    name=${file##*/}
    name=${name%.cu}
    [ -z "$MUTANTS" ] || [[ " $MUTANTS " == *" $name "* ]] || continue
    mutate "$file" "${name#k_}"
done
[ $((noticed * 100)) -ge $((mutants * 95)) ]
point $? "$noticed of $mutants mutants noticed"

by_hand k_softmax 'guards off by one' 'simt: unwritten' 's/n >= used/n > used/'
by_hand k_softmax 'nodes out of use' 'simt: unwritten' 's/used_nodes(&in)/in.n/'
by_hand k_softmax 'all threads on one head' 'simt: race' \
    's/h = (int)(dev_thread() .*/h = 0;/'
by_hand k_softmax 'a launcher reads device memory' 'simt: on host' \
    's/(int64_t)in->n/(int64_t)used_nodes(in)/'
by_hand k_softmax 'backward without its sum' 'numbers differ' 's/ - sum);/);/'
echo "1..$tests"
