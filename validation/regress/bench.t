#!/usr/bin/env bash
# bench.t - se3t bench: which lines there are, with which keys, and figures that
# can be.
. "${srcdir:-.}/validation/regress/tap.sh"
export OMP_NUM_THREADS=2
begin
small_data
deck=$dir/deck.yaml

# KIND: its lines of JSON.
lines() { grep "^{\"bench\": \"$1\"" "$dir/out"; }

# KEYS: whether each line read has these and no other, in this order.
have_keys() {
    local line n=0
    while read -r line; do
        n=$((n + 1))
        [ "$(grep -o '"[a-z_0-9]*":' <<<"$line" | tr -d '":\n')" = "${1// /}" ] ||
            { echo "# keys of $line" && return 1; }
    done
    [ $n -gt 0 ]
}

# KEY: its numbers in the lines read; null and words are none.
numbers() { sed -n "s/.*\"$1\": \([0-9.e+-]*\)[,}].*/\1/p"; }

positive() { awk '!($1 > 0) { bad = 1 } END { exit bad || !NR }'; }

head='bench batch precision radial memory ranks threads cpu_isa cores'
rates='molecules_per_s median min max'
usage='peak_bytes page_faults gflops molecules_per_s_per_gflops'
run 1 bench "$deck" --steps 2 --warmup 1 --json --kernels --peaks
result $? 0 'all of it'
lines train | have_keys "$head $rates $usage phases data forward backward reduce optimizer"
point $? 'keys of training'
lines inference | have_keys \
    "$head $rates latency_ms mean p50 p90 p95 p99 $usage phases"
point $? 'keys of inference'
lines kernels | have_keys \
    'bench slot calls ms share cycles_per_edge gflop of_ceiling ceiling bytes'
point $? 'keys of kernels'
lines peaks | have_keys 'bench name unit threads value'
point $? 'keys of peaks'
[ "$(grep -c . "$dir/out")" = \
    "$(grep -cE '^\{"bench": "(train|inference|kernels|peaks)", .*\}$' "$dir/out")" ]
point $? 'nothing else on standard output'

for key in median min max peak_bytes gflops molecules_per_s_per_gflops; do
    lines 'train\|inference' | numbers $key | positive
    point $? "$key is positive"
done
[ "$(lines 'train\|inference' | wc -l)" = 2 ]
point $? 'one line each'
# printed so that they read back the same: the rest is rounding of awk's division
for kind in train inference; do
    paste <(lines $kind | numbers median) <(lines $kind | numbers gflops) \
        <(lines $kind | numbers molecules_per_s_per_gflops) |
        awk '{ d = $1 / $2 / $3 - 1; exit !(NF == 3 && d * d < 1e-24) }'
    point $? "$kind: the ratio is that of the two"
done

for key in calls ms share cycles_per_edge; do
    [ "$(lines kernels | numbers $key | wc -l)" = "$(lines kernels | wc -l)" ] &&
        lines kernels | numbers $key | positive
    point $? "kernels: $key of each is positive"
done
lines kernels | numbers share |
    awk '{ sum += $1 } END { exit !(sum > 1 - 1e-12 && sum < 1 + 1e-12) }'
point $? 'shares add up to 1'
for slot in conv_fwd conv_bwd_x conv_bwd_w trunk_fwd trunk_bwd linear_fwd \
    linear_bwd; do
    lines kernels | grep "\"$slot\"" | numbers of_ceiling | positive
    point $? "$slot has a ceiling"
done
lines kernels | grep '"optim_step"' | numbers bytes | positive
point $? 'optim_step has bytes'

for name in clock fp32_fma fp32_fma_broadcast {read,write}_{l1,l2,l3,dram}; do
    for threads in 1 2; do
        lines peaks | grep "\"name\": \"$name\".*\"threads\": $threads,"
    done >"$dir/two"
    [ "$(numbers value <"$dir/two" | wc -l)" = 2 ] &&
        numbers value <"$dir/two" | positive
    point $? "peaks: $name, one thread and two"
done

# Products of bf16 are measured against their own peak, the rest of the step is
# not.
ceiling() { lines kernels | sed -n "s/.*\"slot\": \"$1\".*\"ceiling\": \"\([a-z0-9_]*\)\".*/\1/p"; }
[ "$(ceiling conv_fwd)" = fp32_fma ]
point $? 'fp32: of multiply-adds'
run 1 bench "$deck" --steps 1 --warmup 0 --json --kernels \
    --set compute.precision=bf16 --set run.cpu_isa=avx512_bf16
case $? in
0)
    [ "$(ceiling conv_fwd) $(ceiling conv_bwd_w) $(ceiling linear_fwd)" = \
        'vdpbf16ps vdpbf16ps fp32_fma' ]
    point $? 'bf16: the convolution of its own products'
    ;;
40 | 50) skip 'bf16: of its own products' "not here: $(tail -n 1 "$dir/err")" ;;
*) point 1 'bf16 is there, or is said not to be' ;;
esac

# A device whose counts the host may not read: times alone.
run 1 bench "$deck" --steps 1 --warmup 0 --json --kernels \
    --set run.device=paranoid
result $? 0 'on the paranoid device'
[ -z "$(lines kernels | numbers cycles_per_edge)" ] &&
    lines kernels | numbers ms | positive
point $? 'kernels there: times, nothing counted'

OMP_NUM_THREADS=1 run 2 bench "$deck" --steps 1 --warmup 0 --json
result $? 0 'two ranks'
lines train | grep -q '"ranks": 2, "threads": 1, .*"cores": \["[0-9,-]*", "[0-9,-]*"\]'
point $? 'cores of both'

OMP_NUM_THREADS=1 run 1 bench "$deck" --steps 0 --peaks --set run.cpu_isa=ref
result $? 0 'the plain kernels know the same peaks'
grep -q '^cores  *[0-9]' "$dir/out" && grep -q '^fp32_fma  *[1-9].* GFLOP/s$' \
    "$dir/out" && ! grep -q '^\(training\|inference\)' "$dir/out"
point $? '--steps 0: peaks alone, as text'
run 1 bench "$deck" --steps 1 --warmup 0 --kernels
result $? 0 'as text'
for word in cores training ratio phases kernels conv_fwd 'all kernels' inference latency; do
    grep -q "^$word " "$dir/out"
    point $? "a line of $word"
done
run 1 bench "$deck" --steps -1
[ $? = 40 ] && said 'steps'
point $? 'no such number of steps'
finish
