"""A training that is killed goes on from its last epoch to the same bits."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from sweeps.design.cells import decoder_cells
from sweeps.design.config_file import load
from sweeps.execution.machine_speed import threads
from sweeps.store.artefacts import Store
from sweeps.tasks.train import train_decoder
from tests.paths import ROOT

pytestmark = pytest.mark.slow

# Trains the first decoder of a configuration, slowly enough to be killed between two epochs.
TRAIN = """
import sys, time, torch
from sweeps.design.config_file import load
from sweeps.design.cells import decoder_cells
from sweeps.tasks.train import train_decoder
from sweeps.store.artefacts import Store

torch.set_num_threads(1)
cell = next(decoder_cells(load(sys.argv[1], ["training.epochs=6"])))
train_decoder(cell, Store(sys.argv[2]), on_epoch=lambda epoch: time.sleep(0.5))
"""


@pytest.fixture
def cell(tiny_file):
    return next(decoder_cells(load(tiny_file, ["training.epochs=6"])))


@pytest.fixture
def one_thread():
    with threads(1):
        yield


def epochs_of(path):
    if not path.exists():
        return 0
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return len(json.loads(header["__metadata__"]["eegxai"])["history"])


def checkpoint_of(cell, folder):
    return folder / "checkpoints" / f"{cell.stem}.safetensors"


def killed_training(cell, tiny_file, folder):
    """Start a training in a process of its own and kill it after its third epoch."""
    root = str(ROOT)
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(tiny_file), str(folder)],
        env={**os.environ, "PYTHONPATH": root},
    )
    deadline = time.time() + 120
    while epochs_of(checkpoint_of(cell, folder)) < 3:
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.time() < deadline, "the training wrote no third checkpoint"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_training_goes_on_to_the_same_bits(cell, tiny_file, tmp_path, one_thread):
    killed, whole = Store(str(tmp_path / "killed")), Store(str(tmp_path / "whole"))
    killed_training(cell, tiny_file, tmp_path / "killed")
    assert not killed.has(cell)

    epochs = []
    resumed = train_decoder(cell, killed, on_epoch=lambda epoch: epochs.append(epoch["epoch"]))
    expected = train_decoder(cell, whole)

    assert epochs in ([3, 4, 5], [4, 5])
    assert resumed.history == expected.history
    assert resumed.confusion == expected.confusion
    stored, reference = killed.read_decoder(cell).weights, whole.read_decoder(cell).weights
    assert all(torch.equal(stored[name], value) for name, value in reference.items())
    assert not checkpoint_of(cell, tmp_path / "killed").exists()


@pytest.mark.parametrize("spoil", [lambda content: content[:-9], lambda content: b"not a tensor"])
def test_a_spoilt_checkpoint_is_told_and_trained_again(cell, tmp_path, caplog, spoil):
    kept = {}
    store = Store(str(tmp_path / "store"))
    path = checkpoint_of(cell, tmp_path / "store")

    def keep(epoch):
        if path.exists():
            kept["content"] = path.read_bytes()

    expected = train_decoder(cell, Store(str(tmp_path / "store")), on_epoch=keep)
    path.write_bytes(spoil(kept["content"]))
    again = train_decoder(cell, store)
    assert again.history == expected.history
    assert "is broken" in caplog.text
    assert "training starts from the beginning" in caplog.text


def test_training_tells_its_confusion_and_whether_it_is_chance(cell, tmp_path):
    trained = train_decoder(cell, Store(str(tmp_path / "store")))
    correct = sum(row[label] for label, row in enumerate(trained.confusion))
    assert trained.n_test == sum(map(sum, trained.confusion)) > 0
    assert trained.accuracy == correct / trained.n_test
    assert isinstance(trained.at_chance, bool)
