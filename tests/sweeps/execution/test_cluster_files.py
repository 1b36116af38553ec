"""The files people launch clusters with: as Ray's own tools read them."""

import re
import shlex

import yaml

from sweeps.design.config_file import load
from tests.paths import ROOT

FILES = ROOT / "conf" / "cluster"


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
