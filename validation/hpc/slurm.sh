#!/usr/bin/env bash
# slurm.sh - a cluster of one node, this machine, for tests: munged, slurmctld
# and slurmd without systemd, on 127.0.0.1 alone; all they write lies in DIR.
#
#   slurm.sh start DIR      then: export SLURM_CONF=DIR/slurm.conf; sbatch ...
#   slurm.sh stop DIR
#
# The node has eight cores on paper, so that jobs need not wait for real ones.
# Needs root.
set -eu
action=${1:?usage: slurm.sh start|stop DIR}
D=$(readlink -m "${2:?usage: slurm.sh start|stop DIR}")
node=$(hostname -s)

end_daemon() { # PID FILE
    local pid
    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || return 0
    for _ in {1..50}; do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
}

# Ports that two tests at once do not share; nobody listens on other addresses.
write_conf() {
    local port memory
    port=$((20000 + $(printf %s "$D" | cksum | cut -d' ' -f1) % 20000))
    memory=$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) / 1024 - 512))
    cat >"$D/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$D/munge.sock
CredType=cred/munge
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmctldPidFile=$D/slurmctld.pid
SlurmdPidFile=$D/slurmd.pid
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool
TmpFS=$D/tmp
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd.log
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
MinJobAge=600
ReturnToService=2
KillWait=5
JobRequeue=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$node NodeAddr=127.0.0.1 CPUs=8 Sockets=1 CoresPerSocket=8 RealMemory=$memory State=UNKNOWN
PartitionName=batch Nodes=ALL Default=YES MaxTime=60 State=UP
END
}

start() {
    mkdir -p "$D"/{state,log,spool,tmp}
    chmod 755 "$D"
    write_conf
    (umask 077 && head -c 128 /dev/urandom >"$D/munge.key")
    munged --force --socket="$D/munge.sock" --key-file="$D/munge.key" \
        --pid-file="$D/munged.pid" --log-file="$D/log/munged.log" \
        --seed-file="$D/munge.seed" 2>"$D/log/munged.err"
    export SLURM_CONF=$D/slurm.conf
    slurmctld -c -f "$SLURM_CONF"
    slurmd -f "$SLURM_CONF"
    for _ in {1..100}; do
        [ "$(sinfo -h -N -o %t 2>/dev/null)" != idle ] || return 0
        sleep 0.1
    done
    tail -n 20 "$D"/log/*.log
    return 1
}

case $action in
start) start ;;
stop)
    for daemon in slurmd slurmctld munged; do
        end_daemon "$D/$daemon.pid"
    done
    ;;
esac
