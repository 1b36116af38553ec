"""Signals planted in recordings: what the background tells, and how good the observer is.

    python benchmarks/recordings.py [N_SEEDS]

The recordings are simulated noise with 22 channels at 128 Hz, so that the covariance that the ideal
observer has to estimate is known: its d'^2 is compared with that of the one that knows it. For the
classifiers of the background they have blinks, line noise, drifts and another reference, too.
docs/simulation.md and docs/evaluation.md show the numbers.
"""

import sys
import tempfile
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import cross_val_score

from eegxai.evaluation.references.ideal import ideal_observer, mixing_of, noise_covariance
from eegxai.simulation import NoiseSpec, SimulatedEEG, implant, simulate

CHANNELS = [
    "Fz", "FC3", "FC1", "FCz", "FC2", "FC4", "C5", "C3", "C1", "Cz", "C2", "C4", "C6",
    "CP3", "CP1", "CPz", "CP2", "CP4", "P1", "Pz", "P2", "POz",
]  # fmt: skip
FEATURE_TYPES = ("temporal", "spectral", "spatial")
NUMBERS = (110, 300, 1000)
N_TRIALS, N_EXPLAINED = 400, 20
DRIFT_UV = 0.5  # step of a random walk from sample to sample
Array = np.ndarray


def noise_of(n_trials: int, noise: NoiseSpec) -> SimulatedEEG:
    return simulate("temporal", -10, 1, n_trials, noise=noise, sfreq=128, montage=CHANNELS)


def written(file: Path, microvolts: Array, info: mne.Info) -> str:
    """Trials joined into one recording."""
    joined = 1e-6 * np.concatenate(microvolts, axis=-1, dtype=float)
    mne.io.RawArray(joined, info, verbose="ERROR").save(file, overwrite=True, verbose="ERROR")
    return str(file)


def observers(folder: Path, n_stretches: int, feature: str) -> dict[str, float]:
    """How near the estimated observer comes to the one that knows the covariance."""
    eeg = noise_of(n_stretches, NoiseSpec())
    file = written(folder / f"{n_stretches}_raw.fif", eeg.x - eeg.ground_truth, eeg.info)
    planted, trials = implant(feature, file, -10), np.arange(N_EXPLAINED)
    observer = ideal_observer(planted, trials)
    assert observer is not None
    exact = noise_covariance(eeg.spec, mixing_of(eeg), -1)
    signal, weights = planted.ground_truth[trials].astype(float), observer.template.astype(float)
    best = exact.whitened_twice(signal)
    channels, times, power = exact._basis
    noise = np.sum((channels.T @ weights @ times) ** 2 * power, axis=(1, 2))
    found = np.sum(weights * signal, axis=(1, 2)) ** 2 / noise
    contributions = zip(observer.contributions, planted.x[trials] * best, strict=True)
    return {
        "share of d'^2": float(np.median(found / np.sum(best * signal, axis=(1, 2)))),
        "correlation": float(
            np.median([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in contributions])
        ),
    }


def classified(folder: Path, feature: str, n_seeds: int) -> dict[str, float]:
    """Accuracy of a linear classifier of the background alone, over seeds."""
    eeg = noise_of(N_TRIALS, NoiseSpec(blink_uv=120, line_uv=5))
    joined = np.concatenate(eeg.x - eeg.ground_truth, axis=-1, dtype=float)
    drift = np.random.default_rng(0).standard_normal(joined.shape).cumsum(axis=1)
    joined += DRIFT_UV * drift
    joined -= joined[CHANNELS.index("Cz")]
    file = written(folder / "artefacts_raw.fif", joined[None], eeg.info)
    found = []
    for seed in range(n_seeds):
        planted = implant(feature, file, 0, seed)
        background = planted.x - planted.ground_truth
        others = [name != "Cz" for name in planted.info.ch_names]
        values = np.hstack([background.mean(2), np.log(background.var(2) + 1e-12)])
        values = values[:, others * 2]
        classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
        found.append(cross_val_score(classifier, values, planted.y).mean())
    return {
        "mean": float(np.mean(found)),
        "standard error": float(np.std(found) / np.sqrt(n_seeds)),
        "chance": 1 / planted.n_classes,
    }


def main(n_seeds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = {feature: classified(folder, feature, n_seeds) for feature in FEATURE_TYPES}
        print(pd.DataFrame(told).T.round(3).to_string(), flush=True)
        near = {
            (number, feature): observers(folder, number + N_EXPLAINED, feature)
            for number in NUMBERS
            for feature in FEATURE_TYPES
        }
        print(pd.DataFrame(near).T.round(3).to_string(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
