#!/usr/bin/env bash
# golden.t - the published implementation's numbers, file by file, through the
# program; and that the file behind a failing line is noticed by the exit code.
files=("${srcdir:-.}"/validation/golden/*.h5)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

echo "1..$((${#files[@]} + 2))"
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

# Every line ok, and there are lines.
for file in "${files[@]}"; do
    timeout 120 ./se3t selftest --golden "$file" >"$dir/out" 2>&1 </dev/null
    code=$?
    grep -q ' ok$' "$dir/out" || code=1
    result "$code" "$(basename "$file" .h5)"
done

timeout 60 ./se3t selftest --golden "${files[0]}" --json \
    --set compute.precision=fp32 >"$dir/out" 2>/dev/null </dev/null
! grep -v '"precision": "fp32".*"pass": true}$' "$dir/out" | grep -q . &&
    [ -s "$dir/out" ]
result $? 'one precision, as JSON'

head -c 9000 "${files[-2]}" >"$dir/short.h5"
timeout 60 ./se3t selftest --golden "$dir/short.h5" >"$dir/out" 2>&1 </dev/null
[ $? = 30 ]
result $? 'a file cut short is refused'
