"""A sweep small enough for tests: short training, few trials, real files."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.execution.runner import Stage, run_local
from sweeps.store.artefacts import store_of
from sweeps.tracking import Publisher

TINY = """
name: tiny
grid:
  feature: [temporal]
  snr_db: [-3.5]
  seed: [0, 1]
  method: [Saliency, InputXGradient, RandomMap, InputMagnitude]
data:
  n_trials: 64
  noise: {n_dipoles: 4}
  head: {model: sphere, channels: [Fz, FC1, FC2, C3, Cz, C4, CP1, CP2, Pz, Oz]}
# Not in bfloat16, which takes five times as long on processors without instructions for it.
training: {learning_rate: 1e-3, batch_size: 16, epochs: 1, precision: float32}
evaluation: {n_trials: 4}
tracking: {figures: false}
"""


def made_once(tmp_path_factory, name, make):
    """Folder that the first process of this run to ask for it fills, and all read."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # of the folders that the processes have for themselves
    folder, partial = root / name, root / f"{name}-partial"
    with FileLock(root / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            partial.rename(folder)
    return folder


@pytest.fixture
def tiny_file(tmp_path, monkeypatch):
    """Configuration file in a folder of its own, which is the working directory."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def tiny(tiny_file):
    return load(tiny_file)


def run_tiny(folder):
    """Train and explain the tiny sweep's cells as a sweep does, without Ray and MLflow."""
    (folder / "tiny.yaml").write_text(TINY)
    config = load(folder / "tiny.yaml", [f"output={folder}"])
    errors = []
    for kind, cells, resources in (
        ("decoder", decoder_cells(config), config.resources.train),
        ("method", method_cells(config), config.resources.explain),
    ):
        stage = Stage(kind, kind, list(cells), resources)
        run_local(stage, store_of(config).url, lambda outcome: errors.append(outcome.error))
    assert not any(errors), errors


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory):
    """Folder with the results of the tiny sweep; tests copy it."""
    return made_once(tmp_path_factory, "tiny", run_tiny) / "store"


@pytest.fixture
def done_tiny(tiny, tiny_store):
    """The tiny sweep with its results, without Ray and MLflow."""
    shutil.copytree(tiny_store, Path(tiny.output) / "store")
    return tiny


def make_database(folder):
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        Publisher("other", str(folder))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """File of a tracking store without runs: MLflow takes seconds to make one."""
    return made_once(tmp_path_factory, "mlflow", make_database) / "mlflow.db"


@pytest.fixture
def with_database(tiny_file, empty_database):
    """An empty tracking store in the place where sweeps look for one."""
    (tiny_file.parent / "runs").mkdir()
    shutil.copy(empty_database, tiny_file.parent / "runs")
