# job scripts under a scheduler
check_SCRIPTS += validation/hpc/slurm.t
EXTRA_DIST += validation/hpc/slurm.sh validation/hpc/slurm.t
