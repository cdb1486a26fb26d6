#!/usr/bin/env bash
# gate.t - where nvcc is: the headers of the contract are CUDA C++, and kernel
# files compile without a warning, without spills and local memory.
if ! command -v "${NVCC:=nvcc}" >/dev/null 2>&1; then
    echo '1..0 # SKIP no nvcc'
    exit 0
fi
top=${srcdir:-.}
headers=("$top"/src/device/*.h)
kernels=("$top"/cuda/k_*.cu)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tests=0

compile() { # NAME FILE
    local no=
    tests=$((tests + 1))
    "$NVCC" -std=c++17 -arch=sm_80 -Werror all-warnings -Xcompiler -Wall \
        -Xptxas -warn-spills,-warn-lmem-usage -I "$top" -I "$top/src" \
        -c "$2" -o "$dir/out.o" >"$dir/out" 2>&1 </dev/null || no='not '
    sed 's/^/# /' "$dir/out"
    echo "${no}ok $tests - $1"
}

echo "1..$((${#headers[@]} + ${#kernels[@]}))"
for file in "${headers[@]}"; do
    name=${file#"$top"/src/}
    echo "extern \"C\" {
#include \"$name\"
}" >"$dir/header.cu"
    compile "$name" "$dir/header.cu"
done
for file in "${kernels[@]}"; do
    compile "${file#"$top"/}" "$file"
done
