"""What a linear classifier knows about the class from one number per channel.

    python benchmarks/probes.py [N_TRIALS]

Linear discriminant analysis, trained on one half of the trials and tested on the other, from the
recording and from its noise alone. docs/simulation.md shows the table and says what is a leak.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy.fft
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from eegxai.simulation import simulate

FEATURE_TYPES = ("temporal", "spectral", "spatial")
SNRS_DB = (-3.5, -12.0, -16.0, -19.0, -23.0)
SAMPLES_40_MS = 10
ABOVE_EVERY_BAND = slice(80, None)  # cycles per epoch, and Hz: no signal is above 58 Hz
Array = np.ndarray


def log_power(x: Array, cycles: slice) -> Array:
    """Logarithm of the power at some numbers of cycles per epoch."""
    spectrum = scipy.fft.rfft(x)[:, :, cycles]
    return np.log(np.mean(np.abs(spectrum) ** 2, axis=2))


PROBES: dict[str, Callable[[Array], Array]] = {
    "epoch mean": lambda x: x.mean(axis=2),
    "log variance": lambda x: np.log(x.var(axis=2)),
    "first sample": lambda x: x[:, :, 0],
    "last sample": lambda x: x[:, :, -1],
    "last minus first": lambda x: x[:, :, -1] - x[:, :, 0],
    "mean of the first 40 ms": lambda x: x[:, :, :SAMPLES_40_MS].mean(axis=2),
    "mean of the last 40 ms": lambda x: x[:, :, -SAMPLES_40_MS:].mean(axis=2),
    "log power at 1 Hz": lambda x: log_power(x, slice(1, 2)),
    "log power above 80 Hz": lambda x: log_power(x, ABOVE_EVERY_BAND),
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
