"""Accuracy of every architecture for every feature type and SNR, beside linear references.

    python benchmarks/accuracy.py results.csv [feature ...]

One row per training, appended when it ends; started again, it continues where it stopped. Several
processes can share one file, each with feature types of its own. docs/decoders.md shows the table.
"""

import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pyriemann.estimation import Covariances, XdawnCovariances
from pyriemann.spatialfilters import CSP
from pyriemann.tangentspace import TangentSpace
from scipy.signal import butter, sosfiltfilt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from eegxai.decoders import DECODERS, Split, fit, hold_out, initialised, predict, recommended
from eegxai.simulation import DataSpec, SimulatedEEG, simulate_spec

FEATURE_TYPES = ("temporal", "spectral", "spatial")
N_SEEDS = {-3.5: 3, -12.0: 3, -19.0: 1, -16.0: 1, -23.0: 1}  # by SNR, the most telling first
N_TRIALS = 3000  # 2,000 to train on, 500 for validation, 500 for the test
HOLDOUT = 1 / 3
EPOCHS = 30
PRECISION = "float32"  # few CPUs multiply fast in the bfloat16 that is recommended for some
ENOUGH = 0.99  # validation accuracy that ends a training: the table asks for no more
COLUMNS = ("feature", "snr_db", "seed", "model", "accuracy", "epochs", "seconds")
SFREQ = 250.0
BANDS_HZ = ((3, 8), (8, 13), (14, 30), (30, 58))
Row = tuple[str, float, int, str]


def band_power(low_hz: float, high_hz: float) -> Pipeline:
    """Log power of eight common spatial patterns in one band, of trials at 250 Hz."""
    sos = butter(4, (low_hz, high_hz), "bandpass", fs=SFREQ, output="sos")
    band = FunctionTransformer(lambda x: sosfiltfilt(sos, x))
    return make_pipeline(band, Covariances("oas"), CSP(8))


# Evoked waveforms in the one, power in the bands of EEG and its topography in the other.
REFERENCES: dict[str, Callable[[], Pipeline]] = {
    "xdawn_riemann": lambda: make_pipeline(
        XdawnCovariances(4, estimator="oas"), TangentSpace(), StandardScaler(), regression()
    ),
    "fbcsp_lda": lambda: make_pipeline(
        make_union(*(band_power(*band) for band in BANDS_HZ)), LinearDiscriminantAnalysis()
    ),
}


def regression() -> LogisticRegression:
    return LogisticRegression(C=0.01, max_iter=1000)


def without_reference(x: np.ndarray) -> np.ndarray:
    """Trials less one channel: after the average reference it is known from the others."""
    return x[:, :-1].astype(float)


def reference_accuracy(model: str, eeg: SimulatedEEG, split: Split) -> tuple[float, int]:
    x = without_reference(eeg.x)
    pipeline = REFERENCES[model]().fit(x[split.train], eeg.y[split.train])
    return float(pipeline.score(x[split.test], eeg.y[split.test])), 0


def decoder_accuracy(model: str, eeg: SimulatedEEG, split: Split, seed: int) -> tuple[float, int]:
    x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    shape = (*eeg.x.shape[1:], eeg.n_classes, eeg.info["sfreq"])
    decoder = initialised(model, *shape, seed)
    training, validation = ((x[part], y[part]) for part in (split.train, split.validation))
    spec = recommended(model, epochs=EPOCHS, precision=PRECISION)
    history = fit(decoder, training, validation, spec, seed, enough=ENOUGH)
    correct = predict(decoder, x[split.test]).argmax(1) == y[split.test]
    return float(correct.double().mean()), len(history)


@lru_cache(maxsize=1)
def simulated(feature: str, snr_db: float, seed: int) -> SimulatedEEG:
    return simulate_spec(DataSpec(feature=feature, snr_db=snr_db, n_trials=N_TRIALS, seed=seed))


def measured(feature: str, snr_db: float, seed: int, model: str) -> tuple[float, int]:
    """Test accuracy and number of epochs of one training."""
    eeg = simulated(feature, snr_db, seed)
    split = hold_out(eeg.y, HOLDOUT, seed)
    if model in REFERENCES:
        return reference_accuracy(model, eeg, split)
    return decoder_accuracy(model, eeg, split, seed)


def rows(features: Sequence[str]) -> Iterator[Row]:
    """All trainings of some features, one seed after another."""
    for seed, (snr_db, n_seeds) in product(range(max(N_SEEDS.values())), N_SEEDS.items()):
        if seed < n_seeds:
            for feature, model in product(features, (*REFERENCES, *DECODERS)):
                yield feature, snr_db, seed, model


def done(path: Path) -> set[Row]:
    if not path.exists():
        return set()
    table = pd.read_csv(path)
    return set(table[list(COLUMNS[:4])].itertuples(index=False, name=None))


def append(path: Path, values: tuple[object, ...]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS, values] if new else [values])


def summary(path: Path) -> pd.DataFrame:
    """Mean accuracy over seeds in percent, a row a model, a column a feature and SNR."""
    table = pd.read_csv(path)
    wide = table.pivot_table("accuracy", "model", ["feature", "snr_db"], "mean", sort=False)
    return (100 * wide).round(1)


def main(path: Path, features: Sequence[str]) -> None:
    finished = done(path)
    for row in rows(features):
        if row in finished:
            continue
        started = time.process_time()
        accuracy, epochs = measured(*row)
        append(path, (*row, round(accuracy, 4), epochs, round(time.process_time() - started)))
        print(*row, f"{accuracy:.3f} after {epochs} epochs", flush=True)
    print(summary(path).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or FEATURE_TYPES)
