"""The files people launch clusters with: as Ray's own tools read them, and run where that goes."""

import re
import shlex
import subprocess

import pytest
import yaml

from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from sweeps.store.status import status_of
from tests.sweeps.processes import ROOT, TOKEN, environment

FILES = ROOT / "conf" / "cluster"
STOPS_EVERY_RAY = True  # see conftest: what Slurm runs does


def test_ray_accepts_the_autoscaler_file():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load((FILES / "autoscaler.yaml").read_text()))
    validate_config(config)
    assert config["available_node_types"]["gpu_worker"]["resources"]["GPU"] >= 1


def test_the_job_on_kubernetes_runs_a_sweep_on_gpu_workers():
    """KubeRay's own definition of August 2026 was held to it by hand: it is a megabyte."""
    job = yaml.safe_load((FILES / "rayjob.yaml").read_text())
    *command, address, auto = shlex.split(job["spec"]["entrypoint"])
    assert command[:4] == ["python", "-m", "sweeps.cli", "sweep"]
    assert (address, auto) == ("--address", "auto")
    config = load(ROOT / "conf" / f"{command[4]}.yaml", command[5:])
    assert config.store.startswith("s3://")
    cluster = job["spec"]["rayClusterSpec"]
    image = re.search(r"rayproject/ray:([\d.]+)-", (FILES / "Dockerfile").read_text())
    assert image[1] == cluster["rayVersion"]
    assert f"ray=={image[1]}" in (ROOT / "constraints.txt").read_text().split()
    (worker,) = cluster["workerGroupSpecs"]
    limits = worker["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert int(limits["nvidia.com/gpu"]) >= max(of.gpu for _, of in config.resources)


@pytest.mark.slow
@pytest.mark.cluster
def test_the_slurm_script_runs_a_sweep_on_one_node(tiny_file, tmp_path):
    """Without Slurm's own commands it is a job of this machine alone."""
    overrides = ["grid.seed=0", "grid.method=Saliency", f"store={tmp_path / 'store'}"]
    done = subprocess.run(
        ["bash", FILES / "slurm.sh", tiny_file, *overrides],
        env=environment(**TOKEN),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    if "Ray is already started on this node" in done.stdout + done.stderr:
        pytest.skip("another Ray runs on this machine")
    assert done.returncode == 0, done.stdout + done.stderr
    config = load(tiny_file, overrides)
    assert status_of(config, store_of(config)).is_done
