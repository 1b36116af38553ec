"""Stages: what a cell is trained on."""

import numpy as np
import torch

from eegxai.decoders import split_trials
from eegxai.simulation import simulate_spec
from sweeps.grid import DecoderCell, decoder_cells
from sweeps.stages import _labels


def test_permuted_labels_leave_the_test_part_and_the_class_counts(tiny):
    cell = next(decoder_cells(tiny))
    eeg = simulate_spec(cell.data)
    split = split_trials(eeg.y, cell.fold, cell.training.n_folds, cell.data.seed)
    permuted = DecoderCell(
        data=cell.data, architecture=cell.architecture, training=cell.training, labels="permuted"
    )
    true, shuffled = (_labels(c, eeg, split) for c in (cell, permuted))
    assert torch.equal(true, torch.from_numpy(eeg.y))
    assert torch.equal(shuffled[split.test], true[split.test])
    for part in (split.train, split.validation):
        np.testing.assert_array_equal(torch.bincount(shuffled[part]), torch.bincount(true[part]))
    agreement = float((shuffled[split.train] == true[split.train]).double().mean())
    assert agreement < 0.6
