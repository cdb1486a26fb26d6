#!/usr/bin/env bash
# gate.t - where nvcc is: the headers of the contract are CUDA C++, calls.h has
# the numbers of cuBLAS and NCCL, and kernel files compile for all architectures
# without a warning, a spill or local memory. What ptxas made of each kernel is
# compared with kernels.tsv: registers, shared memory, occupancy and kinds of
# instructions may not get worse by more than the margins below. Launches of the
# tests on the harness must be such that each architecture takes them.
#
#   validation/simt/gate.t --write    # in the build folder: a new kernels.tsv
if ! command -v "${NVCC:=nvcc}" >/dev/null 2>&1; then
    echo '1..0 # SKIP no nvcc'
    exit 0
fi
top=${srcdir:-.}
here=$top/validation/simt
table=$here/kernels.tsv
archs=${CUDA_ARCHS:-80 90 100}
margin_registers=8        # more than the table has
margin_instructions=10    # per cent, and 16
kernels=("$top"/cuda/k_*.cu "$here"/product.cu)
headers=("$top"/src/device/*.h)
flags=(-std=c++17 -Werror all-warnings -Xcompiler -Wall -I "$top"
    -I "$top/src" -I "$top/validation")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tests=0

point() { # OK(0) NAME
    tests=$((tests + 1))
    [ "$1" = 0 ] && echo "ok $tests - $2" || echo "not ok $tests - $2"
}
say() { # FILE: as a comment
    sed 's/^/# /' "$1"
}

# --- what compiles
compiles() { # NAME FILE
    "$NVCC" "${flags[@]}" -arch=sm_80 -c "$2" -o "$dir/out.o" >"$dir/out" 2>&1 \
        </dev/null
    set -- $? "$@"
    say "$dir/out"
    point "$1" "$2"
}
gencode=()
for a in $archs; do
    gencode+=(-gencode "arch=compute_$a,code=sm_$a")
done
kernel_file() { # FILE: cubins, and what ptxas says in NAME.log
    local name=${1##*/}
    "$NVCC" "${flags[@]}" -O3 "${gencode[@]}" --keep --keep-dir "$dir" \
        -Xptxas -v,-warn-spills,-warn-lmem-usage -fatbin "$1" \
        -o "$dir/out.fatbin" >"$dir/$name.log" 2>&1 </dev/null
    set -- $? "$name"
    [ "$1" = 0 ] || say "$dir/$name.log"
    point "$1" "$name"
}
library() { # HEADER: of a library that may be missing
    echo "#include <$1>" | "$NVCC" -x cu -E - -o /dev/null >/dev/null 2>&1
}

all_headers=
for file in "${headers[@]}"; do
    all_headers+="#include \"${file#"$top"/src/}\""$'\n'
done
printf 'extern "C" {\n%s}\n' "$all_headers" >"$dir/headers.cu"
compiles 'headers of src/device' "$dir/headers.cu"
if library nccl.h && library cublas_v2.h; then
    compiles 'calls.h has the numbers of cuBLAS and NCCL' "$here/calls_gate.cu"
else
    tests=$((tests + 1))
    echo "ok $tests - calls.h # SKIP no headers of cuBLAS or NCCL"
fi
for file in "${kernels[@]}" "$top/cuda/device_cuda.cu"; do
    kernel_file "$file"
done

# --- what ptxas made of it
# Opcodes of sm_80 to sm_100: the lower 9 bits of an instruction of 16 bytes.
opcodes='HMMA 03c LDSM 03b LDGSTS 1ae LDG 181 STG 186 LDS 184 STS 188
SHFL 189 BAR 11d FFMA 023 MUFU 108 DFMA 02b DMUL 028 DADD 029'
short() { # names as the compiler gives them, one in a line
    c++filt | sed 's/^void //; s/(.*//; s/ /_/g'
}
mixes() { # CUBIN: kernel, instructions, then of each opcode
    local name offset size
    readelf -SW "$1" 2>/dev/null | sed 's/\[ *[0-9]*\]//' |
        awk '$1 ~ /^\.text\./ { print substr($1, 7), $4, $5 }' |
        while read -r name offset size; do
            echo "$name" | short | tr '\n' ' '
            od -An -v -tx8 -w16 -j $((16#$offset)) -N $((16#$size)) "$1" |
                awk -v list="$opcodes" '
                    function hex(s,   i, x) {
                        for (i = 1; i <= length(s); i++)
                            x = 16 * x + index("0123456789abcdef", substr(s, i, 1)) - 1
                        return x
                    }
                    { count[hex(substr($1, 14)) % 512]++ }
                    END {
                        n = split(list, op)
                        printf "%d", NR
                        for (i = 2; i <= n; i += 2)
                            printf " %d", count[hex(op[i])]
                        print ""
                    }'
        done
}
registers() { # ptxas: arch, kernel, registers, bytes of shared memory
    cat "$dir"/*.cu.log | sed -n "s/.*entry function '\(.*\)' for '\(.*\)'/E \2 \1/p
        s/.*Used \([0-9]*\) registers.* \([0-9]*\) bytes smem.*/R \1 \2/p
        s/.*Used \([0-9]*\) registers.*/R \1 0/p" |
        awk '$1 == "E" { e = $2 " " $3 } $1 == "R" { print e, $2, $3 }' |
        while read -r arch name rest; do
            echo "$arch $(echo "$name" | short) $rest"
        done
}
launches() { # of the tests on the harness: kernel, threads, bytes
    local file name
    for file in "${kernels[@]}"; do
        name=${file##*/} name=${name%.cu} name=./${name#k_}_simt_test
        [ ! -x "$name" ] || SIMT_LAUNCH_LOG=$dir/launch_log timeout 120 "$name" \
            >/dev/null 2>&1 </dev/null
    done
    [ ! -f "$dir/launch_log" ] || while read -r threads bytes name; do
        echo "$(echo "$name" | short) $threads $bytes"
    done <"$dir/launch_log" | sort -u
}

for a in $archs; do
    for file in "$dir"/*.compute_"$a".cubin; do
        mixes "$file" | sed "s/^/sm_$a /"
    done
done >"$dir/mixes"
registers >"$dir/registers"
launches >"$dir/launches"

# One row a kernel and architecture; occupancy, in per cent, of the launch with
# the most threads. Launches that no multiprocessor could take go to `refused`.
awk -v refused="$dir/refused" -v names="$(echo $opcodes)" '
    function up(x, to) { return int((x + to - 1) / to) * to }
    function least(a, b) { return a < b ? a : b }
    function occupancy(arch, r, bytes, threads,   warps, most, blocks) {
        most = (arch == "sm_80" ? 164 : 228) * 1024
        if (bytes > most - 1024)
            return 0
        warps = int((threads + 31) / 32)
        blocks = int(int(65536 / up(32 * r, 256)) / warps)
        blocks = least(blocks, int(64 / warps))
        blocks = least(least(blocks, 32), int(most / up(bytes + 1024, 128)))
        return int(100 * blocks * warps / 64)
    }
    FILENAME ~ /registers$/ { registers[$1, $2] = $3; shared[$1, $2] = $4; next }
    FILENAME ~ /launches$/ { n++; kernel[n] = $1; threads[n] = $2; bytes[n] = $3; next }
    FNR == 1 {
        printf "arch\tkernel\tregisters\tshared\toccupancy\tinstructions"
        k = split(names, op, " ")
        for (i = 1; i < k; i += 2)
            printf "\t%s", op[i]
        print ""
    }
    {
        best = "-"
        most = 0
        for (i = 1; i <= n; i++)
            if (kernel[i] == $2) {
                o = occupancy($1, registers[$1, $2], shared[$1, $2] + bytes[i], threads[i])
                if (o == 0)
                    print $1, $2, threads[i] " threads, " bytes[i] " bytes" >refused
                if (threads[i] >= most)
                    best = o
                most = threads[i]
            }
        printf "%s\t%s\t%s\t%s\t%s", $1, $2, registers[$1, $2], shared[$1, $2], best
        for (i = 3; i <= NF; i++)
            printf "\t%s", $i
        print ""
    }' "$dir/registers" "$dir/launches" "$dir/mixes" >"$dir/rows"
version=$("$NVCC" --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')
{
    echo "# nvcc $version: gate.t --write"
    head -n 1 "$dir/rows"
    tail -n +2 "$dir/rows" | LC_ALL=C sort
} >"$dir/table"
if [ "${1-}" = --write ]; then
    cp "$dir/table" "$table"
    exit
fi

[ ! -s "$dir/refused" ]
set -- $?
[ "$1" = 0 ] || say "$dir/refused"
point "$1" "every architecture takes the $(wc -l <"$dir/launches") launches of the tests"

if [ "$(head -n 1 "$table")" != "$(head -n 1 "$dir/table")" ]; then
    tests=$((tests + 1))
    echo "ok $tests - kernels.tsv # SKIP it is of another nvcc than $version"
else
    awk -F'\t' -v r="$margin_registers" -v m="$margin_instructions" '
        FNR <= 2 { next }
        NR == FNR { was[$1 "\t" $2] = $0; next }
        !(($1 "\t" $2) in was) { print $1, $2 ": not in kernels.tsv"; next }
        {
            split(was[$1 "\t" $2], w)
            delete was[$1 "\t" $2]
            if ($3 > w[3] + r)
                print $1, $2 ": registers", w[3], "->", $3
            if ($4 > w[4])
                print $1, $2 ": shared memory", w[4], "->", $4
            if ($5 != "-" && w[5] != "-" && $5 < w[5])
                print $1, $2 ": occupancy", w[5], "->", $5
            if ($6 > w[6] * (1 + m / 100) + 16)
                print $1, $2 ": instructions", w[6], "->", $6
            if ($7 < w[7])
                print $1, $2 ": of tensor cores", w[7], "->", $7
        }
        END {
            for (k in was)
                print k ": no longer there"
        }' "$table" "$dir/table" >"$dir/worse"
    [ ! -s "$dir/worse" ]
    set -- $?
    [ "$1" = 0 ] || say "$dir/worse"
    point "$1" "no kernel is worse than in kernels.tsv"
fi
echo "1..$tests"
