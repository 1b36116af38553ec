"""The program that measures a GPU, in miniature and on the CPU, where neither Ray nor MLflow is."""

import json
import os
import subprocess
import sys

import pytest

from tests.paths import ROOT

ABSENT = ("ray", "mlflow", "pytorch_grad_cam")
NEEDS_GPU = {"memory", "compiled"}
PARTS = ("card", "numbers", "training", "attribution", "evaluation", "sharing", "accuracy")


@pytest.fixture
def without_packages(tmp_path):
    """Environment in which some packages cannot be imported."""
    for name in ABSENT:
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('no {name} here')")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.mark.slow
def test_the_program_measures_and_says_what_it_left_out(tmp_path, without_packages):
    out = tmp_path / "gpu.md"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--miniature", "--out", str(out)],
        env=without_packages,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parts = {
        of["part"]["name"]: of for of in json.loads(out.with_suffix(".json").read_text())["parts"]
    }
    assert set(parts) == NEEDS_GPU | set(PARTS)
    for name in PARTS:
        assert parts[name]["remark"] == "", name
        assert parts[name]["rows"], name
    for name in NEEDS_GPU:
        assert parts[name]["remark"] == "Left out: this machine has no CUDA device."
    assert {row.get("within", "yes") for row in parts["numbers"]["rows"]} == {"yes"}
    told = {row["method"]: row.get("library, s") for row in parts["attribution"]["rows"]}
    assert "no pytorch_grad_cam here" in told["LayerCAM"]
    assert told["Saliency"] > 0
    text = out.read_text()
    assert all(f"### {of['part']['title']}\n" in text for of in parts.values())
