#!/usr/bin/env bash
# slurm.t - jobscripts/train.sbatch under a real Slurm, which this test starts:
# stopped by a signal, requeued, finished, with the bytes of the run that nobody
# stopped (reliability.md R9).
. "${srcdir:-.}/validation/regress/tap.sh"
for tool in sbatch slurmctld slurmd munged; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null ||
        skip_all "needs $tool (slurm-wlm, munge)"
done
[ "$(id -u)" = 0 ] || skip_all 'needs root, to start Slurm'
export PATH=$PATH:/usr/sbin
begin
srcdir=$(cd "$srcdir" && pwd)
trap 'end_jobs; "$srcdir/validation/hpc/slurm.sh" stop "$dir/slurm"; rm -rf "$dir"' EXIT
small_data

timeout 40 "$srcdir/validation/hpc/slurm.sh" start "$dir/slurm" \
    >"$dir/out" 2>"$dir/err" </dev/null
if [ $? != 0 ]; then
    sed 's/^/# /' "$dir/out" "$dir/err"
    skip_all 'Slurm does not start here'
fi
export SLURM_CONF=$dir/slurm/slurm.conf SE3T=$se3t
srun --mpi=list 2>&1 | grep -q pmix || skip_all 'this Slurm has no PMIx'

# The same on two ranks as two tasks: some seconds, so that it can be stopped.
cd "$dir" || exit 1
cat >job.yaml <<END
data: {path: $dir/data, split: {train: 0.8, validation: 0.1}, target: homo}
model: {layers: 2, degrees: 3, channels: 16}
train: {epochs: 10, batch: 24}
checkpoint: {every: 5 steps, keep: 2}
log: {every: 1 steps}
END
ask=(--ntasks-per-node=2 --cpus-per-task=1 --time=5 --parsable)
run 2 train job.yaml --quiet --set run.dir=whole || exit 1

state() { squeue -h -j "$1" -t all -o %T 2>/dev/null; }
is() { [ "$(state "$1")" = "$2" ]; }
says() { grep -qs -- "$1" "$2"; }
reached() { # FOLDER STEP
    [ "$(grep -c '"event": "step"' "$1/journal.jsonl" 2>/dev/null)" -ge "$2" ] \
        2>/dev/null
}
# A requeued job waits two minutes; this shortens it. Not at once: the end of the
# old run would then be taken for that of the new one.
release() { # JOB
    wait_for 30 is "$1" PENDING || return 1
    sleep 4
    scontrol update JobId="$1" StartTime=now
}
weights() { # FOLDER FOLDER NAME
    same "$1/model.h5" "$2/model.h5" "$3: the model of the undisturbed run"
    sed -n 's/.*"event": "step".*"step": \([0-9]*\),.*/\1/p' \
        "$1/journal.jsonl" | cmp - <(seq 40) >out 2>err
    point $? "$3: each step once"
}
show() { cat se3t-*.log >"$dir/out" 2>/dev/null; }

# --- a signal, as Slurm sends it before the limit
job=$(RUN=runs/signal sbatch "${ask[@]}" "$srcdir/jobscripts/train.sbatch" job.yaml)
wait_for 60 reached runs/signal 8
scancel -s USR1 --batch "$job"
wait_for 30 says 'exit 10 at step .*asked to stop' "se3t-$job.log"
code=$?
show
point $code 'train.sbatch: SIGUSR1, checkpoint, exit 10'
release "$job"
wait_for 60 is "$job" COMPLETED
code=$?
show
point $code 'train.sbatch: requeued, done'
says 'start 2.*from step [1-9]' "se3t-$job.log"
point $? 'train.sbatch: went on from the checkpoint'
weights runs/signal whole train.sbatch
grep -q '"ranks": 2' runs/signal/journal.jsonl
point $? 'train.sbatch: two ranks'

# --- no progress: given up after three restarts
cat >stands-still <<'END'
#!/bin/sh
mkdir -p runs/still/checkpoints
: >runs/still/checkpoints/step-0000000008.h5
exit 10
END
chmod +x stands-still
mkdir -p runs/still
echo 8 1 >runs/still/.restarts # one restart was in vain
job=$(SE3T=./stands-still RUN=runs/still sbatch "${ask[@]}" \
    "$srcdir/jobscripts/train.sbatch" job.yaml)
release "$job"
wait_for 30 says 'no progress in 3 restarts' "se3t-$job.log"
code=$?
show
point $code 'train.sbatch: gives up after 3 restarts without progress'

# --- an array over targets
job=$(RUN=runs/array sbatch "${ask[@]}" --array=0-1 --ntasks-per-node=1 \
    --export=ALL,OMPI_MCA_rmaps_base_oversubscribe=1 \
    "$srcdir/jobscripts/train.sbatch" job.yaml homo lumo)
wait_for 90 test -s runs/array-homo/predictions-test.csv -a \
    -s runs/array-lumo/predictions-test.csv
code=$?
show
point $code 'train.sbatch: an array over two targets'
head -n 1 runs/array-lumo/predictions-test.csv | grep -q '^id,lumo'
point $? 'train.sbatch: each has its own'

cd / # the folder goes
finish
