#!/usr/bin/env bash
# modes.t - one set of weights under every compute.precision and compute.radial:
# a model file predicts with any, whichever it was trained with; a run that goes
# on in another mode goes on from the same weights; the journal says what tables
# reached. How far off gradients are: validation/modes.
. "${srcdir:-.}/validation/regress/tap.sh"
begin
small_data

fp64='compute.precision=fp64 compute.radial=exact'
exact='compute.precision=fp32 compute.radial=exact'
tabulated='compute.precision=fp32 compute.radial=tabulated'
bf16='compute.precision=bf16 run.cpu_isa=avx512_bf16 compute.radial=exact'
both='compute.precision=bf16 run.cpu_isa=avx512_bf16 compute.radial=tabulated'
modes='fp64 exact tabulated'
# shellcheck disable=SC2086 # words
train 0 look $bf16 run.stop_after='1 steps'
case $? in
10) modes+=' bf16 both' ;;
40 | 50) skip 'bf16' "not here: $(tail -n 1 "$dir/err")" ;;
*) point 1 'bf16 is there, or is said not to be' ;;
esac

# Of one set of weights, differences of outputs and losses by the target's
# deviation. Rounding of single precision, 1e-7 a layer, is granted 100 times; a
# tolerance of 1e-4 once, for sums over bonds stay below it; bf16 makes a sum of
# a convolution wrong by 3e-3 of the largest, which is granted 2.5 times.
granted() { # MODE
    case $1 in
    fp64) echo 1e-12 ;;
    exact) echo 1e-5 ;;
    tabulated) echo 1e-4 ;;
    *) echo 8e-3 ;;
    esac
}

# MODE MODEL FILE
predict() {
    local set=() x
    for x in ${!1}; do
        set+=(--set "$x")
    done
    run 0 predict "$2" "$dir/data" --out "$3" --quiet "${set[@]}"
}

# FILE FILE DEVIATION: root mean square of the differences, by the deviation.
distance() {
    paste -d , "$1" "$2" | awk -F , -v by="$3" 'NR > 1 {
        d = $2 - $(NF / 2 + 2)
        sum += d * d
        if ($1 != $(NF / 2 + 1)) bad = 1
    } END { print bad || NR != 121 ? "nan" : sqrt(sum / (NR - 1)) / by }'
}

# NUMBER NUMBER
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a ~ /[0-9]/ && a <= b) }'; }

# FOLDER: its model in every mode, beside fp64.
predict_all() {
    local mode by off
    by=$("$se3t" info "$dir/$1/model.h5" | sed -n 's/.* deviation //p')
    predict fp64 "$dir/$1/model.h5" "$dir/fp64.csv"
    for mode in $modes; do
        predict "$mode" "$dir/$1/model.h5" "$dir/some.csv" &&
            off=$(distance "$dir/fp64.csv" "$dir/some.csv" "$by") &&
            at_most "$off" "$(granted "$mode")"
        point $? "trained in $1, predicted in $mode: off by $off"
    done
}

for mode in $modes; do
    # shellcheck disable=SC2086 # words
    train 0 "$mode" ${!mode}
    result $? 0 "trains in $mode"
done
for mode in fp64 exact "${modes##* }"; do
    predict_all "$mode"
done

# FOLDER STEP: its loss.
number() {
    grep '"event": "step"' "$dir/$1/journal.jsonl" | grep "\"step\": $2," |
        sed 's/.*"loss": \([0-9.e+-]*\).*/\1/'
}

difference() { # NUMBER NUMBER
    awk -v a="$1" -v b="$2" 'BEGIN {
        d = a - b
        print a == "" || b == "" ? "nan" : d < 0 ? -d : d
    }'
}

# FROM TO: four steps in one mode, the fifth in another. Its loss is of the
# weights and the batch that the whole run in FROM had, so it is the same but
# for the modes, both of which are granted what they may be off.
goes_on() {
    local a b off
    # shellcheck disable=SC2086 # words
    train 0 cut ${!1} run.stop_after='4 steps'
    # shellcheck disable=SC2086
    train 0 cut ${!2} run.resume=require run.stop_after='5 steps'
    result $? 10 "$1 goes on in $2"
    off=$(difference "$(number "$1" 5)" "$(number cut 5)")
    at_most "$off" "$(granted "$1")" || at_most "$off" "$(granted "$2")"
    point $? "the same loss there, off by $off"
    [ -n "$(number cut 4)" ] && [ "$(number cut 4)" = "$(number "$1" 4)" ]
    point $? 'the same bits before'
    rm -rf "$dir/cut"
}

set -- $modes
for to; do
    [ "$to" = exact ] || goes_on exact "$to"
done
shift
for from; do
    [ "$from" = exact ] || goes_on "$from" exact
done
goes_on fp64 exact
if [ "$modes" != "${modes%both}" ]; then
    goes_on both fp64
    goes_on fp64 both
fi

# FOLDER KEY: of the last epoch.
last() {
    grep '"event": "epoch"' "$dir/$1/journal.jsonl" | tail -n 1 |
        sed -n "s/.*\"$2\": \[*\([0-9.e+, -]*\).*/\1/p" | sed 's/, *$//'
}
for mode in $modes; do
    most=1e-4
    case $mode in exact | bf16 | fp64) most=1e-7 ;; esac
    at_most "$(last "$mode" radial_error)" $most
    point $? "$mode: radial_error, $(last "$mode" radial_error)"
done
fewer=$(last tabulated radial_points) all=$(last fp64 radial_points)
[ "${fewer%%,*}" -lt "${all%%,*}" ]
point $? "tabulated evaluates at fewer points, $fewer of $all bonds"

# Bonds of two molecules are hardly worth a table.
# shellcheck disable=SC2086 # words
train 0 few $tabulated train.batch=2 train.epochs=1 checkpoint.every='1000 steps'
result $? 0 'batches of two molecules'
at_most "$(last few radial_error)" 1e-4
point $? "radial_error there, $(last few radial_error)"
finish
