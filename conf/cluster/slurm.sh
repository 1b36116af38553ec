#!/usr/bin/env bash
# A sweep on Slurm: sbatch conf/cluster/slurm.sh paper store=/shared/paper
# One Ray node a Slurm node; the job may be preempted, the same command goes on.
#SBATCH --job-name=eegxai
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --exclusive
set -euo pipefail

export RAY_AUTH_MODE=token # ~/.ray/auth_token is the same on every node; made once:
# ray get-auth-token --generate && chmod 600 ~/.ray/auth_token
nodes=${SLURM_JOB_NUM_NODES:-1}
host=127.0.0.1
if [ "$nodes" -gt 1 ]; then
    host=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
fi
launch=()
if command -v srun >/dev/null; then launch=(srun --nodes="$nodes" --ntasks="$nodes"); fi

"${launch[@]}" ray symmetric-run --address "$host:6379" --min-nodes "$nodes" \
    --num-cpus "${SLURM_CPUS_PER_TASK:-2}" --include-dashboard false -- \
    python -m sweeps.cli sweep "$@" --address "$host:6379"
