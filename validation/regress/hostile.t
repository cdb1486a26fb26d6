#!/usr/bin/env bash
# hostile.t - files that mean harm, and files that were harmed: the documented
# exit code within its time and memory, one line of an error that names the
# file, nothing left behind; what is good beside it is imported. All of them are
# made here.
LC_ALL=C
export LC_ALL
limit=40
tests=0

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
mkdir "$dir/in"
in=$dir/in
top=${srcdir:-.}
# A sanitizer's shadow does not fit a bound of the address space.
memory=unlimited
bash -c 'ulimit -v 2097152; ./se3t --help; exit $?' >/dev/null 2>&1 &&
    memory=2097152

result() { # STATUS NAME
    local no=
    tests=$((tests + 1))
    if [ "$1" != 0 ]; then
        no='not '
        sed 's/^/# /' "$dir/err" | cut -c1-300 | head -5
        echo "# exit $code"
    fi
    echo "${no}ok $tests - $2"
}

run() { # COMMAND WORDS..: $code, "$dir/err"
    rm -rf "$dir/out"
    (
        ulimit -v $memory
        timeout -s KILL $limit ${ranks:+"$MPIEXEC" --oversubscribe \
            --bind-to none -n $ranks} ./se3t "$@"
    ) >/dev/null 2>"$dir/err" </dev/null
    code=$?
}

# One line of an error that has all of the words.
says() { # WORDS..
    [ "$(grep -c '^se3t: error: ' "$dir/err")" = 1 ] || return 1
    for word in "$@"; do
        grep '^se3t: error: ' "$dir/err" | grep -qF -- "$word" || return 1
    done
}

refused() { # FILE [FORMAT [WORDS]]
    run import "$in/$1" --out "$dir/out" --format "${2:-auto}"
    [ $code = 30 ] && [ ! -e "$dir/out" ] && says "${1%%$'\n'*}" ${3:+"$3"}
    result $? "refused${ranks:+ by $ranks ranks}: ${1//$'\n'/ }"
}

taken() { # FILE FORMAT MOLECULES REFUSED
    run import "$in/$1" --out "$dir/out" --format "$2"
    [ $code = 0 ] && grep -q "^molecules: $3\$" "$dir/out/manifest.yaml" &&
        [ "$(wc -l <"$dir/out/rejected.csv")" = $(($4 + 1)) ]
    result $? "$3 molecules of $1"
}

frame() { # CARBON'S WORDS [COMMENT [COUNT]]
    printf '%s\n%s\n%s\n' "${3-5}" "${2-}" "$1"
    printf 'H %s\n' '.63 .63 .63' '-.63 -.63 .63' '-.63 .63 -.63' \
        '.63 -.63 -.63'
}

record() { # TITLE COUNTS CARBON'S-COORDINATES BOND [MORE]
    printf '%s\n x\n\n%s  0  0  0  0  0  0  0  0999 V2000\n' "$1" "$2"
    printf '%s C   0  0\n' "$3"
    printf '%s H   0  0\n' '    0.6300    0.6300    0.6300' \
        '   -0.6300   -0.6300    0.6300' '   -0.6300    0.6300   -0.6300' \
        '    0.6300   -0.6300   -0.6300'
    printf '%s\n' "$4" '  1  3  1  0' '  1  4  1  0' '  1  5  1  0' 'M  END' \
        ${5:+"$5"} '$$$$'
}
origin='    0.0000    0.0000    0.0000'
good() { record "$1" '  5  4' "$origin" '  1  2  1  0'; }

# --- frames and records --------------------------------------------------

for x in nan inf 0x1p0 0,5 1e400 1e308; do
    frame "C $x 0 0"
done >"$in/numbers.xyz"
frame 'C 0 0 0' >>"$in/numbers.xyz"
taken numbers.xyz extxyz 1 6
{
    frame 'C 0 0 0'
    for n in 0 -5 4 6 2000000000 99999999999999999999; do
        frame 'C 0 0 0' '' $n
    done
} >"$in/counts.xyz"
taken counts.xyz extxyz 1 6
{
    frame 'C 0 0 0' 'pbc="T F F"'
    frame 'C 0 0 0' 'Properties=species:S:1:pos:R:3:f:R:99999999999'
    frame 'Og 0 0 0'
    frame 'C .63 .63 .6'
    frame 'C 50 0 0'
    frame 'C 0 0 0'
} | sed 's/$/\r/' >"$in/odd.xyz"
taken odd.xyz extxyz 1 5
{
    printf '5\n'
    seq -f 'k%.0f=1' 300000 | tr '\n' ' '
    frame 'C 0 0 0' | tail -n +2
} >"$in/keys.xyz"
run import "$in/keys.xyz" --out "$dir/out"
[ $code = 30 ] && [ ! -e "$dir/out" ] && says 256
result $? 'refused: 300000 keys'
{
    head -c 10000000 /dev/zero | tr '\0' x
    frame 'C 0 0 0'
} >"$in/line.xyz"
refused line.xyz extxyz
head -c 1000000 /dev/zero >"$in/zeros.xyz"
refused zeros.xyz qm9-xyz
refused zeros.xyz
: >"$in/empty.xyz"
refused empty.xyz

{
    good gdb_5
    good gdb_-6
    good gdb_0
    good gdb_9223372036854775808
    good gdb_5
    record gdb_7 '  5  4' '     1e308    0.0000    0.0000' '  1  2  1  0'
    record gdb_8 '  5999' "$origin" '  1  2  1  0'
    record gdb_9 ' -5 -4' "$origin" '  1  2  1  0'
    record gdb_10 '  5  4' "$origin" '  1  1  1  0'
    record gdb_11 '  5  4' "$origin" '  1  9  1  0'
    record gdb_12 '  5  4' "$origin" '  1  3  1  0'
    record gdb_13 '  5  4' "$origin" '  1  2  9  0'
    good gdb_14 | sed 's/V2000/V3000/'
    good gdb_15 | sed '/M  END/d'
    good gdb_16 | sed 's/^M  END/M  CHG  1  99   1\n&/'
    good gdb_17 | head -n 7
} >"$in/records.sdf"
taken records.sdf sdf 1 15
columns=A,B,C,mu,alpha,homo,lumo,gap,r2,zpve,u0,u298,h298,g298,cv
columns+=,u0_atom,u298_atom,h298_atom,g298_atom,mol_id
good gdb_5 >"$in/table.sdf"
{
    echo $columns
    yes a | head -n 2000000
    echo 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,gdb_5
} >"$in/table.sdf.csv"
taken table.sdf sdf 1 0
{
    echo $columns
    yes ,,,,,,,,,,,,,,,,,,,x | head -n 1100000
} >"$in/table.sdf.csv"
refused table.sdf sdf 'line 1048578'
rm "$in/table.sdf.csv"
yes 5 | head -n 10100000 | gzip >"$in/ids.gz"
run import "$in/odd.xyz" --exclude "$in/ids.gz" --out "$dir/out"
[ $code = 30 ] && [ ! -e "$dir/out" ] && says ids.gz 'line 10000001'
result $? 'refused: ten million numbers to leave out'

# --- containers ----------------------------------------------------------

name="n
se3t: error: e.xyz"
printf junk >"$in/$name"
refused "$name"
mkfifo "$in/fifo.xyz"
refused fifo.xyz
mkdir "$in/empty"
refused empty
mkdir "$in/loop"
ln -s a.xyz "$in/loop/a.xyz"
refused loop
archive=$top/validation/data/corner-cases.xyz.tar.bz2
head -c 3000 "$archive" >"$in/short.tar.bz2"
refused short.tar.bz2 qm9-xyz
{ head -c 3000 "$archive" && printf xx && tail -c +3003 "$archive"; } \
    >"$in/flipped.tar.bz2"
refused flipped.tar.bz2 qm9-xyz
head -c 400000000 /dev/zero | bzip2 >"$in/bomb.xyz.bz2"
refused bomb.xyz.bz2 qm9-xyz 'beyond all reason'
head -c 400000000 /dev/zero | gzip | gzip >"$in/bomb.xyz.gz"
refused bomb.xyz.gz extxyz
mkdir "$in/t"
bzip2 -dc "$archive" | tar -x -C "$in/t"
good=$(cd "$in/t" && find . -name '*_000001.xyz' | head -n 1)
ln -s /etc/passwd "$in/t/a.xyz"
mkfifo "$in/t/b.xyz"
mkdir "$in/t/c.xyz"
: >"$in/t/d.xyz"
tar -c -P -C "$in/t" --transform 's,^\./,../,' "$good" ./a.xyz ./b.xyz ./c.xyz \
    ./d.xyz >"$in/links.tar"
taken links.tar qm9-xyz 1 1
[ ! -e "$dir/$(basename "$good")" ]
result $? 'nothing of an archive is unpacked'
gzip -c "$in/links.tar" | head -c -8 >"$in/sum.tar.gz"
printf '\0\0\0\0\0\0\0\0' >>"$in/sum.tar.gz"
refused sum.tar.gz qm9-xyz 'check sum'
zip=$top/validation/data/qm9pack-few.zip
head -c 9000 "$zip" >"$in/short.zip"
refused short.zip qm9pack
{ head -c 22 "$zip" && printf '\377\377' && tail -c +25 "$zip"; } \
    >"$in/length.zip"
refused length.zip qm9pack
cp "$top/validation/fuzz/corpus/npz/wide-targets.npz" "$in"
refused wide-targets.npz npz 'too large'
head -c 1500 "$top/validation/data/edges-few.npz" >"$in/short.npz"
refused short.npz npz

# --- decks, models, data sets --------------------------------------------

deck() { # NAME: standard input
    cat >"$in/$1"
    run check "$in/$1"
    [ $code = 40 ] && grep -q "^se3t: error: .*$1:" "$dir/err"
    result $? "refused: the deck $1"
}
deck deep.yaml < <(head -c 100000 /dev/zero | tr '\0' '[')
deck binary.yaml < <(head -c 5000000 /dev/zero)
deck aliases.yaml < <(printf 'a: &a [1]\nb: [*a, *a]\n')
for file in zeros.xyz empty.xyz fifo.xyz; do
    run info "$in/$file"
    [ $code = 30 ] && says "$file"
    result $? "info: $file"
done
run import "$archive" --out "$in/data"
rm "$in/data/shard-0000.h5"
mkfifo "$in/data/shard-0000.h5"
printf 'data: {path: %s}\n' "$in/data" >"$in/data.yaml"
run check "$in/data.yaml" --set 'data.split={train: 0.6, validation: 0.2}' \
    --set train.batch=8
[ $code = 30 ] && says shard-0000.h5
result $? 'check: a pipe for a shard'
run report "$in/fifo.xyz" --out "$dir/out"
[ $code = 30 ] && says fifo.xyz
result $? 'report: a pipe'
cat >"$in/far.csv" <<'END'
id,homo[eV],homo_reference[eV],homo_error[eV]
1,1e308,-1e308,1e308
2,1,2,-1
END
run report "$in/far.csv" --out "$dir/out"
[ $code = 0 ]
result $? 'report: errors beyond all numbers'

ranks=2
refused flipped.tar.bz2 qm9-xyz
refused zeros.xyz qm9-xyz
run predict "$in/zeros.xyz" "$in/odd.xyz" --out "$dir/out"
[ $code = 30 ] && [ ! -e "$dir/out" ] && says zeros.xyz
result $? 'predict by 2 ranks: no model'

echo "1..$tests"
