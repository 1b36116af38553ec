"""A sweep small enough for tests: short training, few trials, real files."""

import pytest

from sweeps.config import load

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
"""


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
