#!/usr/bin/env bash
# pbs.t - jobscripts/train.pbs with a qsub of this folder: it leaves before its
# time is over, submits itself until the run is done, and the bytes are those of
# one long job (reliability.md R8, R9).
. "${srcdir:-.}/validation/regress/tap.sh"
begin
srcdir=$(cd "$srcdir" && pwd)
small_data
cd "$dir" || exit 1
cp "$srcdir/jobscripts/train.pbs" . # submits itself by this name
mkdir bin
ln -s "$srcdir/validation/hpc/qsub" bin/qsub
PATH=$dir/bin:$PATH
export QSUB_DIR=$dir QSUB_MOST=40
# the script and the ranks it started
trap 'kill -KILL -- "-$(cat "$dir/pid" 2>/dev/null)" 2>/dev/null; rm -rf "$dir"' EXIT
with=SE3T=$se3t,LAUNCH="$MPIEXEC --oversubscribe --bind-to none -n 2"
cat >job.yaml <<END
data: {path: $dir/data, split: {train: 0.8, validation: 0.1}, target: homo}
model: {layers: 2, degrees: 3, channels: 16}
train: {epochs: 10, batch: 24}
checkpoint: {every: 5 steps, keep: 2}
log: {every: 1 steps}
END
run 2 train job.yaml --quiet --set run.dir=whole || exit 1
sed 's/^train:/run: {stop_after: 15 steps}\n&/' job.yaml >pieces.yaml
sed 's/epochs: 10/epochs: 2000/' job.yaml >long.yaml
over() { ! kill -0 "$(cat pid)" 2>/dev/null; }
done_as() { # FOLDER
    [ -s "$1/predictions-test.csv" ] && over
}
show() { cat se3t.o* >"$dir/out" 2>/dev/null; }

# --- a chain of jobs
qsub -v "DECK=pieces.yaml,RUN=runs/chain,$with" train.pbs >/dev/null
wait_for 120 done_as runs/chain
code=$?
show
[ $code = 0 ] && [ "$(cat jobs)" = 3 ]
point $? 'three jobs of 15 steps until 40 are done'
same runs/chain/model.h5 whole/model.h5 'the model of one long job'
grep -q 'resumed from step 15 .*by job 1.test' se3t.o2
point $? 'the second job says what it goes on from'

# --- the clock
rm -f se3t.o* jobs
QSUB_MOST=1 qsub -v "DECK=long.yaml,RUN=runs/clock,WALLTIME=15,$with" train.pbs \
    >/dev/null
start=$SECONDS
wait_for 40 grep -qs 'exit 10 at step' se3t.o1
code=$?
echo "# $((SECONDS - start)) of 15 s"
show
[ $code = 0 ] && [ $((SECONDS - start)) -le 15 ]
point $? 'leaves with a checkpoint before the time is over'
wait_for 10 over

# --- qdel: a checkpoint, and no successor
rm -f se3t.o* jobs
qsub -v "DECK=long.yaml,$with" train.pbs >/dev/null
wait_for 40 test -s runs/long/checkpoints/step-0000000005.h5
kill -TERM "$(cat pid)"
wait_for 40 over
grep -q 'exit 10 at step .*qdel' se3t.o1 && [ "$(cat jobs)" = 1 ]
code=$?
show
point $code 'qdel: a checkpoint, no successor'

# --- an array over targets
rm -f se3t.o* jobs
qsub -v "DECK=job.yaml,TARGETS=homo:lumo,PBS_ARRAY_INDEX=1,$with" train.pbs \
    >/dev/null
wait_for 60 done_as runs/job-lumo
head -n 1 runs/job-lumo/predictions-test.csv | grep -q '^id,lumo'
code=$?
show
point $code 'an array: the second target'

# --- no progress: given up
rm -f se3t.o* jobs
cat >stands-still <<'END'
#!/bin/sh
mkdir -p runs/still/checkpoints
: >runs/still/checkpoints/step-0000000008.h5
exit 10
END
chmod +x stands-still
qsub -v "DECK=job.yaml,RUN=runs/still,SE3T=./stands-still,LAUNCH=env" \
    train.pbs >/dev/null
wait_for 20 grep -qs 'no progress in 3 restarts' se3t.o4
code=$?
sleep 0.5
[ $code = 0 ] && [ "$(cat jobs)" = 4 ]
code=$?
show
point $code 'gives up after 3 restarts without progress'
cd / # the folder goes
finish
