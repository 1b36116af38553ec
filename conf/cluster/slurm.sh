#!/usr/bin/env bash
# A sweep on Slurm: sbatch conf/cluster/slurm.sh paper store=/shared/paper
# One Ray node on each Slurm node; the job may be preempted, the same command goes on.
# It stops its own Ray and no other, so nodes may be shared with other jobs.
#SBATCH --job-name=eegxai
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --output=eegxai-%j.log
#SBATCH --open-mode=append
set -euo pipefail

environment=${EEGXAI_ENV:-${SLURM_SUBMIT_DIR:-.}/.venv} # the virtual environment, on a shared disk
if [ -f "$environment/bin/activate" ]; then . "$environment/bin/activate"; fi

export RAY_AUTH_MODE=token # ~/.ray/auth_token is the same on every node; made once:
# ray get-auth-token --generate && chmod 600 ~/.ray/auth_token
nodes=${SLURM_JOB_NUM_NODES:-1}
cpus=${SLURM_CPUS_PER_TASK:-2}
host=127.0.0.1
if [ "$nodes" -gt 1 ]; then host=$(hostname); fi # Slurm runs this script on the first node
# Ports and a folder of its own, and an end without half a minute of waiting for idle workers.
port=$((20000 + ${SLURM_JOB_ID:-$$} % 6000 * 2))
export RAY_TMPDIR=/tmp/eegxai-$UID-$port RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0
node=(ray start --block --num-cpus "$cpus")

trap 'kill $(jobs -p) || true; wait' EXIT
"${node[@]}" --head --port "$port" --ray-client-server-port $((port + 1)) --include-dashboard false &
until (: >"/dev/tcp/$host/$port") 2>/dev/null; do
    kill -0 $! # ends the script where the node has ended
    sleep 1
done
if [ "$nodes" -gt 1 ]; then
    srun --relative=1 --nodes=$((nodes - 1)) --ntasks=$((nodes - 1)) --cpus-per-task="$cpus" \
        "${node[@]}" --address "$host:$port" &
fi
python -m sweeps.cli sweep "$@" --address "$host:$port"
