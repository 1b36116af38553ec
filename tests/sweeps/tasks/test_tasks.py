"""Stages: what a cell is trained on."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from eegxai.decoders import split_trials
from eegxai.simulation import simulate_spec
from sweeps.design import cells as grid
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep
from sweeps.tasks.train import FIT_ARGUMENTS
from tests.sweeps.conftest import TINY

pytestmark = pytest.mark.slow  # whole sweeps

# Of the architectures, the one that memorises trials in the least time.
LEARNS = ["grid.architecture=eegnet_relu", "training.learning_rate=1e-2"]
LEARNS += ["training.epochs=200", "grid.seed=[0]"]
RETRAIN = "evaluation.checks=[target_swap,cascade,label_retrain]"


@pytest.fixture(scope="module")
def retrained(tmp_path_factory, empty_database):
    """A sweep that trained a decoder, then one on permuted labels, and compared their maps."""
    folder = tmp_path_factory.mktemp("retrained")
    (folder / "tiny.yaml").write_text(TINY)
    shutil.copy(empty_database, folder)
    given = [RETRAIN, *LEARNS, "grid.method=[Saliency]", f"output={folder}"]
    sweep = Sweep(load(folder / "tiny.yaml", given), Console(quiet=True))
    sweep.run(local=True)
    return sweep


def test_permuted_labels_are_learnt_by_heart_as_far_as_the_true_ones(retrained):
    (cell,), store = retrained.decoders, retrained.store
    eeg = simulate_spec(cell.data)
    split = split_trials(eeg.y, cell.fold, cell.training.n_folds, cell.data.seed)
    arguments = FIT_ARGUMENTS["permuted"](cell.with_permuted_labels, eeg, split, store, "cpu")
    trials, permuted = arguments["training"]
    true = torch.from_numpy(eeg.y[split.train])
    assert torch.equal(trials, torch.from_numpy(eeg.x[split.train]))
    assert torch.equal(permuted.bincount(), true.bincount())
    assert (permuted == true).double().mean() < 0.7
    history = store.read_decoder(cell.with_permuted_labels).history
    reached = [epoch["validation_accuracy"] for epoch in history]
    assert max(reached[:-1], default=0) < arguments["enough"] <= reached[-1]
    assert arguments["enough"] > 0.9


def test_a_decoder_of_permuted_labels_has_a_name_and_a_key_of_its_own(tiny):
    cell = next(grid.decoder_cells(tiny))
    assert cell.with_permuted_labels.title == f"{cell.title} permuted labels"
    assert cell.with_permuted_labels.key != cell.key
    assert replace(cell.with_permuted_labels, labels="true") == cell


def test_only_a_check_asks_for_permuted_label_decoders(tiny, tiny_file):
    assert list(grid.permuted_label_cells(tiny)) == []
    config = load(tiny_file, [RETRAIN])
    permuted = [cell.with_permuted_labels for cell in grid.decoder_cells(config)]
    assert list(grid.permuted_label_cells(config)) == permuted
    method = next(grid.method_cells(config))
    assert method.decoders == (method.decoder, method.decoder.with_permuted_labels)


def test_a_sweep_retrains_on_permuted_labels_and_compares_the_maps(retrained):
    assert not retrained.failed
    table = retrained.store.read_scores(retrained.methods[0]).table
    rows = table[table["check"] == "label_retrain"].set_index(["domain", "metric"])
    assert (rows["n_valid"] == rows["n_trials"]).all()
    assert np.abs(rows.loc[("channel_time", "pearson_raw"), "mean"]) < 0.9
    assert len(retrained.publisher.runs("decoder")) == 2
