#!/usr/bin/env bash
# curves.sh - whether a mode of computing trains as the exact one does.
#
#   SE3T=./se3t validation/evidence/curves.sh DECK [SEEDS [STEPS]]
#
# Training is chaotic: of weights that differ by a rounding the losses part
# within some thirty steps. So a mode passes when its curve, losses averaged
# over 20 steps, is no further from the exact one than exact runs that began
# 1e-6 apart are from each other; rms over the averages, mean over the seeds.
# The rate is changed by 5e-5 of itself to that end: AdamW's first step moves
# every weight by the rate, 2e-3, so that weights of 0.1 are 1e-6 apart after it.
# Data and seeds are the same.
#
# Prints a line a seed and mode, then the means; exit 1 when a mode is further.
set -u -o pipefail
deck=$1 seeds=${2:-5} steps=${3:-200}
se3t=${SE3T:-se3t}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# NAME SETTINGS...: a run's losses, averaged over 20 steps, in $dir/NAME
curve() {
    local name=$1 set=() x
    shift
    for x; do
        set+=(--set "$x")
    done
    "$se3t" train "$deck" --quiet --set run.dir="$dir/run" \
        --set run.stop_after="$steps steps" --set log.every='1 steps' \
        --set checkpoint.every='1 epochs' "${set[@]}" 2>"$dir/err"
    [ $? = 10 ] || {
        cat "$dir/err"
        exit 1
    }
    grep '"event": "step"' "$dir/run/journal.jsonl" |
        sed 's/.*"loss": \([^,]*\),.*/\1/' |
        awk '{ s += $1 } NR % 20 == 0 { print s / 20; s = 0 }' >"$dir/$name"
    rm -rf "$dir/run"
}

# NAME NAME: how far apart
apart() {
    paste "$dir/$1" "$dir/$2" |
        awk '{ s += ($1 - $2) ^ 2 } END { printf "%.5f\n", sqrt(s / NR) }'
}

for ((seed = 1; seed <= seeds; seed++)); do
    curve exact run.seed=$seed train.optimizer.lr=2e-3
    curve near run.seed=$seed train.optimizer.lr=2.0001e-3
    curve near2 run.seed=$seed train.optimizer.lr=1.9999e-3
    curve tabulated run.seed=$seed train.optimizer.lr=2e-3 \
        compute.radial=tabulated
    curve bf16 run.seed=$seed train.optimizer.lr=2e-3 compute.precision=bf16
    curve both run.seed=$seed train.optimizer.lr=2e-3 \
        compute.precision=bf16 compute.radial=tabulated
    echo "$seed exact $(apart exact near)"
    echo "$seed exact $(apart exact near2)"
    echo "$seed exact $(apart near near2)"
    echo "$seed tabulated $(apart exact tabulated)"
    echo "$seed bf16 $(apart exact bf16)"
    echo "$seed bf16+tabulated $(apart exact both)"
done | tee "$dir/all" || exit 1
awk '{ sum[$2] += $3; n[$2]++ }
    END {
        limit = sum["exact"] / n["exact"]
        for (mode in sum) {
            mean = sum[mode] / n[mode]
            bad += mean > limit
            printf "mean %s %.5f%s\n", mode, mean, mean > limit ? " FURTHER" : ""
        }
        exit bad > 0
    }' "$dir/all"
