"""Stages: what a cell is trained on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from eegxai.decoders import split_trials
from eegxai.simulation import simulate_spec
from sweeps import grid
from sweeps.config import load
from sweeps.run import Sweep
from sweeps.stages import LESSONS, train_decoder
from sweeps.store import Store

LEARNS = ["data.n_trials=64", "training.epochs=60", "grid.seed=[0]", "training.learning_rate=1e-2"]
RETRAIN = "evaluation.checks=[target_swap,cascade,label_retrain]"


@pytest.fixture
def pair(tiny_file, tmp_path):
    """A decoder trained on true labels, one on permuted ones, and their store."""
    cell = next(grid.decoder_cells(load(tiny_file, LEARNS)))
    store = Store(str(tmp_path / "store"))
    for each in (cell, cell.relabelled):
        train_decoder(each, store)
    return cell, store


@pytest.mark.slow
def test_permuted_labels_are_learnt_by_heart_as_far_as_the_true_ones(pair):
    cell, store = pair
    eeg = simulate_spec(cell.data)
    split = split_trials(eeg.y, cell.fold, cell.training.n_folds, cell.data.seed)
    lesson = LESSONS["permuted"](cell.relabelled, eeg, split, store, "cpu")
    trials, permuted = lesson["training"]
    true = torch.from_numpy(eeg.y[split.train])
    assert torch.equal(trials, torch.from_numpy(eeg.x[split.train]))
    assert torch.equal(permuted.bincount(), true.bincount())
    assert (permuted == true).double().mean() < 0.7
    history = store.read_decoder(cell.relabelled).history
    reached = [epoch["validation_accuracy"] for epoch in history]
    assert max(reached[:-1], default=0) < lesson["enough"] <= reached[-1]
    assert lesson["enough"] > 0.9


def test_a_relabelled_decoder_has_a_name_and_a_key_of_its_own(tiny):
    cell = next(grid.decoder_cells(tiny))
    assert cell.relabelled.title == f"{cell.title} permuted labels"
    assert cell.relabelled.key != cell.key
    assert replace(cell.relabelled, labels="true") == cell


def test_only_a_check_asks_for_relabelled_decoders(tiny, tiny_file):
    assert list(grid.relabelled_cells(tiny)) == []
    config = load(tiny_file, [RETRAIN])
    relabelled = [cell.relabelled for cell in grid.decoder_cells(config)]
    assert list(grid.relabelled_cells(config)) == relabelled
    method = next(grid.method_cells(config))
    assert method.decoders == (method.decoder, method.decoder.relabelled)


@pytest.mark.slow
def test_a_sweep_retrains_on_permuted_labels_and_compares_the_maps(tiny_file):
    sweep = Sweep(
        load(tiny_file, [RETRAIN, *LEARNS, "grid.method=[Saliency]"]), Console(quiet=True)
    )
    sweep.run(local=True)
    assert not sweep.failed
    table = sweep.store.read_scores(sweep.methods[0]).table
    rows = table[table["check"] == "label_retrain"].set_index(["domain", "metric"])
    assert (rows["n_valid"] == rows["n_trials"]).all()
    assert np.abs(rows.loc[("channel_time", "pearson_raw"), "mean"]) < 0.9
    assert len(sweep.publisher.runs("decoder")) == 2
