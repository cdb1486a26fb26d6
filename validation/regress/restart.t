#!/usr/bin/env bash
# restart.t - a run in pieces is the run: every checkpoint, the model and the
# predictions are the same bytes (reliability.md R1), wherever it was cut.
. "${srcdir:-.}/validation/regress/tap.sh"
begin
small_data

# FOLDER FOLDER NAME: the codes, and all that the runs left from the cut on.
compare() {
    local k differs=0
    [ "$code" = '10 0' ] || differs=1
    for k in $(seq "$((cut + 1))" 12); do
        cmp "$(at "$1" "$k")" "$(at "$2" "$k")" || differs=1
    done >"$dir/out" 2>&1
    cmp "$dir/$1/model.h5" "$dir/$2/model.h5" >>"$dir/out" 2>&1 || differs=1
    cmp "$dir/$1/predictions-test.csv" "$dir/$2/predictions-test.csv" \
        >>"$dir/out" 2>&1 || differs=1
    point $differs "$3"
}

# RANKS NAME CUTS KEY=VALUE...: the whole run, and cut after each of CUTS.
# With threads="A B" the parts have A and B threads.
in_pieces() {
    local ranks=$1 name=$2 cuts=$3 whole code
    local first=${threads%% *} second=${threads##* }
    shift 3
    whole=$name-$ranks
    OMP_NUM_THREADS=1 train "$ranks" "$whole" "$@"
    result $? 0 "$name, $ranks ranks: the whole run"
    for cut in $cuts; do
        OMP_NUM_THREADS=$first train "$ranks" cut "$@" \
            run.stop_after="$cut steps"
        code=$?
        OMP_NUM_THREADS=$second train "$ranks" cut "$@" run.resume=require
        code+=" $?"
        compare "$whole" cut "$name, $ranks ranks: cut after step $cut"
        rm -rf "$dir/cut"
    done
}

threads='1 1'
in_pieces 1 adamw '1 2 3 4 5 6 7 8 9 10 11'
in_pieces 2 adamw '3 8'
in_pieces 1 sgd '5' train.optimizer.name=sgd train.optimizer.lr=1e-3 \
    train.clip_norm=1.0
in_pieces 1 lamb-ema '2 7' train.optimizer.name=lamb train.ema=0.99
in_pieces 2 accumulate '6' train.accumulate=2 train.schedule.warmup='5 steps'
in_pieces 1 targets '9' data.target='[homo, lumo]' data.reference=fit
threads='2 3'
in_pieces 1 threads '5' model.channels=16

# A finished run is left alone; more epochs go on as if they had been there,
# but for the schedule, which knows the end.
touch "$dir/mark"
train 1 adamw-1
result $? 0 'a finished run: nothing to do'
[ -z "$(find "$dir/adamw-1" -name '*.h5' -newer "$dir/mark")" ]
point $? 'nothing was written'
grep -c '"event": "step"' "$dir/adamw-1/journal.jsonl" >"$dir/out"
[ "$(cat "$dir/out")" = 12 ]
point $? 'each step stands in the journal once'

train 1 constant-6 train.schedule.name=constant train.epochs=6
train 1 constant-3 train.schedule.name=constant
train 1 constant-3 train.schedule.name=constant train.epochs=6
result $? 0 'more epochs for a finished run'
same "$(at constant-6 24)" "$(at constant-3 24)" 'they are the same bytes'
finish
