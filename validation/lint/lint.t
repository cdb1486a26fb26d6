#!/usr/bin/env bash
# lint.t - how the sources are written: format, layers, what is not called, how
# long things are, what libcore.a exports. Runs in the build folder.
srcdir=${srcdir:-.}
here=$PWD
cd "$srcdir" || exit 1
mapfile -t sources < <(find src validation \( -name '*.c' -o -name '*.h' \) |
    LC_ALL=C sort)
mapfile -t core < <(printf '%s\n' "${sources[@]}" | grep '^src/')
mapfile -t headers < <(printf '%s\n' "${core[@]}" | grep '\.h$')

tests=0
# NAME COMMAND...: holds when the command succeeds and prints nothing.
holds() {
    local name=$1 out no=
    shift
    out=$("$@" 2>&1) && [ -z "$out" ] || no='not '
    tests=$((tests + 1))
    [ -z "$no" ] || printf '%s\n' "${out:-failed, and said nothing}" |
        head -n 20 | sed 's/^/# /'
    echo "${no}ok $tests - $name"
}
skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}
# PATTERN FILE...: says where it is found.
absent() {
    local pattern=$1
    shift
    ! grep -rnE -e "$pattern" "$@"
}

# --- text
# Comments and strings may name what code may not: bare has them blanked.
bare=$(mktemp -d) || exit 1
trap 'rm -rf "$bare"' EXIT
for f in "${core[@]}"; do
    mkdir -p "$bare/${f%/*}"
    awk '{
        out = ""
        while (length($0)) {
            if (inside) {
                if (!(i = index($0, "*/"))) break
                inside = 0
                $0 = substr($0, i + 2)
            } else if (match($0, /"([^"\\]|\\.)*"|\/\*/)) {
                out = out substr($0, 1, RSTART - 1)
                inside = substr($0, RSTART, 2) == "/*"
                $0 = substr($0, RSTART + RLENGTH)
            } else {
                out = out $0
                break
            }
        }
        print out
    }' "$f" >"$bare/$f"
done

has_format() { clang-format --version 2>/dev/null | grep -q 'version 14\.'; }
if has_format; then
    holds 'format' clang-format --dry-run -Werror "${sources[@]}"
else
    skip 'format' 'needs clang-format 14'
fi
no_licence() {
    local f
    for f in "${sources[@]}"; do
        head -n 1 "$f" | grep -q '^/\* SPDX-License-Identifier: MIT \*/$' ||
            echo "$f"
    done
}
holds 'a line of the licence in each source' no_licence
holds 'no forbidden call' absent \
    '\b(strtok|sscanf|v?sprintf|strcpy|strcat|gets|ato[ifl]) *\(' \
    "$bare/src"
no_name() {
    printf '%s\n' "${sources[@]}" |
        grep -E '(^|[/_-])(utils?|commons?|misc|helpers?|types)([_.-]|$)'
    true
}
holds 'names say what is in a file' no_name
marks='TO''DO|FIX''ME|X''XX'
holds 'nothing is put off' absent "\\b($marks)\\b" "${sources[@]}"
holds 'no line over 80 columns, no tab, no blank at an end' absent \
    $'^.{81}|\t|[ \t\r]$' "${sources[@]}"
holds 'layers' awk -f validation/lint/layers.awk "${core[@]}"
holds 'parsing is the same in every locale' absent \
    '\b(strtod|strtof|strtol|setlocale|fscanf|scanf) *\(' \
    $(find "$bare/src" -name '*.c' ! -name num.c)
holds 'memory is counted' absent '\b(malloc|calloc|realloc|free|strdup) *\(' \
    $(find "$bare/src" -name '*.c' ! -name mem.c)

# --- budgets
long_files() {
    wc -l "${core[@]}" | awk '$2 != "total" && $1 > 900 { print $2, $1 }'
}
holds 'files: at most 900 lines' long_files
many_ifs() {
    local n lines
    n=$(cd "$bare" && printf '%s\n' "${core[@]}" |
        grep -vE '/(device|cpuid|registry)\.c$' |
        xargs grep -hE '^ *# *if' | grep -cvE '_H$|__cplusplus')
    lines=$(cat "${core[@]}" | wc -l)
    [ $((n * 1000)) -le $((lines * 2)) ] || echo "$n #if in $lines lines"
}
holds 'at most two #if in 1000 lines' many_ifs
functions() { # LINES FILE NAME PARAMETERS
    printf '%s\n' "${core[@]}" | ctags -x --kinds-C=f --fields=+neS -L - \
        --_xformat='%{end}	%n	%{input}	%N	%{signature}' |
        awk -F'\t' '{
            while (gsub(/\([^()]*\)/, "", $5) && $5 ~ /\(/) ;
            print $1 - $2 + 1, $3, $4, $5
        }'
}
parameters() { # of a declaration, those of function pointers left out
    printf '%s\n' "${core[@]}" | ctags -x --kinds-C=f --fields=+S -L - \
        --_xformat='%{input} %N	%{signature}' | awk -F'\t' '{
            s = substr($2, 2, length($2) - 2)
            while (gsub(/\([^()]*\)/, "", s)) ;
            if (gsub(/,/, ",", s) > 5) print $1
        }'
}
long_functions() {
    functions | awk '{ m = $2 ~ /\/k_[^\/]*$/ ? 150 : 100 }
        $1 > m { print $2, $3, $1, "lines, at most", m }'
}
median() {
    functions | sort -n | awk '{ a[NR] = $1 }
        END { if (!NR || a[int((NR + 1) / 2)] > 20) print "median", a[int((NR + 1) / 2)] }'
}
if ctags --version 2>/dev/null | grep -q Universal; then
    holds 'functions: at most 100 lines, of kernels 150' long_functions
    holds 'functions: the median at most 20 lines' median
    holds 'functions: at most 6 parameters' parameters
else
    for what in 'at most 100 lines' 'the median' 'at most 6 parameters'; do
        skip "functions: $what" 'needs universal-ctags'
    done
fi

# --- the compiler's view
includes="-I$here -Isrc -I$here/src"
cc=$(sed -n 's/^CC = //p' "$here/Makefile" 2>/dev/null)
flags=$(sed -n 's/^\(HDF5_CPPFLAGS\|YAML_CFLAGS\) = //p' "$here/Makefile" 2>/dev/null)
# NAME LANGUAGE STANDARD: each header alone; those only C has are left out.
alone() {
    local language=$1 standard=$2 h cpu
    shift 2
    for h; do
        cpu=
        [[ $h != *_bf16.h && $h != *tiles*.h ]] ||
            cpu='-march=x86-64-v4 -mavx512bf16'
        [[ $h != *_amx.h ]] || cpu+=' -mamx-tile -mamx-bf16'
        printf '#define REAL float\n#define VARIANT x\n#include "config.h"\n#include "%s"\n' "${h#src/}" |
            ${cc:-cc} -x "$language" -std="$standard" -Wall -Wextra \
                -Wpedantic -Wno-psabi -Wno-unknown-pragmas -fsyntax-only \
                $cpu $includes $flags - || echo "$h"
    done
}
holds 'each header stands alone' alone c c11 "${headers[@]}"
mapfile -t shared < <(printf '%s\n' "${headers[@]}" | grep '^src/device/')
if command -v g++ >/dev/null || ${cc:-cc} --version | grep -q clang; then
    holds 'headers of src/device are C++, too' alone c++ c++17 "${shared[@]}"
else
    skip 'headers of src/device are C++, too' 'needs a C++ compiler'
fi

# Externals of libcore.a begin with a word of their file's name, or with one that
# externals.txt grants that file.
externals() {
    local app
    app=$(printf '%s\n' "${core[@]}" | sed -n 's,^src/app/\(.*\)\.c$,\1,p')
    nm -A --defined-only "$here/libcore.a" 2>/dev/null | awk -v app="$app" '
        BEGIN {
            n = split(app, name, "\n")
            for (i = 1; i <= n; i++)
                granted["command", name[i]] = 1
        }
        FILENAME != "-" { granted[$1, $2] = 1; next }
        $(NF - 1) ~ /^[TDBRVWC]$/ {
            split($1, where, ":")
            file = where[2]
            sub(/\.o$/, "", file)
            split($NF, begin, "_")
            if (index("_" file "_", "_" begin[1] "_")) next
            if (!((begin[1], file) in granted)) print file ".c:", $NF
        }' validation/lint/externals.txt -
}
if [ -f "$here/libcore.a" ] && command -v nm >/dev/null; then
    holds 'externals begin with the name of their module' externals
else
    skip 'externals begin with the name of their module' 'no libcore.a, or no nm'
fi
echo "1..$tests"
