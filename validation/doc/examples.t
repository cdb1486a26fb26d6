#!/usr/bin/env bash
# examples.t - the documentation is true: every ```console block of README.md
# and doc/ is run, in order, one folder a file; the first example of the man
# page too; the deck reference is what the key table prints; every command and
# option that the program knows is described; links lead somewhere.
#
# In a block, a line with "$ " is a command ("> " goes on with it), other lines
# are its output, standard error with it: "..." within a line stands for any
# text, as a line for any lines; no output in the block: any. A command must
# end with 0 unless the next is `echo $?`.
LC_ALL=C
export LC_ALL OMP_NUM_THREADS=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset SE3T_END_TIME SLURM_JOB_ID
top=$(cd "${srcdir:-.}" && pwd)
build=$PWD
tests=0

result() { # CODE NAME [FILE with what to say]
    local no=
    tests=$((tests + 1))
    if [ "$1" != 0 ]; then
        no='not '
        [ -z "$3" ] || sed 's/^/# /' "$3"
    fi
    echo "${no}ok $tests - $2"
}

skip() { # NAME WHY
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# --- a place to run in ---------------------------------------------------

if [ ! -x ./se3t ]; then
    echo '1..0 # SKIP no ./se3t here'
    exit 0
fi
if ! command -v "${MPIEXEC%% *}" >/dev/null 2>&1; then
    echo '1..0 # SKIP no launcher'
    exit 0
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"
ln -s "$build/se3t" "$dir/bin/se3t"
launcher=$(command -v "${MPIEXEC%% *}")
share=
if "$launcher" --version 2>&1 | grep -qi 'open.\?mpi\|openrte'; then
    share='--oversubscribe --bind-to none'
fi
printf '#!/bin/sh\nexec %s %s "$@"\n' "$launcher" "$share" >"$dir/bin/mpirun"
chmod +x "$dir/bin/mpirun"
PATH=$dir/bin:$PATH

# --- one command ---------------------------------------------------------

# Whether the text in $2 is what $1 says, line by line.
matches() {
    local want got any= pattern i=0 left
    mapfile -t want <"$1"
    mapfile -t got <"$2"
    left=${#want[@]}
    for line in "${want[@]}"; do
        left=$((left - 1))
        if [ "$line" = ... ]; then
            any=1
            continue
        fi
        [ -n "$any" ] && [ $left = 0 ] && [ ${#got[@]} -gt $i ] &&
            i=$((${#got[@]} - 1)) # the last is the last
        pattern=$(sed 's/[][*?\\]/\\&/g; s/\.\.\./*/g' <<<"$line")
        while [ -n "$any" ] && [ $i -lt ${#got[@]} ]; do
            # shellcheck disable=SC2053
            [[ ${got[i]} == $pattern ]] && break
            i=$((i + 1))
        done
        # shellcheck disable=SC2053
        [ $i -lt ${#got[@]} ] && [[ ${got[i]} == $pattern ]] || return 1
        i=$((i + 1))
        any=
    done
    [ -n "$any" ] || [ $i = ${#got[@]} ]
}

# Runs $command; its wanted output is in $dir/want, empty: any.
try() { # NAME: file and line
    local code
    (
        cd "$place" || exit 1
        timeout 90 bash -c "(exit $status)"$'\n'"$command"
    ) >"$dir/got" 2>&1 </dev/null
    code=$?
    case $next in
    'echo $?') ;;
    *) [ $code = 0 ] || {
        echo "exit $code" >>"$dir/got"
        result 1 "$1: $command" "$dir/got"
        status=$code
        return
    } ;;
    esac
    status=$code
    [ -s "$dir/want" ] || {
        result 0 "$1: ${command%%$'\n'*}"
        return
    }
    matches "$dir/want" "$dir/got"
    code=$?
    [ $code = 0 ] || sed -i 's/^/found: /' "$dir/got"
    result $code "$1: ${command%%$'\n'*}" "$dir/got"
}

# --- one file ------------------------------------------------------------

# The commands and outputs of a file's blocks: "C line text", "> text" and
# "O text".
blocks() {
    awk '
        /^```console$/ { inside = 1; next }
        /^```/ { inside = 0 }
        inside && /^\$ / { print "C " NR " " substr($0, 3); next }
        inside && /^> / { print "> " substr($0, 3); next }
        inside && /^>$/ { print "> "; next }
        inside { print "O " $0 }' "$1"
}

run_file() { # FILE, as named from the top
    local lines command= at= i
    place=$dir/run
    rm -rf "$place"
    mkdir "$place"
    cp -r "$top/inputs" "$place/inputs"
    chmod -R u+w "$place"
    status=0
    mapfile -t lines < <(blocks "$top/$1")
    for ((i = 0; i <= ${#lines[@]}; i++)); do
        case ${lines[i]-C} in
        C*)
            next=${lines[i]-}
            next=${next#C * }
            [ -z "$command" ] || try "$1:$at"
            [ $i -lt ${#lines[@]} ] || break
            at=${lines[i]#C }
            at=${at%% *}
            command=$next
            : >"$dir/want"
            ;;
        '> '*) command+=$'\n'${lines[i]#> } ;;
        O*) echo "${lines[i]#O }" >>"$dir/want" ;;
        esac
    done
}

files=$(cd "$top" && ls README.md doc/*.md doc/manual/*.md)
for file in $files; do
    run_file "$file"
done

# --- the man page --------------------------------------------------------

page=$top/doc/se3t.1
sed -n 's/^\.Dl \$ /$ /p' "$page" >"$dir/page"
{
    echo '```console'
    head -n 1 "$dir/page"
    echo '```'
} >"$dir/first.md"
run_page() {
    local top=$dir
    ln -sfn "$1/inputs" "$dir/inputs"
    run_file first.md
}
run_page "$top"

if command -v groff >/dev/null; then
    groff -ww -mdoc -Tutf8 -z "$page" >"$dir/got" 2>&1 && [ ! -s "$dir/got" ]
    result $? 'the man page has no mistake' "$dir/got"
else
    skip 'the man page has no mistake' 'no groff'
fi

# --- what is described ---------------------------------------------------

known=$(./se3t --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for command in $known; do
    grep -q "^## $command\$" "$top/doc/manual/commands.md" &&
        grep -q "^\.Nm $command\$\|^\.It Ic $command\b" "$page"
    result $? "$command is described in the manual and on the page"
    : >"$dir/got"
    for option in $(./se3t "$command" --help | grep -o -- '--[a-z][a-z-]*' |
        sort -u); do
        sed -n "1,/^## /p; /^## $command\$/,/^## /p" \
            "$top/doc/manual/commands.md" | grep -q -- "$option\b" ||
            echo "$option" >>"$dir/got"
    done
    [ ! -s "$dir/got" ]
    result $? "$command: all its options" "$dir/got"
done

codes=$(sed -n 's/^    \(OK\|ERR_[A-Z]*\) = \([0-9]*\).*/\2/p' \
    "$top/src/base/err.h")
: >"$dir/got"
for code in $codes; do
    grep -q "^| $code |" "$top/doc/manual/exit-codes.md" ||
        echo "exit-codes.md: $code" >>"$dir/got"
    grep -q "^\.It $code\$" "$page" || echo "se3t.1: $code" >>"$dir/got"
done
[ -n "$codes" ] && [ ! -s "$dir/got" ]
result $? 'all exit codes' "$dir/got"

if [ -x ./params_test ]; then
    ./params_test --reference >"$dir/want"
    sed '1,/^<!-- printed by/d' "$top/doc/manual/deck.md" >"$dir/printed"
    [ -s "$dir/want" ] && diff "$dir/want" "$dir/printed" >"$dir/got"
    result $? 'deck.md is what the table prints: params_test --reference' \
        "$dir/got"
else
    skip 'deck.md is what the table prints' 'no params_test (cmocka)'
fi

: >"$dir/got"
for file in $files; do
    for link in $(grep -o '](\([^)#]*\)' "$top/$file" | cut -c3- |
        grep -v '^https:'); do
        [ -e "$top/$(dirname "$file")/$link" ] || echo "$file: $link" >>"$dir/got"
    done
done
[ ! -s "$dir/got" ]
result $? 'links lead somewhere' "$dir/got"

# Files and functions of the code, in backticks or, of kernels, bare.
: >"$dir/got"
for file in doc/theory.md doc/developers.md; do
    for name in $(grep -o '`[^` ]*`' "$top/$file" | tr -d '`' |
        grep '^[a-z_]*/[a-z_0-9/]*\.[ch]$'); do
        [ -e "$top/src/$name" ] || [ -e "$top/$name" ] ||
            echo "$file: $name" >>"$dir/got"
    done
    for name in $(grep -o '`[a-z][a-z0-9]*_[a-z_0-9]*[a-z0-9]`' "$top/$file" |
        tr -d '`') $(grep -ow '[a-z_]*[a-z]_\(fwd\|bwd\|add\|fold\)' \
            "$top/$file"); do
        grep -rqw -- "$name" "$top/src" || echo "$file: $name" >>"$dir/got"
    done
done
[ ! -s "$dir/got" ]
result $? 'theory and development name what is there' "$dir/got"

first=$(awk '/^```/ { inside = !inside; next } inside' "$top/README.md" |
    grep -v '^\(git clone\|cd \)' | head -n 2)
[ "$first" = 'jobscripts/quickstart.sh
jobscripts/quickstart.sh check' ]
result $? 'README.md opens with the two commands'

echo "1..$tests"
