"""A result in files and as MNE objects."""

import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from eegxai.atomic import staging
from eegxai.explaining.findings import Findings
from eegxai.registry import lookup

EXPLANATION_TABLES = (
    "accuracy", "confusion", "validity", "trust", "checks", "agreement", "frequency", "seconds",
    "patterns", "curves",
)  # fmt: skip
INDEXED = ("confusion", "agreement")  # tables whose rows have names


def epochs_of(result: Findings, method: str) -> mne.EpochsArray:
    """Maps of all explained trials as MNE has epochs."""
    maps, target = lookup(result.maps, method, "method"), result.target
    n_times = maps.shape[2]
    places = result.explained * n_times  # the order of the recording is kept
    events = np.column_stack([places, np.zeros_like(target), target + 1]).astype(int)
    ids = {result.class_names[k]: int(k) + 1 for k in np.unique(target)}
    return mne.EpochsArray(
        maps,
        _info_without_projections(result),
        events,
        result.trials.tmin,
        ids,
        proj=False,
        verbose="error",
    )


def evoked_of(result: Findings, method: str, class_name: str) -> mne.EvokedArray:
    """Mean map of a class as MNE has evoked responses."""
    maps = lookup(result.maps, method, "method")
    present = {result.class_names[k]: k for k in np.unique(result.target)}
    own = maps[result.target == lookup(present, class_name, "class")]
    return mne.EvokedArray(
        own.mean(0, dtype=float), _info_without_projections(result), result.trials.tmin,
        f"{method}: {class_name}", nave=len(own), verbose="error",
    )  # fmt: skip


def _info_without_projections(result: Findings) -> mne.Info:
    """The channels without projections, which would change maps."""
    info = result.trials.info.copy()
    with info._unlock():
        info["projs"] = []
    return info


def write_files(result: Findings, folder: Path) -> Path:
    """Write maps, MNE files and tables; each appears whole or not at all."""
    with staging(folder) as temporary:
        _write_maps(result, temporary)
        for name in EXPLANATION_TABLES:
            table: pd.DataFrame = getattr(result, name)
            if len(table.columns):
                table.to_csv(temporary / f"{name}.csv", index=name in INDEXED)
        left_out = [
            f"left out, because it needs a known ground truth: {name}"
            for name in result.without_truth
        ]
        (temporary / "notes.txt").write_text("\n".join([*result.notes, *left_out]) + "\n", "utf-8")
    return folder


def _write_maps(result: Findings, folder: Path) -> None:
    trials = result.trials
    arrays: dict[str, Any] = {
        **result.maps,
        "explained": result.explained,
        "target": result.target,
        "times": trials.times,
        "ch_names": np.array(trials.ch_names),
        "class_names": np.array(trials.class_names),
    }
    np.savez_compressed(folder / "maps.npz", **arrays)
    for method in result.methods:
        classes = [result.class_names[k] for k in np.unique(result.target)]
        evoked = [evoked_of(result, method, name) for name in classes]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of MNE, about names of files
            epochs_of(result, method).save(folder / f"{method}-epo.fif", verbose="error")
            mne.write_evokeds(folder / f"{method}-ave.fif", evoked, verbose="error")
