#!/bin/sh
# docker/federation.slurm on a Slurm of its own (controller, node daemon, munge): a federation trains to the end with the
# simulation's model, although its job is cancelled in the middle and submitted again.
#   federation.sh BIN
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
mkdir state spool munge fed
node=$(hostname -s)
export SLURM_CONF="$here/slurm.conf"
dd if=/dev/urandom of=munge/key bs=1 count=256 2>/dev/null
chmod 400 munge/key
start munged.log munged --foreground --force --key-file="$here/munge/key" --socket="$here/munge/socket" --pid-file="$here/munge/pid" \
  --log-file="$here/munge/log" --seed-file="$here/munge/seed"
cat >slurm.conf <<CONF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$((20000 + $$ % 10000))
SlurmdPort=$((30000 + $$ % 10000))
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MailProg=/bin/true
KillWait=5
NodeName=$node NodeAddr=127.0.0.1 CPUs=8 RealMemory=8000
PartitionName=all Nodes=ALL Default=YES State=UP
CONF
until_true 10 test -S munge/socket
start slurmctld.log slurmctld -D -f "$SLURM_CONF"
answers() { scontrol ping | grep -q UP; }
until_true 20 answers
start slurmd.log slurmd -D -f "$SLURM_CONF"
idle() { sinfo -h -o %t | grep -q idle; }
until_true 30 idle

rehearse 80
export FOLDER="$here/fed/one" RUN="$here/long.toml" BIN="$bin"
reached() { [ "$("$bin/atoll-server" status fed/one/server | sed -n 's/.*"round": \([0-9]*\),.*/\1/p' | head -n 1)" -ge "$1" ]; }

job=$(sbatch --parsable --output="$here/first.txt" "$root/docker/federation.slurm")
until_true 120 reached 3
scancel --batch --signal=TERM "$job"   # as Slurm's own warning before the time is up
over() { [ -z "$(squeue -h -j "$job" 2>/dev/null)" ]; }
until_true 60 over
! reached 80 || fail "the first job was through before it was cancelled"
grep -q 'what was committed stays' first.txt || { cat first.txt; fail "the server was not told to stop in order"; }

timeout 300 sbatch --wait --parsable --output="$here/second.txt" "$root/docker/federation.slurm" >/dev/null || { tail -n 30 second.txt; fail "the second job"; }
"$bin/atoll-server" status fed/one/server >status.json
is_undisturbed status.json
grep -q 'finished, 80 of 80 rounds' second.txt || { tail second.txt; fail "no report"; }
echo "cancelled in round $(sed -n 's/.*round \([0-9]*\) closed.*/\1/p' first.txt | tail -n 1), submitted again: the model is the undisturbed run's"
