#!/usr/bin/env bash
# program.t - run.device: cuda, in the program as it was built and in the one
# whose GPU is the harness; what stands for cuBLAS and NCCL on some ranks.
. "${srcdir:-.}/validation/regress/tap.sh"
begin
limit=120
small_data

# WORDS: asked for a GPU that is not there
refused() {
    train 0 "run$tests" run.device=cuda
    local code=$?
    [ $code = 50 ] && said "$1" && [ ! -e "$dir/run$tests" ]
}

if [ -e /dev/nvidia0 ]; then
    skip 'no GPU: exit 50, and why' 'there is one'
else
    refused 'run.device: .*no \(GPU\|CUDA\)'
    point $? 'no GPU: exit 50, and why'
    train 0 auto && grep -q 'device cuda: not taken, .*[a-z]' "$dir/auto/log.txt"
    point $? 'auto: on the CPU, and why'
fi
if [ -x ./se3t_simt ]; then
    se3t=$PWD/se3t_simt
    SIMT_DEVICES=0 refused 'run.device: no GPU (.*no CUDA-capable device'
    point $? 'the harness without a GPU'
    for n in 1 2 3; do
        se3t=$PWD/calls_simt_test run $n
        point $? "cuBLAS and NCCL, $n ranks"
    done
else
    skip 'the harness' 'no C++17 compiler with -fsanitize=thread'
fi
finish
