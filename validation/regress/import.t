#!/usr/bin/env bash
# import.t - sources that somebody else made: as many ranks, the same bytes;
# hostile ones end with a documented code and one line, and never hang.
. "${srcdir:-.}/validation/regress/tap.sh"
begin
sample=$srcdir/inputs/qm9-sample.xyz.tar.bz2

for n in 1 2 3; do
    mkdir "$dir/$n" # the folder's name stands in the manifest
    run $n import "$sample" --limit 300 --shards 2 --out "$dir/$n/set"
    result $? 0 "import on $n ranks"
done
for n in 2 3; do
    diff -r "$dir/1/set" "$dir/$n/set" >"$dir/out" 2>&1
    point $? "$n ranks make the same bytes"
done
run 0 info "$dir/1/set"
[ $? = 0 ] && grep -q 300 "$dir/out"
point $? 'info counts them'

# NAME CODE FILE: one line, nothing left behind
hostile() {
    run $((tests % 2)) import "$3" --out "$dir/bad"
    [ $? = "$2" ] && said . && [ ! -e "$dir/bad" ]
    point $? "$1: $2"
    rm -rf "$dir/bad"
}
put() { # NAME FORMAT: a source
    # shellcheck disable=SC2059
    printf -- "$2" >"$dir/$1"
    echo "$dir/$1"
}
hostile 'an empty file' 30 "$(put empty.xyz '')"
hostile 'a million atoms that are not there' 30 \
    "$(put many.xyz '1000000\nx\nC 0 0 0\n')"
hostile 'more atoms than fit' 30 \
    "$(put more.xyz '99999999999999999999\nx\nC 0 0 0\n')"
hostile 'a negative number of atoms' 30 "$(put less.xyz '-3\nx\nC 0 0 0\n')"
hostile 'coordinates that are none' 30 "$(put nan.xyz '1\nx\nC nan 0x1p3 inf\n')"
hostile 'atoms in one place' 30 "$(put same.xyz '2\nx\nC 0 0 0\nC 0 0 0\n')"
hostile 'zero bytes' 30 "$(head -c 5000 /dev/zero >"$dir/zero.xyz"
    echo "$dir/zero.xyz")"
hostile 'a line without end' 30 "$(head -c 3000000 /dev/zero | tr '\0' 7 \
    >"$dir/long.sdf"; echo "$dir/long.sdf")"
head -c 100000 "$sample" >"$dir/short.tar.bz2"
hostile 'an archive cut short' 30 "$dir/short.tar.bz2"
{ head -c 60000 "$sample"; head -c 60000 /dev/zero; } >"$dir/torn.tar.bz2"
hostile 'an archive with a hole' 30 "$dir/torn.tar.bz2"
hostile 'a zip that is none' 30 "$(put no.zip 'PK\003\004 and so on')"
hostile 'a folder without molecules' 30 "$(mkdir "$dir/none"; echo "$dir/none")"
ln -s /etc/hostname "$dir/link.xyz"
tar -C "$dir" -cf "$dir/link.tar" link.xyz
hostile 'a link in an archive' 30 "$dir/link.tar"

# --- labels that are no numbers
methane() { # VALUE: a frame
    printf '5\ngap=%s name=x%s\n' "$1" "$1"
    printf '%s\n' 'C 0 0 0' 'H .63 .63 .63' 'H -.63 -.63 .63' \
        'H -.63 .63 -.63' 'H .63 -.63 -.63'
}
for value in 7.25 7,25 nan 7,50eV; do
    methane $value
done >"$dir/odd.xyz"
for n in 0 2; do
    run $n import "$dir/odd.xyz" --out "$dir/odd"
    code=$?
    said "gap: 2 values are no numbers.* '7,25' in .*odd.xyz, line 9)" warning
    result $code$? 00 "labels that are no numbers are warned of, $n ranks"
done
printf '%s\n' 'run: {resume: never}' \
    "data: {path: $dir/odd, target: gap, split: {train: 0.5, validation: 0.25}}" \
    'train: {batch: 1}' >"$dir/odd.yaml"
run 0 check "$dir/odd.yaml"
code=$?
said '3 molecules have no label.* in ids [234] [234] [234]).*id,part'
result $code$? 300 'check names the molecules without label'
sed -n 8,14p "$dir/odd.xyz" >"$dir/none.xyz"
run 0 import "$dir/none.xyz" --out "$dir/none-set" --target gap=eV
code=$?
said "has a number called 'gap' (expected one of: none)" &&
    said "gap: 1 values are no numbers" warning
result $code$? 400 'a target without any number'
run 0 import "$dir/odd.xyz" --out "$dir/none-set" --target nope
code=$?
said "called 'nope' (expected one of: gap)"
result $code$? 400 'a target that is not there: those that are'
run 0 import "$srcdir/inputs/new-molecules.sdf" "$dir/odd.xyz" --out "$dir/both"
code=$?
grep -q 'from 8 records (sdf, extxyz)' "$dir/err" &&
    grep -q '^source_format: sdf, extxyz$' "$dir/both/manifest.yaml"
result $code$? 00 'two formats: both are said'
run 0 info "$dir/both"
result $? 0 'and the manifest is read'
printf '1\nx\nH 0 0 0\n' >>"$dir/odd.xyz"
run 0 import "$dir/odd.xyz" --out "$dir/none-set" --target nope
said '1 of 5 records are refused; .*no data set was made' warning
point $? 'a refusal is not said to leave nothing when others are left'
finish
