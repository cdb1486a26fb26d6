#!/usr/bin/env bash
# faults.t - killed, signalled, damaged, a second job, no memory: the documented
# code, one line, and the bits of the run that nobody disturbed
# (reliability.md R2, R3, R7, R10, R12, R18).
. "${srcdir:-.}/validation/regress/tap.sh"
begin
small_data
train 1 whole || exit 1
train 2 whole-2 || exit 1

step_of() { # FOLDER: the last in the journal
    sed -n 's/.*"event": "step".*"step": \([0-9]*\).*/\1/p' \
        "$dir/$1/journal.jsonl" 2>/dev/null | tail -n 1
}
reached() { # FOLDER STEP
    local at
    at=$(step_of "$1")
    [ "${at:-0}" -ge "$2" ]
}
holder() { # FOLDER: the process that has the lock
    sed -n 's/^pid: //p' "$dir/$1/lock" 2>/dev/null
}
finishes_as() { # RANKS FOLDER WHOLE NAME
    train "$1" "$2"
    result $? 0 "$4: resumed"
    same "$(at "$3" 12)" "$(at "$2" 12)" "$4: the same bytes"
}

# A slower run, so that there is time to disturb it; its steps are other ones,
# so it has a whole of its own.
slow=(model.layers=2 model.degrees=3 model.channels=16 train.epochs=12)
train 1 slow-whole "${slow[@]}" || exit 1
disturbed() { # RANKS FOLDER STEP SIGNAL: in $code what the run ended with
    local pid
    train "$1" "$2" "${slow[@]}" 2>/dev/null &
    pid=$!
    wait_for 30 reached "$2" "$3"
    kill -s "$4" "$(holder "$2")"
    wait $pid
    code=$?
}

for signal in USR1 TERM; do
    disturbed 0 "$signal" 5 $signal
    result $code 10 "SIG$signal"
    step=$(step_of "$signal")
    [ -s "$(at "$signal" "$step")" ]
    point $? "SIG$signal: a checkpoint of the last step"
    train 0 "$signal" "${slow[@]}"
    same "$(at slow-whole 48)" "$(at "$signal" 48)" "SIG$signal: the same bytes"
done
for step in 3 17 30; do
    disturbed 0 kill-$step $step KILL
    [ $code != 0 ] && [ $code != 10 ] || echo "# exit $code"
    [ $code != 0 ] && [ $code != 10 ]
    point $? "killed at step $step"
    train 0 kill-$step "${slow[@]}"
    result $? 0 "killed at step $step: resumed"
    same "$(at slow-whole 48)" "$(at kill-$step 48)" \
        "killed at step $step: the same bytes"
    [ -z "$(find "$dir/kill-$step" -name '*tmp*')" ]
    point $? "killed at step $step: nothing half-written is left"
done
disturbed 2 lost 5 KILL
[ $code != 0 ] && [ $code != 10 ]
point $? 'one of two ranks killed: the job ends'
train 2 lost "${slow[@]}"
result $? 0 'one of two ranks killed: resumed'

# --- damaged checkpoints
damage() { # KIND FILE
    local bytes
    bytes=$(stat -c %s "$2")
    case $1 in
    cut) truncate -s $((bytes / 2)) "$2" ;;
    longer) echo more >>"$2" ;;
    empty) : >"$2" ;;
    zeroed) dd if=/dev/zero of="$2" bs=1 seek=$((bytes / 3)) count=64 \
        conv=notrunc status=none ;;
    flipped) printf '\377\001' | dd of="$2" bs=1 seek=$((bytes / 2)) \
        conv=notrunc status=none ;;
    esac
}
for kind in cut longer empty zeroed flipped; do
    ranks=$((1 + tests % 2))
    whole=whole
    [ $ranks = 1 ] || whole=whole-2
    train $ranks "$kind" run.stop_after='7 steps'
    damage "$kind" "$(at "$kind" 7)"
    train $ranks "$kind"
    code=$?
    said 'step-0000000007.h5.*before is used' warning
    point $? "newest checkpoint $kind: named"
    result $code 0 "newest checkpoint $kind: the one before is used"
    same "$(at $whole 12)" "$(at "$kind" 12)" "newest checkpoint $kind: same bytes"
done
train 1 other run.seed=8 run.stop_after='9 steps'
train 1 swapped run.stop_after='7 steps'
cp "$(at other 9)" "$(at swapped 9)"
finishes_as 1 swapped whole "another run's checkpoint among them"

train 2 bad run.stop_after='3 steps'
for k in 1 2 3; do
    damage zeroed "$(at bad $k)"
done
sha256sum "$dir"/bad/checkpoints/*.h5 >"$dir/sums"
train 2 bad
result $? 20 'no good checkpoint left'
said .
point $? 'no good checkpoint left: one line'
sha256sum --status -c "$dir/sums"
point $? 'no good checkpoint left: all are as they were'
rm -f "$dir"/bad/checkpoints/*.h5 "$dir"/bad/best.h5
train 1 bad run.resume=require
result $? 20 'resume: require, and none there'

# best.h5 is of the last step of the first epoch, or of a later one
train 1 best run.stop_after='6 steps'
for kind in gone empty; do
    cp -r "$dir/best" "$dir/best-$kind"
    cp --remove-destination "$dir/best/best.h5" "$dir/best-$kind"
    for file in "$dir/best-$kind"/checkpoints/*.h5; do
        damage empty "$file"
    done
    [ $kind = empty ] || rm "$dir/best-$kind"/checkpoints/*.h5
    train 1 best-$kind run.resume=never
    result $? 40 "checkpoints $kind, best.h5 there: never refuses"
    train 1 best-$kind
    code=$?
    grep -q 'warning: .*best.h5: used, of step [1-9]' "$dir/err"
    point $? "checkpoints $kind: best.h5 is used and named"
    result $code 0 "checkpoints $kind: the run ends"
    same "$(at whole 12)" "$(at best-$kind 12)" "checkpoints $kind: same bytes"
done
train 1 best-bad run.stop_after='6 steps'
rm "$dir"/best-bad/checkpoints/*.h5
damage cut "$dir/best-bad/best.h5"
train 1 best-bad
result $? 20 'best.h5 alone, damaged: no fresh start'

# --- a second job, a stale lock
train 0 two "${slow[@]}" train.epochs=400 2>/dev/null &
pid=$!
wait_for 30 reached two 2
mv "$dir/out" "$dir/out-first"
mv "$dir/err" "$dir/err-first"
kill -STOP "$(holder two)" # a stopped job holds its lock
train 0 two "${slow[@]}"
result $? 50 'a second job in the folder'
said "$(holder two)"
point $? 'the second job names the first'
run 0 check "$dir/deck.yaml" --set run.dir="$dir/two" --set train.epochs=400
code=$?
said "$(holder two)"
result $code$? 500 'check says so too'
kill -KILL "$(holder two)"
wait $pid
train 0 two "${slow[@]}" train.epochs=400 run.stop_after='1 steps'
result $? 10 'the lock of a dead job is taken over'

# --- data
cp -r "$dir/data" "$dir/torn"
damage flipped "$dir/torn/shard-0000.h5"
train 2 torn-data data.path="$dir/torn"
result $? 30 'a flipped byte in a shard'
said shard-0000
point $? 'the shard is named'
[ ! -e "$dir/torn-data/checkpoints" ]
point $? 'and nothing was made'
rm "$dir/torn/shard-0000.h5"
train 1 torn-data data.path="$dir/torn"
result $? 30 'a shard that is not there'

# --- no memory: an end, with a code and a line, wherever it hits
hung=0
for kib in 400000 300000 260000 240000 230000; do
    (ulimit -v $kib && train 1 "small-$kib") 2>/dev/null
    case $? in
    124 | 137) hung=1 ;;
    esac
done
point $hung 'with little memory the program ends'

# --- nobody reads
run 0 info "$dir/whole/model.h5" && timeout 20 "$se3t" info \
    "$dir/whole/model.h5" >/dev/full 2>"$dir/err"
result $? 70 'standard output is full: info'
timeout 60 "$se3t" train "$dir/deck.yaml" --set run.dir="$dir/full" \
    >/dev/full 2>"$dir/err"
result $? 0 'standard output is full: train goes on'
finish
