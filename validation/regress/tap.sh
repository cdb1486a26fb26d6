# tap.sh - read by the tests of the program as it is used: points of TAP, the
# program on some ranks, a small data set. Output of the last call is in
# $dir/out and $dir/err.
srcdir=${srcdir:-.}
limit=60 # seconds a call
tests=0
dir=

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

# A folder of one's own, gone at the end with what still runs in it.
begin() {
    [ -x ./se3t ] || skip_all 'no ./se3t'
    command -v "${MPIEXEC%% *}" >/dev/null || skip_all 'no launcher'
    se3t=$PWD/se3t
    dir=$(mktemp -d) || exit 1
    trap 'end_jobs; rm -rf "$dir"' EXIT
    trap 'exit 1' INT TERM HUP
}

end_jobs() {
    local pid
    for pid in $(jobs -p); do
        kill -KILL "$pid" 2>/dev/null
    done
}

finish() {
    echo "1..$tests"
}

# OK(0) NAME: a point; what was said last goes with a failure.
point() {
    tests=$((tests + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tests - $2"
    else
        tail -n 15 "$dir/out" "$dir/err" 2>/dev/null | sed 's/^/# /'
        echo "not ok $tests - $2"
    fi
}

skip() { # NAME REASON
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# CODE WANTED NAME
result() {
    [ "$1" = "$2" ] || echo "# exit $1, wanted $2"
    [ "$1" = "$2" ]
    point $? "$3"
}

# FILE FILE NAME
same() {
    cmp "$1" "$2" >"$dir/out" 2>&1
    point $? "$3"
}

# RANKS ARGUMENTS...: the program; 0 ranks: without a launcher.
run() {
    local n=$1 launch=()
    shift
    if [ "$n" != 0 ]; then
        # shellcheck disable=SC2206 # MPIEXEC may have words
        launch=($MPIEXEC --oversubscribe --bind-to none -n "$n")
    fi
    timeout -k 5 "$limit" "${launch[@]}" "$se3t" "$@" \
        >"$dir/out" 2>"$dir/err" </dev/null
}

# WORDS [KIND]: one line of an error (or warning), with these words.
said() {
    [ "$(grep -c "^se3t: ${2:-error}: " "$dir/err")" = 1 ] &&
        grep -q "^se3t: ${2:-error}: .*$1" "$dir/err"
}

# 96 molecules train: 4 steps an epoch, 12 in all.
small_data() {
    run 0 import "$srcdir/inputs/qm9-sample.xyz.tar.bz2" --limit 120 \
        --out "$dir/data" --quiet ||
        {
            cat "$dir/err"
            echo 'Bail out! import failed'
            exit 1
        }
    cat >"$dir/deck.yaml" <<END
run: {dir: $dir/run, seed: 7}
data: {path: $dir/data, split: {train: 0.8, validation: 0.1}, target: homo}
model: {layers: 1, degrees: 2, channels: 8, heads: 2}
train: {epochs: 3, batch: 24}
checkpoint: {every: 1 steps, keep: 20}
log: {every: 1 steps}
END
}

# RANKS FOLDER [SECTION.KEY=VALUE]...: trains the small deck there.
train() {
    local n=$1 folder=$2 set=() x
    shift 2
    for x; do
        set+=(--set "$x")
    done
    run "$n" train "$dir/deck.yaml" --quiet --set run.dir="$dir/$folder" \
        "${set[@]}"
}

# FOLDER STEP: its checkpoint.
at() {
    printf '%s/%s/checkpoints/step-%010d.h5' "$dir" "$1" "$2"
}

# SECONDS COMMAND...: waits until it succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
