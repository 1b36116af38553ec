"""The files people launch clusters with: as Ray's own tools read them."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from sweeps.design.config_file import load
from tests.paths import ROOT

FILES = ROOT / "conf" / "cluster"


def test_ray_accepts_the_autoscaler_file():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load((FILES / "autoscaler.yaml").read_text()))
    validate_config(config)
    assert config["available_node_types"]["gpu_worker"]["resources"]["GPU"] >= 1


@pytest.fixture
def job():
    return yaml.safe_load((FILES / "rayjob.yaml").read_text())


@pytest.fixture(scope="module")
def kuberay():
    """The part of KubeRay's schema that the file touches."""
    return Draft202012Validator(
        yaml.safe_load(Path(__file__).with_name("rayjob_schema.yaml").read_text())
    )


def test_kuberay_knows_every_field_of_the_job(job, kuberay):
    assert [error.message for error in kuberay.iter_errors(job)] == []


def test_kuberay_refuses_a_field_that_it_does_not_know(job, kuberay):
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    group["maxWorkers"] = group.pop("maxReplicas")
    told = sorted(error.message for error in kuberay.iter_errors(job))
    assert "'maxReplicas' is a required property" in told
    assert any("'maxWorkers' was unexpected" in words for words in told)


def test_the_job_on_kubernetes_runs_a_sweep_on_gpu_workers(job):
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
    assert cluster["authOptions"] == {"mode": "token"}
