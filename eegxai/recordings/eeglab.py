"""Epochs of EEGLAB, whose events include others than those that they were cut around."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mne
import numpy as np
import scipy

from eegxai.recordings.labels import is_number

Array = np.ndarray


def read_epochs(path: Path) -> mne.BaseEpochs:
    """Epochs of a .set file, labelled by the event at time zero where each has one.

    MNE joins the names of all events within an epoch, such as those of the next trial or of a
    response, so that trials of one class have different names.
    """
    names = _at_zero(path)
    if names is None:
        return mne.read_epochs_eeglab(path)
    key = int if all(map(is_number, names)) else str
    event_id = {name: code for code, name in enumerate(sorted(set(names), key=key), start=1)}
    codes = np.array([event_id[name] for name in names])
    events = np.column_stack([np.arange(len(codes)), np.zeros_like(codes), codes])
    return mne.read_epochs_eeglab(path, events=events, event_id=event_id)


def _at_zero(path: Path) -> list[str] | None:
    """Name of the event at time zero of each epoch; None where that is not one for each."""
    try:
        content = scipy.io.loadmat(path, simplify_cells=True)
    except NotImplementedError:  # files of MATLAB 7.3, which are HDF5
        return None
    eeg = content.get("EEG", content)
    half_sample_ms = 500 / float(eeg["srate"])
    found = [_names_at_zero(epoch, half_sample_ms) for epoch in np.atleast_1d(eeg.get("epoch", []))]
    return [names[0] for names in found] if all(len(names) == 1 for names in found) else None


def _names_at_zero(epoch: Mapping[str, Any], half_sample_ms: float) -> list[str]:
    names, latencies_ms = _cell_values(epoch["eventtype"]), _cell_values(epoch["eventlatency"])
    pairs = zip(names, latencies_ms, strict=True)
    return [str(name) for name, at_ms in pairs if abs(float(at_ms)) < half_sample_ms]


def _cell_values(values: Any) -> list[Any]:
    """The values of a cell array, or the one value where a single event makes it no array."""
    return list(values) if isinstance(values, list | np.ndarray) else [values]
