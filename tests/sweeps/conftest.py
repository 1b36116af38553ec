"""A sweep small enough for tests: short training, few trials, real files."""

import fcntl
import shutil
import tempfile
from pathlib import Path

import pytest

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from sweeps.tasks.explain import explain
from sweeps.tasks.train import train_decoder

TINY = """
name: tiny
grid:
  feature: [temporal]
  snr_db: [-3.5]
  seed: [0, 1]
  method: [Saliency, InputXGradient, RandomMap, InputMagnitude]
data: {n_trials: 64, noise: {n_dipoles: 4}}
training: {learning_rate: 1e-3, batch_size: 16, epochs: 1}
evaluation: {n_trials: 4}
tracking: {figures: false}
"""


@pytest.fixture(scope="module", autouse=True)
def machine(request):
    """Files may start servers side by side, but not beside a file with ``STOPS_EVERY_RAY``.

    ``ray symmetric-run`` ends by stopping every Ray of the machine.
    """
    alone = getattr(request.module, "STOPS_EVERY_RAY", False)
    with Path(tempfile.gettempdir(), "eegxai-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


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


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory):
    """Folder with the results of the tiny sweep, made once."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.yaml").write_text(TINY)
    config = load(folder / "tiny.yaml", [f"output={folder}"])
    for cell in decoder_cells(config):
        train_decoder(cell, store_of(config))
    for cell in method_cells(config):
        explain(cell, store_of(config))
    return folder / "store"


@pytest.fixture
def done_tiny(tiny, tiny_store):
    """The tiny sweep with its results, without Ray and MLflow."""
    shutil.copytree(tiny_store, Path(tiny.output) / "store")
    return tiny
