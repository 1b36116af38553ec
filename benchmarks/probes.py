"""What a linear classifier knows about the class from one number per channel.

    python benchmarks/probes.py [N_TRIALS]

Linear discriminant analysis, trained on one half of the trials and tested on the other. Much of it
is legitimate, since a signal changes every such number. What it knows from the noise alone is a
leak, and so is more than the signal-to-noise ratio of that number allows. docs/simulation.md shows
the table.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from eegxai.simulation import simulate

FEATURE_TYPES = ("temporal", "spectral", "spatial")
SNRS_DB = (-3.5, -12.0, -16.0, -19.0, -23.0)
SAMPLES_40_MS = 10
Array = np.ndarray


def lowest_power(x: Array) -> Array:
    """Logarithm of the power at one cycle per epoch."""
    turn = np.exp(-2j * np.pi * np.arange(x.shape[-1]) / x.shape[-1])
    return np.log(np.abs(x @ turn.astype(np.complex64)))


PROBES: dict[str, Callable[[Array], Array]] = {
    "epoch mean": lambda x: x.mean(axis=2),
    "log variance": lambda x: np.log(x.var(axis=2)),
    "first sample": lambda x: x[:, :, 0],
    "last sample": lambda x: x[:, :, -1],
    "last minus first": lambda x: x[:, :, -1] - x[:, :, 0],
    "mean of the first 40 ms": lambda x: x[:, :, :SAMPLES_40_MS].mean(axis=2),
    "mean of the last 40 ms": lambda x: x[:, :, -SAMPLES_40_MS:].mean(axis=2),
    "log power at the lowest frequency": lowest_power,
}


def accuracy(values: Array, y: Array) -> float:
    """Accuracy from ``values`` (trials, channels); one channel is known from the others."""
    half, known = len(y) // 2, values[:, :-1].astype(float)
    classifier = LinearDiscriminantAnalysis().fit(known[:half], y[:half])
    return float(classifier.score(known[half:], y[half:]))


def probed(feature: str, snr_db: float, seed: int, n_trials: int) -> pd.DataFrame:
    """Accuracy of every probe (rows) from the recording and from its noise alone (columns)."""
    eeg = simulate(feature, snr_db, seed, n_trials)
    parts = {"all": eeg.x, "noise": eeg.x - eeg.ground_truth}
    scores = {
        part: {name: accuracy(probe(x), eeg.y) for name, probe in PROBES.items()}
        for part, x in parts.items()
    }
    return pd.DataFrame(scores)


def main(n_trials: int) -> None:
    for feature in FEATURE_TYPES:
        tables = {snr_db: probed(feature, snr_db, 0, n_trials) for snr_db in SNRS_DB}
        columns = {f"{snr_db:g} dB": table["all"] for snr_db, table in tables.items()}
        # The noise of all SNRs is the same but for a factor.
        columns["noise alone"] = tables[SNRS_DB[0]]["noise"]
        print(f"\n{feature}, {n_trials} trials")
        print(pd.DataFrame(columns).round(2).to_string(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
