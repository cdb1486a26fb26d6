#!/usr/bin/env bash
# objdump.t - no instruction in an archive that its name does not promise: a
# binary that runs everywhere must not have one wide vector in common code.
# Runs in the build folder.
tests=0
result() { # OK(0) NAME
    local no=
    [ "$1" = 0 ] || no='not '
    tests=$((tests + 1))
    echo "${no}ok $tests - $2"
}

if [ "$(uname -m)" != x86_64 ] || ! command -v objdump >/dev/null; then
    echo '1..0 # SKIP needs objdump and x86-64'
    exit 0
fi
if grep -q '^SANITIZE = .' Makefile || grep -q '^CFLAGS = .*-m' Makefile; then
    echo '1..0 # SKIP built with other flags'
    exit 0
fi
text() { objdump -d --no-show-raw-insn "$1"; }
# What the widest registers of each are called; xmm is every machine's. VEX, but
# not EVEX, instructions are AVX2's: they begin with v.
wide512='%zmm|%k[1-7]|%[xy]mm(1[6-9]|2[0-9]|3[01])'
wide256='%ymm|	v[a-z0-9]+ +.*%xmm'
fma='	vfn?m(add|sub)'
tile='%tmm'
bf16='	vdpbf16ps|	vcvtne[a-z0-9]*bf16'
half='	v[a-z0-9]+[ps]h( |$)' # arithmetic of FP16: no archive may have it

count() { text "$1" | grep -cE "$2"; }
none() { # ARCHIVE PATTERN NAME
    local n
    n=$(count "$1" "$2")
    [ "$n" = 0 ] || text "$1" | grep -E "$2" | head -n 3 | sed 's/^/# /'
    [ "$n" = 0 ]
    result $? "$1: $3"
}
some() { # ARCHIVE PATTERN NAME
    [ "$(count "$1" "$2")" -gt 0 ]
    result $? "$1: $3"
}

none src/main.o "$wide256|$wide512|$tile" 'no AVX'
for a in lib*.a; do
    case $a in
    libsimt.a | libcuda.a) ;; # of tests, in C++; of another machine
    libcore.a | libref_*)
        none "$a" "$wide256|$wide512|$tile" 'no AVX'
        none "$a" "$fma" 'nothing contracted'
        ;;
    libavx2_*)
        none "$a" "$wide512|$half|$tile" 'no AVX-512'
        some "$a" '%ymm' 'AVX2 is used'
        ;;
    libavx512_bf16* | libtiles_bf16*) # the latter of tests
        none "$a" "$half|$tile" 'no FP16, no AMX'
        some "$a" "$bf16" 'BF16 is used'
        ;;
    libavx512_*)
        none "$a" "$bf16|$half|$tile" 'no BF16, no FP16, no AMX'
        some "$a" '%zmm' 'AVX-512 is used'
        ;;
    libamx_*)
        none "$a" "$half" 'no FP16'
        some "$a" "$tile" 'AMX is used'
        ;;
    *) result 1 "$a: what it may hold is not known here" ;;
    esac
done
echo "1..$tests"
