"""The Slurm script with stand-ins for Slurm, Ray and the sweep: what it starts, where and how.

``test_ray_cluster`` runs it with a real Ray.
"""

import os
import subprocess
import sys

import pytest

from tests.paths import ROOT
from tests.sweeps.processes import free_port

SCRIPT = ROOT / "conf" / "cluster" / "slurm.sh"
# Since Slurm 22.05 a step has no SLURM_CPUS_PER_TASK unless srun is told the number.
SRUN = """#!/usr/bin/env bash
echo "srun $*" >> "$LOG"
unset SLURM_CPUS_PER_TASK
while [[ $1 == --* ]]; do
    case $1 in
        --ntasks=*) tasks=${1#*=} ;;
        --relative=*) first=${1#*=} ;;
        --cpus-per-task=*) export SLURM_CPUS_PER_TASK=${1#*=} ;;
    esac
    shift
done
for ((i = 0; i < tasks; i++)); do
    SLURM_PROCID=$i SLURM_NODEID=$((first + i)) SLURMD_NODENAME=node$((first + i)) "$@" &
done
trap 'kill $(jobs -p)' TERM  # as Slurm ends a step's tasks
wait
"""
RAY = """#!/usr/bin/env bash
echo "ray on ${SLURMD_NODENAME:-node0} ${SLURM_CPUS_PER_TASK:-none} $ENVIRONMENT: $*" >> "$LOG"
if [[ $* == *--head* ]]; then exec "$PYTHON" -m http.server "$PORT"; fi
exec sleep 60
"""
PROGRAM = """#!/usr/bin/env bash
while [ "$(grep -c '^ray on' "$LOG")" -lt "$SLURM_JOB_NUM_NODES" ]; do sleep 0.1; done
echo "sweep $ENVIRONMENT: $*" >> "$LOG"
exit "$EXIT"
"""


@pytest.fixture
def job(tmp_path):
    """What runs the script as Slurm does on so many nodes; gives its exit code and the log."""
    for name, text in {"srun": SRUN, "ray": RAY, "python": PROGRAM}.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    activate = tmp_path / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text("export ENVIRONMENT=mine\n")
    port = 20_000 + free_port() % 6000 * 2

    def run(nodes, exit_code=0):
        log = tmp_path / "log"
        log.write_text("")
        slurm = {"SLURM_JOB_ID": str((port - 20_000) // 2), "SLURM_JOB_NUM_NODES": str(nodes)}
        slurm |= {"SLURM_CPUS_PER_TASK": "16", "SLURM_SUBMIT_DIR": str(tmp_path)}
        stand_ins = {"LOG": str(log), "PORT": str(port), "PYTHON": sys.executable}
        path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
        more = {"PATH": path, "EXIT": str(exit_code), "ENVIRONMENT": "none"}
        done = subprocess.run(
            ["bash", SCRIPT, "paper", "store=/shared/paper"],
            env={**os.environ, **slurm, **stand_ins, **more},
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode, port, sorted(log.read_text().splitlines())

    return run


def test_every_node_gets_its_processors_and_the_environment(job):
    code, port, log = job(nodes=4)
    host = subprocess.run(["hostname"], capture_output=True, text=True, check=True).stdout.strip()
    head, *workers, step, sweep = log
    start = "16 mine: start --block --num-cpus 16"
    assert code == 0
    assert head.startswith(f"ray on node0 {start} --head --port {port} ")
    assert workers == [f"ray on node{n} {start} --address {host}:{port}" for n in (1, 2, 3)]
    assert step.startswith("srun --relative=1 --nodes=3 --ntasks=3 --cpus-per-task=16 ray start")
    assert sweep == (
        f"sweep mine: -m sweeps.cli sweep paper store=/shared/paper --address {host}:{port}"
    )


def test_one_node_needs_no_step_and_the_job_ends_as_the_sweep_does(job):
    code, port, log = job(nodes=1, exit_code=3)
    assert code == 3
    assert [line.split()[0] for line in log] == ["ray", "sweep"]
    assert log[1].endswith(f"--address 127.0.0.1:{port}")
