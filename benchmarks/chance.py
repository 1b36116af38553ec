"""Scores of every metric for maps that contain the signal and for maps without information.

    python benchmarks/chance.py [n_trials]

Means over simulated trials at -3.5 dB, and of relevance over frequency at three levels, for
docs/evaluation.md. ``truth`` is the magnitude of the noiseless signal, ``signal`` the signal
itself, ``noise`` white noise, ``ideal observer`` what its decision owes to each channel and sample.
"""

import sys

import numpy as np
import pandas as pd
import torch

from eegxai.attribution.engine.frequency import relevance_of_product
from eegxai.evaluation import (
    EvaluationSpec,
    IdealObserver,
    frequency_scores,
    ground_truth_reference,
    ideal_observer,
    topography,
)
from eegxai.evaluation.controls.null_maps import input_controls, same_spectrum
from eegxai.evaluation.maps.domains import topography_operator
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.earth_movers import earth_movers_scores
from eegxai.evaluation.metrics.physical import physical_scores, source_truth
from eegxai.evaluation.scoring import MODES
from eegxai.simulation import SimulatedEEG, simulate

SHARE = EvaluationSpec().truth_threshold
LEVELS_DB = (-3.5, -13.0, -23.0)  # of the scores over frequency


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
        "ideal observer": torch.from_numpy(observer_of(eeg).contributions),
        **{name: each.maps for name, each in input_controls(x, eeg.info).items()},
    }


def observer_of(eeg: SimulatedEEG) -> IdealObserver:
    """The ideal observer of all trials, which simulations with the default noise have."""
    observer = ideal_observer(eeg, np.arange(len(eeg.x)))
    assert observer is not None
    return observer


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
        errors = earth_movers_scores(values.numpy(), eeg.ground_truth, eeg.info)
        means = physical_scores(values.numpy(), truth).join(errors).mean()
        physical = {str(column): float(mean) for column, mean in means.items()}
        whole, picture = Maps(values.double()), Maps(topography(values, eeg.info), head)
        tables["channel_time"][name] = scores(whole, references["channel_time"]) | physical
        tables["topography"][name] = scores(picture, references["topography"])
    return {domain: pd.DataFrame(table) for domain, table in tables.items()}


def over_frequency(snr_db: float, n_trials: int) -> pd.DataFrame:
    """Means of the scores over frequency of spectral trials, for products with the trial."""
    eeg = simulate("spectral", snr_db, 0, n_trials)
    truth, x = source_truth(eeg, np.arange(n_trials)), torch.from_numpy(eeg.x)
    signal, template = map(torch.from_numpy, (eeg.ground_truth, observer_of(eeg).template))
    products = {
        "signal": (signal, signal),
        "input magnitude": (x, x),
        "same spectrum": (x, same_spectrum(x)),
        "same spectrum, ideal": (x, same_spectrum(template)),
        "ideal observer": (x, template),
    }
    return pd.DataFrame(
        {
            name: frequency_scores(relevance_of_product(*pair).numpy(), truth).mean()
            for name, pair in products.items()
        }
    )


def over_levels(n_trials: int) -> pd.DataFrame:
    """Mean average precision of two maps' magnitudes over channels and times, by level."""
    means = {}
    for snr_db in LEVELS_DB:
        eeg = simulate("temporal", snr_db, 0, n_trials)
        signal = torch.from_numpy(eeg.ground_truth).double()
        truth = Maps(ground_truth_reference(signal, SHARE))
        maps = {"input magnitude": eeg.x, "ideal observer": observer_of(eeg).contributions}
        means[snr_db] = {
            name: scores(Maps(torch.from_numpy(values).double()), truth)["auprc_magnitude"]
            for name, values in maps.items()
        }
    return pd.DataFrame(means)


def main(n_trials: int) -> None:
    for feature in ("temporal", "spectral", "spatial"):
        for domain, table in measure(feature, n_trials).items():
            print(f"\n{feature}, {domain}, {n_trials} trials")
            print(table.round(3).to_string())
    print(f"\ntemporal, channel_time, auprc_magnitude by dB, {n_trials} trials")
    print(over_levels(n_trials).round(3).to_string())
    for snr_db in LEVELS_DB:
        print(f"\nspectral, over frequency, {snr_db:g} dB, {n_trials} trials")
        print(over_frequency(snr_db, n_trials).round(3).to_string())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
