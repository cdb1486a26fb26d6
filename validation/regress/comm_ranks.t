#!/usr/bin/env bash
# comm_ranks.t - the tests of src/comm, and devices' sums, as 2 and 3 ranks;
# files of any number of ranks are the same bytes; how a job ends when a rank is
# lost or fails alone.
run() { # RANKS PROGRAM ARGUMENTS..: output in "$dir/out"
    local n=$1
    shift
    timeout 60 $MPIEXEC --oversubscribe --bind-to none -n "$n" "$@" \
        >"$dir/out" 2>&1 </dev/null
}

tests=0
result() { # CODE WANTED NAME
    local no=
    tests=$((tests + 1))
    if [ "$1" != "$2" ]; then
        no='not '
        sed 's/^/# /' "$dir/out"
        echo "# exit $1, wanted $2"
    fi
    echo "${no}ok $tests - $3"
}

# Exactly one line of an error, with these words.
said() {
    [ "$(grep -c '^se3t: error: ' "$dir/out")" = 1 ] && grep -q "$1" "$dir/out"
}

if [ ! -x ./comm_test ]; then
    echo '1..0 # SKIP built without cmocka'
    exit 0
fi
if ! command -v "${MPIEXEC%% *}" >/dev/null 2>&1; then
    echo '1..0 # SKIP no launcher'
    exit 0
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
echo 1..19

for n in 1 2 3; do
    export SE3T_H5_KEEP=$dir/$n.h5 MALLOC_PERTURB_=$((77 * n)) # other heaps
    run $n ./h5_test
    result $? 0 "h5_test, $n ranks"
done
unset MALLOC_PERTURB_
for n in 2 3; do
    cmp "$dir/1.h5" "$dir/$n.h5" >"$dir/out" 2>&1
    result $? 0 "a file of $n ranks is that of 1"
    run $n ./comm_test
    result $? 0 "comm_test, $n ranks"
    run $n ./window_test
    result $? 0 "window_test, $n ranks"
    run $n ./device_sum_test
    result $? 0 "device_sum_test, $n ranks"
    run $n ./buckets_test
    result $? 0 "buckets_test, $n ranks"
done

run 2 ./comm_test lost
result $? 50 'a rank that never comes: 50'
said 'rank 0: waited [2-9] s for the other ranks ('
result $? 0 'the one that waited says so'
run 3 ./comm_test alone
result $? 30 'a rank fails and tells nobody: its code'
run 3 ./comm_test agreed
result $? 70 'all ranks fail alike: their code'
said 'rank 1 cannot write'
result $? 0 'the one that knows says so'
SLURM_STEP_NUM_TASKS=4 run 1 ./comm_test
result $? 50 'one rank in a step of several tasks: 50'
