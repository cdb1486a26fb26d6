# job scripts under a scheduler
check_SCRIPTS += validation/hpc/pbs.t validation/hpc/slurm.t
EXTRA_DIST += validation/hpc/pbs.t validation/hpc/qsub \
	validation/hpc/slurm.sh validation/hpc/slurm.t
