#!/usr/bin/env bash
# ranks.t - `deterministic: any_ranks`: 1, 2, 3 and 4 ranks, a change of ranks
# on the way, and other numbers of threads give the same bytes. With same_ranks,
# ranks only change the rounding.
. "${srcdir:-.}/validation/regress/tap.sh"
begin
small_data
any=run.deterministic=any_ranks

train 1 any-1 $any
result $? 0 'any_ranks, 1 rank'
for n in 2 3 4; do
    train $n any-$n $any
    result $? 0 "any_ranks, $n ranks"
    same "$(at any-1 12)" "$(at any-$n 12)" "checkpoint of $n ranks"
    same "$dir/any-1/model.h5" "$dir/any-$n/model.h5" "model of $n ranks"
    same "$dir/any-1/predictions-test.csv" "$dir/any-$n/predictions-test.csv" \
        "predictions of $n ranks"
done

train 2 change $any run.stop_after='5 steps'
result $? 10 'stopped on 2 ranks'
OMP_NUM_THREADS=2 train 3 change $any
result $? 0 'resumed on 3 ranks with 2 threads'
same "$(at any-1 12)" "$(at change 12)" 'the same bytes'

train 1 one
train 2 two
result $? 0 'same_ranks, 2 ranks'
mae() { # FOLDER: of the epochs
    sed -n 's/.*"validation_mae": \([0-9.e-]*\).*/\1/p' "$dir/$1/journal.jsonl"
}
# Sums of 24 molecules in another order: some 1e-7 a step, grown over 12 steps.
paste <(mae one) <(mae two) | awk '
    { d = ($1 - $2) / $1; if (d * d > 1e-8) bad = 1 }
    END { exit bad || NR < 3 }'
point $? 'the errors of 1 and 2 ranks agree to 1e-4'
train 2 two-again
same "$(at two 12)" "$(at two-again 12)" '2 ranks again: the same bytes'
train 1 move run.stop_after='5 steps'
train 2 move
result $? 0 'resumed on more ranks'
grep -qi 'bits' "$dir/move/log.txt"
point $? 'the log says that the bits are not the same'
finish
