#!/usr/bin/env bash
# golden.t - the published implementation's numbers through the program, file by
# file; one precision alone; a damaged file.
files=("${srcdir:-.}"/validation/golden/*.h5)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

echo "1..$((${#files[@]} + 4))"
tests=0
result() { # STATUS NAME
    local no=
    tests=$((tests + 1))
    if [ "$1" != 0 ]; then
        no='not '
        grep -v ' ok$' "$dir/out" | head -20 | sed 's/^/# /'
    fi
    echo "${no}ok $tests - $2"
}

selftest() { # OPTIONS..: lines in "$dir/all"
    timeout 200 ./se3t selftest "$@" >"$dir/all" 2>"$dir/out" </dev/null
}

selftest --golden "${files[@]}"
result $? 'all files in one run'

# Of each file there are lines, and all are ok.
for file in "${files[@]}"; do
    name=$(basename "$file" .h5)
    grep "^$name " "$dir/all" >"$dir/out"
    [ -s "$dir/out" ] && ! grep -qv ' ok$' "$dir/out"
    result $? "$name"
done

# The fastest kernels of this machine; trainings are chaotic (selftest.c).
steady=()
for file in "${files[@]}"; do
    case $file in */p7_*) ;; *) steady+=("$file") ;; esac
done
selftest --golden "${steady[@]}" --set run.cpu_isa=auto
result $? 'with the fastest kernels'

selftest --golden "${files[0]}" --json --set compute.precision=fp32
[ -s "$dir/all" ] &&
    ! grep -qv '"precision": "fp32".*"pass": true}$' "$dir/all"
result $? 'one precision, as JSON'

head -c 5000 "${files[0]}" >"$dir/short.h5"
selftest --golden "$dir/short.h5"
[ $? = 30 ]
result $? 'a file cut short is refused'
