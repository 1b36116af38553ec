"""Scores of every metric for maps that contain the signal and for maps without information.

    python benchmarks/chance.py [n_trials]

Means over simulated trials at -3.5 dB, for docs/evaluation.md. ``truth`` is the magnitude of the
noiseless signal, ``signal`` the signal itself, ``noise`` white noise.
"""

import sys

import numpy as np
import pandas as pd
import torch

from eegxai.evaluation import EvaluationSpec, ground_truth_reference, topography
from eegxai.evaluation.controls.null_maps import input_controls, same_spectrum
from eegxai.evaluation.maps.domains import topography_operator
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.physical import physical_scores, source_truth
from eegxai.evaluation.scoring import MODES
from eegxai.simulation import SimulatedEEG, simulate

SHARE = EvaluationSpec().truth_threshold


def known_maps(eeg: SimulatedEEG) -> dict[str, torch.Tensor]:
    """Maps to score by name."""
    x, signal = torch.from_numpy(eeg.x), torch.from_numpy(eeg.ground_truth)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(x.shape))
    spectrum = same_spectrum(signal.abs())
    return {
        "truth": signal.abs(),
        "signal": signal,
        "same spectrum": spectrum,
        "noise": noise,
        **{name: each.maps for name, each in input_controls(x, eeg.info).items()},
    }


def scores(maps: Maps, reference: Maps) -> dict[str, float]:
    """Mean of every metric of both modes."""
    registered = {name: f for metrics in MODES.values() for name, f in metrics.items()}
    return {name: float(f(maps, reference).nanmean()) for name, f in registered.items()}


def measure(feature: str, n_trials: int) -> dict[str, pd.DataFrame]:
    eeg = simulate(feature, -3.5, 0, n_trials)
    signal, truth = torch.from_numpy(eeg.ground_truth), source_truth(eeg, np.arange(n_trials))
    _, head = topography_operator(eeg.info)
    references = {
        "channel_time": Maps(ground_truth_reference(signal.double(), SHARE)),
        "topography": Maps(ground_truth_reference(topography(signal, eeg.info), SHARE), head),
    }
    tables: dict[str, dict[str, dict[str, float]]] = {"channel_time": {}, "topography": {}}
    for name, values in known_maps(eeg).items():
        means = physical_scores(values.numpy(), truth).mean()
        physical = {str(column): float(mean) for column, mean in means.items()}
        whole, picture = Maps(values.double()), Maps(topography(values, eeg.info), head)
        tables["channel_time"][name] = scores(whole, references["channel_time"]) | physical
        tables["topography"][name] = scores(picture, references["topography"])
    return {domain: pd.DataFrame(table) for domain, table in tables.items()}


def main(n_trials: int) -> None:
    for feature in ("temporal", "spectral", "spatial"):
        for domain, table in measure(feature, n_trials).items():
            print(f"\n{feature}, {domain}, {n_trials} trials")
            print(table.round(3).to_string())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
